//! The process that is killed: people register in it one after the other, in every way there is, and what they were
//! answered is written down before the next one begins. Others register beside them all the time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tower_registration::Registration;
use tower_registration::host::Courier;
use tower_registration::testing::{Authenticator, Call, Client, ClientKind, Faults, Moment, Point, Reply, UI};
use uuid::Uuid;

use super::diary::{Diary, Entry};
use super::{host, letters};
use crate::processes::{Place, Store, end_with_the_others, say};

/// Ways to register.
pub(crate) const WAYS: [(ClientKind, &str); 5] = [
    (ClientKind::Browser, "password"),
    (ClientKind::Spa, "password"),
    (ClientKind::Native, "password"),
    (ClientKind::Native, "code"),
    (ClientKind::Spa, "passkey"),
];

/// A point at which the process ends itself: while somebody registers in this way, at this call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) way: usize,
    pub(crate) number: usize,
    pub(crate) moment: Moment,
}

impl Target {
    pub(crate) fn to_json(self) -> Value {
        json!({ "way": self.way, "number": self.number, "after": self.moment == Moment::After })
    }

    fn of(told: &Value) -> Option<Self> {
        let number = |name: &str| usize::try_from(told[name].as_u64()?).ok();
        let moment = if told["after"].as_bool()? { Moment::After } else { Moment::Before };
        Some(Self { way: number("way")?, number: number("number")?, moment })
    }

    fn is(self, point: Point) -> bool {
        (self.number, self.moment) == (point.number, point.moment)
    }
}

/// `{ "place", "diary", "tag", "kill"?, "points"? }`: registers people whose addresses begin with the tag, until it is killed
/// or meets its target; or once in each way, to say which points there are.
pub(crate) async fn run(task: &Value) {
    let begun = Instant::now();
    end_with_the_others();
    let store = Place::of(&task["place"]).open().await;
    let diary = Diary::at(task["diary"].as_str().unwrap());
    let (tag, codes) = (task["tag"].as_str().unwrap(), host::Codes::new(&diary));
    let town = Town::new(&store, &diary, tag, &codes, codes.clone());
    if task["points"] == true {
        return town.tell_points().await;
    }
    town.come_back().await;
    town.register(2, "first").await;
    say(&json!({ "up": u64::try_from(begun.elapsed().as_millis()).unwrap() }));
    let beside = Town::new(&store, &diary, tag, &codes, codes.clone());
    let others = async {
        for number in 0_usize.. {
            beside.register(number % 3, &format!("beside-{number}")).await;
        }
    };
    tokio::join!(others, town.live(Target::of(&task["kill"])));
}

/// `{ "place", "diary", "tag", "smtp" }`: registers people, several at a time, and delivers their letters, until it is killed.
pub(crate) async fn run_under_load(task: &Value) {
    let begun = Instant::now();
    end_with_the_others();
    let store = Place::of(&task["place"]).open().await;
    let diary = Diary::at(task["diary"].as_str().unwrap());
    let codes = host::Codes::new(&diary);
    let courier = letters::courier(task["smtp"].as_str().unwrap());
    let town = Town::new(&store, &diary, task["tag"].as_str().unwrap(), &codes, courier);
    town.come_back().await;
    town.register(2, "first").await;
    say(&json!({ "up": u64::try_from(begun.elapsed().as_millis()).unwrap() }));
    let dispatcher = town.registration.dispatcher();
    tokio::spawn(async move { dispatcher.run_until(std::future::pending()).await });
    // All but the code, which arrives elsewhere.
    let crowd = async |way: usize| {
        for number in 0_usize.. {
            town.register(way, &format!("{way}-{number}")).await;
        }
    };
    tokio::join!(crowd(0), crowd(1), crowd(2), crowd(4));
}

/// A service, and people who use it.
struct Town {
    registration: Registration,
    faults: Faults,
    diary: Diary,
    codes: host::Codes,
    tag: String,
}

impl Town {
    fn new(store: &Store, diary: &Diary, tag: &str, codes: &host::Codes, courier: impl Courier) -> Self {
        let faults = Faults::new();
        let registration = host::builder(store, &faults, faults.around(courier)).build().unwrap();
        Self { registration, faults, diary: diary.clone(), codes: codes.clone(), tag: tag.to_owned() }
    }

    /// Registers people for ever. The third who registers in the way of the target meets it.
    async fn live(&self, target: Option<Target>) {
        let armed = Arc::new(AtomicBool::new(false));
        if let Some(target) = target {
            let armed = Arc::clone(&armed);
            self.faults.on_point(move |point| {
                if armed.load(Ordering::SeqCst) && target.is(point) {
                    std::process::abort();
                }
            });
        }
        for number in 0_usize.. {
            let way = number % WAYS.len();
            self.faults.set(&[]);
            let meets = target.is_some_and(|target| target.way == way && number >= WAYS.len());
            armed.store(meets, Ordering::SeqCst);
            self.register(way, &format!("{number}")).await;
            armed.store(false, Ordering::SeqCst);
            assert!(!meets, "{target:?} was not met in {:?}", self.faults.calls());
        }
    }

