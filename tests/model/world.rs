//! The service under test, played command by command: what is sent, by whom, and what came back.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};
use time::Duration;
use tower_registration::testing::{Authenticator, Client, Reply, UI};
use uuid::Uuid;

use crate::command::{self, Act, Answer, Command, Proof, Target, Who};
use crate::names::Names;
use crate::reference::{Model, Said, Sent};
use crate::rows::Rows;
use crate::site::Site;
use crate::told;
use crate::watch::{Held, Weather};

const PEOPLE: [[&str; 2]; 3] = [
    ["ada@example.org", "Ada@Example.org"],
    ["bob@example.org", "BOB@example.org"],
    ["eve@example.org", "eve@EXAMPLE.ORG"],
];

/// The canonical address of a person.
pub(crate) fn address(person: usize) -> &'static str {
    PEOPLE[person][0]
}

/// What a client has of a flow: its cookies, and the token of its page.
#[derive(Clone)]
pub(crate) struct Kit {
    client: Client,
    token: String,
}

/// What came of a request.
pub(crate) struct Heard {
    pub(crate) reply: Reply,
    pub(crate) said: Said,
    /// The client with what the answer gave it.
    client: Client,
    /// The proof that was typed, where it is one that was sent: its letter.
    pub(crate) letter: Option<usize>,
}

impl Heard {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

/// What the test has seen so far, for invariants about the past.
#[derive(Default)]
pub(crate) struct History {
    pub(crate) acknowledged: Vec<Uuid>,
    /// Addresses whose letters were answered.
    pub(crate) presented: BTreeSet<String>,
    /// Letters that led to success.
    pub(crate) used: BTreeSet<usize>,
    /// When a wrong code was told to be one, by address, since the last right one.
    pub(crate) verdicts: BTreeMap<usize, Vec<i64>>,
    pub(crate) verdicts_of_flow: BTreeMap<Uuid, usize>,
    /// When letters were posted, by lane.
    pub(crate) posted: BTreeMap<Uuid, Vec<i64>>,
    pub(crate) spent: BTreeMap<Uuid, Uuid>,
}

pub(crate) struct World {
    pub(crate) site: Site,
    pub(crate) model: Model,
    pub(crate) names: Names,
    pub(crate) history: History,
    flows: Vec<Option<Kit>>,
    proofs: Vec<Option<Kit>>,
}

/// What an act left behind.
pub(crate) struct Traces {
    pub(crate) rows: Rows,
    pub(crate) units: Vec<Held>,
    pub(crate) heard: Option<Heard>,
}

impl World {
    pub(crate) fn new(mut site: Site) -> Self {
        site.reset();
        let model = Model::new(site.two_steps, site.by_link);
        let (names, history) = (Names::default(), History::default());
        Self { site, model, names, history, flows: Vec::new(), proofs: Vec::new() }
    }

    /// Does it. Nothing is heard of what is no request, or was dropped.
    pub(crate) async fn act(&mut self, act: &Act, weather: Weather) -> Traces {
        let heard = match act.command {
            Command::Wait { seconds } => {
                self.site.clock.advance(Duration::seconds(seconds));
                None
            }
            Command::Restart => {
                self.site.restart();
                None
            }
            Command::Sweep => {
                self.site.services[act.side].sweeper().sweep().await.unwrap();
                None
            }
            Command::Dispatch => {
                self.site.services[act.side].dispatcher().flush().await.unwrap();
                None
            }
            command => {
                let watch = self.site.watch.clone();
                watch.weather(weather);
                let heard = tokio::select! {
                    heard = self.ask(command, act.side) => heard,
                    () = watch.hung() => None,
                };
                watch.weather(Weather::Calm);
                heard
            }
        };
        let (units, _) = self.site.watch.take();
        let rows = self.site.watch.place().rows().await;
        Traces { rows, units, heard }
    }

