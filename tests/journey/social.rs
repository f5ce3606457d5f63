//! Journeys through social sign-up, with the test kit's provider.
//!
//! Recorded cases of the reference: `oidc-*`, `flags-oidc-*`.

use serde_json::{Value, json};
use tower_registration::host::{HookContext, HostError, Kind, Linked, Linking};
use tower_registration::identity::{Credential, Owner};
use tower_registration::methods::oidc::{Claims, Mapped, Pkce, Provider};
use tower_registration::methods::{Oidc, Password};
use tower_registration::testing::{App, Client, IdentityProvider, Reply};
use tower_registration::{After, Style};

const ISSUER: &str = "https://id.example.org";

fn provider() -> IdentityProvider {
    let provider = IdentityProvider::new(ISSUER);
    provider.set_claims(json!({ "sub": "ada-1", "email": "ada@example.org", "given_name": "Ada" }));
    provider
}

fn local() -> Provider {
    Provider::generic("local", ISSUER, "client").client_secret("secret").label("Example ID").scope("email").mapper(
        |claims: &Claims| {
            let name = json!({ "first": claims.text("given_name") });
            Mapped::new(json!({ "email": claims.text("email"), "name": name }))
        },
    )
}

fn app(provider: &IdentityProvider) -> App {
    app_of(Oidc::new(provider.clone()).provider(local()))
}

fn app_of(method: Oidc) -> App {
    App::with(|builder| builder.method(method).method(Password::new()).allow_return_url("myapp://callback")).unwrap()
}

/// Leaves for the provider, agrees there, and says where the browser is led back to.
async fn visit(client: &mut Client, page: &Reply, provider: &IdentityProvider, form: Value) -> String {
    let leaves = client.submit(page, form).await;
    let to = match leaves.status() {
        422 => leaves.at("/redirect_browser_to").as_str().unwrap().to_owned(),
        _ => leaves.location().to_owned(),
    };
    assert!(to.starts_with(ISSUER), "{} {}", leaves.status(), leaves.json());
    provider.sign_in(&to)
}

/// A whole journey of a browser.
async fn journey(client: &mut Client, provider: &IdentityProvider) -> Reply {
    let page = client.open().await;
    let back = visit(client, &page, provider, json!({ "provider": "local" })).await;
    client.follow(&back).await
}

#[tokio::test]
async fn a_browser_signs_up_and_is_signed_in() {
    let provider = provider();
    let app = app(&provider);
    let mut ada = app.browser();

    let done = journey(&mut ada, &provider).await;

    assert_eq!((done.status(), done.location()), (303, "https://app.example.org/welcome"));
    let session = ada.whoami().await.unwrap();
    assert_eq!(session["identity"]["traits"], json!({ "email": "ada@example.org", "name": { "first": "Ada" } }));
    assert_eq!(session["authentication_methods"][0]["method"], "oidc");
    assert_eq!(session["authentication_methods"][0]["provider"], "local");
    let credentials = app.memory().credentials(app.identities()[0].id());
    let account = credentials.iter().find(|known| known.kind().as_str() == "oidc").unwrap();
    assert_eq!(account.identifiers(), ["local:ada-1"]);
    assert_eq!(account.config()["providers"][0]["initial_access_token"], "");
}

#[tokio::test]
async fn a_single_page_application_is_told_where_the_browser_must_go() {
    let provider = provider();
    let app = app(&provider);
    let mut ada = app.spa();
    let page = ada.open().await;

    let leaves = ada.submit(&page, json!({ "method": "oidc", "provider": "local" })).await;
    let back = provider.sign_in(leaves.at("/redirect_browser_to").as_str().unwrap());
    let done = ada.follow(&back).await;

    assert_eq!(leaves.status(), 422);
    assert_eq!(leaves.at("/error/id"), "browser_location_change_required");
    assert_eq!(done.status(), 303);
    assert!(ada.whoami().await.is_some());
}

#[tokio::test]
async fn a_native_client_exchanges_its_pair_for_one_session() {
    let provider = provider();
    let app = app(&provider);
    let (mut native, mut browser) = (app.native(), app.browser());
    let page = native.open_with("return_session_token_exchange_code=true&return_to=myapp://callback").await;
    let init = page.at("/session_token_exchange_code").as_str().unwrap().to_owned();

    let back = visit(&mut native, &page, &provider, json!({ "method": "oidc", "provider": "local" })).await;
    let done = browser.follow(&back).await;
    let code = done.location_parameter("code").unwrap();
    let exchange = format!("/sessions/token-exchange?init_code={init}&return_to_code={code}");
    let first = native.get_json(&exchange).await;
    let second = native.get_json(&exchange).await;

    assert_eq!(done.status(), 303);
    assert!(done.location().starts_with("myapp://callback?code="), "{}", done.location());
    assert_eq!(first.status(), 200, "{}", first.json());
    assert!(first.at("/session_token").as_str().unwrap().starts_with("ory_st_"));
    assert_eq!(first.at("/session/authentication_methods/0/provider"), "local");
    assert_eq!(second.status(), 404);
    assert_eq!(app.memory().count(Kind::Session), 1);
}

