//! People who sign up with an account elsewhere, and come back.

use serde_json::{Value, json};
use tower_registration::host::Kind;
use tower_registration::methods::oidc::{Claims, Mapped, Provider};
use tower_registration::methods::{Oidc, Password};
use tower_registration::testing::{App, Client, IdentityProvider, Reply};

pub(super) const ISSUER: &str = "https://id.example.org";
pub(super) const WELCOME: &str = "https://app.example.org/welcome";

/// A provider that lets Ada sign in.
pub(super) fn provider() -> IdentityProvider {
    let provider = IdentityProvider::new(ISSUER);
    provider.set_claims(json!({ "sub": "ada-1", "email": "ada@example.org" }));
    provider
}

pub(super) fn entry(id: &str, issuer: &str) -> Provider {
    Provider::generic(id, issuer, format!("client-{id}"))
        .client_secret("secret")
        .mapper(|claims: &Claims| Mapped::new(json!({ "email": claims.text("email") })))
}

pub(super) fn app(method: Oidc) -> App {
    App::with(|builder| builder.method(method).method(Password::new()).allow_return_url("myapp://callback")).unwrap()
}

pub(super) fn plain_app(provider: &IdentityProvider) -> App {
    app(Oidc::new(provider.clone()).provider(entry("local", ISSUER)))
}

/// Where the browser goes that presses the button of a provider.
pub(super) async fn leave(client: &mut Client, page: &Reply, id: &str) -> String {
    let leaves = client.submit(page, json!({ "provider": id })).await;
    match leaves.status() {
        422 => leaves.at("/redirect_browser_to").as_str().unwrap().to_owned(),
        303 => leaves.location().to_owned(),
        _ => panic!("{leaves:?}"),
    }
}

/// Begins, leaves, agrees: where the browser is led back to.
pub(super) async fn begin(client: &mut Client, provider: &IdentityProvider, id: &str) -> String {
    let page = client.open().await;
    let to = leave(client, &page, id).await;
    provider.sign_in(&to)
}

/// A parameter of a URL.
pub(super) fn parameter(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The URL with another value of a parameter.
pub(super) fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
    url.query_pairs_mut().clear().extend_pairs(pairs).append_pair(name, value);
    url.into()
}

/// The error that a browser was led to.
pub(super) async fn error_of(app: &App, reply: &Reply) -> Value {
    let id = reply.location_parameter("id").unwrap_or_else(|| panic!("no error: {reply:?}"));
    app.native().get_json(&format!("/self-service/errors?id={id}")).await.at("/error")
}

pub(super) fn reason(error: &Value) -> String {
    error["reason"].as_str().unwrap_or_default().to_owned()
}

/// Nobody came of it.
pub(super) fn nobody(app: &App) -> bool {
    app.identities().is_empty() && app.memory().count(Kind::Session) == 0
}
