//! S3 and C7: everything with a lifetime ends to the millisecond, on every store; and clocks that jump, stand still or
//! differ bring nothing back that was over, and end nothing for good that was not.

use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use time::Duration;
use tower_registration::memory::Memory;
use tower_registration::postgres::PostgresStorage;
use tower_registration::testing::{Client, Mailbox, Reply, TestClock, UI};
use tower_registration::{Registration, Verification};

use super::site::{Store, by_code, native, password, service};
use crate::server::server;
use crate::sqlite::Folder;

const ADA: &str = "ada@example.org";

/// Everything that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    FlowShown,
    FlowAnswered,
    Code,
    VerificationShown,
    VerificationCode,
    Link,
    Session,
    Letter,
}

const THINGS: [Thing; 8] = [
    Thing::FlowShown,
    Thing::FlowAnswered,
    Thing::Code,
    Thing::VerificationShown,
    Thing::VerificationCode,
    Thing::Link,
    Thing::Session,
    Thing::Letter,
];

impl Thing {
    fn lifetime(self) -> Duration {
        match self {
            Self::FlowShown | Self::FlowAnswered | Self::VerificationShown => Duration::hours(1),
            Self::Code => Duration::minutes(15),
            Self::VerificationCode | Self::Link | Self::Letter => Duration::minutes(20),
            Self::Session => Duration::hours(2),
        }
    }
}

/// A service with a clock of its own, and somebody in the middle of something that ends.
struct Scene {
    thing: Thing,
    registration: Registration,
    clock: TestClock,
    mailbox: Mailbox,
    client: Client,
    page: Option<Reply>,
    /// The code that was mailed, or the path of the link.
    proof: String,
}

impl Scene {
    async fn begin(thing: Thing, store: &Store) -> Self {
        let (clock, mailbox) = (TestClock::default(), Mailbox::new());
        let registration = Self::service(thing, store, &clock, &mailbox);
        let client = native(&registration);
        let mut scene = Self { thing, registration, clock, mailbox, client, page: None, proof: String::new() };
        scene.prepare().await;
        scene
    }

    fn service(thing: Thing, store: &Store, clock: &TestClock, mailbox: &Mailbox) -> Registration {
        let verification = match thing {
            Thing::Link => Verification::by_link(format!("{UI}/verify")),
            _ => by_code(),
        };
        let verification = verification.proof_lifespan(Duration::minutes(20));
        service(store, mailbox, verification, |builder| builder.clock(clock.clone()))
    }

    /// Another service over the same store, whose clock differs from now on.
    fn beside(&mut self, store: &Store, by: Duration) {
        let clock = TestClock::at(tower_registration::host::Clock::now(&self.clock) + by);
        self.registration = Self::service(self.thing, store, &clock, &self.mailbox);
        self.clock = clock;
        let token = self.proof.clone();
        self.client = match self.thing {
            Thing::Session => native(&self.registration).with_header("x-session-token", &token),
            _ => native(&self.registration),
        };
    }

    /// An address of its own, so that what is counted of addresses ends nothing here.
    fn email(&self) -> String {
        format!("{:?}.{ADA}", self.thing).to_lowercase()
    }

    async fn prepare(&mut self) {
        let email = self.email();
        let page = self.client.open().await;
        match self.thing {
            Thing::FlowShown | Thing::FlowAnswered => self.page = Some(page),
            Thing::Code => {
                let sent = self.client.submit(&page, self.code(None)).await;
                self.deliver().await;
                (self.page, self.proof) = (Some(sent), self.mailbox.latest_code(&email).unwrap());
            }
            Thing::VerificationShown | Thing::VerificationCode | Thing::Link | Thing::Session | Thing::Letter => {
                let done = self.client.submit(&page, password(&email)).await;
                assert_eq!(done.status(), 200, "{done:?}");
                if self.thing == Thing::Session {
                    done.at("/session_token").as_str().unwrap().clone_into(&mut self.proof);
                    self.client = self.client.clone().with_header("x-session-token", &self.proof);
                    return;
                }
                self.page = Some(self.client.verification_page(done).await);
                if self.thing == Thing::Letter {
                    return;
                }
                self.deliver().await;
                match self.thing {
                    Thing::Link => {
                        let link = self.mailbox.latest_link(&email).unwrap();
                        link.strip_prefix("https://app.example.org/auth").unwrap().clone_into(&mut self.proof);
                    }
                    _ => self.proof = self.mailbox.latest_code(&email).unwrap(),
                }
            }
        }
    }

