//! From a request to a call: head, query and body.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, header};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::accept::wants;
use super::body::{self, LARGEST};
use super::query::{first, pairs};
use crate::call::{Body, Call, Opening, Returned, Submitted, Verify, Wish};
use crate::caller::{Caller, Wants};
use crate::config::Config;
use crate::flow::{FlowId, FlowKind, parse_uuid};
use crate::form::Form;
use crate::page::TOKEN_FIELD;
use crate::route::{Route, below};
use crate::stop::Failure;

/// The most that a client may send as cookies.
const LARGEST_COOKIES: usize = 8 * 1024;
const MOST_COOKIES: usize = 64;
/// The longest query of a callback, in bytes, and how many parameters it may have.
const LONGEST_CALLBACK: usize = 32 * 1024;
const MOST_PARAMETERS: usize = 64;
/// How many schemas are listed at once, unless a client asks for fewer.
const SCHEMAS_PER_PAGE: usize = 250;

const FORM: &str = "application/x-www-form-urlencoded";

/// A request taken apart, and what answering it needs of its head.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) call: Result<Call, Failure>,
    pub(crate) reply: Reply,
}

/// What an answer takes from the head of its request.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) json: bool,
    pub(crate) json_page: bool,
    pub(crate) browser: bool,
    pub(crate) method: Method,
    /// The id that the client or a proxy gave the request; errors repeat it.
    pub(crate) request_id: Option<String>,
}

/// Reads a request for the route at `path`, which lies below the base URL.
pub(crate) async fn receive<B>(request: Request<B>, path: &str, config: &Config) -> Received
where
    B: HttpBody + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    let wants = wants(&parts.headers);
    let request_id = parts.headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let Wants { json, json_page, browser } = wants;
    let reply = Reply { json, json_page, browser, method: parts.method.clone(), request_id };
    let call = call(parts, body, wants, path, config).await;
    Received { call, reply }
}

async fn call<B>(parts: Parts, body: B, wants: Wants, path: &str, config: &Config) -> Result<Call, Failure>
where
    B: HttpBody + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    check_cookies(&parts.headers)?;
    let route = Route::find(&parts.method, path);
    let (guarded, safe) = (Route::is_guarded(path), parts.method.is_safe());
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let text = |name: &str| first(&query, name).map(std::borrow::Cow::into_owned);
    let wish = match route {
        Route::OpenBrowser => Wish::Open(FlowKind::Browser, opening(&query)),
        Route::OpenApi => Wish::Open(FlowKind::Api, opening(&query)),
        Route::Show => Wish::Show(flow_id(&query, "id")),
        Route::Submit | Route::SubmitByGet => {
            let body = match route {
                Route::Submit => submitted_body(&parts, body).await?,
                _ => Body::ByGet(by_get(&parts.method)),
            };
            let with_query = with_query(&body, &query, |name| name != "flow");
            Wish::Submit(Submitted { flow: flow_id(&query, "flow"), body, with_query, query: opening(&query) })
        }
        Route::OpenVerificationBrowser => Wish::Verify(open_verification(FlowKind::Browser, path, &query)),
        Route::OpenVerificationApi => Wish::Verify(open_verification(FlowKind::Api, path, &query)),
        Route::ShowVerification => Wish::Verify(Verify::Show(flow_id(&query, "id"))),
        Route::SubmitVerification => {
            let body = proving(submitted_body(&parts, body).await?, &query);
            Wish::Verify(Verify::Submit { flow: flow_id(&query, "flow"), body, request: request(path, &query) })
        }
        Route::Follow => {
            let (flow, head, request) = (flow_id(&query, "flow"), parts.method == Method::HEAD, request(path, &query));
            Wish::Verify(Verify::Follow { flow, code: text("code"), token: text("token"), head, request })
        }
        Route::Whoami => Wish::Whoami,
        Route::Exchange => Wish::Exchange {
            init: text("init_code").unwrap_or_default(),
            return_to: text("return_to_code").unwrap_or_default(),
        },
        Route::Schemas => schemas(&query),
        Route::Schema(id) => Wish::Schema(decoded(&id)),
        Route::KeyScript => Wish::KeyScript,
        Route::ShowError => {
            Wish::ShowError(text("error").filter(|id| !id.is_empty()).or_else(|| text("id")).unwrap_or_default())
        }
        Route::Callback(provider) => callback(provider.as_deref(), &query)?,
        // Cookies do not come with another site's form. They do when the browser is sent on.
        Route::CallbackByForm(_) => {
            let query = with_form(&query, &submitted_body(&parts, body).await?);
            Wish::MoveTo(config.base.join(&format!("{path}?{query}")))
        }
        Route::WrongVerb { allow } => {
            Wish::WrongVerb { allow, token: token(&parts, body, guarded && !safe).await, safe: safe || !guarded }
        }
        Route::Unknown => Wish::Unknown { token: token(&parts, body, guarded && !safe).await, safe: safe || !guarded },
    };
    let Parts { method, headers, extensions, .. } = parts;
    let caller = Caller::new(wants, headers, extensions, config.trusted_proxies).asking(method, request(path, &query));
    Ok(Call { caller, guarded, wish })
}

fn schemas(query: &str) -> Wish {
    let number = |name: &str| first(query, name).and_then(|text| text.parse::<usize>().ok()).filter(|n| *n > 0);
    let per_page = number("per_page").unwrap_or(SCHEMAS_PER_PAGE).min(SCHEMAS_PER_PAGE);
    Wish::Schemas { page: number("page").unwrap_or(1), per_page }
}