#[tokio::test]
async fn a_pair_waits_until_somebody_was_proved() {
    let provider = provider();
    let app = app(&provider);
    let mut native = app.native();
    let page = native.open_with("return_session_token_exchange_code=true&return_to=myapp://callback").await;
    let init = page.at("/session_token_exchange_code").as_str().unwrap().to_owned();
    provider.set_claims(json!({ "error": "access_denied" }));

    let back = visit(&mut native, &page, &provider, json!({ "provider": "local" })).await;
    let led = app.browser().follow(&back).await;
    let code = led.location_parameter("code").unwrap();
    let waits = native.get_json(&format!("/sessions/token-exchange?init_code={init}&return_to_code={code}")).await;

    assert_eq!(led.location_parameter("flow"), page.flow_id());
    assert_eq!(waits.status(), 422);
    assert!(waits.messages().contains(&4000001), "{}", waits.json());
}

#[tokio::test]
async fn whoever_comes_again_is_signed_in() {
    let provider = provider();
    let app = app(&provider);
    let _ = journey(&mut app.browser(), &provider).await;
    let mut again = app.browser();

    let done = journey(&mut again, &provider).await;

    assert_eq!((done.status(), done.location()), (303, "https://app.example.org/welcome"));
    assert!(again.whoami().await.is_some());
    assert_eq!(app.identities().len(), 1);
}

#[tokio::test]
async fn whoever_comes_again_with_an_application_exchanges_the_pair() {
    let provider = provider();
    let app = app(&provider);
    let _ = journey(&mut app.browser(), &provider).await;
    let mut native = app.native();
    let page = native.open_with("return_session_token_exchange_code=true&return_to=myapp://callback").await;
    let init = page.at("/session_token_exchange_code").as_str().unwrap().to_owned();

    let back = visit(&mut native, &page, &provider, json!({ "provider": "local" })).await;
    let done = app.browser().follow(&back).await;
    let code = done.location_parameter("code").unwrap();
    let exchanged = native.get_json(&format!("/sessions/token-exchange?init_code={init}&return_to_code={code}")).await;

    assert_eq!(exchanged.status(), 200, "{}", exchanged.json());
    assert_eq!(app.identities().len(), 1);
}

#[tokio::test]
async fn missing_traits_are_asked_for_and_completed() {
    let provider = provider();
    let app = app(&provider);
    let mut ada = app.browser();
    provider.set_claims(json!({ "sub": "ada-1", "given_name": "Ada" }));

    let refused = journey(&mut ada, &provider).await;
    let page = ada.page(refused).await;
    let form = json!({ "provider": "local", "traits": { "email": "own@example.org", "name": { "first": "Ada" } } });
    let back = visit(&mut ada, &page, &provider, form).await;
    let done = ada.follow(&back).await;

    assert_eq!(page.messages_at("traits.email"), [4000002]);
    assert_eq!(page.value_of("traits.name.first"), "Ada");
    assert_eq!(page.value_of("provider"), "local");
    assert_eq!(page.at("/active"), "oidc");
    assert_eq!(done.location(), "https://app.example.org/welcome");
    assert_eq!(app.identities()[0].traits()["email"], "own@example.org");
}

#[tokio::test]
async fn what_is_typed_before_the_journey_is_laid_over_what_the_provider_says() {
    let provider = provider();
    let app = app(&provider);
    let mut ada = app.browser();
    let page = ada.open().await;

    let form = json!({ "provider": "local", "traits": { "email": "", "name": { "last": "Lovelace" } } });
    let back = visit(&mut ada, &page, &provider, form).await;
    let _ = ada.follow(&back).await;

    let traits = app.identities()[0].traits().clone();
    assert_eq!(traits, json!({ "email": "ada@example.org", "name": { "first": "Ada", "last": "Lovelace" } }));
}