    async fn deliver(&self) {
        self.registration.dispatcher().flush().await.unwrap();
    }

    fn code(&self, code: Option<&str>) -> Value {
        let mut answer = json!({ "method": "code", "traits": { "email": self.email() } });
        if let Some(code) = code {
            answer["code"] = code.into();
        }
        answer
    }

    /// Whether it can still be used. Using it may use it up.
    async fn is_usable(&mut self) -> bool {
        let page = self.page.clone();
        let flow = || page.as_ref().and_then(Reply::flow_id).unwrap();
        let answer = match self.thing {
            Thing::Session => return self.client.whoami().await.is_some(),
            Thing::Letter => {
                self.deliver().await;
                return self.mailbox.latest(&self.email()).is_some();
            }
            Thing::FlowShown => return usable(&self.client.show(&flow()).await, &[200], &[410]),
            Thing::VerificationShown => return usable(&self.client.show_verification(&flow()).await, &[200], &[410]),
            Thing::FlowAnswered => self.client.submit(page.as_ref().unwrap(), password(&self.email())).await,
            Thing::Code => self.client.submit(page.as_ref().unwrap(), self.code(Some(&self.proof))).await,
            Thing::VerificationCode => {
                let answer = json!({ "method": "code", "code": self.proof });
                let reply = self.client.submit_verification(page.as_ref().unwrap(), answer).await;
                return reply.at("/state") == "passed_challenge";
            }
            Thing::Link => return self.follow().await,
        };
        usable(&answer, &[200], &[400, 410])
    }

    /// Opens the link in a browser and presses the button.
    async fn follow(&mut self) -> bool {
        let mut browser =
            Client::new(self.registration.clone(), "/auth", tower_registration::testing::ClientKind::Browser);
        let opened = browser.get(&self.proof).await;
        let page = browser.verification_page(opened).await;
        let token = page.value_of("token");
        if token.is_null() {
            return false;
        }
        let done = browser.submit_verification(&page, json!({ "method": "link", "token": token })).await;
        browser.verification_page(done).await.at("/state") == "passed_challenge"
    }
}

fn usable(reply: &Reply, yes: &[u16], no: &[u16]) -> bool {
    assert!(yes.contains(&reply.status()) || no.contains(&reply.status()), "{reply:?}");
    yes.contains(&reply.status())
}

/// A store for each scene.
struct Stores {
    kind: &'static str,
    folder: Folder,
    count: std::cell::Cell<usize>,
}

impl Stores {
    fn of(kind: &'static str) -> Self {
        Self { kind, folder: Folder::new(), count: std::cell::Cell::new(0) }
    }

    async fn fresh(&self) -> Store {
        self.count.set(self.count.get() + 1);
        let prefix = format!("c{}_", self.count.get());
        let store = match self.kind {
            "memory" => Store::Memory(Memory::new()),
            "sqlite" => Store::Sqlite(self.folder.storage(&prefix).await),
            _ => {
                let pool = PgPoolOptions::new().max_connections(4).connect(&server().dsn()).await.unwrap();
                let storage = PostgresStorage::from_pool(pool).with_schema("clocks").unwrap();
                Store::Postgres(storage.with_prefix(&prefix).unwrap())
            }
        };
        store.set_up().await;
        store
    }
}