    /// Registers once in each way, and says which points were met.
    async fn tell_points(&self) {
        let met = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&met);
        self.faults.on_point(move |point| telling.lock().unwrap().push(point));
        for way in 0..WAYS.len() {
            self.faults.set(&[]);
            self.register(way, &format!("points-{way}")).await;
            let points = std::mem::take(&mut *met.lock().unwrap());
            let points: Vec<Value> = points.into_iter().map(told).collect();
            say(&json!({ "way": way, "points": points }));
        }
    }

    /// Those who got no answer send the same form again, or begin anew where that is what a person does.
    async fn come_back(&self) {
        for (email, flow) in self.diary.unanswered() {
            let mut client = self.client(ClientKind::Native);
            let flow = match flow {
                Some(flow) => flow,
                None => client.open().await.flow_id().unwrap(),
            };
            let path = format!("/self-service/registration?flow={flow}");
            let reply = persist(async || client.post_json(&path, &by_password(&email)).await).await;
            self.answered(&email, &reply);
        }
    }

    fn client(&self, kind: ClientKind) -> Client {
        Client::new(self.registration.clone(), "/auth", kind)
    }

    async fn register(&self, way: usize, name: &str) {
        let (kind, method) = WAYS[way];
        let email = format!("{}-{name}@example.org", self.tag);
        let mut client = self.client(kind);
        let page = persist(async || client.open().await).await;
        let again = page.flow_id().filter(|_| kind == ClientKind::Native && method == "password");
        let answer = match method {
            "code" => self.by_code(&mut client, &page, &email).await,
            "passkey" => {
                let made = Authenticator::new().credential_id(Uuid::new_v4().as_bytes().to_vec()).passkey(&page, UI);
                json!({ "passkey_register": made.unwrap(), "traits": { "email": email } })
            }
            _ => by_password(&email),
        };
        self.diary.write(&Entry::Begun { email: email.clone(), flow: again });
        let reply = persist(async || client.submit(&page, answer.clone()).await).await;
        self.answered(&email, &reply);
    }

    /// The answer with the code that was sent.
    async fn by_code(&self, client: &mut Client, page: &Reply, email: &str) -> Value {
        let mut answer = json!({ "method": "code", "traits": { "email": email } });
        let sent = persist(async || client.submit(page, answer.clone()).await).await;
        assert_eq!(sent.messages(), [1_040_005], "{}", sent.json());
        self.registration.dispatcher().flush().await.unwrap();
        answer["code"] = self.codes.take(email).unwrap().into();
        answer
    }

    fn answered(&self, email: &str, reply: &Reply) {
        let text = |pointer: &str| reply.at(pointer).as_str().map(str::to_owned);
        let email = email.to_owned();
        let made = reply.status() == 200 || reply.status() == 303 && reply.location() == format!("{UI}/welcome");
        self.diary.write(&match made {
            true => Entry::Done { email, identity: text("/identity/id"), token: text("/session_token") },
            false if reply.messages() == [4_000_007] => Entry::Taken { email },
            false => panic!("{email}: {} {}", reply.status(), reply.json()),
        });
    }
}

fn by_password(email: &str) -> Value {
    json!({ "method": "password", "password": "correct horse", "traits": { "email": email } })
}

fn told(point: Point) -> Value {
    json!({ "number": point.number, "after": point.moment == Moment::After, "call": point.call.as_str() })
}

/// Does it again when told to come back.
async fn persist(mut send: impl AsyncFnMut() -> Reply) -> Reply {
    for pause in 1..20 {
        let reply = send().await;
        if reply.status() != 503 {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(20 * pause)).await;
    }
    panic!("told to come back for ever");
}

/// The points of each way, as a process tells them.
pub(crate) fn points(told: &[Value]) -> BTreeMap<String, Vec<Target>> {
    let mut by_call = BTreeMap::<String, Vec<Target>>::new();
    for way in told {
        for point in way["points"].as_array().unwrap() {
            let (number, after) = (point["number"].as_u64().unwrap(), point["after"].as_bool().unwrap());
            let target = Target {
                way: usize::try_from(way["way"].as_u64().unwrap()).unwrap(),
                number: usize::try_from(number).unwrap(),
                moment: if after { Moment::After } else { Moment::Before },
            };
            let side = if after { "after" } else { "before" };
            by_call.entry(format!("{} {side}", point["call"].as_str().unwrap())).or_default().push(target);
        }
    }
    by_call
}

/// What every way through a registration calls between the first word of its unit and the last.
pub(crate) const OF_SETTLE: [Call; 7] =
    [Call::Owner, Call::Begin, Call::Spend, Call::Create, Call::InCommit, Call::UnitPut, Call::Commit];
