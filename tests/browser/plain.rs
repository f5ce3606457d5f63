//! Pages that show a flow as plain HTML: no inline script and no inline style, so that a strict policy holds.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower::ServiceExt;
use tower_registration::Registration;

/// Scripts of this site alone, forms to this site alone, nothing inline.
const POLICY: &str =
    "default-src 'none'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A site with the service below `/auth` and pages for it.
pub(crate) fn site(registration: Registration) -> Router {
    let pages = Router::new()
        .route("/", get(home))
        .route("/sign-up", get(sign_up))
        .route(
            "/sorry",
            get(async || page("Sorry", "<p>Something went wrong. <a href=\"/sign-up\">Begin anew</a></p>")),
        )
        .with_state(registration.clone());
    pages.nest_service("/auth", registration)
}

async fn home(State(service): State<Registration>, headers: HeaderMap) -> Response {
    match ask(&service, "/auth/sessions/whoami", &headers).await {
        Some(session) => {
            let email = session["identity"]["traits"]["email"].as_str().unwrap_or_default();
            page("Welcome", &format!("<p id=\"who\">{}</p>", escaped(email)))
        }
        None => page("Hello", "<p><a href=\"/sign-up\">Sign up</a></p>"),
    }
}

/// The page of a flow; without one a flow is begun, which leads back here.
async fn sign_up(State(service): State<Registration>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    const BEGIN: &str = "/auth/self-service/registration/browser";
    // Only what a flow's id is made of goes into the path.
    let query = query.unwrap_or_default();
    let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "flow");
    let id = asked.map(|(_, id)| id).filter(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'));
    let Some(id) = id else { return Redirect::to(BEGIN).into_response() };
    match ask(&service, &format!("/auth/self-service/registration/flows?id={id}"), &headers).await {
        Some(flow) => page("Sign up", &form(&flow["ui"])),
        None => Redirect::to(BEGIN).into_response(),
    }
}

/// Asks the service in this process, as the browser that asked us.
async fn ask(service: &Registration, path: &str, headers: &HeaderMap) -> Option<Value> {
    let mut request = Request::get(path).header(header::ACCEPT, "application/json");
    for cookie in headers.get_all(header::COOKIE) {
        request = request.header(header::COOKIE, cookie);
    }
    let request = request.body(Full::<axum::body::Bytes>::default()).ok()?;
    let answer = service.clone().oneshot(request).await.ok()?;
    if answer.status() != StatusCode::OK {
        return None;
    }
    serde_json::from_slice(&answer.into_body().collect().await.ok()?.to_bytes()).ok()
}

fn form(ui: &Value) -> String {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let messages: String = list(&ui["messages"]).iter().map(message).collect();
    let fields: String = list(&ui["nodes"]).iter().map(field).collect();
    format!("{messages}<form method=\"post\" action=\"{}\">{fields}</form>", attribute(&ui["action"]))
}

fn message(message: &Value) -> String {
    format!("<p role=\"alert\" data-id=\"{}\">{}</p>", message["id"], attribute(&message["text"]))
}

/// A node of the flow: a script, a button that calls it, or a field.
fn field(node: &Value) -> String {
    let own = &node["attributes"];
    let [name, value, kind] = ["name", "value", "type"].map(|key| attribute(&own[key]));
    if node["type"] == "script" {
        let [src, integrity] = ["src", "integrity"].map(|key| attribute(&own[key]));
        return format!("<script async crossorigin=\"anonymous\" src=\"{src}\" integrity=\"{integrity}\"></script>");
    }
    let label = attribute(&node["meta"]["label"]["text"]);
    let messages: String = node["messages"].as_array().into_iter().flatten().map(message).collect();
    match own["type"].as_str().unwrap_or_default() {
        "hidden" => format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"),
        "button" => {
            // The library's script listens for clicks on such buttons.
            let trigger = attribute(&own["onclickTrigger"]);
            format!(
                "<p><button type=\"button\" name=\"{name}\" value=\"{value}\" data-onclick-trigger=\"{trigger}\">{label}</button></p>"
            )
        }
        "submit" => format!("<p><button name=\"{name}\" value=\"{value}\">{label}</button></p>"),
        _ => {
            format!("<p><label>{label} <input type=\"{kind}\" name=\"{name}\" value=\"{value}\"></label></p>{messages}")
        }
    }
}

fn attribute(value: &Value) -> String {
    escaped(value.as_str().unwrap_or_default())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn page(title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
         <body><h1>{title}</h1>{body}</body></html>"
    );
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response()
}