    /// Takes what the model became, with the names of what is new, and lets clients look at it.
    pub(crate) async fn become_(&mut self, model: Model, names: Names, act: &Act, heard: Option<&Heard>) {
        (self.model, self.names) = (model, names);
        // A client that was dropped did not get the answer.
        let client = heard.filter(|_| act.crash.is_none()).map(|heard| &heard.client);
        while self.flows.len() < self.model.flows.len() {
            let at = self.flows.len();
            let flow = self.names.flows[at].to_string();
            let kit = self.kit(client, self.model.flows[at].client, act.side, async |client| client.show(&flow).await);
            let kit = kit.await;
            self.flows.push(kit);
        }
        while self.proofs.len() < self.model.proofs.len() {
            let at = self.proofs.len();
            let flow = self.names.proofs[at].to_string();
            let show = async |client: &mut Client| client.show_verification(&flow).await;
            let kit = self.kit(client, self.model.proofs[at].client, act.side, show).await;
            self.proofs.push(kit);
        }
    }

    /// What a client has of a new flow. A browser that did not get the answer has nothing.
    async fn kit(
        &self,
        client: Option<&Client>,
        kind: command::Client,
        side: usize,
        show: impl AsyncFnOnce(&mut Client) -> Reply,
    ) -> Option<Kit> {
        if kind == command::Client::Native {
            return Some(Kit { client: self.site.client(side, kind), token: String::new() });
        }
        let mut client = client?.clone();
        let page = show(&mut client).await;
        let token = page.value_of("csrf_token").as_str()?.to_owned();
        Some(Kit { client, token })
    }

    /// Somebody registers with a service that proves no addresses.
    pub(crate) async fn import(&mut self, person: usize) {
        let mut client = crate::site::client(&self.site.without_proofs(), command::Client::Native);
        let page = client.open().await;
        let body = json!({ "method": "password", "password": "correct horse battery",
            "traits": { "email": address(person) } });
        let made = client.submit(&page, body).await;
        assert_eq!(made.status(), 200, "{made:?}");
        let mut model = self.model.clone();
        model.import(person);
        let names = self.names.agree(&model, &self.site.watch.place().rows().await).unwrap();
        let act = Act { command: Command::Sweep, side: 0, crash: None };
        self.site.watch.take();
        self.become_(model, names, &act, None).await;
    }

    /// What was typed counts as presented, whether or not an answer was heard.
    pub(crate) fn typed_anyway(&mut self, command: Command, unheard: bool) {
        let sent = match command {
            Command::Submit { flow, answer: Answer::Code(Proof::Right), .. } => {
                self.model.flows.get(flow).and_then(|flow| flow.sent.as_ref())
            }
            Command::Prove { proof, with: Proof::Right } => {
                self.model.proofs.get(proof).and_then(|proof| proof.sent.as_ref())
            }
            _ => None,
        };
        let (_, letter) = self.typed(sent, Proof::Right);
        if let Some(letter) = letter.filter(|_| unheard) {
            self.history.presented.insert(address(self.model.letters[letter].to).to_owned());
        }
    }

