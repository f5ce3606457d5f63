//! I3: a proof of an address signs in, and leads on to the OAuth2 server, only the browser that registered, only as the
//! identity that it registered, and once.

use serde_json::{Value, json};
use tower_registration::host::Kind;
use tower_registration::testing::{App, Client, Reply, UI};
use tower_registration::{After, Verification};

use super::{Scripted, app, sign_up};

const ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.org";

/// A service whose registrations hand out no session, so that whoever has one has it by a proof.
fn service(server: &Scripted, verification: Verification) -> App {
    let after = After::new().show_verification_ui(true);
    app(server, |builder| builder.verification(verification).after(after))
}

fn by_code() -> Verification {
    Verification::by_code(format!("{UI}/verify"))
}

/// Registers for a client of the OAuth2 server; the page that asks for the proof.
async fn registered(client: &mut Client, email: &str) -> Reply {
    let page = client.open_with("login_challenge=c").await;
    let done = client.submit(&page, sign_up(email)).await;
    client.verification_page(done).await
}

async fn code(app: &App, email: &str) -> Value {
    app.deliver().await.unwrap();
    json!({ "method": "code", "code": app.mailbox().latest_code(email).unwrap() })
}

fn nobody_is_signed_in(app: &App, server: &Scripted) -> bool {
    app.memory().count(Kind::Session) == 0 && server.accepted().is_empty()
}

#[tokio::test]
async fn i3_a_code_typed_in_another_browser_proves_the_address_and_signs_in_nobody() {
    let server = Scripted::new();
    let app = service(&server, by_code());
    let (mut eve, mut ada) = (app.browser(), app.browser());
    // Eve registers Ada's address, and Ada proves it in her own browser.
    let page = registered(&mut eve, ADA).await;
    let link = {
        code(&app, ADA).await;
        app.mailbox().latest_link(ADA).unwrap()
    };

    let opened = ada.follow(&link).await;
    let prepared = ada.verification_page(opened).await;
    let proved = ada.submit_verification(&prepared, code(&app, ADA).await).await;
    let late = eve.submit_verification(&page, code(&app, ADA).await).await;

    assert_eq!(proved.status(), 303);
    assert!(!proved.location().contains("id.example.org") && !late.location().contains("id.example.org"));
    assert!(nobody_is_signed_in(&app, &server), "{:?}", server.accepted());
}

#[tokio::test]
async fn i3_a_code_posted_without_a_cookie_signs_in_nobody() {
    let server = Scripted::new();
    let app = service(&server, by_code());
    let mut ada = app.browser();
    let page = registered(&mut ada, ADA).await;
    let form = code(&app, ADA).await;

    let proved = app.spa().submit_verification(&page, form).await;

    assert_eq!((proved.status(), proved.at("/state")), (200, json!("passed_challenge")));
    assert!(nobody_is_signed_in(&app, &server));
}

#[tokio::test]
async fn i3_a_link_opened_elsewhere_and_then_proved_there_signs_in_nobody() {
    let server = Scripted::new();
    let app = service(&server, Verification::by_link(format!("{UI}/verify")));
    let (mut ada, mut other) = (app.browser(), app.browser());
    let _ = registered(&mut ada, ADA).await;
    app.deliver().await.unwrap();

    let opened = other.follow(&app.mailbox().latest_link(ADA).unwrap()).await;
    let prepared = other.verification_page(opened).await;
    let form = json!({ "method": "link", "token": prepared.value_of("token") });
    let proved = other.submit_verification(&prepared, form).await;

    assert_eq!(proved.status(), 303);
    assert!(nobody_is_signed_in(&app, &server));
}

#[tokio::test]
async fn i3_the_proof_of_somebody_elses_address_in_ones_own_flow_signs_in_nobody() {
    let server = Scripted::new();
    let app = service(&server, by_code());
    let (mut ada, mut eve) = (app.browser(), app.browser());
    let _ = registered(&mut ada, ADA).await;
    let page = registered(&mut eve, EVE).await;

    // Eve's flow writes to Ada, whose code Eve gets to see.
    let sent = eve.submit_verification(&page, json!({ "method": "code", "email": ADA })).await;
    let page = eve.verification_page(sent).await;
    let proved = eve.submit_verification(&page, code(&app, ADA).await).await;

    assert_eq!(proved.status(), 303);
    assert!(nobody_is_signed_in(&app, &server), "neither as Ada nor as Eve");
}

#[tokio::test]
async fn i3_the_browser_that_registered_is_signed_in_as_whom_it_registered_and_once() {
    let server = Scripted::new();
    let app = service(&server, by_code());
    let mut eve = app.browser();
    let page = registered(&mut eve, EVE).await;
    let form = code(&app, EVE).await;
    let mut twin = eve.clone();

    let (first, second) =
        tokio::join!(eve.submit_verification(&page, form.clone()), twin.submit_verification(&page, form));

    let led = [&first, &second].iter().filter(|reply| reply.location().contains("id.example.org")).count();
    assert_eq!((led, server.accepted().len(), app.memory().count(Kind::Session)), (1, 1, 1));
    assert_eq!(server.accepted()[0].1.subject, app.identities()[0].id());
}

#[tokio::test]
async fn i3_a_proof_begun_by_the_person_signs_in_nobody() {
    let server = Scripted::new();
    let app = service(&server, by_code());
    let mut ada = app.browser();
    let _ = registered(&mut ada, ADA).await;

    let page = ada.open_verification("login_challenge=c").await;
    let sent = ada.submit_verification(&page, json!({ "method": "code", "email": ADA })).await;
    let page = ada.verification_page(sent).await;
    let proved = ada.submit_verification(&page, code(&app, ADA).await).await;

    assert_eq!(proved.status(), 303);
    assert!(nobody_is_signed_in(&app, &server));
}
