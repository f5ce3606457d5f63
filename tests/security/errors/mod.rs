//! G1, for errors that a browser is led to: each is kept for the page that shows it, for a day, and holds nothing that
//! somebody typed, bore or was given.
// A helper that cannot go on ends the test, as the test itself would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use async_trait::async_trait;
use http::StatusCode;
use serde_json::{Value, json};
use time::Duration;
use tower_registration::host::{
    AcceptedLogin, Fetch, FetchRequest, Fetched, Hook, HookContext, HostError, Kind, LoginRequest, OAuth2Error,
    OAuth2Server, Unfetched, UnfetchedKind,
};
use tower_registration::identity::Draft;
use tower_registration::methods::oidc::{Claims, Mapped, Provider, ProviderKind};
use tower_registration::methods::{Oidc, Password};
use tower_registration::testing::{App, Client, Endpoint, IdentityProvider, ProviderFault, Reply, UI};
use tower_registration::webhooks::{Webhook, Webhooks};
use tower_registration::{Builder, Failure, Stop, Verification};
use url::Url;

/// What leads to the error page, by the names that failures have in the source; and the code of the error.
const LEADS: &[(&str, u64)] = &[
    ("flow_disabled", 400),
    ("verification_disabled", 400),
    ("verification_unknown", 404),
    ("flow_missing", 400),
    ("flow_unknown", 404),
    ("flow_expired", 410),
    ("bad_request", 400),
    ("return_to_forbidden", 400),
    ("method_disabled", 404),
    ("csrf", 403),
    ("state_missing", 400),
    ("state_invalid", 400),
    ("errand_mismatch", 400),
    ("state_of_another_trip", 400),
    ("nobody_left", 400),
    ("misconfigured", 500),
    ("provider_unknown", 404),
    ("id_token_refused", 403),
    ("no_oauth2_server", 500),
    ("oauth2", 500),
    ("upstream", 502),
    ("unreachable", 502),
    ("internal", 500),
];

/// What is told in another way, and why.
const TOLD_OTHERWISE: &[(&str, &str)] = &[
    ("session_already_available", "a browser is led to where it wanted to be"),
    ("verification_gone", "only programs ask for flows"),
    ("verification_replaced", "a browser is led to the flow that stands in"),
    ("flow_gone", "only programs ask for flows"),
    ("signed_out", "only programs ask who is signed in"),
    ("schema_unknown", "only programs ask for schemas"),
    ("exchange_incomplete", "native clients only"),
    ("exchange_unknown", "native clients only"),
    ("location_change", "a browser is led there"),
    ("state_of_another_pair", "a state is made with the pair of its flow"),
    ("faulty", "told as `misconfigured`, by mappers of configuration files alone"),
    ("too_large", "told at once: nothing of it is kept"),
    ("encoded_body", "told at once: nothing of it is kept"),
    ("broken_body", "told at once: nothing of it is kept"),
    ("busy", "told at once: nothing is written to say \"come again\""),
    ("conflict", "told at once, as busy"),
    ("unavailable", "told at once, as busy"),
];

const CANARY: &str = "canary";

/// Fails as a host may, with a cause that nobody is to see.
struct Fails;

#[async_trait]
impl Hook for Fails {
    async fn before_create(&self, _: &HookContext<'_>, _: &mut Draft) -> Result<(), Stop> {
        Err(HostError::other("canary: the disk at /srv/canary is full").into())
    }
}

/// An OAuth2 server that is away when it is to accept.
struct Away;

#[async_trait]
impl OAuth2Server for Away {
    async fn login_request(&self, challenge: &str) -> Result<LoginRequest, OAuth2Error> {
        match challenge {
            "known" => Ok(LoginRequest::read(json!({ "skip": false })).unwrap()),
            _ => Err(OAuth2Error::refused(StatusCode::NOT_FOUND)),
        }
    }

    async fn accept(&self, _: &str, _: &AcceptedLogin) -> Result<Url, OAuth2Error> {
        Err(OAuth2Error::unusable("canary: http://hydra.internal"))
    }
}

/// Services that never answer in time.
struct Late;

#[async_trait]
impl Fetch for Late {
    async fn fetch(&self, _: FetchRequest) -> Result<Fetched, Unfetched> {
        Err(Unfetched::new(UnfetchedKind::TimedOut, "canary: http://hook.internal"))
    }
}