/// The head of a request for a page, which only browsers ask for.
pub(crate) fn caller(head: Parts, config: &Config) -> Result<Caller, Failure> {
    check_cookies(&head.headers)?;
    let wants = Wants { json: false, json_page: false, browser: true };
    let path = below(config.base.prefix(), head.uri.path()).unwrap_or(head.uri.path());
    let target = request(path, head.uri.query().unwrap_or_default());
    Ok(Caller::new(wants, head.headers, head.extensions, config.trusted_proxies).asking(head.method, target))
}

fn check_cookies(headers: &HeaderMap) -> Result<(), Failure> {
    let lines = headers.get_all(header::COOKIE);
    let size: usize = lines.iter().map(http::HeaderValue::len).sum();
    let count: usize = lines.iter().map(|line| line.as_bytes().split(|byte| *byte == b';').count()).sum();
    match size > LARGEST_COOKIES || count > MOST_COOKIES {
        true => Err(Failure::bad_request("The request has more cookies than are accepted.")),
        false => Ok(()),
    }
}

fn opening(query: &str) -> Opening {
    let text = |name: &str| first(query, name).map(std::borrow::Cow::into_owned);
    Opening {
        raw: query.to_owned(),
        return_to: text("return_to"),
        after_verification_return_to: text("after_verification_return_to"),
        organization: text("organization").as_deref().and_then(parse_uuid),
        schema: text("identity_schema").filter(|id| !id.is_empty()),
        login_challenge: text("login_challenge"),
        wants_exchange: text("return_session_token_exchange_code").as_deref() == Some("true"),
    }
}

fn flow_id(query: &str, name: &str) -> Option<FlowId> {
    first(query, name).as_deref().and_then(FlowId::parse)
}

fn open_verification(kind: FlowKind, path: &str, query: &str) -> Verify {
    let return_to = first(query, "return_to").map(std::borrow::Cow::into_owned);
    Verify::Open { kind, return_to, request: request(path, query) }
}

/// Path and query of a request, below the base URL.
fn request(path: &str, query: &str) -> String {
    match query {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

fn by_get(method: &Method) -> String {
    format!(
        "Unable to decode body because HTTP Request Method was \"{method}\" but only [POST PUT PATCH] are supported."
    )
}

async fn submitted_body<B>(parts: &Parts, body: B) -> Result<Body, Failure>
where
    B: HttpBody + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let coded = parts.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if coded {
        return Err(Failure::encoded_body());
    }
    if body.size_hint().exact() == Some(0) {
        let reason = "Unable to decode HTTP Request Body because its HTTP Header \"Content-Length\" is zero.";
        return Ok(Body::Broken(reason.to_owned()));
    }
    let bytes = collect(body).await?;
    let content_type = parts.headers.get(header::CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()));
    Ok(match body::read(content_type.as_deref().unwrap_or_default(), &bytes) {
        Ok(form) => Body::Form(form),
        Err(reason) => Body::Broken(reason),
    })
}

/// A body with the fields that stand in the query, which are bounded as those of a form; nothing where there are none.
fn with_query(body: &Body, query: &str, is_field: impl Fn(&str) -> bool) -> Option<Form> {
    let Body::Form(form) = body else { return None };
    let Form::Pairs(mut fields) = body::read(FORM, query.as_bytes()).ok()? else { return None };
    fields.retain(|(name, _)| is_field(name));
    (!fields.is_empty()).then(|| form.with_query(fields))
}

/// A body that proves an address, with what the query says in its place.
fn proving(body: Body, query: &str) -> Body {
    const FIELDS: [&str; 5] = ["method", "email", "code", "token", "transient_payload"];
    with_query(&body, query, |name| FIELDS.contains(&name)).map_or(body, Body::Form)
}

/// The token that a form brings to a path that takes no form.
async fn token<B>(parts: &Parts, body: B, needed: bool) -> Option<String>
where
    B: HttpBody + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let content_type = parts.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    if !needed || !content_type.starts_with(FORM) {
        return None;
    }
    let form = body::read(content_type, &collect(body).await.ok()?).ok()?;
    form.text(TOKEN_FIELD).map(std::borrow::Cow::into_owned)
}

async fn collect<B>(body: B) -> Result<Bytes, Failure>
where
    B: HttpBody + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // A body that says beforehand that it is too large is not read at all.
    if body.size_hint().lower() > LARGEST as u64 {
        return Err(Failure::too_large(LARGEST));
    }
    match Limited::new(body, LARGEST).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::too_large(LARGEST)),
        Err(_) => Err(Failure::broken_body()),
    }
}

/// A segment of a path as it was meant.
fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// What another page gave a browser to bring back.
fn callback(provider: Option<&str>, query: &str) -> Result<Wish, Failure> {
    let pairs: Vec<(String, String)> =
        pairs(query).map(|(name, value)| (name.into_owned(), value.into_owned())).take(MOST_PARAMETERS + 1).collect();
    let bounded = query.len() <= LONGEST_CALLBACK && pairs.len() <= MOST_PARAMETERS;
    let answer = bounded.then_some(Form::Pairs(pairs));
    let answer = answer.ok_or_else(|| Failure::bad_request("The query is too long."))?;
    Ok(Wish::Resume(Returned { method: "oidc", errand: provider.map(decoded), answer }))
}

/// A query with the fields of a form in place of parameters of the same name; of several the last counts.
fn with_form(query: &str, body: &Body) -> String {
    let mut all: std::collections::BTreeMap<String, String> =
        pairs(query).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    if let Body::Form(Form::Pairs(fields)) = body {
        all.extend(fields.iter().cloned());
    }
    form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish()
}
