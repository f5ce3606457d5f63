//! F14: any bytes are a sequence of requests to the whole service: right ones, nearly right ones and nonsense, with the
//! ids, cookies, tokens and codes that earlier answers and letters gave. Whatever comes, every answer is one, and soon
//! there, and the invariants hold.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::runtime::Runtime;
use tower_registration::testing::{Client as Http, Reply};
use uuid::Uuid;

use crate::command::{Act, Client, Command, LENGTH};
use crate::reference::Model;
use crate::rows::Place;
use crate::site::{Site, runtime};
use crate::step::step;
use crate::watch::Weather;
use crate::world::{Traces, World};

const PATHS: [&str; 16] = [
    "/self-service/registration/browser",
    "/self-service/registration/api",
    "/self-service/registration/flows?id=",
    "/self-service/registration?flow=",
    "/self-service/registration?flow=",
    "/self-service/registration?flow=",
    "/self-service/verification/browser",
    "/self-service/verification/api",
    "/self-service/verification/flows?id=",
    "/self-service/verification?flow=",
    "/self-service/verification?flow=",
    "/self-service/errors?id=",
    "/sessions/whoami",
    "/sessions/token-exchange?init_code=",
    "/schemas",
    "/",
];
const VERBS: [Method; 8] =
    [Method::GET, Method::POST, Method::POST, Method::POST, Method::POST, Method::HEAD, Method::PUT, Method::OPTIONS];
const JSON: &str = "application/json";
const TYPES: [&str; 4] = [JSON, "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"];
const ACCEPTS: [&str; 3] = [JSON, "text/html", "*/*"];
const WORDS: [&str; 12] =
    ["method", "password", "traits", "code", "resend", "screen", "csrf_token", "email", "token", "link", "profile", ""];

/// Plays inputs one after the other, in memory.
pub(crate) struct Player {
    runtime: Arc<Runtime>,
    /// Time on the processor that a request may take: of the thread that answers it, without the hash.
    most: Duration,
    /// By their choices: in two steps, by link.
    sites: [Option<Site>; 4],
}

impl Player {
    pub(crate) fn new(most: Duration) -> Self {
        Self { runtime: Arc::new(runtime()), most, sites: [const { None }; 4] }
    }

    /// Plays bytes as requests (F14). Whether somebody registered.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        let mut world = self.world(0);
        world.site.watch.weather(Weather::Calm);
        let registered = self.runtime.block_on(play(&mut world, input, self.most));
        self.sites[0] = Some(world.site);
        registered > 0
    }

    /// Plays bytes as commands, of which the reference model knows what comes of them (I1 to I16): a byte for the choices
    /// of the host, then the commands. Whether somebody registered.
    pub(crate) fn play_commands(&mut self, input: &[u8]) -> bool {
        let (choice, commands) = input.split_first().unwrap_or((&0, &[]));
        let at = usize::from(choice % 4);
        let mut world = self.world(at);
        self.runtime.block_on(async {
            for bytes in commands.as_chunks::<LENGTH>().0 {
                let act = Act::read(*bytes, &world.model);
                let after = world.model.clone().after(&act);
                step(&mut world, &act, &after).await;
            }
            world.everything_is_readable().await;
        });
        let nobody = self.runtime.block_on(world.site.watch.place().rows()).people.is_empty();
        self.sites[at] = Some(world.site);
        !nobody
    }

    fn world(&mut self, at: usize) -> World {
        let place = Place::memory();
        let site = self.sites[at].take();
        World::new(site.unwrap_or_else(|| Site::new(Arc::clone(&self.runtime), place, at & 1 == 1, at & 2 == 2)))
    }
}

/// What the bytes have come to so far.
struct Story<'w> {
    world: &'w mut World,
    clients: Vec<Http>,
    ids: Vec<String>,
    tokens: Vec<String>,
    typed: BTreeSet<String>,
    made: usize,
    created: usize,
    posted: usize,
    most: Duration,
}