fn late_hook(builder: Builder) -> Builder {
    let hook = Webhook::builder(Late, "https://hook.internal/canary").can_refuse().build().unwrap();
    builder.hook(Webhooks::new().after_method("password", hook))
}

/// A service, its provider, and a browser at its first page.
struct Scene {
    app: App,
    provider: IdentityProvider,
    ada: Client,
    page: Reply,
}

impl Scene {
    async fn new(query: &str, choose: impl FnOnce(Builder) -> Builder) -> Self {
        let provider = IdentityProvider::new("https://id.example.org");
        provider.set_claims(json!({ "sub": "canary-sub", "email": "canary@example.org" }));
        let mapped = |claims: &Claims| Mapped::new(json!({ "email": claims.text("email") }));
        let local = Provider::generic("local", provider.issuer(), "client").client_secret("canary-secret");
        let google = Provider::new(ProviderKind::Google, "google", "client").client_secret("canary-secret");
        let method = Oidc::new(provider.clone()).provider(local.mapper(mapped)).provider(google.mapper(mapped));
        let app = App::with(|builder| choose(builder.method(method).method(Password::new()))).unwrap();
        let mut ada = app.browser();
        let page = ada.open_with(query).await;
        Self { app, provider, ada, page }
    }

    async fn plain() -> Self {
        Self::new("", |builder| builder).await
    }

    async fn submit(&mut self, form: Value) -> Reply {
        self.ada.submit(&self.page, form).await
    }

    /// The browser leaves for the provider; where it is led back to.
    async fn left(&mut self) -> String {
        let leaves = self.submit(json!({ "provider": "local" })).await;
        self.provider.sign_in(leaves.location())
    }
}

fn sign_up() -> Value {
    json!({ "method": "password", "password": "canary horse", "traits": { "email": "canary@example.org" } })
}

/// Makes an error happen to a browser.
async fn led(name: &str) -> (App, Reply) {
    let registration = "/self-service/registration/browser";
    let callback = "/self-service/methods/oidc/callback";
    let verification = |builder: Builder| builder.verification(Verification::by_code(format!("{UI}/verify")));
    let mut scene = match name {
        "flow_disabled" => Scene::new("", |builder| builder.enabled(false)).await,
        "verification_unknown" => Scene::new("", verification).await,
        "oauth2" => Scene::new("login_challenge=known", |builder| builder.oauth2_server(Away)).await,
        "unreachable" => Scene::new("", late_hook).await,
        "internal" => Scene::new("", |builder| builder.hook(Fails)).await,
        "flow_expired" => Scene::new("", |builder| builder.lifespan(Duration::minutes(10))).await,
        _ => Scene::plain().await,
    };
    let form = [("password".to_owned(), "canary horse".to_owned())];
    let reply = match name {
        "flow_disabled" => scene.ada.get(registration).await,
        "verification_disabled" => scene.ada.get("/self-service/verification/browser").await,
        "verification_unknown" => {
            scene.ada.post_form("/self-service/verification?flow=7b8dcc5c-6f45-4b57-9f5f-6d8a1f0b8a11", &form).await
        }
        "flow_missing" => scene.ada.post_form("/self-service/registration?canary=1", &form).await,
        "flow_unknown" => {
            let path = "/self-service/registration?flow=7b8dcc5c-6f45-4b57-9f5f-6d8a1f0b8a11";
            scene.ada.post_form(path, &form).await
        }
        "flow_expired" => {
            let back = scene.left().await;
            scene.app.clock().advance(Duration::minutes(11));
            scene.ada.follow(&back).await
        }
        "bad_request" => scene.ada.get(&format!("{registration}?identity_schema=nobody")).await,
        "return_to_forbidden" => scene.ada.get(&format!("{registration}?return_to=https://evil.example/")).await,
        "method_disabled" => scene.submit(json!({ "method": "code", "code": "canary" })).await,
        "csrf" => {
            let mut form = sign_up();
            form["csrf_token"] = "canary-token".into();
            scene.submit(form).await
        }
        "state_missing" => scene.ada.get(&format!("{callback}/local?code=canary")).await,
        "state_invalid" => scene.ada.get(&format!("{callback}/local?code=canary&state=canary")).await,
        "errand_mismatch" => {
            let back = scene.left().await.replace("/local?", "/google?");
            scene.ada.follow(&back).await
        }
        "state_of_another_trip" => {
            let first = scene.left().await;
            let _ = scene.left().await;
            scene.ada.follow(&first).await
        }
        "nobody_left" => {
            let back = scene.left().await;
            scene.app.browser().follow(&back).await
        }
        "misconfigured" => {
            scene.provider.fail(Endpoint::Discovery, ProviderFault::Says("canary".to_owned()));
            scene.submit(json!({ "provider": "local" })).await
        }
        "provider_unknown" => scene.submit(json!({ "provider": "nobody" })).await,
        "id_token_refused" => scene.submit(json!({ "provider": "google", "id_token": "canary.canary.canary" })).await,
        "no_oauth2_server" => scene.ada.get(&format!("{registration}?login_challenge=canary")).await,
        "upstream" => scene.submit(json!({ "provider": "local", "id_token": "canary" })).await,
        "oauth2" | "unreachable" | "internal" => scene.submit(sign_up()).await,
        _ => panic!("nobody knows how {name} happens"),
    };
    (scene.app, reply)
}

