//! Social sign-up with a provider that somebody else wrote: it checks what this service sends, as this service checks
//! what it answers.

use std::time::Duration;

use serde_json::json;
use tower_registration::fetch::Client;
use tower_registration::identity::Channel;
use tower_registration::methods::Oidc;
use tower_registration::methods::oidc::{Claims, ClaimsSource, Mapped, Pkce, Provider};
use tower_registration::testing::{App, BASE_URL};

use crate::identity_provider::{RealProvider, Visitor};

fn callback() -> String {
    format!("{BASE_URL}/self-service/methods/oidc/callback/real")
}

/// A service with the provider in it.
fn app(real: &RealProvider) -> App {
    let provider = Provider::generic("real", &real.issuer, "tower")
        .client_secret("a secret: with % signs")
        .scope("email")
        .pkce(Pkce::Auto)
        .claims_source(ClaimsSource::UserInfo)
        .mapper(|claims: &Claims| {
            let email = claims.text("email").unwrap_or_default();
            let mapped = Mapped::new(json!({ "email": email }));
            if claims.flag("email_verified") { mapped.verified(Channel::Email, email) } else { mapped }
        });
    let client = Client::builder().allow_private(true).build().unwrap();
    App::with(|builder| builder.method(Oidc::new(client).send_nonce().provider(provider))).unwrap()
}

#[tokio::test]
async fn a_sign_up_with_pkce_makes_an_identity_and_the_next_one_signs_in() {
    let Some(real) = RealProvider::start(&callback(), 60) else { return };
    let app = app(&real);
    for round in ["signs up", "signs in"] {
        let mut ada = app.browser();
        let page = ada.open().await;
        let leaves = ada.submit(&page, json!({ "provider": "real" })).await;
        assert!(leaves.location().contains("code_challenge_method=S256"), "{}", leaves.location());
        let back = Visitor::new().agree(leaves.location(), "ada").await;

        let done = ada.follow(back.as_str()).await;

        assert_eq!((done.status(), done.location()), (303, "https://app.example.org/welcome"), "{round}");
        let session = ada.whoami().await.unwrap();
        assert_eq!(session["identity"]["traits"]["email"], "ada@example.org", "{round}");
        assert_eq!(session["identity"]["verifiable_addresses"][0]["verified"], true, "{round}");
        assert_eq!(app.identities().len(), 1, "{round}");
    }
}

#[tokio::test]
async fn whoever_turns_back_is_told_so_on_the_form() {
    let Some(real) = RealProvider::start(&callback(), 60) else { return };
    let app = app(&real);
    let mut ada = app.browser();
    let page = ada.open().await;
    let leaves = ada.submit(&page, json!({ "provider": "real" })).await;
    let back = Visitor::new().refuse(leaves.location()).await;

    let refused = ada.follow(back.as_str()).await;

    let flow = refused.location_parameter("flow").unwrap();
    let page = ada.show(&flow).await.json().to_string();
    assert!(page.contains("access_denied") && page.contains("End-User aborted interaction"), "{page}");
    assert!(app.identities().is_empty());
}

#[tokio::test]
async fn a_code_that_has_ended_makes_nobody() {
    let Some(real) = RealProvider::start(&callback(), 1) else { return };
    let app = app(&real);
    let mut ada = app.browser();
    let page = ada.open().await;
    let leaves = ada.submit(&page, json!({ "provider": "real" })).await;
    let back = Visitor::new().agree(leaves.location(), "ada").await;
    tokio::time::sleep(Duration::from_secs(3)).await;

    let refused = ada.follow(back.as_str()).await;

    assert!(app.identities().is_empty() && ada.whoami().await.is_none(), "{refused:?}");
    let id = refused.location_parameter("id").unwrap_or_else(|| panic!("{refused:?}"));
    let kept = app.native().get_json(&format!("/self-service/errors?id={id}")).await;
    let error = json!({ "code": 500, "status": "Internal Server Error",
        "message": "An internal server error occurred, please contact the system administrator" });
    assert_eq!(kept.at("/error"), error, "why is the log's business");
}