#[tokio::test]
async fn a_refusal_is_shown_on_the_form_and_the_person_can_try_again() {
    let provider = provider();
    let app = app(&provider);
    let mut ada = app.browser();
    provider.set_claims(json!({ "error": "access_denied" }));

    let refused = journey(&mut ada, &provider).await;
    let page = ada.page(refused).await;
    provider.set_claims(json!({ "sub": "ada-1", "email": "ada@example.org" }));
    let back = visit(&mut ada, &page, &provider, json!({ "provider": "local" })).await;
    let done = ada.follow(&back).await;

    assert_eq!(page.messages(), [4000001]);
    assert!(page.at("/ui/messages/0/text").as_str().unwrap().contains("access_denied"));
    assert_eq!(page.at("/ui/nodes").as_array().unwrap().len(), 2, "the button and the token");
    assert_eq!(done.location(), "https://app.example.org/welcome");
}

#[tokio::test]
async fn a_known_address_is_not_taken_over() {
    let provider = provider();
    let app = app(&provider);
    let mut owner = app.native();
    let page = owner.open().await;
    let _ = owner.submit(&page, crate::ada()).await;
    let mut other = app.browser();

    let refused = journey(&mut other, &provider).await;
    let page = other.page(refused.clone()).await;

    assert_eq!(refused.status(), 302);
    assert_eq!(page.messages(), [4000027]);
    assert!(other.whoami().await.is_none());
    assert_eq!(app.identities().len(), 1);
}

/// Leads to a sign-in, and keeps nothing.
struct ToSignIn;

#[async_trait::async_trait]
impl Linking for ToSignIn {
    async fn taken(&self, _: &HookContext<'_>, _: &Owner, account: &Credential) -> Result<Linked, HostError> {
        assert_eq!(account.identifiers(), ["local:ada-1"]);
        Ok(Linked::Redirect("https://app.example.org/sign-in".parse().unwrap()))
    }
}

#[tokio::test]
async fn the_host_may_lead_the_owner_of_a_known_address_to_its_sign_in() {
    let provider = provider();
    let method = Oidc::new(provider.clone()).provider(local());
    let app = App::with(|builder| builder.method(method).method(Password::new()).linking(ToSignIn)).unwrap();
    let mut owner = app.native();
    let page = owner.open().await;
    let _ = owner.submit(&page, crate::ada()).await;

    let led = journey(&mut app.browser(), &provider).await;

    assert_eq!((led.status(), led.location()), (303, "https://app.example.org/sign-in"));
    assert_eq!(app.identities().len(), 1);
}

#[tokio::test]
async fn in_two_steps_the_buttons_stand_on_both_screens() {
    let provider = provider();
    let method = Oidc::new(provider.clone()).provider(local());
    let app = App::with(|builder| builder.method(method).method(Password::new()).style(Style::ProfileFirst)).unwrap();
    let mut ada = app.browser();

    let first = ada.open().await;
    let moved = ada.submit(&first, json!({ "method": "profile", "traits": { "email": "x@example.org" } })).await;
    let second = ada.page(moved).await;
    let form = json!({ "provider": "local", "traits": { "email": "x@example.org" } });
    let back = visit(&mut ada, &second, &provider, form).await;
    let _ = ada.follow(&back).await;

    assert_eq!((first.value_of("provider"), second.value_of("provider")), ("local".into(), "local".into()));
    assert_eq!(app.identities()[0].traits()["email"], "x@example.org");
}

#[tokio::test]
async fn a_verified_address_needs_no_proof_if_the_mapper_says_so() {
    let provider = provider();
    let vouched = local().mapper(|claims: &Claims| {
        let email = claims.text("email").unwrap_or_default();
        let mapped = Mapped::new(json!({ "email": email }));
        let email = format!(" {} ", email.to_uppercase());
        if claims.flag("email_verified") {
            mapped.verified(tower_registration::identity::Channel::Email, &email)
        } else {
            mapped
        }
    });
    let app = app_of(Oidc::new(provider.clone()).provider(vouched));
    provider.set_claims(json!({ "sub": "1", "email": "ada@example.org", "email_verified": true }));
    let _ = journey(&mut app.browser(), &provider).await;
    provider.set_claims(json!({ "sub": "2", "email": "eve@example.org" }));
    let _ = journey(&mut app.browser(), &provider).await;

    let states: Vec<String> = ["ada@example.org", "eve@example.org"]
        .into_iter()
        .map(|email| {
            let all = app.identities();
            let own = all.iter().find(|identity| identity.traits()["email"] == email).unwrap();
            own.verifiable_addresses()[0].state().as_str().to_owned()
        })
        .collect();
    assert_eq!(states, ["completed", "pending"]);
}

