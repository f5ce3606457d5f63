//! The sweep of G3: requests to every route, with the status and the content type of each answer.

use http::Method as Verb;
use serde_json::{Value, json};
use time::Duration;
use tower_registration::testing::{Client, Reply};

use super::site::{Site, sign_up};

/// What an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    Error,
    Html,
    Text,
    Nothing,
}

impl Content {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Error => "application/json",
            Self::Html => "text/html; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
            Self::Nothing => "",
        }
    }
}

/// Who sends the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// A browser with an open flow.
    Browser,
    /// Somebody without cookies.
    Nobody,
    /// A browser that is signed in.
    SignedIn,
}

/// One request, and what its answer looks like.
pub(super) struct Case {
    pub(super) what: &'static str,
    pub(super) who: Who,
    pub(super) verb: Verb,
    pub(super) path: String,
    pub(super) accept: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<(&'static str, String)>,
    pub(super) status: u16,
    pub(super) content: Content,
}

/// A service in which something has happened already.
pub(super) struct Prepared {
    browser: Client,
    signed_in: Client,
    nobody: Client,
    token: String,
    open: String,
    other: String,
    api: String,
    expired: String,
    error: String,
}

impl Prepared {
    /// Sends the request of a case.
    pub(super) async fn send(&self, case: &Case) -> Reply {
        let mut client = self.client(case);
        for (name, value) in &case.headers {
            client = client.with_header(name, value);
        }
        let body = case.body.as_ref().map(|(kind, text)| (*kind, text.clone()));
        client.send(case.verb.clone(), &case.path, body, case.accept).await
    }

