//! The address is proved first, then the browser goes on.

use serde_json::{Value, json};
use tower_registration::testing::{App, Client, ClientKind, Reply, UI};
use tower_registration::{After, Verification};

use super::{app_with, goes_on, id, next, sent, server};
use crate::oauth2_server::{Asked, OAuth2Server};

const ADA: &str = "ada@example.org";

fn app(server: &OAuth2Server, verification: Verification, session: bool) -> App {
    let after = After::new().session(session).show_verification_ui(true);
    app_with(server, |builder| builder.verification(verification).after(after))
}

fn by_code() -> Verification {
    Verification::by_code(format!("{UI}/verify"))
}

/// Ada registers; the page that asks for her proof.
async fn registered(client: &mut Client, query: &str) -> Reply {
    let page = client.open_with(query).await;
    let done = client.submit(&page, crate::ada()).await;
    client.verification_page(done).await
}

async fn code(app: &App) -> Value {
    app.deliver().await.unwrap();
    json!({ "method": "code", "code": app.mailbox().latest_code(ADA).unwrap() })
}

#[tokio::test]
async fn a_browser_goes_on_once_its_address_is_proved() {
    for session in [true, false] {
        let server = server();
        let app = app(&server, by_code(), session);
        let (mut ada, mut visitor) = (app.browser(), server.visitor());
        let page = registered(&mut ada, &sent(&server, &mut visitor).await).await;
        assert!(!server.asked().contains(&Asked::Accept), "not before");
        assert_eq!(ada.whoami().await.is_some(), session);

        let done = ada.submit_verification(&page, code(&app).await).await;
        let known = goes_on(&server, &mut visitor, done.location()).await;

        assert_eq!(done.status(), 303);
        let own = ada.whoami().await.unwrap();
        assert_eq!(known, json!({ "sub": id(&app), "amr": ["password"], "sid": own["id"] }));
        assert_eq!(own["identity"]["verifiable_addresses"][0]["verified"], true);
        let names: Vec<&str> = done
            .headers()
            .get_all("set-cookie")
            .iter()
            .map(|line| line.to_str().unwrap().split('=').next().unwrap())
            .collect();
        assert!(names.contains(&"ory_kratos_session"), "{names:?}");
        assert_eq!(names.len(), if session { 1 } else { 2 }, "a new secret for whoever was not signed in: {names:?}");
    }
}

#[tokio::test]
async fn a_single_page_application_finds_the_server_behind_the_link_that_leads_on() {
    let server = server();
    let app = app(&server, by_code(), true);
    let (mut ada, mut visitor) = (app.spa(), server.visitor());
    let page = registered(&mut ada, &sent(&server, &mut visitor).await).await;

    let done = ada.submit_verification(&page, code(&app).await).await;

    assert_eq!((done.status(), done.at("/state")), (200, json!("passed_challenge")));
    let nodes = done.at("/ui/nodes");
    let link = nodes.as_array().unwrap().iter().find(|node| node["type"] == "a").unwrap();
    let known = goes_on(&server, &mut visitor, link["attributes"]["href"].as_str().unwrap()).await;
    assert_eq!(known["sub"], id(&app));
    let shown = ada.show_verification(&done.flow_id().unwrap()).await;
    assert_eq!(shown.status(), 200, "the flow stays this browser's");
}

#[tokio::test]
async fn a_single_page_application_without_a_session_goes_on_after_its_proof() {
    let server = server();
    let app = app(&server, by_code(), false);
    let (mut ada, mut visitor) = (app.spa(), server.visitor());
    let page = registered(&mut ada, &sent(&server, &mut visitor).await).await;

    let done = ada.submit_verification(&page, code(&app).await).await;

    assert_eq!((done.status(), server.asked().last()), (200, Some(&Asked::Accept)));
    assert!(ada.whoami().await.is_some());
    assert_eq!(ada.show_verification(&done.flow_id().unwrap()).await.status(), 200);
}

#[tokio::test]
async fn a_link_that_is_opened_in_the_same_browser_leads_on_behind_its_button() {
    for verification in [Verification::by_link(format!("{UI}/verify")), by_code()] {
        let server = server();
        let app = app(&server, verification, false);
        let (mut ada, mut visitor) = (app.browser(), server.visitor());
        let page = registered(&mut ada, &sent(&server, &mut visitor).await).await;
        app.deliver().await.unwrap();

        let opened = ada.follow(&app.mailbox().latest_link(ADA).unwrap()).await;
        let prepared = ada.verification_page(opened).await;
        assert!(!server.asked().contains(&Asked::Accept), "opening proves nothing");
        let mut form = json!({ "method": page.at("/active") });
        for name in ["token", "code"] {
            if !prepared.value_of(name).is_null() {
                form[name] = prepared.value_of(name);
            }
        }
        let done = ada.submit_verification(&prepared, form).await;

        let known = goes_on(&server, &mut visitor, done.location()).await;
        assert_eq!(known["sub"], id(&app));
    }
}