    /// Sends the request of a command.
    pub(crate) async fn ask(&self, command: Command, side: usize) -> Option<Heard> {
        // What a client never got, it cannot use.
        let known = |kits: &[Option<Kit>], at: usize| kits.get(at).is_some_and(Option::is_some);
        match command {
            Command::Show { flow } | Command::Submit { flow, .. } if !known(&self.flows, flow) => None,
            Command::Ask { proof, .. } | Command::Prove { proof, .. } | Command::Follow { proof, .. }
                if !known(&self.proofs, proof) =>
            {
                None
            }
            Command::Open { client, target } => {
                let mut client = self.site.client(side, client);
                let reply = begin(&mut client, command, target).await;
                self.site.watch.calm();
                let said = told::of_registration(&reply, &mut client, None).await;
                Some(Heard { reply, said, client, letter: None })
            }
            Command::OpenProof { client } => {
                let mut client = self.site.client(side, client);
                let reply = begin(&mut client, command, Target::Nowhere).await;
                self.site.watch.calm();
                let said = told::of_proof(&reply, &mut client, None).await;
                Some(Heard { reply, said, client, letter: None })
            }
            Command::Show { flow } => {
                let mut client = self.kit_of(&self.flows, flow, side)?.client;
                let reply = client.show(&self.names.flows[flow].to_string()).await;
                let said = told::of_registration(&reply, &mut client, None).await;
                Some(Heard { reply, said, client, letter: None })
            }
            Command::Submit { flow, who, answer } => self.submit(flow, who, answer, side).await,
            Command::Ask { proof, who } => {
                let kit = self.kit_of(&self.proofs, proof, side)?;
                let body = json!({ "method": self.proof_method(), "email": spelled(who), "csrf_token": kit.token });
                self.post_proof(kit.client, proof, body, None).await
            }
            Command::Prove { proof, with } => {
                let kit = self.kit_of(&self.proofs, proof, side)?;
                let (typed, letter) = self.typed(self.model.proofs[proof].sent.as_ref(), with);
                let field = if self.model.by_link { "token" } else { "code" };
                let body = json!({ "method": self.proof_method(), field: typed });
                self.post_proof(kit.client, proof, body, letter).await
            }
            Command::Follow { proof, head } => {
                let mut client = self.site.client(side, command::Client::Browser);
                let (typed, _) = self.typed(self.model.proofs[proof].sent.as_ref(), Proof::Right);
                let (flow, field) = (self.names.proofs[proof], if self.model.by_link { "token" } else { "code" });
                let path = format!("/self-service/verification?flow={flow}&{field}={typed}");
                let verb = if head { Method::HEAD } else { Method::GET };
                let reply = client.send(verb, &path, None, "text/html").await;
                self.site.watch.calm();
                let said = told::of_link(&reply, &mut client, flow).await;
                Some(Heard { reply, said, client, letter: None })
            }
            _ => None,
        }
    }

    async fn submit(&self, at: usize, who: Who, answer: Answer, side: usize) -> Option<Heard> {
        let Kit { mut client, token } = self.kit_of(&self.flows, at, side)?;
        let flow = self.names.flows[at];
        let path = format!("/self-service/registration?flow={flow}");
        if answer == Answer::Broken {
            let reply = client.send(Method::POST, &path, Some(("application/json", "{".to_owned())), "*/*").await;
            let said = told::of_registration(&reply, &mut client, Some(flow)).await;
            return Some(Heard { reply, said, client, letter: None });
        }
        let mut body = json!({ "traits": { "email": spelled(who) }, "csrf_token": token });
        let mut letter = None;
        let mut set = |name: &str, value: &str| body[name] = value.into();
        match answer {
            Answer::Profile => set("method", "profile"),
            Answer::Back => set("screen", "previous"),
            Answer::Password | Answer::Foreign => {
                set("method", "password");
                set("password", "correct horse battery");
            }
            Answer::ShortPassword => {
                set("method", "password");
                set("password", "short");
            }
            Answer::Send => set("method", "code"),
            Answer::Resend => {
                set("method", "code");
                set("resend", "code");
            }
            Answer::Code(with) => {
                let typed = self.typed(self.model.flows[at].sent.as_ref(), with);
                set("method", "code");
                set("code", &typed.0);
                letter = typed.1.filter(|_| self.model.flows[at].asks_code);
            }
            Answer::Passkey => {
                let page = client.show(&flow.to_string()).await;
                if let Ok(made) = Authenticator::new().passkey(&page, UI) {
                    set("passkey_register", &made);
                }
            }
            Answer::Off => {
                set("method", "oidc");
                set("provider", "elsewhere");
            }
            Answer::Nobody | Answer::Broken => {}
        }
        if answer == Answer::Foreign {
            client = client.with_header("origin", "https://evil.example");
        }
        let reply = post(&mut client, self.model.flows[at].client, &path, body).await;
        self.site.watch.calm();
        let said = told::of_registration(&reply, &mut client, Some(flow)).await;
        Some(Heard { reply, said, client, letter })
    }

