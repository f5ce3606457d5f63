//! Social sign-up that ends at the OAuth2 server.

use async_trait::async_trait;
use serde_json::{Value, json};
use tower_registration::After;
use tower_registration::host::{Fetch, FetchRequest, Fetched, Unfetched};
use tower_registration::methods::Oidc;
use tower_registration::methods::oidc::{Claims, Mapped, Provider, ProviderKind};
use tower_registration::testing::{App, ClientKind, IdentityProvider};

use super::{app_with, goes_on, id, sent, server};
use crate::oauth2_server::{Asked, OAuth2Server};

const ISSUER: &str = "https://id.example.org";

/// The place where Google has its keys.
struct Keys(IdentityProvider);

#[async_trait]
impl Fetch for Keys {
    async fn fetch(&self, _: FetchRequest) -> Result<Fetched, Unfetched> {
        Ok(Fetched::new(http::StatusCode::OK).with_body(self.0.keys().to_string()))
    }
}

fn provider() -> IdentityProvider {
    let provider = IdentityProvider::new(ISSUER);
    provider.set_claims(json!({ "sub": "ada-1", "email": "ada@example.org" }));
    provider
}

fn app(server: &OAuth2Server, provider: &IdentityProvider) -> App {
    let local = Provider::generic("local", ISSUER, "client").client_secret("secret");
    let local = local.mapper(|claims: &Claims| Mapped::new(json!({ "email": claims.text("email") })));
    app_with(server, |builder| {
        builder.method(Oidc::new(provider.clone()).provider(local)).allow_return_url("myapp://callback")
    })
}

#[tokio::test]
async fn a_browser_goes_on_whether_it_signs_up_or_is_known() {
    for kind in [ClientKind::Browser, ClientKind::Spa] {
        let (server, provider) = (server(), provider());
        let app = app(&server, &provider);
        for round in ["signs up", "is known"] {
            let (mut ada, mut visitor) = (app.client(kind), server.visitor());
            let page = ada.open_with(&sent(&server, &mut visitor).await).await;
            let leaves = ada.submit(&page, json!({ "method": "oidc", "provider": "local" })).await;
            let to = leaves.at("/redirect_browser_to").as_str().map_or(leaves.location().to_owned(), str::to_owned);

            let done = ada.follow(&provider.sign_in(&to)).await;
            let known = goes_on(&server, &mut visitor, done.location()).await;

            assert_eq!(done.status(), 303, "{kind:?} {round}");
            let own = ada.whoami().await.unwrap();
            assert_eq!(known, json!({ "sub": id(&app), "amr": ["oidc"], "sid": own["id"] }), "{kind:?} {round}");
            assert_eq!(app.identities().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_refusal_over_there_keeps_the_challenge() {
    let (server, provider) = (server(), provider());
    let app = app(&server, &provider);
    let (mut ada, mut visitor) = (app.browser(), server.visitor());
    let page = ada.open_with(&sent(&server, &mut visitor).await).await;
    provider.set_claims(json!({ "error": "access_denied" }));

    let leaves = ada.submit(&page, json!({ "provider": "local" })).await;
    let back = ada.follow(&provider.sign_in(leaves.location())).await;
    let page = ada.page(back).await;

    assert_eq!(page.at("/oauth2_login_request/client/client_id"), "shop");
    assert!(!server.asked().contains(&Asked::Accept));
}

#[tokio::test]
async fn the_application_of_a_native_client_gets_its_code_and_nobody_is_told() {
    let (server, provider) = (server(), provider());
    let app = app(&server, &provider);
    let (mut native, mut browser) = (app.native(), app.browser());
    let query = sent(&server, &mut server.visitor()).await;
    let page =
        native.open_with(&format!("return_session_token_exchange_code=true&return_to=myapp://callback&{query}")).await;

    let leaves = native.submit(&page, json!({ "method": "oidc", "provider": "local" })).await;
    let back = provider.sign_in(leaves.at("/redirect_browser_to").as_str().unwrap());
    let done = browser.follow(&back).await;

    assert!(done.location().starts_with("myapp://callback?code="), "{}", done.location());
    assert!(!server.asked().contains(&Asked::Accept));
}

#[tokio::test]
async fn somebody_known_by_the_token_of_a_native_sdk_in_a_page_is_led_on_as_json() {
    let (server, provider) = (server(), IdentityProvider::new("https://accounts.google.com"));
    let google = Provider::new(ProviderKind::Google, "google", "client").client_secret("secret");
    let google = google.mapper(|claims: &Claims| Mapped::new(json!({ "email": claims.text("email") })));
    let method = Oidc::new(Keys(provider.clone())).provider(google);
    let app = app_with(&server, |builder| builder.method(method).after(After::new().session(true)));
    // A token works once.
    let token = |round: &str| -> Value {
        provider.id_token("client", &json!({ "sub": "ada-1", "email": "ada@example.org", "jti": round })).into()
    };
    for round in ["signs up", "is known"] {
        let (mut ada, mut visitor) = (app.spa(), server.visitor());
        let page = ada.open_with(&sent(&server, &mut visitor).await).await;

        let done = ada.submit(&page, json!({ "method": "oidc", "provider": "google", "id_token": token(round) })).await;

        let to = match round {
            "signs up" => super::next(&done),
            _ => {
                assert_eq!((done.status(), done.at("/error/id")), (422, json!("browser_location_change_required")));
                done.at("/redirect_browser_to").as_str().unwrap().to_owned()
            }
        };
        let known = goes_on(&server, &mut visitor, &to).await;
        assert_eq!((known["sub"].clone(), ada.whoami().await.is_some()), (id(&app), true), "{round}");
    }
}
