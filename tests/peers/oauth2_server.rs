//! An OAuth2 server beside the tests: the admin API of Ory Hydra, and as much of the public endpoints as an authorization
//! code needs. It keeps to the rules that people are safe by: a verifier counts in the browser that its challenge was given
//! to, and once; a code counts once, for its client and its redirect URI.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "each of the test binaries uses a part")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tower_registration::fetch::Client;
use tower_registration::host::{Fetch, FetchRequest};
use tower_registration::hydra::Hydra;
use url::Url;
use uuid::Uuid;

/// The client that people begin at.
pub(crate) const CLIENT: &str = "shop";
pub(crate) const SECRET: &str = "shop-secret";
pub(crate) const REDIRECT_URI: &str = "https://shop.example.org/callback";

/// What goes wrong at the admin API.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It says nothing for so long.
    Slow(Duration),
    /// It answers with this status and an error document.
    Status(u16),
    /// It answers 200 with this.
    Says(String),
    /// It answers 200 with so many bytes.
    Flood(usize),
    /// It answers with a redirect to there.
    Redirect(String),
}

/// The two requests of the admin API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asked {
    Login,
    Accept,
}

/// A running server. Clones are the same one.
#[derive(Clone)]
pub(crate) struct OAuth2Server {
    pub(crate) issuer: String,
    registration: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    requests: HashMap<String, LoginRequest>,
    codes: HashMap<String, Value>,
    /// Whom a browser is remembered as, by its cookie.
    remembered: HashMap<String, String>,
    faults: HashMap<Asked, Fault>,
    asked: Vec<Asked>,
}

struct LoginRequest {
    /// The cookie of the browser that the challenge was given to.
    browser: String,
    url: String,
    query: HashMap<String, String>,
    subject: Option<String>,
    verifier: Option<String>,
    login: Value,
    used: bool,
}

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

