//! The service's door: raw requests go in, and what was answered and stored is looked at.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower::ServiceExt;
use tower_registration::Registration;
use tower_registration::host::{Kind, RecordId, Storage};
use tower_registration::memory::Memory;
use tower_registration::testing::App;

use super::stopwatch::Stopwatch;

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const JSON: &str = "application/json";
pub(super) const NAVIGATION: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// How long an answer to bad input may take: 5 ms, ten times as long where nothing is optimised.
pub(super) const QUICK: Duration = Duration::from_millis(if cfg!(debug_assertions) { 50 } else { 5 });

/// A service, spoken to in raw requests, and the memory behind it.
pub(super) struct Door {
    service: Registration,
    memory: Memory,
}

/// A flow as the client knows that began it.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) flow: String,
    /// The CSRF cookie, `name=value`; empty for a native client.
    pub(super) cookie: String,
    /// The token in the page; empty for a native client.
    pub(super) token: String,
    /// Where the flow says that it leads; empty when it says nothing.
    pub(super) return_to: String,
}

/// How much is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) flows: usize,
    pub(super) sessions: usize,
    pub(super) identities: usize,
}

/// Headers by name.
pub(super) type Head<'h> = &'h [(&'h str, &'h [u8])];

impl Door {
    pub(super) fn of(app: &App) -> Self {
        Self::with(app.registration(), app.memory().clone())
    }

    pub(super) fn with(service: Registration, memory: Memory) -> Self {
        Self { service, memory }
    }

    /// The app of the test kit with its defaults.
    pub(super) fn default_app() -> Self {
        Self::of(&App::new().unwrap())
    }

    /// Begins a flow as a native client.
    pub(super) async fn open_native(&self) -> Opened {
        self.begin("/auth/self-service/registration/api", &[]).await
    }

    /// Begins a flow as a browser's script; without a cookie the browser is a new one.
    pub(super) async fn open_browser(&self, cookie: &str) -> Opened {
        self.begin("/auth/self-service/registration/browser", &[("cookie", cookie.as_bytes())]).await
    }

    async fn begin(&self, path: &str, head: Head<'_>) -> Opened {
        self.open(path, head).await.unwrap_or_else(|answer| panic!("{path}: {} {}", answer.status, answer.body))
    }

    /// Begins a flow at this path, or gives the answer that says why there is none.
    pub(super) async fn open(&self, path: &str, head: Head<'_>) -> Result<Opened, Answer> {
        let head = [head, &[("accept", JSON.as_bytes())]].concat();
        let answer = self.ask(Method::GET, path, &head, Bytes::new()).await;
        if answer.status != 200 {
            return Err(answer);
        }
        let given = answer.cookies().find(|cookie| cookie.starts_with("csrf_token_"));
        let sent = head.iter().find(|(name, _)| *name == "cookie").map(|(_, value)| *value).unwrap_or_default();
        Ok(Opened {
            flow: answer.text("/id"),
            cookie: given.unwrap_or_else(|| String::from_utf8_lossy(sent).into_owned()),
            token: answer.token(),
            return_to: answer.text("/return_to"),
        })
    }

    /// Answers a flow with these headers and this body.
    pub(super) async fn submit(&self, flow: &str, head: Head<'_>, body: impl Into<Bytes>) -> Answer {
        self.ask(Method::POST, &submit_path(flow), head, body.into()).await
    }

    /// Answers a native flow with a body of this type.
    pub(super) async fn submit_native(&self, flow: &str, content_type: &str, body: impl Into<Bytes>) -> Answer {
        let head = [("accept", JSON.as_bytes()), ("content-type", content_type.as_bytes())];
        self.submit(flow, &head, body).await
    }