    async fn post_proof(&self, mut client: Client, at: usize, body: Value, letter: Option<usize>) -> Option<Heard> {
        let flow = self.names.proofs[at];
        let path = format!("/self-service/verification?flow={flow}");
        let reply = post(&mut client, self.model.proofs[at].client, &path, body).await;
        self.site.watch.calm();
        let said = told::of_proof(&reply, &mut client, Some(flow)).await;
        Some(Heard { reply, said, client, letter })
    }

    /// A copy: what an answer gives to a client that is signed in now does not spoil its other tries. It asks this
    /// service.
    fn kit_of(&self, kits: &[Option<Kit>], at: usize, side: usize) -> Option<Kit> {
        let mut kit = kits.get(at)?.clone()?;
        let jar = kit.client.cookies().clone();
        let kind = match std::ptr::eq(kits, self.flows.as_slice()) {
            true => self.model.flows[at].client,
            false => self.model.proofs[at].client,
        };
        kit.client = self.site.client(side, kind);
        *kit.client.cookies() = jar;
        Some(kit)
    }

    fn proof_method(&self) -> &'static str {
        if self.model.by_link { "link" } else { "code" }
    }

    /// What somebody types who has read the delivered letters.
    fn typed(&self, sent: Option<&Sent>, with: Proof) -> (String, Option<usize>) {
        let read = |letter: Option<usize>| Some((letter?, self.read(letter?)?));
        let (right, older) = (sent.and_then(|sent| read(sent.letter)), sent.and_then(|sent| read(sent.older)));
        let chosen = match with {
            Proof::Right => right,
            // Two codes in a million are the same.
            Proof::Older => older.zip(right).filter(|(older, right)| older.1 != right.1).map(|(older, _)| older),
            Proof::Wrong => None,
        };
        chosen.map_or_else(|| ("never-sent".to_owned(), None), |(letter, text)| (text, Some(letter)))
    }

    /// The code or token in a letter that was delivered.
    fn read(&self, letter: usize) -> Option<String> {
        let id = *self.names.letters.get(letter)?;
        let letter = self.site.mailbox.letters().into_iter().find(|own| own.id() == id)?;
        let word = |text: &str| text.split("token=").nth(1).map(|rest| rest.chars().take(32).collect::<String>());
        let digits =
            |text: &str| text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6).map(str::to_owned);
        word(letter.text()).or_else(|| digits(letter.text()))
    }
}

fn spelled(who: Who) -> &'static str {
    PEOPLE[who.person][usize::from(who.spelled)]
}

async fn begin(client: &mut Client, command: Command, target: Target) -> Reply {
    let (word, kind) = match command {
        Command::Open { client, .. } => ("registration", client),
        Command::OpenProof { client } => ("verification", client),
        _ => unreachable!("nothing is begun"),
    };
    let kind = if kind == command::Client::Native { "api" } else { "browser" };
    let query = match target {
        Target::Nowhere => String::new(),
        Target::Listed => format!("?return_to={UI}/there"),
        Target::AfterVerification => format!("?after_verification_return_to={UI}/later"),
        Target::Foreign => "?return_to=https://evil.example/".to_owned(),
    };
    client.get(&format!("/self-service/{word}/{kind}{query}")).await
}

async fn post(client: &mut Client, kind: command::Client, path: &str, body: Value) -> Reply {
    if kind != command::Client::Browser {
        return client.post_json(path, &body).await;
    }
    let mut fields = Vec::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        match value.as_str() {
            Some(text) => fields.push((name.clone(), text.to_owned())),
            None => fields.push(("traits.email".to_owned(), value["email"].as_str().unwrap_or_default().to_owned())),
        }
    }
    client.post_form(path, &fields).await
}