impl OAuth2Server {
    /// Starts a server that sends people to this URL.
    pub(crate) fn start(registration: &str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { issuer, registration: registration.to_owned(), state: Arc::default() };
        let own = server.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    let own = own.clone();
                    let service = hyper::service::service_fn(move |request| {
                        let own = own.clone();
                        async move { Ok::<_, Infallible>(own.answer(request).await) }
                    });
                    let connection = hyper::server::conn::http1::Builder::new();
                    tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
                }
            });
        });
        server
    }

    /// The ready-made part for this server.
    pub(crate) fn hydra(&self) -> Hydra {
        let client = Client::builder().allow_private(true).build().unwrap();
        Hydra::builder(client, &self.issuer).build().unwrap()
    }

    /// Where the client sends a browser.
    pub(crate) fn authorize(&self) -> String {
        self.authorize_with("")
    }

    /// The same with more parameters.
    pub(crate) fn authorize_with(&self, more: &str) -> String {
        let redirect: String = form_urlencoded::byte_serialize(REDIRECT_URI.as_bytes()).collect();
        format!(
            "{}/oauth2/auth?client_id={CLIENT}&response_type=code&scope=openid&state=xyz&redirect_uri={redirect}{more}",
            self.issuer
        )
    }

    /// A browser for the server's pages.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor { client: Client::builder().allow_private(true).build().unwrap(), cookies: HashMap::new() }
    }

    /// Makes a request of the admin API fail, until it is mended.
    pub(crate) fn fail(&self, at: Asked, fault: Fault) {
        self.lock().faults.insert(at, fault);
    }

    pub(crate) fn mend(&self) {
        self.lock().faults.clear();
    }

    /// What the admin API was asked, and how often.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    /// The client redeems what it was brought: the claims of the ID token, or the error.
    pub(crate) async fn redeem(&self, code: &str) -> Value {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI)];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let url = Url::parse(&format!("{}/oauth2/token", self.issuer)).unwrap();
        let request = FetchRequest::post(url).with_basic_auth(CLIENT, &SECRET.into()).with_body(body);
        let answer = Client::builder().allow_private(true).build().unwrap().fetch(request).await.unwrap();
        serde_json::from_slice(answer.body()).unwrap()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let query: HashMap<String, String> =
            form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let challenge = query.get("login_challenge").cloned().unwrap_or_default();
        let header = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        match (&head.method, head.uri.path()) {
            (&Method::GET, "/admin/oauth2/auth/requests/login") => match self.fault(Asked::Login).await {
                Some(answer) => answer,
                None => self.login_request(&challenge),
            },
            (&Method::PUT, "/admin/oauth2/auth/requests/login/accept") => match self.fault(Asked::Accept).await {
                Some(answer) => answer,
                None => self.accept(&challenge, &serde_json::from_slice(&body).unwrap_or_default()),
            },
            (&Method::GET, "/oauth2/auth") => {
                let browser = header(COOKIE).and_then(|pair| pair.strip_prefix("browser=")).unwrap_or_default();
                let url = format!("{}{}", self.issuer, head.uri);
                self.authorized(&url, query, browser)
            }
            (&Method::POST, "/oauth2/token") => self.token(header(AUTHORIZATION), &body),
            _ => told(404, &json!({ "error": "not_found" })),
        }
    }

    async fn fault(&self, at: Asked) -> Option<Answer> {
        let fault = {
            let mut state = self.lock();
            state.asked.push(at);
            state.faults.get(&at).cloned()
        };
        Some(match fault? {
            Fault::Slow(pause) => {
                tokio::time::sleep(pause).await;
                told(200, &json!({ "skip": false, "redirect_to": self.issuer }))
            }
            Fault::Status(status) => told(status, &json!({ "error": "error", "error_hint": "Begin again." })),
            Fault::Says(body) => response(200, Full::new(Bytes::from(body)).boxed_unsync()),
            Fault::Flood(bytes) => response(200, Flood(bytes).boxed_unsync()),
            Fault::Redirect(to) => redirect(&to),
        })
    }

    fn login_request(&self, challenge: &str) -> Answer {
        let state = self.lock();
        match state.requests.get(challenge) {
            None => told(404, &json!({ "error": "Not Found", "error_description": "Unable to locate the resource" })),
            Some(request) if request.used => told(410, &json!({ "redirect_to": request.url })),
            Some(request) => told(
                200,
                &json!({ "challenge": challenge, "skip": request.subject.is_some(),
                    "subject": request.subject.clone().unwrap_or_default(), "request_url": request.url,
                    "client": { "client_id": CLIENT, "client_name": "Shop", "client_secret": "canary" },
                    "requested_scope": ["openid"], "requested_access_token_audience": [], "oidc_context": {},
                    "session_id": "s" }),
            ),
        }
    }

    fn accept(&self, challenge: &str, login: &Value) -> Answer {
        let mut state = self.lock();
        let Some(request) = state.requests.get_mut(challenge) else {
            return told(404, &json!({ "error": "Not Found" }));
        };
        if request.used {
            return told(410, &json!({ "redirect_to": request.url }));
        }
        let subject = login["subject"].as_str().unwrap_or_default();
        if subject.is_empty() || request.subject.as_deref().is_some_and(|known| known != subject) {
            let hint = "The subject is not the one that the browser is remembered as.";
            return told(400, &json!({ "error": "invalid_request", "error_hint": hint }));
        }
        let verifier = Uuid::new_v4().simple().to_string();
        let to = format!("{}&login_verifier={verifier}", request.url);
        (request.verifier, request.login) = (Some(verifier), login.clone());
        told(200, &json!({ "redirect_to": to }))
    }

    fn authorized(&self, url: &str, query: HashMap<String, String>, browser: &str) -> Answer {
        let known = query.get("client_id").is_some_and(|id| id == CLIENT);
        if !known || query.get("redirect_uri").is_none_or(|uri| uri != REDIRECT_URI) {
            return told(400, &json!({ "error": "invalid_client" }));
        }
        match query.get("login_verifier") {
            Some(verifier) => self.logged_in(verifier, browser),
            None => self.send_to_registration(url, query, browser),
        }
    }

    fn send_to_registration(&self, url: &str, query: HashMap<String, String>, browser: &str) -> Answer {
        let mut state = self.lock();
        let browser = if browser.is_empty() { Uuid::new_v4().simple().to_string() } else { browser.to_owned() };
        let challenge = Uuid::new_v4().simple().to_string();
        let subject = state.remembered.get(&browser).cloned();
        let (url, login) = (url.to_owned(), Value::Null);
        let request =
            LoginRequest { browser: browser.clone(), url, query, subject, verifier: None, login, used: false };
        state.requests.insert(challenge.clone(), request);
        let mut answer = redirect(&format!("{}?login_challenge={challenge}", self.registration));
        let cookie = format!("browser={browser}; HttpOnly; SameSite=Lax");
        answer.headers_mut().insert(SET_COOKIE, HeaderValue::from_str(&cookie).unwrap());
        answer
    }

    /// The browser is back; nobody asks for consent.
    fn logged_in(&self, verifier: &str, browser: &str) -> Answer {
        let mut state = self.lock();
        let request = state.requests.values_mut().find(|request| request.verifier.as_deref() == Some(verifier));
        let Some(request) = request.filter(|request| !request.used) else {
            return told(
                403,
                &json!({ "error": "access_denied", "error_hint": "The verifier was used or never given." }),
            );
        };
        if request.browser != browser {
            return told(403, &json!({ "error": "request_forbidden", "error_hint": "Not the browser that left." }));
        }
        request.used = true;
        let code = Uuid::new_v4().simple().to_string();
        let login = request.login.clone();
        let back = format!("{REDIRECT_URI}?code={code}&state={}", request.query["state"]);
        let who = (request.browser.clone(), login["subject"].as_str().unwrap_or_default().to_owned());
        if login["remember"] == true {
            state.remembered.insert(who.0, who.1);
        }
        state.codes.insert(code, login);
        redirect(&back)
    }

    fn token(&self, authorization: Option<&str>, body: &[u8]) -> Answer {
        use base64::Engine as _;
        let own = base64::engine::general_purpose::STANDARD.encode(format!("{CLIENT}:{SECRET}"));
        if authorization != Some(&format!("Basic {own}")) {
            return told(401, &json!({ "error": "invalid_client" }));
        }
        let form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        let uri = form.get("redirect_uri").is_some_and(|uri| uri == REDIRECT_URI);
        let code = form.get("code").filter(|_| uri && form["grant_type"] == "authorization_code");
        match code.and_then(|code| self.lock().codes.remove(code)) {
            Some(login) => told(
                200,
                &json!({ "access_token": Uuid::new_v4(), "token_type": "bearer",
                    "id_token": { "sub": login["subject"], "amr": login["amr"],
                        "sid": login["identity_provider_session_id"] } }),
            ),
            None => told(400, &json!({ "error": "invalid_grant" })),
        }
    }
}

