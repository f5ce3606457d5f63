//! O6: providers that are away, slow, large, or lead elsewhere; and how often they are asked.

use std::time::Duration;

use serde_json::json;
use tower_registration::fetch::Client;
use tower_registration::methods::Oidc;
use tower_registration::methods::oidc::{ClaimsSource, Provider};
use tower_registration::testing::{Endpoint, ProviderFault};

use super::{ISSUER, WELCOME, app, begin, entry, error_of, nobody, plain_app, provider, reason};

const ENDPOINTS: [Endpoint; 4] = [Endpoint::Discovery, Endpoint::Token, Endpoint::UserInfo, Endpoint::Keys];

fn faults() -> [ProviderFault; 8] {
    [
        ProviderFault::Away,
        ProviderFault::Slow(Duration::from_secs(30)),
        ProviderFault::Status(500),
        ProviderFault::Status(204),
        ProviderFault::Page,
        ProviderFault::TooLarge,
        ProviderFault::Redirect("http://169.254.169.254/latest/meta-data".to_owned()),
        ProviderFault::Says("[]".to_owned()),
    ]
}

#[tokio::test(start_paused = true)]
async fn o6_whatever_a_provider_does_there_is_a_clear_answer_in_time() {
    let mut played = 0;
    for endpoint in ENDPOINTS {
        for fault in faults() {
            let provider = provider();
            let app =
                app(Oidc::new(provider.clone()).provider(entry("local", ISSUER).claims_source(ClaimsSource::UserInfo)));
            let mut ada = app.browser();
            let page = ada.open().await;
            let begun = tokio::time::Instant::now();
            if endpoint == Endpoint::Discovery {
                provider.fail(endpoint, fault.clone());
            }
            let mut reply = ada.submit(&page, json!({ "provider": "local" })).await;
            if reply.location().starts_with(ISSUER) {
                provider.fail(endpoint, fault.clone());
                reply = ada.follow(&provider.sign_in(reply.location())).await;
            }

            let place = format!("{endpoint:?} {fault:?}");
            assert!(begun.elapsed() <= Duration::from_secs(11), "{place}: {:?}", begun.elapsed());
            assert!(nobody(&app), "{place}");
            let shown = match reply.location_parameter("flow") {
                Some(_) => ada.page(reply).await.at("/ui/messages/0/text").as_str().unwrap_or_default().to_owned(),
                None => {
                    let error = error_of(&app, &reply).await;
                    format!("{} {}", error["message"].as_str().unwrap_or_default(), reason(&error)).trim().to_owned()
                }
            };
            assert!(!shown.is_empty() && !shown.contains("169.254"), "{place}: {shown}");

            // Once it is mended, the same flow goes on.
            provider.mend();
            tokio::time::advance(Duration::from_secs(2)).await;
            let leaves = ada.submit(&page, json!({ "provider": "local" })).await;
            assert_eq!(ada.follow(&provider.sign_in(leaves.location())).await.location(), WELCOME, "{place}");
            played += 1;
        }
    }
    assert_eq!(played, 32);
}