#[tokio::test]
async fn where_no_page_asks_for_the_proof_the_browser_goes_on_at_once_and_the_proof_leads_nowhere() {
    let server = server();
    let app = app_with(&server, |builder| builder.verification(by_code()));
    let (mut ada, mut visitor) = (app.browser(), server.visitor());
    let page = ada.open_with(&sent(&server, &mut visitor).await).await;

    let done = ada.submit(&page, crate::ada()).await;
    let known = goes_on(&server, &mut visitor, done.location()).await;
    assert_eq!(known["sub"], id(&app));
    app.deliver().await.unwrap();
    let opened = ada.follow(&app.mailbox().latest_link(ADA).unwrap()).await;
    let prepared = ada.verification_page(opened).await;
    let proved = ada.submit_verification(&prepared, code(&app).await).await;

    assert_eq!(proved.status(), 303);
    let accepted = server.asked().iter().filter(|asked| **asked == Asked::Accept).count();
    assert_eq!(accepted, 1, "once");
}

#[tokio::test]
async fn a_native_client_proves_its_address_and_nobody_is_told() {
    let server = server();
    let app = app(&server, by_code(), true);
    let mut ada = app.client(ClientKind::Native);
    let page = registered(&mut ada, &sent(&server, &mut server.visitor()).await).await;

    let done = ada.submit_verification(&page, code(&app).await).await;

    assert_eq!((done.status(), done.at("/state")), (200, json!("passed_challenge")));
    assert!(!server.asked().contains(&Asked::Accept));
}

#[tokio::test]
async fn whoever_would_have_to_prove_an_address_for_nothing_hears_of_it_before_anything_is_stored() {
    let server = server();
    let app = app(&server, by_code(), true);
    let query = sent(&server, &mut server.visitor()).await;
    for (kind, challenge, status) in
        [(ClientKind::Native, "made-up", 400), (ClientKind::Spa, "", 500), (ClientKind::Browser, "", 303)]
    {
        server.mend();
        let mut ada = app.client(kind);
        let query = if challenge.is_empty() { query.clone() } else { format!("login_challenge={challenge}") };
        let page = ada.open_with(&query).await;
        if challenge.is_empty() {
            server.fail(Asked::Login, crate::oauth2_server::Fault::Status(500));
        }

        let refused = ada.submit(&page, crate::ada()).await;

        assert_eq!(refused.status(), status, "{kind:?} {}", refused.json());
        let reason = refused.at("/error/reason");
        assert!(reason.is_null() || reason == "Unable to get OAuth 2.0 Login Challenge.", "{reason}");
        assert!(app.identities().is_empty(), "{kind:?}");
        assert_eq!(app.deliver().await.unwrap().delivered, 0);
    }
    server.mend();
    let mut ada = app.spa();
    let page = ada.open_with(&query).await;
    let done = ada.submit(&page, crate::ada()).await;
    assert_eq!((done.status(), next_is_verification(&done)), (200, true), "and may try again");
}

fn next_is_verification(reply: &Reply) -> bool {
    reply.at("/continue_with/0/redirect_browser_to") == "https://app.example.org/welcome"
        && reply.at("/continue_with/1/action") == "show_verification_ui"
}

#[tokio::test]
async fn every_address_at_once_leads_on_behind_the_last() {
    let server = server();
    let app = app(&server, by_code().every_address(true), true);
    let (mut ada, mut visitor) = (app.spa(), server.visitor());
    let page = ada.open_with(&sent(&server, &mut visitor).await).await;
    let done = ada.submit(&page, crate::ada()).await;
    assert!(done.at("/continue_with/0").to_string().contains("welcome") && next_or_none(&done).is_none());

    let page = ada.verification_page(done).await;
    let _ = ada.submit_verification(&page, code(&app).await).await;

    assert_eq!(server.asked().last(), Some(&Asked::Accept));
}

fn next_or_none(reply: &Reply) -> Option<String> {
    let steps = reply.at("/continue_with");
    let last = steps.as_array()?.last()?.clone();
    last["redirect_browser_to"].as_str().map(|_| next(reply))
}