/// A browser at the server's pages.
pub(crate) struct Visitor {
    client: Client,
    cookies: HashMap<String, String>,
}

impl Visitor {
    /// Goes to a page; where it leads, or what it says instead.
    pub(crate) async fn visit(&mut self, url: &str) -> Result<Url, Value> {
        let mut request = FetchRequest::get(Url::parse(url).unwrap());
        if let Some(browser) = self.cookies.get("browser") {
            request = request.with_header(COOKIE, HeaderValue::from_str(&format!("browser={browser}")).unwrap());
        }
        let answer = self.client.fetch(request).await.unwrap();
        if let Some(line) = answer.headers().get(SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        match answer.headers().get(LOCATION) {
            Some(to) => Ok(Url::parse(to.to_str().unwrap()).unwrap()),
            None => Err(serde_json::from_slice(answer.body()).unwrap_or_default()),
        }
    }
}

/// A parameter of a URL's query.
pub(crate) fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn told(status: u16, body: &Value) -> Answer {
    response(status, Full::new(Bytes::from(body.to_string())).boxed_unsync())
}

fn redirect(to: &str) -> Answer {
    let mut answer = told(302, &Value::Null);
    answer.headers_mut().insert(LOCATION, HeaderValue::from_str(to).unwrap());
    answer
}

fn response(status: u16, body: UnsyncBoxBody<Bytes, Infallible>) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
}

/// So many bytes, a piece at a time.
struct Flood(usize);

impl hyper::body::Body for Flood {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        const PIECE: &[u8] = &[b' '; 64 << 10];
        let piece = self.0.min(PIECE.len());
        self.0 -= piece;
        Poll::Ready((piece > 0).then(|| Ok(Frame::data(Bytes::from_static(&PIECE[..piece])))))
    }
}