/// Reads a few bytes at a time; behind the end there are zeros.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn next(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        of.get(usize::from(self.next()) % of.len().max(1))
    }

    fn some(&mut self, most: u8) -> &'b [u8] {
        let many = usize::from(self.next() % most).min(self.0.len());
        let (some, rest) = self.0.split_at(many);
        self.0 = rest;
        some
    }
}

impl Story<'_> {
    /// Checks the invariants over what happened since the last look.
    async fn look(&mut self) {
        let (units, _) = self.world.site.watch.take();
        let rows = self.world.site.watch.place().rows().await;
        assert!(rows.people.len() >= self.made, "I2: {} were told so, {:?}", self.made, rows.people);
        self.created += units.iter().map(|unit| unit.created.len()).sum::<usize>();
        assert_eq!(rows.people.len(), self.created, "I8: {:?}", rows.people);
        self.world.history.presented.append(&mut self.typed);
        self.world.site.may_have_hashed += std::mem::take(&mut self.posted);
        self.world.site.all_answered = false;
        let act = Act { command: Command::Sweep, side: 0, crash: None };
        self.world.check(&act, &Traces { rows, units, heard: None }, &Model::new(false, false)).await;
    }

    async fn request(&mut self, bytes: &mut Bytes<'_>) {
        let mut path = bytes.pick(&PATHS).copied().unwrap_or_default().to_owned();
        let mut verb = bytes.pick(&VERBS).cloned().unwrap_or_default();
        if path.ends_with("?flow=") && !bytes.next().is_multiple_of(8) {
            verb = Method::POST;
        }
        if path.ends_with('=') {
            path.push_str(&self.id(bytes));
        }
        let twist = bytes.next();
        if twist % 8 == 1 {
            let text = String::from_utf8_lossy(bytes.some(20)).into_owned();
            let escaped: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            path.push_str(&format!("{}return_to={escaped}", if path.contains('?') { '&' } else { '?' }));
        }
        let at = usize::from(bytes.next()) % self.clients.len();
        let mut client = self.clients[at].clone();
        if twist % 16 == 2 {
            client = client.with_header("origin", "https://evil.example");
        }
        let kind = bytes.pick(&TYPES).copied().unwrap_or_default();
        let accept = bytes.pick(&ACCEPTS).copied().unwrap_or_default();
        let body = (verb != Method::GET && verb != Method::HEAD).then(|| (kind, self.body(kind, bytes)));
        self.posted += usize::from(verb == Method::POST && path.starts_with("/self-service/registration"));
        let before = processor_time();
        let reply = client.send(verb.clone(), &path, body.clone(), accept).await;
        let took = processor_time().saturating_sub(before);
        assert!(reply.status() < 500, "{verb} {path} {body:?}: {reply:?}");
        assert!(took < self.most, "{verb} {path} {body:?} took {took:?}");
        urls_are_built_from_the_configuration(&reply);
        self.learn(&reply);
        if at > 0 {
            *self.clients[at].cookies() = client.cookies().clone();
            // Somebody who is signed in cannot register again.
            self.clients[at].cookies().retain(|name, _| name != "ory_kratos_session");
        }
    }

    fn id(&self, bytes: &mut Bytes<'_>) -> String {
        match bytes.next() % 16 {
            0 => Uuid::nil().to_string(),
            1 => bytes.some(12).iter().map(|byte| format!("%{byte:02x}")).collect(),
            2..6 => bytes.pick(&self.ids).cloned().unwrap_or_default(),
            _ => self.ids.iter().rev().nth(usize::from(bytes.next() % 3)).cloned().unwrap_or_default(),
        }
    }

    fn body(&mut self, kind: &str, bytes: &mut Bytes<'_>) -> String {
        let email = ["ada@example.org", "Bob@example.org", "eve@example.org"][usize::from(bytes.next()) % 3];
        let token = match bytes.next() % 4 {
            0 => bytes.pick(&self.tokens).cloned().unwrap_or_default(),
            _ => self.tokens.last().cloned().unwrap_or_default(),
        };
        let mut form = json!({ "csrf_token": token, "traits": { "email": email } });
        let code = self.world.site.mailbox.latest_code(&email.to_lowercase()).unwrap_or_else(|| "123456".to_owned());
        match bytes.next() % 12 {
            0..3 => (form["method"], form["password"]) = ("password".into(), "correct horse battery".into()),
            3 | 4 => form["method"] = "code".into(),
            5 | 6 => {
                (form["method"], form["code"]) = ("code".into(), code.into());
                self.typed.insert(email.to_lowercase());
            }
            7 => (form["method"], form["resend"]) = ("code".into(), "code".into()),
            8 => (form["method"], form["email"]) = ("code".into(), email.into()),
            9 => form["method"] = "profile".into(),
            10 => return String::from_utf8_lossy(bytes.some(60)).into_owned(),
            _ => {
                let (name, text) = (bytes.pick(&WORDS).copied().unwrap_or_default(), bytes.some(24));
                form[name] = String::from_utf8_lossy(text).into_owned().into();
            }
        }
        match kind {
            JSON => form.to_string(),
            _ => {
                let mut fields = form_urlencoded(&form);
                fields.push_str(&String::from_utf8_lossy(bytes.some(4)));
                fields
            }
        }
    }

    /// Takes ids and tokens from an answer.
    fn learn(&mut self, reply: &Reply) {
        let led = reply.location_parameter("flow").or_else(|| reply.location_parameter("id"));
        let next = reply
            .at("/continue_with")
            .as_array()
            .and_then(|steps| steps.last()?["flow"]["id"].as_str().map(str::to_owned));
        self.ids.extend(reply.flow_id().into_iter().chain(led).chain(next));
        self.tokens.extend(reply.value_of("csrf_token").as_str().filter(|token| !token.is_empty()).map(str::to_owned));
        self.made += usize::from(reply.at("/identity/id").is_string() && reply.at("/continue_with").is_array());
    }
}

