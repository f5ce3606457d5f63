//! Clients of the three kinds.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use super::Reply;
use crate::flow::leaves;

/// What kind of client it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientKind {
    /// A browser that posts forms and follows redirects to pages.
    Browser,
    /// A single-page application: a browser that speaks JSON.
    Spa,
    /// A native client: JSON, no cookies.
    Native,
}

const NAVIGATION: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

type Answering = Pin<Box<dyn Future<Output = Reply> + Send>>;
type Service = Arc<dyn Fn(Request<Full<Bytes>>) -> Answering + Send + Sync>;

/// A client of a service: it keeps its cookies, fills in the CSRF token, and reads answers to their end.
#[derive(Clone)]
pub struct Client {
    service: Service,
    prefix: String,
    kind: ClientKind,
    jar: BTreeMap<String, String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Client {
    /// A client of a service in which the registration is mounted below `prefix`, such as `/auth`; empty at the root.
    ///
    /// The service is anything that answers requests: a [`Registration`](crate::Registration), an axum router.
    pub fn new<S, B>(service: S, prefix: &str, kind: ClientKind) -> Self
    where
        S: tower::Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send,
        S::Error: std::fmt::Debug,
        B: Body + Send + 'static,
        B::Data: Send,
    {
        let service: Service = Arc::new(move |request| {
            let mut service = service.clone();
            Box::pin(async move { answer(&mut service, request).await })
        });
        let prefix = prefix.trim_end_matches('/').to_owned();
        Self { service, prefix, kind, jar: BTreeMap::new(), headers: Vec::new() }
    }

    /// Sends this header with every request; a value that is none is left out.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// The cookies by name.
    pub fn cookies(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.jar
    }

    /// Begins a flow and shows its page.
    pub async fn open(&mut self) -> Reply {
        self.open_with("").await
    }

    /// Begins a flow with a query, such as `return_to=/welcome`, and shows its page. When no flow was begun, that
    /// answer is given.
    pub async fn open_with(&mut self, query: &str) -> Reply {
        let kind = if self.kind == ClientKind::Native { "api" } else { "browser" };
        let mark = if query.is_empty() { "" } else { "?" };
        let reply = self.get(&format!("/self-service/registration/{kind}{mark}{query}")).await;
        self.page(reply).await
    }

    /// Shows the page of a flow again.
    pub async fn show(&mut self, flow: &str) -> Reply {
        self.get_json(&format!("/self-service/registration/flows?id={flow}")).await
    }

    /// Answers a flow: as a form from a browser, as JSON otherwise. The CSRF token of the page goes along unless the
    /// answer names one.
    pub async fn submit(&mut self, page: &Reply, answer: Value) -> Reply {
        self.answer("/self-service/registration", page, answer).await
    }

    /// Begins a flow that proves an address, with a query, and shows its page.
    pub async fn open_verification(&mut self, query: &str) -> Reply {
        let kind = if self.kind == ClientKind::Native { "api" } else { "browser" };
        let mark = if query.is_empty() { "" } else { "?" };
        let reply = self.get(&format!("/self-service/verification/{kind}{mark}{query}")).await;
        self.verification_page(reply).await
    }

    /// Shows the page of a flow that proves an address.
    pub async fn show_verification(&mut self, flow: &str) -> Reply {
        self.get_json(&format!("/self-service/verification/flows?id={flow}")).await
    }

    /// Answers a flow that proves an address, as [`submit`](Client::submit) answers a registration.
    pub async fn submit_verification(&mut self, page: &Reply, answer: Value) -> Reply {
        self.answer("/self-service/verification", page, answer).await
    }

    /// The page of the flow that proves an address to which an answer leads: the answer itself, the flow that a browser is
    /// sent to, or the one that a registration names in `continue_with`.
    pub async fn verification_page(&mut self, reply: Reply) -> Reply {
        let next = reply.json();
        let steps = next["continue_with"].as_array().into_iter().flatten();
        let named = steps.filter_map(|step| step["flow"]["id"].as_str()).next_back().map(str::to_owned);
        let led = reply.location_parameter("flow").filter(|_| reply.status() != 200);
        match named.or(led) {
            Some(flow) => self.show_verification(&flow).await,
            None => reply,
        }
    }

    async fn answer(&mut self, path: &str, page: &Reply, answer: Value) -> Reply {
        let mut answer = answer;
        let token = page.value_of("csrf_token");
        if let Some(members) = answer.as_object_mut()
            && self.kind != ClientKind::Native
        {
            members.entry("csrf_token").or_insert(token);
        }
        let path = format!("{path}?flow={}", page.flow_id().unwrap_or_default());
        match self.kind {
            ClientKind::Browser => self.post_form(&path, &as_form(&answer)).await,
            ClientKind::Spa | ClientKind::Native => self.post_json(&path, &answer).await,
        }
    }

    /// The page that an answer leads to: the answer itself, or, for a browser that is sent back to the page, the flow
    /// it shows.
    pub async fn page(&mut self, reply: Reply) -> Reply {
        match reply.location_parameter("flow") {
            Some(flow) if reply.status() != 200 => self.show(&flow).await,
            _ => reply,
        }
    }

    /// Follows a link to the service, as a browser does whatever kind of client it is.
    pub async fn follow(&mut self, url: &str) -> Reply {
        let path = match url::Url::parse(url) {
            Ok(url) => format!("{}{}", url.path(), url.query().map(|query| format!("?{query}")).unwrap_or_default()),
            Err(_) => url.to_owned(),
        };
        let path = path.strip_prefix(&self.prefix).unwrap_or(&path).to_owned();
        self.send(Method::GET, &path, None, NAVIGATION).await
    }

    /// Who is signed in: the session as the wire shows it.
    pub async fn whoami(&mut self) -> Option<Value> {
        let reply = self.get_json("/sessions/whoami").await;
        (reply.status() == 200).then(|| reply.json())
    }

    /// Gets a path below the prefix, as this kind of client asks.
    pub async fn get(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path, None, self.accept()).await
    }