#[tokio::test]
async fn tokens_of_the_provider_are_kept_sealed_where_the_host_wants_them() {
    let provider = provider();
    let app = app_of(Oidc::new(provider.clone()).provider(local()).keep_tokens());
    let _ = journey(&mut app.browser(), &provider).await;

    let credentials = app.memory().credentials(app.identities()[0].id());
    let account = credentials.iter().find(|known| known.kind().as_str() == "oidc").unwrap();
    let sealed = account.config()["providers"][0]["initial_refresh_token"].as_str().unwrap();

    use secrecy::ExposeSecret;
    assert_ne!(sealed, "r");
    assert_eq!(app.registration().open_provider_token(sealed).unwrap().expose_secret(), "r");
    assert!(app.registration().open_provider_token("00").is_none());
}

#[tokio::test]
async fn parameters_go_along_that_the_client_may_hand_on_and_no_others() {
    let provider = provider();
    let claims = json!({ "id_token": { "email": { "essential": true } } });
    let app = app_of(Oidc::new(provider.clone()).provider(local().requested_claims(claims.clone())).send_nonce());
    let mut ada = app.spa();
    let page = ada.open().await;

    let form = json!({ "provider": "local", "upstream_parameters": { "prompt": "select_account", "login_hint": "x" } });
    let leaves = ada.submit(&page, form).await;
    let to: url::Url = leaves.at("/redirect_browser_to").as_str().unwrap().parse().unwrap();
    let value = |name: &str| to.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());

    assert_eq!(value("prompt").as_deref(), Some("select_account"));
    assert_eq!(value("login_hint"), None);
    assert_eq!(value("scope").as_deref(), Some("email openid"));
    assert_eq!(value("claims").map(|text| serde_json::from_str::<Value>(&text).unwrap()), Some(claims));
    assert_eq!(value("code_challenge").unwrap().len(), 43);
    assert!(value("nonce").is_some());
    let back = provider.sign_in(to.as_str());
    assert_eq!(ada.follow(&back).await.location(), "https://app.example.org/welcome");
}

#[tokio::test]
async fn by_force_the_path_back_does_not_name_the_provider() {
    let provider = provider();
    let app = app_of(Oidc::new(provider.clone()).provider(local().pkce(Pkce::Force)));
    let mut ada = app.browser();
    let page = ada.open().await;

    let back = visit(&mut ada, &page, &provider, json!({ "provider": "local" })).await;
    let done = ada.follow(&back).await;

    assert!(back.starts_with("https://app.example.org/auth/self-service/methods/oidc/callback?"), "{back}");
    assert_eq!(done.location(), "https://app.example.org/welcome");
    assert_eq!(provider.latest().1, ["code", "code_verifier", "grant_type", "redirect_uri"]);
}

#[tokio::test]
async fn an_answer_by_a_form_is_turned_into_a_link() {
    let provider = provider();
    let app = app(&provider);
    let mut ada = app.browser();
    let page = ada.open().await;
    let back = visit(&mut ada, &page, &provider, json!({ "provider": "local" })).await;
    let back: url::Url = back.parse().unwrap();
    let fields: Vec<(String, String)> = back.query_pairs().into_owned().collect();

    // Another site's form brings no cookies.
    let turned = app.browser().post_form("/self-service/methods/oidc/callback/local?code=old", &fields).await;
    let done = ada.follow(turned.location()).await;

    assert_eq!(turned.status(), 302);
    assert_eq!(done.location(), "https://app.example.org/welcome");
    assert!(ada.whoami().await.is_some());
}

#[tokio::test]
async fn the_provider_of_an_organization_has_no_button() {
    let provider = provider();
    let hidden = local().organization(uuid::Uuid::new_v4());
    let app = app_of(Oidc::new(provider.clone()).provider(hidden));

    let page = app.browser().open().await;

    assert_eq!(page.value_of("provider"), Value::Null);
}

