//! Social sign-up, with a provider that is part of the program: no account anywhere is needed to try it out.
//!
//! The provider is the test kit's. A real host names its own provider, with the client id and secret that it got there:
//! `Provider::new(ProviderKind::Google, "google", "…").client_secret("…")`.
//!
//! ```sh
//! cargo run --features oidc,testing --example social
//! ```

use std::error::Error;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use serde_json::json;
use tower_registration::fetch::Client;
use tower_registration::host::FetchRequest;
use tower_registration::memory::Memory;
use tower_registration::methods::Oidc;
use tower_registration::methods::oidc::{Claims, Mapped, Provider};
use tower_registration::testing::IdentityProvider;
use tower_registration::{After, Registration, Schema, Secret, Style};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let local = listener.local_addr()?;
    let site = format!("http://{local}");

    let provider = IdentityProvider::new(format!("{site}/idp"));
    provider.require_client("example", "a secret of both");
    let entry = Provider::generic("local", provider.issuer(), "example")
        .client_secret("a secret of both")
        .label("the provider next door")
        .scope("email")
        .mapper(|claims: &Claims| Mapped::new(json!({ "email": claims.text("email") })));
    // Only because this provider is on the same machine: others are reached without leave.
    let client = Client::builder().allow_private_host(&local.ip().to_string()).build()?;

    let memory = Memory::new();
    let registration = Registration::builder(format!("{site}/auth"))
        .secret(Secret::random_until_restart()?)
        .schema(Schema::parse("person", include_str!("person.json"))?)
        .method(Oidc::new(client).provider(entry))
        .style(Style::Unified)
        .after(After::new().session(true))
        .storage(memory.clone())
        .identities(memory.clone())
        .registration_ui("/sign-up")
        .error_ui("/sorry")
        .default_return_url(format!("{site}/"))
        .allow_return_url(&site)
        .build()?;

    let idp = Router::new()
        .route("/authorize", get(ask))
        .route("/agree", get(agree))
        .route("/refuse", get(refuse))
        .fallback(answer)
        .with_state(provider);
    let people = get(async move || Html(format!("{} people have signed up. {BEGIN}", memory.all_identities().len())));
    let app = Router::new()
        .route("/", people)
        .route("/sign-up", get(async || Html(PAGE)))
        .nest("/idp", idp)
        .nest_service("/auth", registration);

    println!("listening on {site}\n\nOpen it in a browser, and sign up.");
    axum::serve(listener, app).await?;
    Ok(())
}

const BEGIN: &str = r#"<a href="/auth/self-service/registration/browser">Sign up</a>"#;

/// Draws the form from the fields of the flow, as pages made for Kratos do.
const PAGE: &str = r#"<!doctype html><title>Sign up</title><form method="post"></form><script>
fetch("/auth/self-service/registration/flows" + location.search.replace("flow=", "id=")).then(r => r.json()).then(({ ui }) => {
  const form = document.forms[0];
  form.action = ui.action;
  for (const message of ui.messages ?? []) form.append(Object.assign(document.createElement("p"), { textContent: message.text }));
  for (const { attributes: a, meta, messages } of ui.nodes) {
    const field = document.createElement(a.type === "submit" ? "button" : "input");
    Object.assign(field, { name: a.name, type: a.type, value: a.value ?? "", placeholder: meta.label?.text ?? "" });
    if (a.type === "submit") field.textContent = meta.label?.text;
    form.append(field, ...messages.map(message => message.text), document.createElement("br"));
  }
});
</script>"#;

/// The page of the provider: the person agrees, or refuses.
async fn ask(uri: Uri) -> Html<String> {
    let query = uri.query().unwrap_or_default().replace('&', "&amp;").replace('"', "&quot;");
    Html(format!(
        "Tell the application that you are Ada? <a href=\"agree?{query}\">Yes</a> <a href=\"refuse?{query}\">No</a>"
    ))
}

async fn agree(State(provider): State<IdentityProvider>, uri: Uri) -> Redirect {
    provider.set_claims(json!({ "sub": "ada", "email": "ada@example.org" }));
    Redirect::to(&provider.sign_in(&page(&provider, &uri)))
}

async fn refuse(State(provider): State<IdentityProvider>, uri: Uri) -> Redirect {
    provider.set_claims(json!({ "error": "access_denied" }));
    Redirect::to(&provider.sign_in(&page(&provider, &uri)))
}

fn page(provider: &IdentityProvider, uri: &Uri) -> String {
    format!("{}/authorize?{}", provider.issuer(), uri.query().unwrap_or_default())
}

/// What the service asks the provider, without the person.
async fn answer(State(provider): State<IdentityProvider>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let url = format!("{}{}", provider.issuer(), head.uri);
    let (Ok(url), Ok(body)) = (url.parse(), to_bytes(body, 65_536).await) else {
        return axum::http::StatusCode::BAD_REQUEST.into_response();
    };
    let answer = provider.answer(&FetchRequest::new(head.method, url).with_headers(head.headers).with_body(body));
    (answer.status(), answer.headers().clone(), answer.body().clone()).into_response()
}
