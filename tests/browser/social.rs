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

use super::driver::Browser;
use super::journeys::arrives;
use super::nothing_to_complain;
use super::site::Site;

/// A provider at another site, with a page that asks.
async fn provider() -> IdentityProvider {
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
    let app = Router::new().route("/authorize", get(ask)).route("/agree", get(agree));
    tokio::spawn(async move { axum::serve(listener, app).await });
    provider
}

async fn site(provider: &IdentityProvider) -> Site {
    let local = Provider::generic("local", provider.issuer(), "client").client_secret("secret").label("Example ID");
    let local = local.mapper(|claims: &Claims| Mapped::new(json!({ "email": claims.text("email") })));
    let method = Oidc::new(provider.clone()).provider(local);
    Site::start(|builder| builder.method(method)).await
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