    /// Gets a path below the prefix as JSON.
    pub async fn get_json(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path, None, "application/json").await
    }

    /// Posts JSON.
    pub async fn post_json(&mut self, path: &str, body: &Value) -> Reply {
        let body = ("application/json", body.to_string());
        self.send(Method::POST, path, Some(body), self.accept()).await
    }

    /// Posts a form.
    pub async fn post_form(&mut self, path: &str, fields: &[(String, String)]) -> Reply {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let body = ("application/x-www-form-urlencoded", form);
        self.send(Method::POST, path, Some(body), self.accept()).await
    }

    /// Sends any request; the cookies go along and come back.
    pub async fn send(&mut self, method: Method, path: &str, body: Option<(&str, String)>, accept: &str) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.prefix));
        request = request.header(header::ACCEPT, accept).header(header::HOST, "app.example.org");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !self.jar.is_empty() && self.kind != ClientKind::Native {
            let pairs: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        let (kind, bytes) = body.map(|(kind, text)| (Some(kind), Bytes::from(text))).unwrap_or_default();
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let Ok(request) = request.body(Full::new(bytes)) else {
            return failure(&format!("{path} is no path"));
        };
        let reply = (self.service)(request).await;
        self.keep_cookies(&reply);
        reply
    }

    fn accept(&self) -> &'static str {
        match self.kind {
            ClientKind::Browser => NAVIGATION,
            ClientKind::Spa | ClientKind::Native => "application/json",
        }
    }

    fn keep_cookies(&mut self, reply: &Reply) {
        for line in reply.headers().get_all(header::SET_COOKIE) {
            let Ok(cookie) = cookie::Cookie::parse(String::from_utf8_lossy(line.as_bytes()).into_owned()) else {
                continue;
            };
            match cookie.value().is_empty() || cookie.max_age().is_some_and(|age| !age.is_positive()) {
                true => self.jar.remove(cookie.name()),
                false => self.jar.insert(cookie.name().to_owned(), cookie.value().to_owned()),
            };
        }
    }
}

async fn answer<S, B>(service: &mut S, request: Request<Full<Bytes>>) -> Reply
where
    S: tower::Service<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: Body,
{
    if let Err(error) = std::future::poll_fn(|cx| service.poll_ready(cx)).await {
        return failure(&format!("the service was not ready: {error:?}"));
    }
    let response = match service.call(request).await {
        Ok(response) => response,
        Err(error) => return failure(&format!("the service failed: {error:?}")),
    };
    let (parts, body) = response.into_parts();
    match body.collect().await {
        Ok(collected) => Reply::new(parts.status, parts.headers, collected.to_bytes()),
        Err(_) => failure("the body could not be read"),
    }
}

/// What a client sees when there is no answer at all: status 599, and why.
fn failure(why: &str) -> Reply {
    let status = StatusCode::from_u16(599).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Reply::new(status, http::HeaderMap::new(), json!({ "no_answer": why }).to_string().into())
}

/// A JSON answer as the form that a page would post: lists are repeated, everything else has its dotted name.
fn as_form(answer: &Value) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for (name, value) in answer.as_object().into_iter().flatten() {
        for (path, leaf) in leaves(value, name) {
            // An item of a list is sent under the name of the list.
            let name = match path.rsplit_once('.') {
                Some((list, at)) if at.bytes().all(|byte| byte.is_ascii_digit()) => list,
                _ => &path,
            };
            fields.push((name.to_owned(), crate::form::as_text(&leaf).into_owned()));
        }
    }
    fields
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("kind", &self.kind).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
