//! Plays one conversation: keeps cookies and variables, sends what the steps say, and keeps what is answered.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Full};
use regex::Regex;
use serde_json::{Map, Value, json};
use time::Duration;
use tower::ServiceExt;
use tower_registration::host::Rendered;
use tower_registration::identity::Channel;
use tower_registration::testing::{Authenticator, Flaw, Mailbox, TestClock};
use tower_registration::{ClientAddress, Registration};

use crate::answer::Answer;
use crate::normalise::{Names, Normaliser, UrlParts, canonical};
use crate::peers;
use crate::scenario::{Scenario, Step};
use crate::variables::{Variables, as_text};

static ENDED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?i)max-age=(0|-\d+)").unwrap());

/// A service that conversations are played against, and how it is found.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) registration: Registration,
    pub(crate) clock: TestClock,
    pub(crate) mailbox: Mailbox,
    pub(crate) peers: peers::Peers,
    /// The base URL without a slash at its end.
    pub(crate) base: String,
}

/// The cookies of one browser, in the order in which they were first set.
type Jar = Vec<(String, String)>;

/// One conversation under way.
#[derive(Debug)]
pub(crate) struct Player<'a> {
    server: &'a Server,
    variables: Variables,
    jars: BTreeMap<String, Jar>,
    names: Names,
    last: Answer,
    exchanges: Vec<Exchange>,
}

/// A request to the service and its answer as it came.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    /// The path below the base URL, without its query.
    pub(crate) path: String,
    pub(crate) answer: Answer,
}

impl<'a> Player<'a> {
    /// A player for one conversation.
    pub(crate) fn new(server: &'a Server) -> Self {
        let (variables, names) = (Variables::default(), Names::default());
        Self { server, variables, jars: BTreeMap::new(), names, last: Answer::default(), exchanges: Vec::new() }
    }

    /// Plays the conversation to its end.
    ///
    /// # Errors
    ///
    /// The step at which it cannot go on, and why.
    pub(crate) async fn play(&mut self, scenario: &Scenario) -> Result<Value, String> {
        let mut answers = Vec::new();
        for (at, step) in scenario.steps.iter().enumerate() {
            let outcome = match step {
                Step::Request { spec, capture } => self.request(spec, capture).await.map(Some),
                Step::Sleep(pause) => self.sleep(*pause),
                Step::Mail(spec) => self.mail(spec).await.map(Some),
                Step::External { spec, capture, see } => self.external(spec, capture, see).await,
                Step::Authenticator(spec) => self.authenticator(spec),
            };
            answers.extend(outcome.map_err(|why| format!("step {at}: {why}"))?);
        }
        Ok(canonical(&Value::Array(answers)))
    }

    /// What was asked of the service, and what it answered.
    pub(crate) fn exchanges(self) -> Vec<Exchange> {
        self.exchanges
    }

    async fn request(
        &mut self,
        spec: &Map<String, Value>,
        capture: &BTreeMap<String, String>,
    ) -> Result<Value, String> {
        let spec = self.variables.fill_members(spec)?;
        let jar = match spec.get("jar") {
            None => Some("main"),
            Some(name) => name.as_str().filter(|name| !name.is_empty()),
        };
        let cookies = jar.and_then(|name| self.jars.get(name)).map_or(&[][..], Vec::as_slice);
        let request = written(&spec, &self.server.base, cookies)?;
        let asked = format!("{} {}", request.method(), request.uri());
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());

