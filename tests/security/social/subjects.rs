//! O2: who an account is, and which addresses count as verified.

use serde_json::{Value, json};
use tower_registration::identity::{AddressState, Channel};
use tower_registration::methods::oidc::{Claims, ClaimsSource, Mapped, Provider};
use tower_registration::methods::{Oidc, Password};
use tower_registration::testing::{App, Endpoint, IdentityProvider, ProviderFault};

use super::{ISSUER, WELCOME, app, begin, entry, plain_app, provider};

/// How the provider words it that an address is verified, and whether it says so.
fn shapes() -> Vec<(Value, bool)> {
    vec![
        (json!(true), true),
        (json!("true"), true),
        (json!(false), false),
        (json!("false"), false),
        (json!("True"), false),
        (json!("TRUE"), false),
        (json!(1), false),
        (json!("1"), false),
        (json!("yes"), false),
        (json!(null), false),
        (json!([true]), false),
        (json!({ "value": true }), false),
        (json!(""), false),
        (json!(1.0), false),
    ]
}

async fn is_verified(entry: Provider, claims: Value) -> bool {
    let provider = provider();
    provider.set_claims(claims);
    let app = app(Oidc::new(provider.clone()).provider(entry));
    let mut ada = app.browser();
    let back = begin(&mut ada, &provider, "local").await;
    let _ = ada.follow(&back).await;
    let identities = app.identities();
    assert_eq!(identities.len(), 1);
    matches!(identities[0].verifiable_addresses()[0].state(), AddressState::Verified(_))
}

fn without_mapper() -> Provider {
    Provider::generic("local", ISSUER, "client-local").client_secret("secret")
}

#[tokio::test]
async fn o2_an_address_is_verified_only_for_domains_that_are_trusted() {
    for (shape, says) in shapes() {
        let claims = json!({ "sub": "1", "email": "ada@example.org", "email_verified": shape });

        assert!(!is_verified(without_mapper(), claims.clone()).await, "{shape}");
        assert!(!is_verified(without_mapper().trust_email_for("example.com"), claims.clone()).await, "{shape}");
        assert_eq!(is_verified(without_mapper().trust_email_for("EXAMPLE.org"), claims).await, says, "{shape}");
    }
    for email in ["ada@sub.example.org", "ada@notexample.org", "ada@example.org.evil.com"] {
        let claims = json!({ "sub": "1", "email": email, "email_verified": true });

        assert!(!is_verified(without_mapper().trust_email_for("example.org"), claims).await, "{email}");
    }
}

#[tokio::test]
async fn o2_the_word_of_the_hosts_own_mapper_counts_for_the_address_it_names() {
    let vouching = |value: &'static str| {
        entry("local", ISSUER).mapper(move |claims: &Claims| {
            Mapped::new(json!({ "email": claims.text("email") })).verified(Channel::Email, value)
        })
    };
    let claims = json!({ "sub": "1", "email": "ada@example.org" });

    assert!(is_verified(vouching(" Ada@Example.ORG "), claims.clone()).await);
    assert!(!is_verified(vouching("eve@example.org"), claims.clone()).await);
    assert!(!is_verified(vouching(""), claims).await);
}

#[tokio::test]
async fn o2_an_address_that_the_person_changed_is_not_verified() {
    let provider = provider();
    let vouching = entry("local", ISSUER).mapper(|claims: &Claims| {
        let email = claims.text("email").unwrap_or_default();
        Mapped::new(json!({ "email": email })).verified(Channel::Email, email)
    });
    let app = app(Oidc::new(provider.clone()).provider(vouching));
    let mut ada = app.browser();
    let page = ada.open().await;
    let leaves = ada.submit(&page, json!({ "provider": "local", "traits": { "email": "victim@example.org" } })).await;

    let _ = ada.follow(&provider.sign_in(leaves.location())).await;

    let identity = app.identities().remove(0);
    assert_eq!(identity.traits()["email"], "victim@example.org");
    assert_eq!(identity.verifiable_addresses()[0].state(), AddressState::Pending);
}

