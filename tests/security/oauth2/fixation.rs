//! Somebody else's challenge, with an OAuth2 server that keeps to its rules.

use serde_json::json;
use tower_registration::methods::Password;
use tower_registration::testing::{App, BASE_URL};

use super::sign_up;
use crate::oauth2_server::{Asked, OAuth2Server, parameter};

fn start() -> (OAuth2Server, App) {
    let server = OAuth2Server::start(&format!("{BASE_URL}/self-service/registration/browser"));
    let app = App::with(|builder| builder.method(Password::new()).oauth2_server(server.hydra())).unwrap();
    (server, app)
}

#[tokio::test]
async fn a_challenge_of_eve_in_adas_browser_opens_nothing_for_either() {
    let (server, app) = start();
    let (mut ada, mut at_ada, mut at_eve) = (app.browser(), server.visitor(), server.visitor());
    let bait = at_eve.visit(&server.authorize()).await.unwrap();

    // Ada follows Eve's link and signs up.
    let begun = ada.follow(bait.as_str()).await;
    let page = ada.page(begun).await;
    let done = ada.submit(&page, sign_up("ada@example.org")).await;
    let refused = at_ada.visit(done.location()).await.unwrap_err();
    // Eve has her challenge, and no verifier.
    let again = at_eve.visit(&server.authorize_with("&login_verifier=guess")).await.unwrap_err();
    let mut eve = app.browser();
    let shown = eve.get(&format!("/self-service/registration/browser?{}", bait.query().unwrap())).await;
    let hers = eve.page(shown).await;

    assert_eq!(
        (refused["error"].clone(), again["error"].clone()),
        (json!("request_forbidden"), json!("access_denied"))
    );
    assert!(!hers.json().to_string().contains("login_verifier"), "{}", hers.json());
    assert!(ada.whoami().await.is_some(), "Ada is signed in here, as herself");
}

#[tokio::test]
async fn a_challenge_of_eve_is_not_accepted_for_ada_who_is_signed_in() {
    let (server, app) = start();
    let mut ada = app.browser();
    let page = ada.open().await;
    let _ = ada.submit(&page, sign_up("ada@example.org")).await;
    // Eve is known to the server, so that her challenges say "skip".
    let (mut eve, mut at_eve) = (app.browser(), server.visitor());
    let bait = at_eve.visit(&server.authorize()).await.unwrap();
    let page = eve.open_with(bait.query().unwrap()).await;
    let done = eve.submit(&page, sign_up("eve@example.org")).await;
    let back = at_eve.visit(done.location()).await.unwrap();
    assert!(!parameter(&back, "code").is_empty());

    let skips = at_eve.visit(&server.authorize()).await.unwrap();
    let led = ada.follow(skips.as_str()).await;
    let asks = server.visitor().visit(&server.authorize()).await.unwrap();
    let sent = ada.follow(asks.as_str()).await;

    assert!(led.location().contains("/sorry?id="), "the server knows that it is not Eve: {}", led.location());
    assert!(sent.location().contains("/self-service/login/browser?"), "{}", sent.location());
    let accepts = server.asked().iter().filter(|asked| **asked == Asked::Accept).count();
    assert_eq!(accepts, 2, "Eve's own, and the one that was refused");
}
