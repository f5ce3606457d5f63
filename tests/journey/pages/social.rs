//! Social sign-up over the library's own pages.

use serde_json::json;
use tower_registration::Style;
use tower_registration::methods::oidc::{Claims, Mapped, Provider, ProviderKind};
use tower_registration::methods::{Oidc, Password};
use tower_registration::testing::{App, IdentityProvider};

use super::document::{Document, attribute, words};
use super::{own_pages, post, send, visit};

const ISSUER: &str = "https://id.example.org";
const GO: (&str, &str) = ("provider", "local");

fn provider(claims: serde_json::Value) -> IdentityProvider {
    let provider = IdentityProvider::new(ISSUER);
    provider.set_claims(claims);
    provider
}

fn app(provider: &IdentityProvider, style: Style) -> App {
    let local = Provider::generic("local", ISSUER, "client").label("Example ID");
    let local = local.client_secret("secret").mapper(|claims: &Claims| {
        let name = json!({ "first": claims.text("given_name") });
        Mapped::new(json!({ "email": claims.text("email"), "name": name }))
    });
    let github = Provider::new(ProviderKind::GitHub, "github", "client").client_secret("secret");
    let method = Oidc::new(provider.clone()).provider(local).provider(github);
    App::with(|builder| own_pages(builder).method(method).method(Password::new()).style(style)).unwrap()
}

/// The words on the buttons, in order.
fn buttons(page: &Document) -> Vec<String> {
    page.tags("button").iter().map(words).collect()
}

#[tokio::test]
async fn a_person_goes_to_a_provider_and_back_from_page_to_page() {
    let provider = provider(json!({ "sub": "ada-1", "email": "ada@example.org", "given_name": "Ada" }));
    let app = app(&provider, Style::Unified);
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;
    assert_eq!(buttons(&page), ["Sign up", "Sign up with github", "Sign up with Example ID"]);

    let leaves = post(&mut browser, &page, &[], GO).await;
    let back = provider.sign_in(leaves.location());
    let reply = browser.follow(&back).await;
    let done = super::follow(&mut browser, reply).await;

    assert_eq!(done.only("h1"), "You are signed up");
    assert_eq!(app.identities().len(), 1);
}

#[tokio::test]
async fn what_the_provider_does_not_know_is_asked_for_and_taken_there_again() {
    let provider = provider(json!({ "sub": "ada-1" }));
    let app = app(&provider, Style::Unified);
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;
    let leaves = post(&mut browser, &page, &[], GO).await;
    let reply = browser.follow(&provider.sign_in(leaves.location())).await;

    let asks = super::follow(&mut browser, reply).await;
    assert_eq!(asks.names().last().map(String::as_str), Some("provider"));
    assert_eq!(buttons(&asks), ["Continue"]);
    assert_eq!(attribute(&asks.tags("button")[0], "class").as_deref(), Some("first"));
    assert!(asks.tags("li").iter().map(words).any(|mistake| mistake.starts_with("E-Mail")), "{}", asks.text);
    let leaves = post(&mut browser, &asks, &[("traits.email", "ada@example.org")], GO).await;
    let reply = browser.follow(&provider.sign_in(leaves.location())).await;
    let done = super::follow(&mut browser, reply).await;

    assert_eq!(done.only("h1"), "You are signed up");
    assert_eq!(app.identities()[0].traits()["email"], "ada@example.org");
}

#[tokio::test]
async fn whoever_turns_back_at_the_provider_finds_the_page_as_it_was() {
    let provider = provider(json!({ "sub": "ada-1" }));
    let app = app(&provider, Style::Unified);
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;
    let begun = page.action();
    let (_, flow) = begun.split_once("flow=").unwrap();
    let own = format!("/registration?flow={flow}");

    let leaves = post(&mut browser, &page, &[], GO).await;
    let turned = visit(&mut browser, &own).await;
    assert_eq!(buttons(&turned), buttons(&page));

    let reply = browser.follow(&provider.sign_in(leaves.location())).await;
    let asks = super::follow(&mut browser, reply).await;
    let _ = post(&mut browser, &asks, &[("traits.email", "ada@example.org")], GO).await;
    let turned = visit(&mut browser, &own).await;
    assert_eq!(turned.names(), asks.names());
    assert!(turned.names().contains(&"traits.email".to_owned()));
}

#[tokio::test]
async fn enter_leads_to_the_second_step_and_not_to_a_provider() {
    let app = app(&provider(json!({ "sub": "ada-1" })), Style::ProfileFirst);
    let mut browser = app.browser();

    let first = visit(&mut browser, "/registration").await;
    let second = send(&mut browser, &first, &[("traits.email", "ada@example.org")], ("method", "profile")).await;

    assert_eq!(buttons(&first), ["Sign up", "Sign up with github", "Sign up with Example ID"]);
    assert_eq!(buttons(&second), ["Sign up", "Sign up with github", "Sign up with Example ID", "Back"]);
}

#[tokio::test]
async fn a_refusal_is_told_on_the_page() {
    let provider = provider(json!({ "error": "access_denied" }));
    let app = app(&provider, Style::Unified);
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;
    let leaves = post(&mut browser, &page, &[], GO).await;
    let reply = browser.follow(&provider.sign_in(leaves.location())).await;

    let told = super::follow(&mut browser, reply).await;

    assert!(told.tags("li").iter().map(words).any(|mistake| mistake.contains("access_denied")), "{}", told.text);
    assert_eq!(buttons(&told), ["Continue"]);
}

#[tokio::test]
async fn the_policy_lets_forms_end_at_the_providers_and_nowhere_else() {
    let app = app(&provider(json!({ "sub": "ada-1" })), Style::Unified);
    let mut browser = app.browser();
    let begun = browser.get("/self-service/registration/browser").await;

    let page = browser.get(super::below(begun.location())).await;

    let policy = page.header("content-security-policy").to_owned();
    let (_, targets) = policy.split_once("form-action ").unwrap();
    assert_eq!(targets, "'self' https://app.example.org https://id.example.org https://github.com");
}