#[tokio::test(start_paused = true)]
async fn o6_many_that_wait_for_a_slow_provider_wait_together_and_others_do_not() {
    let provider = provider();
    provider.fail(Endpoint::Discovery, ProviderFault::Slow(Duration::from_secs(30)));
    let app = plain_app(&provider);
    let mut waiting = Vec::new();
    for _ in 0..100 {
        let mut client = app.browser();
        let page = client.open().await;
        waiting.push(tokio::spawn(async move { client.submit(&page, json!({ "provider": "local" })).await }));
    }
    let begun = tokio::time::Instant::now();
    tokio::task::yield_now().await;
    let other = app.browser().open().await;
    let meanwhile = begun.elapsed();
    for client in waiting {
        let reply = client.await.unwrap();
        assert!(reply.location_parameter("id").is_some());
    }

    assert_eq!(other.status(), 200);
    assert!(meanwhile < Duration::from_secs(1), "{meanwhile:?}");
    assert!(begun.elapsed() <= Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_eq!(provider.asked().len(), 1);
}

#[tokio::test]
async fn o6_what_is_known_is_not_asked_again_until_it_is_old() {
    let provider = provider();
    let app = plain_app(&provider);
    let journey = async || {
        let mut client = app.browser();
        let back = begin(&mut client, &provider, "local").await;
        let _ = client.follow(&back).await;
    };
    let asked = |endpoint| provider.asked().into_iter().filter(|own| *own == endpoint).count();

    journey().await;
    journey().await;
    assert_eq!((asked(Endpoint::Discovery), asked(Endpoint::Keys)), (1, 1));

    app.clock().advance(time::Duration::minutes(61));
    journey().await;
    assert_eq!((asked(Endpoint::Discovery), asked(Endpoint::Keys)), (2, 2));
}

#[tokio::test]
async fn o6_a_flood_of_tokens_with_unknown_keys_does_not_flood_the_provider() {
    let provider = provider();
    provider.change_tokens(|header, _| header["kid"] = uuid::Uuid::new_v4().to_string().into());
    let app = plain_app(&provider);
    let asked = || provider.asked().into_iter().filter(|own| *own == Endpoint::Keys).count();
    let journey = async || {
        let mut client = app.browser();
        let back = begin(&mut client, &provider, "local").await;
        let _ = client.follow(&back).await;
    };

    for _ in 0..100 {
        journey().await;
    }
    assert_eq!(asked(), 1, "the keys had just been asked for");
    app.clock().advance(time::Duration::seconds(61));
    for _ in 0..100 {
        journey().await;
    }

    assert_eq!(asked(), 2);
    assert!(nobody(&app));
}

#[tokio::test]
async fn o6_a_provider_that_changes_its_keys_is_believed_once_they_may_be_asked_for() {
    let provider = provider();
    let other = json!({ "keys": [provider.keys()["keys"][1]] });
    provider.fail(Endpoint::Keys, ProviderFault::Says(other.to_string()));
    let app = plain_app(&provider);
    let journey = async || {
        let mut client = app.browser();
        let back = begin(&mut client, &provider, "local").await;
        client.follow(&back).await.location() == WELCOME
    };

    let before = journey().await;
    provider.mend();
    let at_once = journey().await;
    app.clock().advance(time::Duration::seconds(61));
    let later = journey().await;

    assert_eq!((before, at_once, later), (false, false, true));
}

#[tokio::test]
async fn o6_the_clients_rules_about_addresses_hold() {
    for issuer in ["http://127.0.0.1:9", "http://169.254.169.254", "http://[::1]:9", "http://10.0.0.1"] {
        let client = Client::new().unwrap();
        let app = app(Oidc::new(client).provider(Provider::generic("local", issuer, "client")));
        let mut ada = app.browser();
        let page = ada.open().await;

        let refused = ada.submit(&page, json!({ "provider": "local" })).await;

        let why = reason(&error_of(&app, &refused).await);
        assert!(why.ends_with("the address may not be called"), "{issuer}: {why}");
    }
}

#[tokio::test]
async fn o6_what_a_provider_says_about_itself_is_judged() {
    for (metadata, fault) in [
        (json!({ "issuer": "https://evil.example.org" }), true),
        (json!({ "issuer": "https://id.example.org/" }), true),
        (json!({ "issuer": null }), true),
        (json!({ "authorization_endpoint": null }), true),
        (json!({ "authorization_endpoint": "javascript:alert(1)" }), true),
        (json!({ "authorization_endpoint": "http://id.example.org/authorize" }), true),
        (json!({ "token_endpoint": "http://id.example.org/token" }), true),
        (json!({ "token_endpoint": 7 }), true),
        (json!({ "scopes_supported": "all" }), false),
    ] {
        let provider = provider();
        provider.change_metadata(metadata.clone());
        let app = plain_app(&provider);
        let mut ada = app.browser();
        let page = ada.open().await;

        let reply = ada.submit(&page, json!({ "provider": "local" })).await;

        assert_eq!(!reply.location().starts_with(ISSUER), fault, "{metadata}");
    }
}
