//! From an outcome to a response: JSON for programs, redirects for browsers.

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Value, json};

use super::error::{Envelope, phrase};
use super::flow::FlowJson;
use super::headers::Headers;
use super::json::{time, write};
use super::people::{IdentityJson, SessionJson};
use super::query::with_pair;
use super::receive::Reply;
use crate::call::{Answer, Begun, Failed, Outcome, Registered, SignedIn};
use crate::config::Config;
use crate::flow::FlowKind;
use crate::page::Page;
use crate::stop::{Failure, FailureKind};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const ERROR: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=UTF-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const ERROR_ID: HeaderName = HeaderName::from_static("ory-error-id");
const IDENTITY_ID: HeaderName = HeaderName::from_static("x-kratos-authenticated-identity-id");

/// Writes the response to a request.
pub(crate) fn respond(answer: Answer, reply: &Reply, config: &Config, headers: &Headers) -> Response<Full<Bytes>> {
    let writer = Writer { reply, config };
    let public = matches!(answer.outcome, Outcome::Script(_));
    let mut response = writer.outcome(answer.outcome);
    headers.add(response.headers_mut());
    if public {
        headers.open_to_all(response.headers_mut());
    }
    for cookie in answer.cookies {
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    if reply.method == Method::HEAD {
        *response.body_mut() = Full::default();
    }
    response
}

/// Whether a person is told, in HTML, to come back later.
pub(crate) fn is_for_later(outcome: &Outcome, reply: &Reply) -> bool {
    matches!(outcome, Outcome::Failed(failed) if failed.kept.is_none() && comes_back(failed, reply))
}

fn comes_back(failed: &Failed, reply: &Reply) -> bool {
    failed.failure.retry_after().is_some() && !reply.json && failed.kind != Some(FlowKind::Api)
}

/// Leads to the clean spelling of a path, before anything else is looked at.
pub(crate) fn clean(method: &Method, to: &str, headers: &Headers) -> Response<Full<Bytes>> {
    let mut response = redirect(method, StatusCode::TEMPORARY_REDIRECT, to);
    headers.add(response.headers_mut());
    response
}

pub(super) struct Writer<'a> {
    pub(super) reply: &'a Reply,
    pub(super) config: &'a Config,
}

