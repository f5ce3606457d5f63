//! Registrations that an OAuth2 server begins: from the client's first page to its token, through every kind of journey.
//!
//! Recorded cases of the reference: `oauth2-*`.

mod failures;
mod pages;
#[cfg(feature = "oidc")]
mod social;
mod verified;

use serde_json::{Value, json};
use time::Duration;
use tower_registration::host::Kind;
use tower_registration::methods::{Code, Password};
use tower_registration::testing::{App, BASE_URL, ClientKind, Reply, UI};
use tower_registration::{After, Builder, Style};

use crate::oauth2_server::{Asked, OAuth2Server, REDIRECT_URI, Visitor, parameter};

const WELCOME: &str = "https://app.example.org/welcome";
const LOGIN: &str = "https://app.example.org/auth/self-service/login/browser";

fn server() -> OAuth2Server {
    OAuth2Server::start(&format!("{BASE_URL}/self-service/registration/browser"))
}

fn app(server: &OAuth2Server) -> App {
    app_with(server, |builder| builder)
}

fn app_with(server: &OAuth2Server, choose: impl FnOnce(Builder) -> Builder) -> App {
    App::with(|builder| choose(builder.method(Password::new()).oauth2_server(server.hydra()))).unwrap()
}

/// The query with which the server sends a browser here.
async fn sent(server: &OAuth2Server, visitor: &mut Visitor) -> String {
    let to = visitor.visit(&server.authorize()).await.unwrap();
    to.query().unwrap().to_owned()
}

/// The browser goes on at the server; who the client gets to know.
async fn goes_on(server: &OAuth2Server, visitor: &mut Visitor, to: &str) -> Value {
    assert!(to.starts_with(&server.issuer), "{to}");
    let back = visitor.visit(to).await.unwrap();
    assert!(back.as_str().starts_with(REDIRECT_URI) && parameter(&back, "state") == "xyz", "{back}");
    server.redeem(&parameter(&back, "code")).await["id_token"].clone()
}

/// Where `continue_with` leads in the end.
fn next(reply: &Reply) -> String {
    let steps = reply.at("/continue_with");
    let last = steps.as_array().and_then(|steps| steps.last()).unwrap_or_else(|| panic!("{}", reply.json()));
    last["redirect_browser_to"].as_str().unwrap().to_owned()
}

/// Where an answer leads, as its kind of client reads it.
fn led(kind: ClientKind, reply: &Reply) -> String {
    match kind {
        ClientKind::Browser => {
            assert_eq!(reply.status(), 303, "{}", reply.json());
            reply.location().to_owned()
        }
        _ => next(reply),
    }
}

fn id(app: &App) -> Value {
    app.identities()[0].id().to_string().into()
}

#[tokio::test]
async fn a_registration_that_a_client_began_ends_at_the_client() {
    for kind in [ClientKind::Browser, ClientKind::Spa] {
        let server = server();
        let app = app(&server);
        let (mut ada, mut visitor) = (app.client(kind), server.visitor());
        let query = sent(&server, &mut visitor).await;

        let page = ada.open_with(&query).await;
        let done = ada.submit(&page, crate::ada()).await;
        let to = led(kind, &done);
        let known = goes_on(&server, &mut visitor, &to).await;

        assert!(query.ends_with(page.at("/oauth2_login_challenge").as_str().unwrap()), "{kind:?}");
        let session = ada.whoami().await.unwrap();
        assert_eq!(known, json!({ "sub": id(&app), "amr": ["password"], "sid": session["id"] }), "{kind:?}");
        let again = visitor.visit(&to).await.unwrap_err();
        assert_eq!(again["error"], "access_denied", "a verifier works once");
    }
}

#[tokio::test]
async fn the_page_says_who_asks_and_never_the_clients_secret() {
    let server = server();
    let app = app_with(&server, |builder| builder.method(Code::new()).style(Style::ProfileFirst));
    let mut ada = app.spa();
    let query = sent(&server, &mut server.visitor()).await;
    let names = |reply: &Reply| reply.at("/oauth2_login_request/client/client_id");

    let begun = ada.open_with(&query).await;
    let shown = ada.show(&begun.flow_id().unwrap()).await;
    let traits = json!({ "email": "ada@example.org" });
    let empty = ada.submit(&begun, json!({ "method": "profile", "traits": {} })).await;
    let moved = ada.submit(&begun, json!({ "method": "profile", "traits": traits })).await;
    let coded = ada.submit(&begun, json!({ "method": "code", "traits": traits })).await;

    assert_eq!((begun.status(), names(&begun)), (200, Value::Null), "not when it begins");
    assert_eq!((shown.status(), names(&shown)), (200, json!("shop")));
    assert_eq!((empty.messages_at("traits.email"), names(&empty)), (vec![4000002], json!("shop")));
    assert_eq!((moved.messages(), names(&moved)), (vec![1040009], Value::Null), "not from step to step");
    assert_eq!((coded.messages(), names(&coded)), (vec![1040005], json!("shop")));
    for reply in [&begun, &shown, &empty, &moved, &coded] {
        assert_eq!(reply.at("/oauth2_login_challenge"), begun.at("/oauth2_login_challenge"));
        assert!(!reply.json().to_string().contains("canary"));
    }
}

