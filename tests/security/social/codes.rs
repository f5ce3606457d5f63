//! O5: codes bound to secrets.

use serde_json::json;
use tower_registration::host::Kind;
use tower_registration::methods::Oidc;
use tower_registration::methods::oidc::Pkce;
use tower_registration::testing::{Endpoint, ProviderFault};

use super::{
    ISSUER, WELCOME, app, begin, entry, error_of, leave, nobody, parameter, plain_app, provider, with_parameter,
};

/// The challenge in the authorization URL of a provider that was set up and talks about itself like this.
async fn challenge(pkce: Pkce, methods: serde_json::Value) -> String {
    let provider = provider();
    provider.change_metadata(json!({ "code_challenge_methods_supported": methods }));
    let app = app(Oidc::new(provider.clone()).provider(entry("local", ISSUER).pkce(pkce)));
    let mut ada = app.browser();
    let page = ada.open().await;
    let to = leave(&mut ada, &page, "local").await;
    assert_ne!(parameter(&to, "code_challenge_method"), "plain");
    parameter(&to, "code_challenge")
}

#[tokio::test]
async fn o5_codes_are_bound_where_the_provider_knows_how_or_by_force() {
    assert_eq!(challenge(Pkce::Auto, json!(["plain", "S256"])).await.len(), 43);
    assert_eq!(challenge(Pkce::Auto, json!(["plain"])).await, "");
    assert_eq!(challenge(Pkce::Auto, json!(null)).await, "");
    assert_eq!(challenge(Pkce::Force, json!(null)).await.len(), 43);
    assert_eq!(challenge(Pkce::Never, json!(["S256"])).await, "");
    assert_ne!(challenge(Pkce::Force, json!(null)).await, challenge(Pkce::Force, json!(null)).await);
}

#[tokio::test]
async fn o5_a_provider_that_cannot_be_asked_does_not_switch_it_off() {
    for fault in
        [ProviderFault::Away, ProviderFault::Status(404), ProviderFault::Page, ProviderFault::Says("{}".to_owned())]
    {
        let provider = provider();
        provider.fail(Endpoint::Discovery, fault.clone());
        // Its endpoints are known without asking: only the way to bind codes is not.
        let entry = entry("local", ISSUER);
        let app = app(Oidc::new(provider.clone()).provider(entry));
        let mut ada = app.browser();
        let page = ada.open().await;

        let refused = ada.submit(&page, json!({ "provider": "local" })).await;

        assert_eq!(error_of(&app, &refused).await["id"], "invalid_configuration", "{fault:?}");
    }
}

#[tokio::test]
async fn o5_an_injected_code_is_worth_nothing() {
    let provider = provider();
    let app = plain_app(&provider);
    let (mut eve, mut victim) = (app.browser(), app.browser());
    let stolen = parameter(&begin(&mut victim, &provider, "local").await, "code");
    let own = begin(&mut eve, &provider, "local").await;

    let done = eve.follow(&with_parameter(&own, "code", &stolen)).await;

    assert_eq!(error_of(&app, &done).await["code"], 500);
    assert!(nobody(&app));
}

#[tokio::test]
async fn o5_the_secret_stays_where_it_is() {
    let provider = provider();
    let app = plain_app(&provider);
    let mut ada = app.spa();
    let page = ada.open().await;
    let leaves = ada.submit(&page, json!({ "provider": "local" })).await;
    let shown = ada.show(&page.flow_id().unwrap()).await;
    let stored = app.memory().all_records(Kind::Flow);

    let challenge = parameter(leaves.at("/redirect_browser_to").as_str().unwrap(), "code_challenge");
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use sha2::{Digest, Sha256};
    // Everything of the right shape that anybody can see is no preimage of the challenge.
    let seen = format!("{:?} {} {} {}", leaves, leaves.json(), shown.json(), String::from_utf8_lossy(stored[0].body()));
    let words = seen.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    let windows = words.flat_map(|word| (0..word.len().saturating_sub(42)).map(move |at| &word[at..at + 43]));
    let mut tried = 0;
    for window in windows {
        tried += 1;
        assert_ne!(URL_SAFE_NO_PAD.encode(Sha256::digest(window.as_bytes())), challenge);
    }
    assert!(tried > 100, "{tried}");
    assert_eq!(
        ada.follow(&provider.sign_in(leaves.at("/redirect_browser_to").as_str().unwrap())).await.location(),
        WELCOME
    );
}