    pub(super) fn client(&self, case: &Case) -> Client {
        match case.who {
            Who::Browser => self.browser.clone(),
            Who::Nobody => self.nobody.clone(),
            Who::SignedIn => self.signed_in.clone(),
        }
    }
}

/// Opens flows, lets one expire, signs somebody up, and leads somebody to the error page.
pub(super) async fn prepare(site: &Site) -> Prepared {
    let id = |reply: Reply| reply.flow_id().unwrap();
    let expired = id(site.native().open().await);
    site.clock.advance(Duration::minutes(61));
    let mut signed_in = site.spa();
    let page = signed_in.open().await;
    assert_eq!(signed_in.submit(&page, sign_up("eve@example.org")).await.status(), 200);
    let mut browser = site.spa();
    let page = browser.open().await;
    let other = id(browser.open().await);
    let led = site.browser().get("/self-service/registration/browser?identity_schema=unknown").await;
    Prepared {
        signed_in,
        nobody: site.spa(),
        token: page.value_of("csrf_token").as_str().unwrap().to_owned(),
        open: id(page),
        other,
        api: id(site.native().open().await),
        expired,
        error: led.location_parameter("id").unwrap(),
        browser,
    }
}

const JSON: &str = "application/json";
const HTML: &str = "text/html";
const FORM: &str = "application/x-www-form-urlencoded";
const OPEN: &str = "/self-service/registration/browser";
const API: &str = "/self-service/registration/api";

fn get(what: &'static str, path: impl Into<String>, accept: &'static str, status: u16, content: Content) -> Case {
    let (headers, path) = (Vec::new(), path.into());
    Case { what, who: Who::Nobody, verb: Verb::GET, path, accept, headers, body: None, status, content }
}

impl Case {
    fn by(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    fn verb(mut self, verb: Verb) -> Self {
        self.verb = verb;
        self
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn posts(mut self, kind: &'static str, body: impl ToString) -> Self {
        (self.verb, self.body) = (Verb::POST, Some((kind, body.to_string())));
        self
    }
}

/// Every request of the sweep.
pub(super) fn cases(prepared: &Prepared) -> Vec<Case> {
    [openings(prepared), shown(prepared), submitted(prepared), refused(prepared), others(prepared), wrong(prepared)]
        .into_iter()
        .flatten()
        .collect()
}

fn openings(_: &Prepared) -> Vec<Case> {
    vec![
        get("a browser opens", OPEN, HTML, 303, Content::Html),
        get("a script opens", OPEN, JSON, 200, Content::Json),
        get("a native client opens", API, JSON, 200, Content::Json),
        get("a pair of codes", format!("{API}?return_session_token_exchange_code=true"), JSON, 200, Content::Json),
        get("a browser asks for another site", format!("{OPEN}?return_to=//evil.com"), HTML, 303, Content::Html),
        get("a script asks for another site", format!("{OPEN}?return_to=//evil.com"), JSON, 400, Content::Error),
        get("an unknown schema", format!("{API}?identity_schema=x"), JSON, 400, Content::Error),
        get("a login challenge", format!("{API}?login_challenge=x"), JSON, 500, Content::Error),
        get("a browser that is signed in", OPEN, HTML, 303, Content::Html).by(Who::SignedIn),
        get("a script that is signed in", OPEN, JSON, 400, Content::Error).by(Who::SignedIn),
        get("opened by HEAD", OPEN, JSON, 200, Content::Json).verb(Verb::HEAD),
    ]
}

fn shown(prepared: &Prepared) -> Vec<Case> {
    let flows = |id: &str| format!("/self-service/registration/flows?id={id}");
    vec![
        get("a flow", flows(&prepared.open), HTML, 200, Content::Json).by(Who::Browser),
        get("a native flow", flows(&prepared.api), JSON, 200, Content::Json),
        get("a flow of somebody else", flows(&prepared.open), JSON, 403, Content::Error),
        get("no flow", flows(""), JSON, 404, Content::Error),
        get("an unknown flow", flows(&uuid::Uuid::new_v4().to_string()), JSON, 404, Content::Error),
        get("an expired flow", flows(&prepared.expired), JSON, 410, Content::Error),
    ]
}

fn submit(flow: &str) -> String {
    format!("/self-service/registration?flow={flow}")
}

fn submitted(prepared: &Prepared) -> Vec<Case> {
    let token = &prepared.token;
    let signed = |mut answer: Value| {
        answer["csrf_token"] = json!(token);
        answer
    };
    let post =
        |what, flow: &str, accept, status, content| get(what, submit(flow), accept, status, content).by(Who::Browser);
    let form = |pairs: &[(&str, &str)]| {
        form_urlencoded::Serializer::new(String::new()).append_pair("csrf_token", token).extend_pairs(pairs).finish()
    };
    let bob = form(&[("method", "password"), ("password", "correct horse battery"), ("traits.email", "bob@b.org")]);
    vec![
        post("nobody claims it", &prepared.open, JSON, 400, Content::Json).posts(JSON, signed(json!({}))),
        post("a refused form", &prepared.open, HTML, 302, Content::Nothing)
            .posts(FORM, form(&[("method", "password")])),
        post("a switched off method", &prepared.open, JSON, 404, Content::Error)
            .posts(JSON, signed(json!({ "method": "code" }))),
        post("a script signs up", &prepared.open, JSON, 200, Content::Json).posts(JSON, signed(sign_up("ada@a.org"))),
        post("a finished flow", &prepared.open, JSON, 410, Content::Error).posts(JSON, signed(sign_up("zoe@z.org"))),
        post("a finished flow of a form", &prepared.open, HTML, 303, Content::Nothing).posts(FORM, bob.clone()),
        post("a browser signs up", &prepared.other, HTML, 303, Content::Nothing).posts(FORM, bob),
        get("a native client signs up", submit(&prepared.api), JSON, 200, Content::Json)
            .posts(JSON, sign_up("kim@k.org")),
        get("an expired flow is submitted", submit(&prepared.expired), JSON, 410, Content::Error)
            .posts(JSON, sign_up("lea@l.org")),
    ]
}

fn refused(prepared: &Prepared) -> Vec<Case> {
    let post = |what, accept, status, content| get(what, submit(&prepared.open), accept, status, content);
    let answer = || sign_up("ada@example.org");
    vec![
        post("no cookie", JSON, 403, Content::Error).posts(JSON, answer()),
        post("a form without cookie", HTML, 303, Content::Nothing).posts(FORM, "method=password"),
        post("no body", JSON, 400, Content::Json).by(Who::Browser).posts(JSON, ""),
        post("no JSON", JSON, 400, Content::Json).by(Who::Browser).posts(JSON, "{"),
        post("another type", JSON, 400, Content::Json).by(Who::Browser).posts("text/xml", "<x/>"),
        post("a form with a broken escape", HTML, 302, Content::Nothing).by(Who::Browser).posts(FORM, "%zz"),
        post("a large body", JSON, 413, Content::Error).posts(JSON, "x".repeat(70_000)),
        post("a compressed body", JSON, 415, Content::Error).posts(JSON, answer()).header("content-encoding", "gzip"),
        post("many cookies", JSON, 400, Content::Error).header("cookie", "a=b;".repeat(70)).posts(JSON, answer()),
        post("submitted by GET", JSON, 400, Content::Json).by(Who::Browser),
        post("submitted by GET from a page", HTML, 302, Content::Html).by(Who::Browser),
        post("signed in", JSON, 400, Content::Error).by(Who::SignedIn).posts(JSON, answer()),
        post("a form of somebody signed in", HTML, 302, Content::Nothing).by(Who::SignedIn).posts(FORM, "a=b"),
        get("no flow to submit", submit(""), JSON, 400, Content::Error).posts(JSON, answer()),
        get("no flow to submit by a form", submit(""), HTML, 303, Content::Nothing).posts(FORM, "a=b"),
        get("an unknown flow to submit", submit(&uuid::Uuid::new_v4().to_string()), JSON, 404, Content::Error)
            .posts(JSON, answer()),
        get("a native flow from a page", submit(&prepared.api), JSON, 400, Content::Json)
            .header("origin", "https://evil.example.com")
            .posts(JSON, answer()),
    ]
}

fn others(prepared: &Prepared) -> Vec<Case> {
    let exchange = |query: &str| format!("/sessions/token-exchange{query}");
    let error = |id: &str| format!("/self-service/errors?id={id}");
    vec![
        get("who am I", "/sessions/whoami", HTML, 200, Content::Json).by(Who::SignedIn),
        get("nobody", "/sessions/whoami", HTML, 401, Content::Error),
        get("nobody deletes", "/sessions/whoami", JSON, 401, Content::Error).verb(Verb::DELETE),
        get("half a pair", exchange("?init_code=x"), JSON, 400, Content::Error),
        get("an unknown pair", exchange("?init_code=x&return_to_code=y"), JSON, 404, Content::Error),
        get("the schemas", "/schemas", HTML, 200, Content::Json),
        get("a schema", "/schemas/person", HTML, 200, Content::Json),
        get("an unknown schema's page", "/schemas/x", HTML, 404, Content::Error),
        get("a kept error", error(&prepared.error), HTML, 200, Content::Json),
        get("the stub", error("stub:500"), HTML, 200, Content::Json),
        get("an unknown error", error("x"), HTML, 404, Content::Error),
    ]
}

fn wrong(prepared: &Prepared) -> Vec<Case> {
    let token = prepared.token.clone();
    vec![
        get("an unknown path", "/nowhere", JSON, 404, Content::Text),
        get("a slash too many at the end", format!("{API}/"), JSON, 404, Content::Text),
        get("a path to be cleaned", "/self-service//registration/api", JSON, 307, Content::Html),
        get("a form to a path to be cleaned", "/schemas/../schemas", JSON, 307, Content::Nothing).posts(FORM, "a=b"),
        get("a wrong verb", "/self-service/registration", JSON, 405, Content::Text).verb(Verb::PUT),
        get("a preflight", API, JSON, 405, Content::Text).verb(Verb::OPTIONS),
        get("a wrong verb without token", OPEN, JSON, 403, Content::Error).verb(Verb::DELETE),
        get("a wrong verb with token", OPEN, JSON, 405, Content::Text)
            .by(Who::Browser)
            .verb(Verb::DELETE)
            .header("x-csrf-token", token.clone()),
        get("a form to an unknown path", "/nowhere", HTML, 403, Content::Error).posts(FORM, "a=b"),
        get("an unknown path with token", "/nowhere", HTML, 404, Content::Text)
            .by(Who::Browser)
            .header("x-csrf-token", token)
            .posts(FORM, "a=b"),
    ]
}