    /// Sends a request and reads the answer to its end.
    pub(super) async fn ask(&self, method: Method, path: &str, head: Head<'_>, body: Bytes) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "app.example.org");
        for (name, value) in head.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::new(body)).unwrap()).await
    }

    /// Sends a request with any body and reads the answer to its end.
    pub(super) async fn send<B>(&self, request: Request<B>) -> Answer
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let watch = Stopwatch::start();
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let took = watch.elapsed();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body, took }
    }

    /// How much is stored now.
    pub(super) fn stored(&self) -> Stored {
        Stored {
            flows: self.memory.count(Kind::Flow),
            sessions: self.memory.count(Kind::Session),
            identities: self.memory.all_identities().len(),
        }
    }

    /// The addresses of everybody who registered.
    pub(super) fn registered(&self) -> Vec<String> {
        let address = |traits: &Value| traits["email"].as_str().unwrap_or_default().to_owned();
        let mut all: Vec<String> = self.memory.all_identities().iter().map(|one| address(one.traits())).collect();
        all.sort_unstable();
        all
    }

    /// How often a flow was written.
    pub(super) async fn version_of(&self, flow: &str) -> i64 {
        let id = RecordId::new(flow.parse().unwrap());
        self.memory.get(Kind::Flow, id).await.unwrap().unwrap().version()
    }

    /// How many bytes a flow takes in the storage.
    pub(super) async fn size_of(&self, flow: &str) -> usize {
        let id = RecordId::new(flow.parse().unwrap());
        self.memory.get(Kind::Flow, id).await.unwrap().unwrap().body().len()
    }

    /// Whether a text stands anywhere in what is stored.
    pub(super) fn holds(&self, text: &str) -> bool {
        let kinds = [Kind::Flow, Kind::Error, Kind::Session];
        let mut records = kinds.into_iter().flat_map(|kind| self.memory.all_records(kind));
        let traits = self.memory.all_identities().iter().any(|one| one.traits().to_string().contains(text));
        traits || records.any(|record| String::from_utf8_lossy(record.body()).contains(text))
    }

    /// How many passwords were hashed.
    pub(super) fn hashes(&self) -> usize {
        self.service.hashes_computed()
    }
}

/// Where a flow is answered.
pub(super) fn submit_path(flow: &str) -> String {
    format!("/auth/self-service/registration?flow={flow}")
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: http::HeaderMap,
    /// The body where it is JSON, else null.
    pub(super) body: Value,
    pub(super) took: Duration,
}

impl Answer {
    /// The cookies that are set, `name=value`.
    pub(super) fn cookies(&self) -> impl Iterator<Item = String> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines.map(|line| line.split(';').next().unwrap_or_default().to_owned())
    }

    /// Where a redirect leads; empty when it is none.
    pub(super) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default()
    }

    /// The answer in a line, for what is told of a fault.
    pub(super) fn brief(&self) -> String {
        let (messages, fields) = (self.page_messages(), self.field_messages());
        let error = (self.error_id(), self.error_reason());
        format!("{} {} {error:?} {messages:?} {fields:?} in {:?}", self.status, self.location(), self.took)
    }

    /// The text at a place of the body; empty when there is none.
    pub(super) fn text(&self, pointer: &str) -> String {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The CSRF token in the page; empty when there is none.
    pub(super) fn token(&self) -> String {
        let nodes = self.body.pointer("/ui/nodes").and_then(Value::as_array).into_iter().flatten();
        let mut tokens = nodes.filter(|node| node["attributes"]["name"] == "csrf_token");
        tokens.find_map(|node| node["attributes"]["value"].as_str()).unwrap_or_default().to_owned()
    }

    /// The id of an error; empty when there is none.
    pub(super) fn error_id(&self) -> String {
        self.text("/error/id")
    }

    /// The reason of an error; empty when there is none.
    pub(super) fn error_reason(&self) -> String {
        self.text("/error/reason")
    }

    /// The messages for the page as a whole: number and text.
    pub(super) fn page_messages(&self) -> Vec<(u64, String)> {
        messages(self.body.pointer("/ui/messages"))
    }

    /// The fields that carry messages, each with the numbers.
    pub(super) fn field_messages(&self) -> Vec<(String, Vec<u64>)> {
        let nodes = self.body.pointer("/ui/nodes").and_then(Value::as_array).cloned().unwrap_or_default();
        let told = nodes.iter().map(|node| {
            let numbers = messages(node.get("messages")).into_iter().map(|(number, _)| number).collect();
            (node["attributes"]["name"].as_str().unwrap_or_default().to_owned(), numbers)
        });
        told.filter(|(_, numbers): &(String, Vec<u64>)| !numbers.is_empty()).collect()
    }

    /// Whether it is a refusal in the contract's shape: a flow with messages, or an error envelope of the same status.
    pub(super) fn is_clear_refusal(&self) -> bool {
        let told = !self.page_messages().is_empty() || !self.field_messages().is_empty();
        let enveloped = self.body.pointer("/error/code") == Some(&self.status.into());
        (400..500).contains(&self.status) && (told && self.status == 400 || enveloped)
    }
}

fn messages(list: Option<&Value>) -> Vec<(u64, String)> {
    let all = list.and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|one| Some((one["id"].as_u64()?, one["text"].as_str()?.to_owned()))).collect()
}
