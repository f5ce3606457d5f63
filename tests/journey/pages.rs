//! Journeys over the library's own pages: what a browser without scripts is shown, fills in and posts.

mod document;
mod drawing;
mod escaping;
mod journeys;
mod settings;
#[cfg(feature = "oidc")]
mod social;

use serde_json::{Value, json};
use tower_registration::html::Pages;
use tower_registration::methods::{Code, Password};
use tower_registration::testing::{App, Client, Reply};
use tower_registration::{After, Builder, Schema, Style, Verification};

use document::Document;

/// The app with the library's own pages, all of them.
fn app(choose: impl FnOnce(Builder) -> Builder) -> App {
    App::with(|builder| choose(own_pages(builder).method(Password::new()))).unwrap()
}

fn own_pages(builder: Builder) -> Builder {
    builder.registration_ui("").error_ui("").default_return_url("").pages(Pages::new().name("Bakery"))
}

/// An app with one-time codes and the proof of addresses.
fn app_with_codes() -> App {
    app(|builder| {
        let after = After::new().session(true).show_verification_ui(true);
        builder.method(Code::new()).verification(Verification::codes()).after(after)
    })
}

/// An app whose schema has these traits beside the address.
fn app_with_traits(traits: Value, style: Style) -> App {
    let mut properties = json!({ "email": { "type": "string", "format": "email", "title": "E-Mail",
        "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } } });
    properties.as_object_mut().unwrap().extend(traits.as_object().unwrap().clone());
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object",
        "required": ["email"], "properties": properties } } });
    let schema = Schema::parse("person", &schema.to_string()).unwrap();
    App::bare(|builder| own_pages(builder).schema(schema).method(Password::new()).style(style)).unwrap()
}

/// Follows redirects to pages below the prefix until one is shown.
async fn visit(browser: &mut Client, path: &str) -> Document {
    let reply = browser.get(path).await;
    follow(browser, reply).await
}

async fn follow(browser: &mut Client, reply: Reply) -> Document {
    let mut reply = reply;
    for _ in 0..5 {
        if reply.location().is_empty() {
            return Document::of(&reply);
        }
        let path = below(reply.location()).to_owned();
        reply = browser.get(&path).await;
    }
    panic!("the browser goes in circles");
}

/// The path of one of our pages below the prefix.
fn below(url: &str) -> &str {
    url.strip_prefix("https://app.example.org/auth").unwrap_or_else(|| panic!("{url} is no page of ours"))
}

/// Fills in the form of a page and presses the button with this name and value.
async fn send(browser: &mut Client, page: &Document, typed: &[(&str, &str)], button: (&str, &str)) -> Document {
    let reply = post(browser, page, typed, button).await;
    follow(browser, reply).await
}

async fn post(browser: &mut Client, page: &Document, typed: &[(&str, &str)], button: (&str, &str)) -> Reply {
    let pairs = page.filled(typed, button);
    browser.post_form(below(&page.action()), &pairs).await
}