        self.last = sent(&self.server.registration, request).await?;
        let below = path.strip_prefix(UrlParts::of(&self.server.base).path.as_str()).unwrap_or(&path).to_owned();
        self.exchanges.push(Exchange { method, path: below, answer: self.last.clone() });
        if let Some(name) = jar {
            let jar = self.jars.entry(name.to_owned()).or_default();
            self.last.cookies().iter().for_each(|line| keep(jar, line));
        }
        let answer = Normaliser::new(&self.server.base, &self.variables, &mut self.names).answer(&self.last);
        for (name, how) in capture {
            let value = self.last.capture(how);
            let failed = |why| format!("{asked}: cannot capture {name} by {how}: {why}; the answer is {answer}");
            self.variables.set(name, value.map_err(failed)?);
        }
        Ok(answer)
    }

    fn sleep(&self, pause: Duration) -> Result<Option<Value>, String> {
        self.server.clock.advance(pause);
        Ok(None)
    }

    /// Waits for the nth letter to an address and cuts values out of its text.
    async fn mail(&mut self, spec: &Map<String, Value>) -> Result<Value, String> {
        let spec = self.variables.fill_members(spec)?;
        let nth = spec.get("nth").and_then(Value::as_u64).unwrap_or_default();
        let letters = self.letters(Channel::Email, spec.get("to").map(as_text).unwrap_or_default().as_str()).await?;
        let Some(letter) = letters.get(usize::try_from(nth).unwrap_or(usize::MAX)) else {
            let optional = spec.get("optional").and_then(Value::as_bool).unwrap_or_default();
            return optional.then(|| json!({ "mail": null })).ok_or_else(|| "no letter arrived".to_owned());
        };
        for (name, pattern) in spec.get("capture").and_then(Value::as_object).into_iter().flatten() {
            let pattern = Regex::new(&as_text(pattern)).map_err(|error| error.to_string())?;
            let found = pattern.captures(letter.text()).and_then(|found| found.get(1));
            let found = found.ok_or_else(|| format!("{pattern} is not in the letter: {}", letter.text()))?;
            self.variables.set(name, found.as_str().into());
        }
        Ok(json!({ "mail": true }))
    }

    /// Asks a peer: the provider, the OAuth2 server, the receiver of web hooks, or the gateway for text messages.
    async fn external(
        &mut self,
        spec: &Map<String, Value>,
        capture: &BTreeMap<String, String>,
        see: &[String],
    ) -> Result<Option<Value>, String> {
        let spec = self.variables.fill_members(spec)?;
        let url = spec.get("url").map(as_text).unwrap_or_default();
        if url.contains("/hooks/") {
            // What nobody waits for happens meanwhile.
            self.server.registration.dispatcher().flush().await.map_err(|error| error.to_string())?;
        }
        if let Some(answer) = self.server.peers.answer(&spec) {
            self.last = answer;
            return self.seen(capture, see);
        }
        let Some((_, number)) = url.split_once("/sms?to=") else {
            return Err(format!("a request to {url} is not played yet"));
        };
        let letters = self.letters(Channel::Sms, number).await?;
        let message = |letter: &Rendered| json!({ "to": letter.to().value(), "text": letter.text(), "template": letter.kind().template() });
        let messages: Vec<Value> = letters.iter().map(message).collect();
        self.last = Answer { status: 200, headers: HeaderMap::new(), body: Value::from(messages).to_string().into() };
        self.seen(capture, see)
    }

    /// What is kept and compared of the answer of a peer.
    fn seen(&mut self, capture: &BTreeMap<String, String>, see: &[String]) -> Result<Option<Value>, String> {
        for (name, how) in capture {
            self.variables.set(name, self.last.capture(how)?);
        }
        let seen = json!({ "seen": peers::seen(&self.last, see) });
        let mut normaliser = Normaliser::new(&self.server.base, &self.variables, &mut self.names);
        Ok((!see.is_empty()).then(|| normaliser.value(&seen)))
    }

    /// Delivers what is due and gives all letters to an address.
    async fn letters(&self, via: Channel, to: &str) -> Result<Vec<Rendered>, String> {
        self.server.registration.dispatcher().flush().await.map_err(|error| error.to_string())?;
        let letters = self.server.mailbox.letters().into_iter();
        Ok(letters.filter(|letter| letter.to().via() == via && letter.to().value().eq_ignore_ascii_case(to)).collect())
    }

    /// Makes a key by the options of a page, and remembers what the page would send.
    fn authenticator(&mut self, spec: &Value) -> Result<Option<Value>, String> {
        let spec = self.variables.fill(spec)?;
        let asked = &spec["authenticator"];
        let mut authenticator = Authenticator::new();
        if let Some(word) = asked["flaw"].as_str() {
            authenticator = authenticator.flaw(flaw(word)?);
        }
        let origin = asked["origin"].as_str().ok_or("an authenticator has no origin")?;
        let made = authenticator.create(&asked["options"], origin).map_err(|error| error.to_string())?;
        self.variables.set(spec["into"].as_str().ok_or("a key goes nowhere")?, made.into());
        Ok(None)
    }
}