impl Writer<'_> {
    fn outcome(&self, outcome: Outcome) -> Response<Full<Bytes>> {
        match outcome {
            Outcome::Opened(page) => self.opened(&page),
            Outcome::Shown(page) => self.flow(StatusCode::OK, &page),
            Outcome::Pending(page) => self.flow(StatusCode::UNPROCESSABLE_ENTITY, &page),
            Outcome::Moved(page) if self.reply.json => self.flow(StatusCode::BAD_REQUEST, &page),
            Outcome::Moved(page) => self.redirect(StatusCode::SEE_OTHER, &self.ui(&page)),
            Outcome::Refused(page) if self.reply.json || page.facts.kind == FlowKind::Api => {
                self.flow(StatusCode::BAD_REQUEST, &page)
            }
            Outcome::Refused(page) => self.redirect(StatusCode::FOUND, &self.ui(&page)),
            Outcome::Replaced(replaced) if self.reply.json || replaced.kind == FlowKind::Api => {
                self.error(StatusCode::GONE, &replaced.failure, &Envelope::replaced(&replaced))
            }
            Outcome::Replaced(replaced) => {
                let ui = with_pair(&self.config.registration_ui, "flow", &replaced.by.to_string());
                self.redirect(StatusCode::SEE_OTHER, &ui)
            }
            Outcome::Registered(registered) => self.registered(&registered),
            Outcome::SignedIn(signed_in) => self.signed_in(&signed_in),
            Outcome::Leave { to } if self.reply.json => {
                let failure = Failure::location_change(&to);
                self.error(StatusCode::UNPROCESSABLE_ENTITY, &failure, &Envelope::redirect(&failure, &to))
            }
            Outcome::Leave { to } => self.redirect(StatusCode::SEE_OTHER, &to),
            Outcome::SentAway { to, submitted: true } => self.redirect(StatusCode::FOUND, &to),
            Outcome::SentAway { to, submitted: false } => self.redirect(StatusCode::SEE_OTHER, &to),
            Outcome::LoginAccepted { .. } if self.reply.json_page => self.json(StatusCode::OK, &Value::Null),
            Outcome::LoginAccepted { to } => self.redirect(StatusCode::SEE_OTHER, &to),
            Outcome::Verification(page, telling) => self.verification(&page, telling),
            Outcome::Failed(failed) => self.failed(&failed),
            Outcome::Whoami(known) => {
                let (session, identity) = *known;
                let mut response = self.json(StatusCode::OK, &SessionJson::new(&session, &identity, self.config));
                if let Ok(id) = HeaderValue::from_str(&identity.id().to_string()) {
                    response.headers_mut().insert(IDENTITY_ID, id);
                }
                response
            }
            Outcome::Schemas { schemas, page, per_page, total } => self.schemas(&schemas, page, per_page, total),
            Outcome::Schema(document) => self.json(StatusCode::OK, &document),
            Outcome::Script(source) => with_type(StatusCode::OK, SCRIPT, Bytes::from_static(source.as_bytes())),
            Outcome::KeptError { id, error, at } => {
                let status = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
                let mut error = error;
                if let (Some(status), Some(members)) = (status, error.as_object_mut()) {
                    members.insert("status".to_owned(), Value::from(phrase(status)));
                }
                let document = json!({ "id": id, "error": error, "created_at": time(at), "updated_at": time(at) });
                self.json(StatusCode::OK, &document)
            }
            Outcome::WrongVerb { allow } => {
                let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, TEXT, "Method Not Allowed\n");
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
                response
            }
            Outcome::Unknown => plain(StatusCode::NOT_FOUND, TEXT, "404 page not found\n"),
        }
    }

    /// A new flow is told by `Accept` alone; errors and results look at the body's type too.
    fn opened(&self, page: &Page) -> Response<Full<Bytes>> {
        match page.facts.kind == FlowKind::Api || self.reply.json_page {
            true => self.flow(StatusCode::OK, page),
            false => self.redirect(StatusCode::SEE_OTHER, &self.ui(page)),
        }
    }

    fn registered(&self, registered: &Registered) -> Response<Full<Bytes>> {
        let verification = registered.verifications.last().filter(|_| registered.leads_to_verification);
        if registered.kind == FlowKind::Browser && !self.reply.json {
            let ui = verification.map(|begun| self.verification_ui(begun.flow));
            return self.redirect(StatusCode::SEE_OTHER, ui.as_deref().unwrap_or(&registered.return_url));
        }
        let token = registered.token.as_ref().map(|token| token.expose_secret());
        let identity = &registered.identity;
        let mut next = Vec::new();
        if registered.kind == FlowKind::Browser {
            next.push(Next::Redirect { redirect_browser_to: &registered.return_url });
        }
        let every = self.config.verification.as_ref().is_some_and(|settings| settings.every_address);
        let listed = registered.verifications.iter().filter(|_| every);
        next.extend(listed.chain(verification).map(|begun| self.next_verification(registered.kind, begun)));
        next.extend(token.map(|token| Next::Token { ory_session_token: token }));
        let next = (!next.is_empty()).then_some(next);
        let session = registered.session.as_ref().map(|session| SessionJson::new(session, identity, self.config));
        let identity = IdentityJson::new(identity, self.config);
        self.json(StatusCode::OK, &RegisteredJson { session_token: token, session, identity, continue_with: next })
    }

    fn signed_in(&self, signed_in: &SignedIn) -> Response<Full<Bytes>> {
        let return_url = signed_in.return_url.as_deref();
        if let (FlowKind::Browser, false, Some(url)) = (signed_in.kind, self.reply.json, return_url) {
            return self.redirect(StatusCode::SEE_OTHER, url);
        }
        let redirect = return_url.filter(|_| signed_in.kind == FlowKind::Browser);
        let next = return_url.map(|_| redirect.map(|url| vec![Next::Redirect { redirect_browser_to: url }]));
        self.json(
            StatusCode::OK,
            &SignedInJson {
                session_token: signed_in.token.as_ref().map(|token| token.expose_secret()),
                session: SessionJson::new(&signed_in.session, &signed_in.identity, self.config),
                continue_with: next,
            },
        )
    }

    fn next_verification<'n>(&self, kind: FlowKind, begun: &'n Begun) -> Next<'n> {
        let url = (kind == FlowKind::Browser).then(|| self.verification_ui(begun.flow));
        let flow = NextFlow { id: begun.flow.to_string(), verifiable_address: begun.address.value(), url };
        Next::Verification { flow }
    }

    fn failed(&self, failed: &Failed) -> Response<Full<Bytes>> {
        let failure = &failed.failure;
        if let Some(id) = failed.kept {
            let page = with_pair(&self.config.error_ui, "id", &id.to_string());
            return self.redirect(StatusCode::SEE_OTHER, &page);
        }
        // A native client hears of inner errors with HTTP 400 around the code 500.
        let wrapped = failure.kind() == FailureKind::Internal && failed.kind == Some(FlowKind::Api);
        let status = if wrapped { 400 } else { failure.status() };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = match comes_back(failed, self.reply) {
            true => plain(status, HTML, BUSY),
            false => self.error(status, failure, &Envelope::new(failure, self.reply)),
        };
        if let Some(seconds) = failure.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    pub(super) fn error(
        &self,
        status: StatusCode,
        failure: &Failure,
        envelope: &Envelope<'_>,
    ) -> Response<Full<Bytes>> {
        let mut response = self.json(status, envelope);
        response.headers_mut().insert(header::CONTENT_TYPE, ERROR);
        // An id that says what happened, or one that leads to the log, or none.
        let reference = failure.reference().filter(|_| failure.id().is_empty()).map(|id| id.to_string());
        let id = reference.as_deref().unwrap_or(failure.id());
        let id = HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static(""));
        response.headers_mut().insert(ERROR_ID, id);
        response
    }

    fn schemas(
        &self,
        schemas: &[(String, Value)],
        page: usize,
        per_page: usize,
        total: usize,
    ) -> Response<Full<Bytes>> {
        let list: Vec<Listed<'_>> = schemas.iter().map(|(id, schema)| Listed { id, schema }).collect();
        let mut response = self.json(StatusCode::OK, &list);
        let last = total.div_ceil(per_page).max(1);
        let url = self.config.base.join("/schemas");
        let link = |page: usize, rel: &str| format!("<{url}?page={page}&per_page={per_page}>; rel=\"{rel}\"");
        let mut links = vec![link(1, "first"), link(last, "last")];
        links.extend((page < last).then(|| link(page + 1, "next")));
        links.extend((1 < page && page <= last + 1).then(|| link(page - 1, "prev")));
        if let Ok(links) = HeaderValue::from_str(&links.join(",")) {
            response.headers_mut().insert(header::LINK, links);
        }
        response.headers_mut().insert(HeaderName::from_static("x-total-count"), HeaderValue::from(total));
        response
    }

    fn flow(&self, status: StatusCode, page: &Page) -> Response<Full<Bytes>> {
        self.json(status, &FlowJson::new(page, self.config))
    }

    fn ui(&self, page: &Page) -> String {
        with_pair(&self.config.registration_ui, "flow", &page.facts.id.to_string())
    }

    pub(super) fn json<T: Serialize>(&self, status: StatusCode, document: &T) -> Response<Full<Bytes>> {
        match write(document) {
            Ok(body) => with_type(status, JSON, body),
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "Internal Server Error\n"),
        }
    }

    /// Leads a browser elsewhere. Answers to GET carry a line of HTML, as browsers of old wanted it.
    pub(super) fn redirect(&self, status: StatusCode, to: &str) -> Response<Full<Bytes>> {
        redirect(&self.reply.method, status, to)
    }
}