#[tokio::test]
async fn what_the_client_hands_on_reaches_hooks_after_the_journey() {
    use std::sync::{Arc, Mutex};
    use tower_registration::Stop;
    use tower_registration::host::Hook;
    use tower_registration::identity::Draft;

    struct Sees(Arc<Mutex<Value>>);
    #[async_trait::async_trait]
    impl Hook for Sees {
        async fn before_create(&self, cx: &HookContext<'_>, _: &mut Draft) -> Result<(), Stop> {
            *self.0.lock().unwrap() = json!([cx.transient, cx.method.unwrap().as_str()]);
            Ok(())
        }
    }
    let (provider, seen) = (provider(), Arc::new(Mutex::new(Value::Null)));
    let method = Oidc::new(provider.clone()).provider(local());
    let app = App::with(|builder| builder.method(method).hook(Sees(Arc::clone(&seen)))).unwrap();
    let mut ada = app.spa();
    let page = ada.open().await;

    let form = json!({ "provider": "local", "transient_payload": { "from": "ad-7" } });
    let back = visit(&mut ada, &page, &provider, form).await;
    let _ = ada.follow(&back).await;

    assert_eq!(*seen.lock().unwrap(), json!([{ "from": "ad-7" }, "oidc"]));
    let flows = app.memory().all_records(Kind::Flow);
    let stored = String::from_utf8_lossy(flows[0].body()).into_owned();
    assert!(!stored.contains("ad-7"), "{stored}");
}

#[tokio::test]
async fn without_the_method_the_way_back_is_disabled() {
    let app = App::with(|builder| builder.method(Password::new()).after(After::new())).unwrap();

    let answer = app.browser().get_json("/self-service/methods/oidc/callback/local?code=x&state=y").await;

    assert_eq!(answer.status(), 404);
    assert!(answer.at("/error/reason").as_str().unwrap().starts_with("This endpoint was disabled"));
}

#[tokio::test]
async fn a_provider_that_names_nobody_is_told_on_the_error_page() {
    let provider = provider();
    provider.set_claims(json!({ "email": "ada@example.org" }));
    let app = app(&provider);
    let mut ada = app.browser();

    let done = journey(&mut ada, &provider).await;

    assert!(done.location().starts_with("https://app.example.org/sorry?id="), "{}", done.location());
    let id = done.location_parameter("id").unwrap();
    let error = ada.get_json(&format!("/self-service/errors?id={id}")).await;
    assert_eq!((error.at("/error/code"), error.at("/error/id")), (json!(502), json!("upstream_error")));
    assert_eq!(error.at("/error/reason"), "provider did not return a subject");
}

#[tokio::test]
async fn parameters_for_the_provider_are_texts_whatever_their_names() {
    let provider = provider();
    let app = app(&provider);
    for parameters in [json!({ "prompt": 1 }), json!({ "login_hint": ["x"] }), json!({ "other": {} }), json!("prompt")]
    {
        let mut native = app.native();
        let page = native.open().await;

        let form = json!({ "provider": "unknown", "upstream_parameters": parameters });
        let refused = native.submit(&page, form).await;

        assert_eq!((refused.status(), refused.at("/error/code")), (400, json!(500)), "{parameters}");
    }
}

#[tokio::test]
async fn fields_of_social_sign_up_may_stand_in_the_query() {
    let provider = provider();
    let app = app(&provider);
    let leads = |reply: &Reply| (reply.status(), reply.at("/redirect_browser_to").as_str().is_some());
    let (mut native, mut browser) = (app.native(), app.browser());
    let path =
        |page: &Reply, query: &str| format!("/self-service/registration?flow={}&{query}", page.flow_id().unwrap());

    // Beside JSON the query counts more, beside a form less.
    let page = native.open().await;
    let left = native.post_json(&path(&page, "provider=local&provider=no"), &json!({ "provider": "unknown" })).await;
    let other = native.post_json(&path(&page, "provider=local&method=password"), &json!({})).await;
    let page = browser.open().await;
    let token = ("csrf_token".to_owned(), page.value_of("csrf_token").as_str().unwrap().to_owned());
    let by_form = browser.post_form(&path(&page, "provider=local"), std::slice::from_ref(&token)).await;
    let own = [token, ("provider".to_owned(), "unknown".to_owned())];
    let body_counts = browser.post_form(&path(&page, "provider=local"), &own).await;
    let without_token = browser.post_form(&path(&page, "provider=local&csrf_token=x"), &own[1..]).await;

    assert_eq!(leads(&left), (422, true), "{}", left.json());
    assert_eq!(other.messages(), [4010003]);
    assert!(by_form.location().starts_with(ISSUER), "{}", by_form.location());
    assert!(body_counts.location().contains("/sorry"), "{}", body_counts.location());
    assert!(without_token.location().contains("/sorry"), "{}", without_token.location());
}

#[tokio::test]
async fn only_social_sign_up_reads_the_query() {
    let provider = provider();
    let app = app(&provider);
    let mut native = app.native();
    let page = native.open().await;
    let path = format!(
        "/self-service/registration?flow={}&method=password&traits.email=eve@example.org",
        page.flow_id().unwrap()
    );

    let nobody = native.post_json(&path, &json!({})).await;

    assert_eq!(nobody.messages(), [4010003]);
}
