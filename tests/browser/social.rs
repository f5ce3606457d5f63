//! Social sign-up: the browser goes to a provider at another site and comes back, held by the policy of the page.

use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tower_registration::methods::Oidc;
use tower_registration::methods::oidc::{Claims, Mapped, Provider};
use tower_registration::testing::IdentityProvider;

use super::attacks::{Evil, HELPERS, attackers_own, nothing_happened, victims_flow};
use super::driver::Browser;
use super::journeys::arrives;
use super::nothing_to_complain;
use super::site::Site;

/// A provider at another site, with a page that asks.
async fn provider() -> IdentityProvider {
    provider_that(true).await
}

/// A provider at another site; one that does not ask agrees at once, as for somebody who is signed in over there.
async fn provider_that(asks: bool) -> IdentityProvider {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let provider = IdentityProvider::new(format!("http://{}", listener.local_addr().unwrap()));
    provider.set_claims(json!({ "sub": "ada-1", "email": "ada@example.org" }));
    let agreed = provider.clone();
    let agree = async move |uri: Uri| -> Response {
        let back = agreed.sign_in(&format!("{}{uri}", agreed.issuer()));
        (StatusCode::FOUND, [(header::LOCATION, back)]).into_response()
    };
    let ask = async |uri: Uri| {
        let query = uri.query().unwrap_or_default().replace('&', "&amp;");
        Html(format!("<!doctype html><title>x</title><h1>Are you Ada?</h1><a href=\"/agree?{query}\">Yes</a>"))
    };
    let app = Router::new().route("/agree", get(agree.clone()));
    let app = match asks {
        true => app.route("/authorize", get(ask)),
        false => app.route("/authorize", get(agree)),
    };
    tokio::spawn(async move { axum::serve(listener, app).await });
    provider
}

async fn site(provider: &IdentityProvider) -> Site {
    let method = social(provider);
    Site::start(|builder| builder.method(method)).await
}

fn social(provider: &IdentityProvider) -> Oidc {
    let local = Provider::generic("local", provider.issuer(), "client").client_secret("secret").label("Example ID");
    let local = local.mapper(|claims: &Claims| Mapped::new(json!({ "email": claims.text("email") })));
    Oidc::new(provider.clone()).provider(local)
}

#[tokio::test]
async fn sign_up_with_an_account_at_another_site() {
    let Some(browser) = Browser::take().await else { return };
    let provider = provider().await;
    let site = site(&provider).await;
    site.open(&browser).await;

    browser.click("button[name=provider]").await;
    arrives(&browser, "Are you Ada?").await;
    browser.click("a").await;
    arrives(&browser, "You are signed up").await;

    assert_eq!(site.people(), 1);
    nothing_to_complain(&browser).await;
}

#[tokio::test]
async fn back_from_the_provider_without_an_answer_another_way_is_open() {
    let Some(browser) = Browser::take().await else { return };
    let provider = provider().await;
    let site = site(&provider).await;
    site.open(&browser).await;

    browser.click("button[name=provider]").await;
    arrives(&browser, "Are you Ada?").await;
    browser.back().await;
    arrives(&browser, "Create your account").await;
    browser.fill("traits.email", "ada@example.org").await;
    browser.fill("password", "correct horse").await;
    browser.click("button[value=password]").await;
    arrives(&browser, "You are signed up").await;

    assert_eq!(site.people(), 1);
}

/// Another site presses the button of a provider that asks nothing.
#[tokio::test]
async fn x2_no_page_of_another_site_begins_a_social_sign_up() {
    let Some(browser) = Browser::take().await else { return };
    let (provider, evil) = (provider_that(false).await, Evil::start().await);
    let method = social(&provider);
    let site = Site::at("id.site.localhost", "/auth", |_, builder| builder.method(method)).await;
    let own = attackers_own(&site).await;
    for host in ["evil.site.localhost", "evil.localhost"] {
        let flow = victims_flow(&browser, &site).await;
        let submit = json!(format!("{}/self-service/registration?flow={flow}", site.base));
        let fields = json!({ "method": "oidc", "provider": "local", "csrf_token": own.token });
        let press = format!("post({submit}, 'application/x-www-form-urlencoded', {fields})");

        let page = format!("<script>{HELPERS} {press}</script>");
        evil.lure(&browser, &site, host, &page, "POST /auth/self-service/registration ").await;

        nothing_happened(&browser, &site, host).await;
        assert!(provider.latest().0.is_empty(), "{host}: the provider was visited");
    }
    victims_flow(&browser, &site).await;
    browser.click("button[name=provider]").await;
    arrives(&browser, "You are signed up").await;
    assert_eq!(site.people(), 1, "the victim can still sign up");
}

/// The attacker goes to the provider himself, and has the victim's browser come back in his place.
#[tokio::test]
async fn x2_the_end_of_a_journey_that_another_browser_began_signs_nobody_in() {
    let Some(browser) = Browser::take().await else { return };
    let (provider, evil) = (provider().await, Evil::start().await);
    for host in ["evil.site.localhost", "evil.localhost"] {
        let method = social(&provider);
        let site = Site::at("id.site.localhost", "/auth", |_, builder| builder.method(method)).await;
        victims_flow(&browser, &site).await;
        let mut attacker = site.visitor();
        let page = attacker.open().await;
        let leaves = attacker.submit(&page, json!({ "provider": "local" })).await;
        let back = provider.sign_in(leaves.location());

        let page = format!("<script>location.assign({})</script>", json!(back));
        evil.lure(&browser, &site, host, &page, "GET /auth/self-service/methods/oidc/callback").await;

        nothing_happened(&browser, &site, host).await;
        let _ = attacker.follow(&back).await;
        assert_eq!(site.people(), 1, "{host}: where it began it ends");
    }
}