#[tokio::test]
async fn g1_every_error_that_a_browser_is_led_to_is_kept_for_a_day_and_holds_no_secret() {
    for (name, code) in LEADS {
        let (app, reply) = led(name).await;
        assert_eq!(reply.status(), 303, "{name}: {} {}", reply.location(), reply.json());
        let (place, id) = reply.location().split_once("?id=").unwrap_or_else(|| panic!("{name}: {}", reply.location()));
        let path = format!("/self-service/errors?id={id}");

        let kept = app.browser().get_json(&path).await;
        app.clock().advance(Duration::hours(24) - Duration::seconds(1));
        let later = app.browser().get_json(&path).await;
        app.clock().advance(Duration::seconds(1));
        let gone = app.browser().get_json(&path).await;

        assert_eq!(place, format!("{UI}/sorry"), "{name}");
        assert_eq!((kept.status(), kept.at("/error/code")), (200, json!(code)), "{name}: {}", kept.json());
        assert_eq!(kept.at("/id"), json!(id), "{name}");
        let members: BTreeSet<String> = kept.at("/error").as_object().unwrap().keys().cloned().collect();
        let known = ["code", "details", "id", "message", "reason", "status"].map(str::to_owned);
        assert!(members.is_subset(&known.into()), "{name}: {members:?}");
        let text = format!("{} {}", kept.json(), reply.location());
        assert!(!text.contains(CANARY) && !text.contains("internal.") && !text.contains("/srv/"), "{name}: {text}");
        assert_eq!((later.status(), gone.status()), (200, 404), "{name}");
        app.clock().advance(Duration::hours(24) + Duration::seconds(1));
        let swept = app.registration().sweeper().sweep().await.unwrap();
        assert!(swept > 0 && app.memory().count(Kind::Error) == 0, "{name}");
    }
}

#[test]
fn g1_the_list_of_errors_is_the_whole_list() {
    let source = include_str!("../../../src/stop/failure.rs");
    let (_, contract) = source.split_once("/// The failures of the contract").unwrap();
    let names: Vec<&str> =
        contract.split("pub(crate) fn ").skip(1).map(|rest| rest.split('(').next().unwrap_or_default()).collect();

    let mut listed: Vec<&str> = LEADS.iter().map(|(name, _)| *name).collect();
    listed.extend(TOLD_OTHERWISE.iter().filter(|(_, why)| !why.is_empty()).map(|(name, _)| *name));

    let (names, listed): (BTreeSet<&str>, BTreeSet<&str>) = (names.into_iter().collect(), listed.into_iter().collect());
    assert_eq!(names, listed);
}

#[tokio::test]
async fn g1_a_failure_of_the_host_keeps_its_words_and_not_its_cause() {
    struct Says;
    #[async_trait]
    impl Hook for Says {
        async fn before_open(&self, _: &HookContext<'_>) -> Result<(), Stop> {
            let failure = Failure::new(StatusCode::BAD_GATEWAY, "The register is closed.");
            Err(failure.with_id("closed").with_source("canary: password of the register").into())
        }
    }
    let app = App::with(|builder| builder.method(Password::new()).hook(Says)).unwrap();

    let led = app.browser().get("/self-service/registration/browser").await;
    let kept =
        app.native().get_json(&format!("/self-service/errors?id={}", led.location_parameter("id").unwrap())).await;

    let expected =
        json!({ "id": "closed", "code": 502, "status": "Bad Gateway", "message": "The register is closed." });
    assert_eq!(kept.at("/error"), expected);
}