/// S3 for everything: one millisecond before its end, at it, and after.
async fn ends_in_time(stores: Stores) {
    for thing in THINGS {
        let mut found = Vec::new();
        for offset in [-1, 0, 1] {
            let mut scene = Scene::begin(thing, &stores.fresh().await).await;
            scene.clock.advance(thing.lifetime() + Duration::milliseconds(offset));
            found.push(scene.is_usable().await);
        }
        assert_eq!(found, [true, false, false], "{thing:?} in {}", stores.kind);
    }
}

/// C7 for everything. The store is another one for each, as using something may use it up.
async fn bears_every_clock(stores: Stores) {
    for thing in THINGS {
        let place = format!("{thing:?} in {}", stores.kind);
        for (jump, usable) in [
            (Duration::ZERO, true),
            (Duration::hours(-1), true),
            (thing.lifetime() + Duration::minutes(1), false),
            (Duration::days(3_653), false),
        ] {
            let mut scene = Scene::begin(thing, &stores.fresh().await).await;
            scene.clock.advance(jump);
            assert_eq!(scene.is_usable().await, usable, "{place}, clock {jump}");
            // A service whose clock is wrong still signs people up, for as long as ever.
            lives_as_long_as_ever(&scene, &place).await;
        }
        bears_other_clocks(thing, &stores, &place).await;
    }
}

async fn bears_other_clocks(thing: Thing, stores: &Stores, place: &str) {
    // What was over stays over when the clock goes back.
    let mut scene = Scene::begin(thing, &stores.fresh().await).await;
    scene.clock.advance(thing.lifetime() + Duration::minutes(1));
    lives_as_long_as_ever(&scene, place).await;
    scene.clock.advance(Duration::hours(-1));
    assert!(!scene.is_usable().await, "{place} comes back");

    // What was not over is there again when a clock that was ten years ahead is set right.
    let mut scene = Scene::begin(thing, &stores.fresh().await).await;
    scene.clock.advance(Duration::days(3_653));
    lives_as_long_as_ever(&scene, place).await;
    scene.clock.advance(Duration::days(-3_653));
    assert!(scene.is_usable().await, "{place} is lost");

    for by in [Duration::minutes(-5), Duration::minutes(5)] {
        let store = stores.fresh().await;
        let mut scene = Scene::begin(thing, &store).await;
        scene.beside(&store, by);
        // A letter is due by the clock of who wrote it, and waits for a clock that is behind.
        let usable = thing != Thing::Letter || by.is_positive();
        assert_eq!(scene.is_usable().await, usable, "{place}, beside a clock that is off by {by}");
        scene.clock.advance(Duration::minutes(5));
        assert!(usable || scene.is_usable().await, "{place} does not arrive");
    }
}

/// Somebody new signs up, and what they are told of lifetimes is right.
async fn lives_as_long_as_ever(scene: &Scene, place: &str) {
    let mut client = native(&scene.registration);
    let page = client.open().await;
    let at = |name: &str| {
        let text = page.at(name).as_str().unwrap().to_owned();
        time::OffsetDateTime::parse(&text, &time::format_description::well_known::Rfc3339).unwrap()
    };
    assert_eq!(at("/expires_at") - at("/issued_at"), Duration::hours(1), "{place}");
    let done = client.submit(&page, password("grace@example.org")).await;
    assert_eq!(done.status(), 200, "{place}: {done:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_in_memory_everything_ends_to_the_millisecond() {
    ends_in_time(Stores::of("memory")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_in_sqlite_everything_ends_to_the_millisecond() {
    ends_in_time(Stores::of("sqlite")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_in_postgres_everything_ends_to_the_millisecond() {
    ends_in_time(Stores::of("postgres")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c7_in_memory_clocks_may_jump() {
    bears_every_clock(Stores::of("memory")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c7_in_sqlite_clocks_may_jump() {
    bears_every_clock(Stores::of("sqlite")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c7_in_postgres_clocks_may_jump() {
    bears_every_clock(Stores::of("postgres")).await;
}