fn form_urlencoded(form: &serde_json::Value) -> String {
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let pairs = form.as_object().into_iter().flatten().map(|(name, value)| match value.as_str() {
        Some(text) => format!("{}={}", escape(name), escape(text)),
        None => format!("traits.email={}", escape(value["email"].as_str().unwrap_or_default())),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// I12, where anybody's text may be echoed: in the places that the library fills with URLs.
fn urls_are_built_from_the_configuration(reply: &Reply) {
    let mut urls = vec![reply.location().to_owned()];
    for place in ["/ui/action", "/request_url", "/redirect_browser_to", "/error/details/redirect_to"] {
        urls.extend(reply.at(place).as_str().map(str::to_owned));
    }
    for url in urls.iter().filter(|url| !url.is_empty()) {
        assert!(url.starts_with("https://app.example.org/") || url == "https://app.example.org", "I12: {url}");
    }
}

/// What this thread has used of a processor, where the system tells.
fn processor_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}

/// Says how many registered.
async fn play(world: &mut World, bytes: &[u8], most: Duration) -> usize {
    let kinds = [Client::Native, Client::Browser, Client::Spa];
    let clients = kinds.iter().map(|kind| world.site.client(0, *kind)).collect();
    let (ids, tokens, typed) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut story = Story { world, clients, ids, tokens, typed, made: 0, created: 0, posted: 0, most };
    let mut rest = Bytes(bytes);
    for kind in 0..3 {
        let way = if kind == 0 { "api" } else { "browser" };
        let reply = story.clients[kind].get_json(&format!("/self-service/registration/{way}")).await;
        story.learn(&reply);
    }
    while !rest.0.is_empty() {
        match rest.next() % 16 {
            0 => drop(story.world.site.services[0].dispatcher().flush().await.unwrap()),
            1 => {
                story.look().await;
                story.world.site.clock.advance(time::Duration::minutes(rest.next().into()));
            }
            2 => drop(story.world.site.services[1].sweeper().sweep().await.unwrap()),
            _ => story.request(&mut rest).await,
        }
    }
    story.look().await;
    story.world.everything_is_readable().await;
    story.created
}
