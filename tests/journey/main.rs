//! Journeys through the service, from the contract: one file for each method or part.
//!
//! They go where the recorded conversations are thin: several steps, going back, mistakes in each step, every keyword of
//! a schema, every way of mounting.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod code;
mod exchange;
mod forms;
mod hooks;
#[cfg(feature = "oidc")]
#[path = "../peers/identity_provider.rs"]
mod identity_provider;
mod keys;
mod keywords;
mod mounting;
#[cfg(feature = "hydra")]
mod oauth2;
#[cfg(feature = "hydra")]
#[path = "../peers/oauth2_server.rs"]
mod oauth2_server;
mod outbox;
mod pages;
mod password;
mod profile;
#[cfg(feature = "oidc")]
mod providers;
#[cfg(feature = "oidc")]
mod real_provider;
mod schema;
#[cfg(feature = "oidc")]
mod social;
mod upkeep;
mod verification;
mod wire;

use tower_registration::testing::App;

/// The answer that somebody called Ada gives on a page of [`App`].
fn ada() -> serde_json::Value {
    serde_json::json!({ "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" } })
}

/// An app whose schema has these traits below `traits`, beside an e-mail address that names the person.
fn app_with_traits(traits: serde_json::Value) -> App {
    let mut properties = serde_json::json!({ "email": { "type": "string", "format": "email", "title": "E-Mail",
        "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } } });
    let own = traits.as_object().unwrap().clone();
    properties.as_object_mut().unwrap().extend(own);
    let schema = serde_json::json!({ "type": "object", "properties": { "traits": { "type": "object",
        "required": ["email"], "properties": properties } } });
    app_with_schema(&schema.to_string())
}

/// An app with this schema and a password.
fn app_with_schema(schema: &str) -> App {
    use tower_registration::{After, Schema, Style, methods::Password};
    let schema = Schema::parse("person", schema).unwrap();
    App::bare(|builder| {
        builder.schema(schema).method(Password::new()).style(Style::Unified).after(After::new().session(true))
    })
    .unwrap()
}
