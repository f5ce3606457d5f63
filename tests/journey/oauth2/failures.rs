//! The OAuth2 server does not go along: the client hears of it in time, other requests do not, and nothing is lost.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tower_registration::testing::{App, Client, ClientKind, Reply};

use super::{app, id, sent, server};
use crate::oauth2_server::{Asked, Fault, OAuth2Server};

const GET: &str = "Unable to get OAuth 2.0 Login Challenge.";
const ACCEPT: &str = "Unable to accept OAuth 2.0 Login Challenge.";
/// Three tries of three seconds, the pauses, and a slow machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// Faults, the status of the answer, and its details.
fn faults(server: &OAuth2Server) -> Vec<(Fault, u16, Value)> {
    let hint = |status: u16| json!({ "status_code": status, "oauth2_error_hint": "Begin again." });
    vec![
        (Fault::Slow(Duration::from_secs(30)), 500, Value::Null),
        (Fault::Status(500), 500, Value::Null),
        (Fault::Status(403), 400, hint(403)),
        (Fault::Says("<!doctype html><title>Down for maintenance</title>".to_owned()), 500, Value::Null),
        (Fault::Says("{}".to_owned()), 500, Value::Null),
        (Fault::Says(r#"{ "redirect_to": "javascript:alert(1)", "skip": "no" }"#.to_owned()), 500, Value::Null),
        (Fault::Flood(100 << 20), 500, Value::Null),
        (Fault::Redirect(format!("{}/elsewhere", server.issuer)), 400, json!({ "status_code": 302 })),
    ]
}

fn told(reply: &Reply, status: u16, reason: &str, details: &Value, place: &str) {
    assert_eq!((reply.status(), reply.at("/error/reason")), (status, json!(reason)), "{place} {}", reply.json());
    assert_eq!(reply.at("/error/details"), *details, "{place}");
}

/// Other requests are answered while this one waits.
async fn beside<T>(app: &App, waits: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let others = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let asked = Instant::now();
        let page = app.native().open().await;
        assert!(page.status() == 200 && asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    };
    let (answer, ()) = tokio::join!(waits, others);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    answer
}

#[tokio::test]
async fn what_it_wants_to_know_cannot_be_asked() {
    let server = server();
    let app = app(&server);
    let query = sent(&server, &mut server.visitor()).await;
    for (fault, status, details) in faults(&server) {
        let place = format!("{fault:?}");
        server.mend();
        let mut ada = app.spa();
        let page = ada.open_with(&query).await;
        server.fail(Asked::Login, fault);

        let shown = beside(&app, ada.show(&page.flow_id().unwrap())).await;

        told(&shown, status, GET, &details, &place);
    }
    server.mend();
    server.fail(Asked::Login, Fault::Status(500));
    let mut ada = app.spa();
    let begun = ada.open_with(&query).await;
    told(&begun, 500, GET, &Value::Null, "begun");
    assert_eq!(server.asked().iter().rev().take(3).collect::<Vec<_>>(), [&Asked::Login; 3], "tried three times");
}

async fn failed(app: &App, ada: &mut Client, query: &str, name: &str) -> Reply {
    let page = ada.open_with(query).await;
    let form = json!({ "method": "password", "password": "correct horse", "traits": { "email": name } });
    beside(app, ada.submit(&page, form)).await
}

#[tokio::test]
async fn it_does_not_accept_whom_it_sent_and_nothing_is_lost() {
    let server = server();
    let app = app(&server);
    for (at, (fault, status, details)) in faults(&server).into_iter().enumerate() {
        let place = format!("{fault:?}");
        // An accept that fails is an inner error whatever the server says.
        let status = if status == 400 { 500 } else { status };
        server.mend();
        let query = sent(&server, &mut server.visitor()).await;
        server.fail(Asked::Accept, fault);
        let mut ada = app.spa();

        let refused = failed(&app, &mut ada, &query, &format!("ada-{at}@example.org")).await;

        told(&refused, status, ACCEPT, &details, &place);
        assert_eq!(app.identities().len(), at + 1, "{place}: the identity stays");
        assert!(ada.whoami().await.is_some(), "{place}: and is signed in");
    }
}

#[tokio::test]
async fn a_browser_is_led_to_the_error_page_and_can_begin_at_the_client_again() {
    let server = server();
    let app = app(&server);
    let (mut ada, mut visitor) = (app.client(ClientKind::Browser), server.visitor());
    let query = sent(&server, &mut visitor).await;
    server.fail(Asked::Accept, Fault::Status(500));

    let refused = failed(&app, &mut ada, &query, "ada@example.org").await;
    let kept = ada.get_json(&format!("/self-service/errors?id={}", refused.location_parameter("id").unwrap())).await;
    server.mend();
    let again = ada.get(&format!("/self-service/registration/browser?{query}")).await;

    assert_eq!((refused.status(), kept.at("/error/reason")), (303, json!(ACCEPT)));
    assert!(!id(&app).is_null() && ada.whoami().await.is_some());
    assert!(again.status() == 302 && again.location().contains("/self-service/login/browser"), "{}", again.location());
}

#[tokio::test]
async fn a_challenge_that_ended_meanwhile_is_told_with_the_next_answer() {
    let server = server();
    let app = app(&server);
    let (mut ada, mut visitor) = (app.spa(), server.visitor());
    let query = sent(&server, &mut visitor).await;
    let (mut other, page) = (app.spa(), ada.open_with(&query).await);
    let form = json!({ "method": "password", "password": "correct horse", "traits": { "email": "eve@example.org" } });
    let begun = other.open_with(&query).await;
    let done = other.submit(&begun, form).await;
    super::goes_on(&server, &mut visitor, &super::next(&done)).await;

    let shown = ada.show(&page.flow_id().unwrap()).await;
    let refused = ada.submit(&page, json!({ "method": "password", "password": "x" })).await;
    let accepted = ada.submit(&page, crate::ada()).await;

    let gone = json!({ "status_code": 410 });
    told(&shown, 400, GET, &gone, "shown");
    told(&refused, 400, GET, &gone, "refused");
    let gone = json!({ "status_code": 410, "oauth2_error_hint": "" });
    told(&accepted, 500, ACCEPT, &gone, "accepted");
}

#[tokio::test]
async fn while_the_server_is_away_no_code_is_sent() {
    for kind in [ClientKind::Browser, ClientKind::Spa] {
        let server = server();
        let app = super::app_with(&server, |builder| builder.method(tower_registration::methods::Code::new()));
        let query = sent(&server, &mut server.visitor()).await;
        let mut ada = app.client(kind);
        let page = ada.open_with(&query).await;
        server.fail(Asked::Login, Fault::Status(403));

        let answer = json!({ "method": "code", "traits": { "email": "ada@example.org" } });
        let refused = ada.submit(&page, answer).await;

        assert_eq!(refused.status(), if kind == ClientKind::Browser { 303 } else { 400 }, "{kind:?}");
        assert_eq!(app.deliver().await.unwrap().delivered, 0, "{kind:?}");
        server.mend();
        assert_eq!(ada.show(&page.flow_id().unwrap()).await.at("/state"), "choose_method", "{kind:?}");
    }
}

#[tokio::test]
async fn a_proved_address_stays_proved_when_the_server_does_not_accept() {
    use tower_registration::{After, Verification};
    let server = server();
    let app = super::app_with(&server, |builder| {
        let verification = Verification::by_code("https://app.example.org/verify");
        builder.verification(verification).after(After::new().show_verification_ui(true))
    });
    let mut ada = app.browser();
    let page = ada.open_with(&sent(&server, &mut server.visitor()).await).await;
    let done = ada.submit(&page, crate::ada()).await;
    let page = ada.verification_page(done).await;
    app.deliver().await.unwrap();
    let code = app.mailbox().latest_code("ada@example.org").unwrap();
    server.fail(Asked::Accept, Fault::Status(500));

    let refused = ada.submit_verification(&page, json!({ "method": "code", "code": code })).await;

    assert!(refused.status() == 303 && refused.location().contains("/sorry?id="), "{}", refused.location());
    let own = ada.whoami().await.unwrap();
    assert_eq!(own["identity"]["verifiable_addresses"][0]["verified"], true);
}