#[tokio::test]
async fn o2_one_subject_at_two_providers_is_two_people() {
    let provider = provider();
    let app = app(Oidc::new(provider.clone()).provider(entry("local", ISSUER)).provider(entry("other", ISSUER)));
    let mut ada = app.browser();
    let back = begin(&mut ada, &provider, "local").await;
    assert_eq!(ada.follow(&back).await.location(), WELCOME);

    provider.set_claims(json!({ "sub": "ada-1", "email": "eve@example.org" }));
    let mut eve = app.browser();
    let back = begin(&mut eve, &provider, "other").await;
    assert_eq!(eve.follow(&back).await.location(), WELCOME);

    assert_eq!(app.identities().len(), 2);
}

#[tokio::test]
async fn o2_the_same_subject_of_another_issuer_is_somebody_else() {
    let (first, second) = (provider(), IdentityProvider::new("https://new.example.org"));
    second.set_claims(json!({ "sub": "ada-1", "email": "eve@example.org" }));
    let memory = tower_registration::memory::Memory::new();
    let build = |fetch: IdentityProvider, issuer: &str| {
        let method = Oidc::new(fetch).provider(entry("local", issuer));
        App::with(|builder| builder.method(method).storage(memory.clone()).identities(memory.clone())).unwrap()
    };
    let (before, after) = (build(first.clone(), ISSUER), build(second.clone(), "https://new.example.org"));

    let mut ada = before.browser();
    let back = begin(&mut ada, &first, "local").await;
    let _ = ada.follow(&back).await;
    let mut eve = after.browser();
    let back = begin(&mut eve, &second, "local").await;
    let _ = eve.follow(&back).await;

    assert_eq!(memory.all_identities().len(), 2, "the provider's id was given to another issuer");
}

#[tokio::test]
async fn o2_a_user_name_cannot_stand_for_an_account() {
    let provider = provider();
    let schema = r#"{ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "email": { "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } } } } } }"#;
    let schema = tower_registration::Schema::parse("names", schema).unwrap();
    let method = Oidc::new(provider.clone()).provider(entry("local", ISSUER));
    let app = App::bare(|builder| {
        let after = tower_registration::After::new().session(true);
        let builder = builder.schema(schema).style(tower_registration::Style::Unified).after(after);
        builder.method(method).method(Password::new())
    });
    let app = app.unwrap();
    let mut eve = app.native();
    let page = eve.open().await;
    for name in ["local:ada-1", r#"["local","https://id.example.org","ada-1"]"#] {
        let taken = json!({ "method": "password", "password": "correct horse", "traits": { "email": name } });
        assert_eq!(eve.submit(&page, taken).await.status(), if name.starts_with('l') { 200 } else { 410 });
    }

    let mut ada = app.browser();
    let back = begin(&mut ada, &provider, "local").await;
    let done = ada.follow(&back).await;

    assert_eq!(done.location(), WELCOME);
    let session = ada.whoami().await.unwrap();
    assert_eq!(session["identity"]["traits"]["email"], "ada@example.org");
}

#[tokio::test]
async fn o2_the_answer_about_the_person_is_about_the_subject_of_the_token() {
    for (answer, counts) in [
        (json!({ "sub": "ada-1", "email": "ada@example.org" }), true),
        (json!({ "sub": "ada-2", "email": "ada@example.org" }), false),
        (json!({ "sub": "", "email": "ada@example.org" }), false),
        (json!({ "email": "ada@example.org" }), false),
        (json!({ "sub": ["ada-1"] }), false),
        (json!("ada-1"), false),
    ] {
        let provider = provider();
        provider.fail(Endpoint::UserInfo, ProviderFault::Says(answer.to_string()));
        let app =
            app(Oidc::new(provider.clone()).provider(entry("local", ISSUER).claims_source(ClaimsSource::UserInfo)));
        let mut ada = app.browser();
        let back = begin(&mut ada, &provider, "local").await;

        assert_eq!(ada.follow(&back).await.location() == WELCOME, counts, "{answer}");
    }
}

#[tokio::test]
async fn o2_an_address_never_leads_to_the_account_that_has_it() {
    let provider = provider();
    let app = plain_app(&provider);
    let mut ada = app.browser();
    let back = begin(&mut ada, &provider, "local").await;
    let _ = ada.follow(&back).await;
    provider.set_claims(json!({ "sub": "eve-1", "email": "Ada@Example.org", "email_verified": true,
        "preferred_username": "ada-1" }));

    let mut eve = app.browser();
    let back = begin(&mut eve, &provider, "local").await;
    let refused = eve.follow(&back).await;

    assert_eq!(eve.page(refused).await.messages(), [4000027]);
    assert!(eve.whoami().await.is_none());
}