#[tokio::test]
async fn without_the_session_hook_a_browser_goes_on_and_keeps_no_session() {
    let server = server();
    let app = app_with(&server, |builder| builder.after(After::new()));
    let (mut ada, mut visitor) = (app.browser(), server.visitor());
    let query = sent(&server, &mut visitor).await;
    let page = ada.open_with(&query).await;

    let done = ada.submit(&page, crate::ada()).await;
    let known = goes_on(&server, &mut visitor, done.location()).await;

    assert_eq!(known["sub"], id(&app));
    assert!(done.headers().get("set-cookie").is_none() && ada.whoami().await.is_none());
    assert_eq!(app.memory().count(Kind::Session), 1, "one that nobody bears");
}

#[tokio::test]
async fn without_the_session_hook_a_single_page_application_does_not_go_on() {
    let server = server();
    let app = app_with(&server, |builder| builder.after(After::new()));
    let mut ada = app.spa();
    let page = ada.open_with(&sent(&server, &mut server.visitor()).await).await;

    let done = ada.submit(&page, crate::ada()).await;

    assert_eq!((done.status(), next(&done).as_str()), (200, WELCOME));
    assert!(!server.asked().contains(&Asked::Accept));
}

#[tokio::test]
async fn a_native_client_begins_without_asking_and_is_never_accepted() {
    let server = server();
    let app = app(&server);
    let mut ada = app.native();

    let unknown = ada.open_with("login_challenge=made-up").await;
    let asked = server.asked();
    let shown = ada.show(&unknown.flow_id().unwrap()).await;
    let done = ada.submit(&unknown, crate::ada()).await;

    assert_eq!((unknown.status(), unknown.at("/oauth2_login_challenge")), (200, json!("made-up")));
    assert!(asked.is_empty(), "{asked:?}");
    assert_eq!((shown.status(), shown.at("/error/details/status_code")), (400, json!(404)));
    assert_eq!(done.status(), 200, "{}", done.json());
    assert_eq!(done.at("/continue_with/0/action"), "set_ory_session_token");
    assert!(!server.asked().contains(&Asked::Accept));
}

#[tokio::test]
async fn somebody_whom_the_server_knows_goes_on_at_once() {
    let server = server();
    let app = app(&server);
    let (mut ada, mut visitor) = (app.browser(), server.visitor());
    let page = ada.open_with(&sent(&server, &mut visitor).await).await;
    let done = ada.submit(&page, crate::ada()).await;
    let first = goes_on(&server, &mut visitor, done.location()).await;

    let query = sent(&server, &mut visitor).await;
    let told = ada.get(&format!("/self-service/registration/browser?{query}")).await;
    let second = goes_on(&server, &mut visitor, told.location()).await;
    let query = sent(&server, &mut visitor).await;
    let json = ada.get_json(&format!("/self-service/registration/browser?{query}")).await;

    assert_eq!((told.status(), first.clone()), (303, second));
    assert_eq!((json.status(), json.json()), (200, Value::Null));
    assert_eq!(app.identities().len(), 1);
}

#[tokio::test]
async fn somebody_whom_the_server_does_not_know_signs_in_first() {
    for (overrides, expected) in [(false, "https%3A%2F%2Fapp.example.org%2Fa"), (true, "127.0.0.1")] {
        let server = server();
        let app = app_with(&server, |builder| builder.override_return_to(overrides));
        let mut ada = app.browser();
        let page = ada.open().await;
        let _ = ada.submit(&page, crate::ada()).await;
        let query = sent(&server, &mut server.visitor()).await;

        let path = format!("/self-service/registration/browser?return_to={UI}/a&{query}&a=1");
        let html = ada.get(&path).await;
        let json = ada.get_json(&path).await;

        for reply in [html, json] {
            assert_eq!(reply.status(), 302);
            let begins = format!("{LOGIN}?a=1&{query}&return_to=");
            assert!(reply.location().starts_with(&begins), "{}", reply.location());
            assert!(reply.location().contains(expected), "{}", reply.location());
        }
        assert!(!server.asked().contains(&Asked::Accept), "nobody said that it is them");
    }
}

#[tokio::test]
async fn a_flow_that_stands_in_for_an_expired_one_has_no_challenge_of_its_own() {
    let server = server();
    let app = app(&server);
    let mut ada = app.spa();
    let page = ada.open_with(&sent(&server, &mut server.visitor()).await).await;
    app.clock().advance(Duration::hours(2));

    let gone = ada.submit(&page, crate::ada()).await;
    let new = ada.show(gone.at("/use_flow_id").as_str().unwrap()).await;

    assert_eq!((gone.status(), new.status()), (410, 200));
    assert_eq!((new.messages(), new.at("/oauth2_login_challenge")), (vec![4040001], Value::Null));
}

#[tokio::test]
async fn a_challenge_that_nobody_gave_out_begins_nothing() {
    let server = server();
    let app = app(&server);
    let mut ada = app.browser();

    let unknown = ada.get("/self-service/registration/browser?login_challenge=made-up").await;
    let empty = ada.get_json("/self-service/registration/browser?login_challenge=").await;
    let without = App::new().unwrap().spa().open_with("login_challenge=x").await;

    assert_eq!(unknown.status(), 303);
    let kept = ada.get_json(&format!("/self-service/errors?id={}", unknown.location_parameter("id").unwrap())).await;
    let details = json!({ "status_code": 404, "oauth2_error_hint": "" });
    assert_eq!((kept.at("/error/code"), kept.at("/error/details")), (json!(400), details));
    assert_eq!((empty.status(), empty.at("/error/reason").as_str().unwrap().contains("empty")), (400, true));
    assert_eq!((without.status(), without.at("/error/id")), (500, json!("invalid_configuration")));
    assert_eq!(app.memory().count(Kind::Flow), 0);
}