fn redirect(method: &Method, status: StatusCode, to: &str) -> Response<Full<Bytes>> {
    let Ok(location) = HeaderValue::from_str(to) else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "Internal Server Error\n");
    };
    let mut response = match *method == Method::GET {
        true => {
            let href = to.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;");
            let words = status.canonical_reason().unwrap_or_default();
            with_type(status, HTML, format!("<a href=\"{href}\">{words}</a>.\n\n").into())
        }
        false => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = status;
            response
        }
    };
    response.headers_mut().insert(header::LOCATION, location);
    response
}

#[derive(Serialize)]
struct RegisteredJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<SessionJson<'a>>,
    identity: IdentityJson<'a>,
    continue_with: Option<Vec<Next<'a>>>,
}

#[derive(Serialize)]
struct SignedInJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    session: SessionJson<'a>,
    /// Nothing at all after an exchange, null for native clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    continue_with: Option<Option<Vec<Next<'a>>>>,
}

/// What a client does next.
#[derive(Serialize)]
#[serde(tag = "action")]
enum Next<'a> {
    #[serde(rename = "set_ory_session_token")]
    Token { ory_session_token: &'a str },
    #[serde(rename = "redirect_browser_to")]
    Redirect { redirect_browser_to: &'a str },
    #[serde(rename = "show_verification_ui")]
    Verification { flow: NextFlow<'a> },
}

#[derive(Serialize)]
struct NextFlow<'a> {
    id: String,
    verifiable_address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    schema: &'a Value,
}

/// Shown to a browser whose form came while there was too much to do, where the library has no pages.
const BUSY: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Please try again</title></head>\
                    <body><h1>Please try again in a moment</h1><p>The service is busy. Nothing was lost: go back and \
                    send the form once more.</p></body></html>\n";

fn plain(status: StatusCode, content_type: HeaderValue, body: &'static str) -> Response<Full<Bytes>> {
    with_type(status, content_type, Bytes::from_static(body.as_bytes()))
}

fn with_type(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}