/// What is wrong with a key, by the word of the recordings.
fn flaw(word: &str) -> Result<Flaw, String> {
    Ok(match word {
        "type" => Flaw::Type,
        "challenge" => Flaw::Challenge,
        "origin" => Flaw::Origin,
        "rp" => Flaw::RelyingParty,
        "presence" => Flaw::Presence,
        "attestation" => Flaw::Attestation,
        "garbage" => Flaw::Garbage,
        _ => return Err(format!("nobody knows the flaw {word}")),
    })
}

/// The request of a step, with the headers that the player of the recordings sent.
fn written(
    spec: &Map<String, Value>,
    base: &str,
    cookies: &[(String, String)],
) -> Result<Request<Full<Bytes>>, String> {
    let text = |key: &str| spec.get(key).and_then(Value::as_str).ok_or_else(|| format!("a request has no {key}"));
    let method: Method = text("method")?.parse().map_err(|_| "a request has no method")?;
    let path = text("path")?;
    let path = path.strip_prefix(base).unwrap_or(path);
    let place = UrlParts::of(base);

    let given = spec.get("headers").and_then(Value::as_object).into_iter().flatten();
    let given = given.filter(|(_, value)| !value.is_null());
    let mut headers: Vec<(String, String)> = given.map(|(name, value)| (name.clone(), as_text(value))).collect();
    let mut default = |name: &str, value: String| {
        if !headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            headers.push((name.to_owned(), value));
        }
    };
    if !cookies.is_empty() {
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        default("Cookie", pairs.join("; "));
    }
    let body = body(spec);
    if let Some((Some(kind), _)) = &body {
        default("Content-Type", (*kind).to_owned());
    }
    default("Host", place.authority);
    default("Accept-Encoding", "identity".to_owned());
    let bytes = body.map(|(_, bytes)| bytes);
    if bytes.is_some() || [Method::POST, Method::PUT, Method::PATCH].contains(&method) {
        default(header::CONTENT_LENGTH.as_str(), bytes.as_ref().map_or(0, Bytes::len).to_string());
    }

    let mut request = Request::builder().method(method).uri(place.path + path);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut request = request.body(Full::new(bytes.unwrap_or_default())).map_err(|error| format!("{path}: {error}"))?;
    request.extensions_mut().insert(ClientAddress::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000))));
    Ok(request)
}

/// The body of a step and the Content-Type that follows from its kind.
fn body(spec: &Map<String, Value>) -> Option<(Option<&'static str>, Bytes)> {
    if let Some(value) = spec.get("json") {
        return Some((Some("application/json"), value.to_string().into()));
    }
    if let Some(form) = spec.get("form") {
        let pairs: Vec<(String, String)> = match form {
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), as_text(value))).collect(),
            list => list.as_array()?.iter().map(|pair| (as_text(&pair[0]), as_text(&pair[1]))).collect(),
        };
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        return Some((Some("application/x-www-form-urlencoded"), form.into()));
    }
    spec.get("raw").map(|raw| (None, as_text(raw).into()))
}

/// Sends a request and reads the answer to its end.
pub(crate) async fn sent(registration: &Registration, request: Request<Full<Bytes>>) -> Result<Answer, String> {
    let response = registration.clone().oneshot(request).await;
    let (parts, body) = response.map_err(|error| error.to_string())?.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

/// Puts a cookie into the jar, or takes it out when it is emptied or over.
fn keep(jar: &mut Jar, line: &str) {
    let first = line.split(';').next().unwrap_or_default();
    let (name, value) = first.split_once('=').unwrap_or((first, ""));
    let name = name.trim();
    let known = jar.iter().position(|(known, _)| known == name);
    match (known, value.is_empty() || ENDED.is_match(line)) {
        (Some(at), true) => drop(jar.remove(at)),
        (None, true) => {}
        (Some(at), false) => value.clone_into(&mut jar[at].1),
        (None, false) => jar.push((name.to_owned(), value.to_owned())),
    }
}
