//! Passkeys and security keys: every check of a ceremony, its challenge, whose a key is, and input of every kind.

// A test ends where an unwrap fails, and helpers are part of the test.
#![allow(clippy::unwrap_used, clippy::panic)]

mod checks;
mod configurations;
mod corpus;
mod harness;
mod mutations;
mod owned;
mod second;
mod spent;
mod stored;

use serde_json::{Value, json};
use tower_registration::methods::{Passkey, Password, RelyingParty, SecurityKey};
use tower_registration::testing::{App, Authenticator, Ceremony, Reply, UI};

/// The domain of the test app's pages.
const PARTY: &str = "app.example.org";

fn party() -> RelyingParty {
    RelyingParty::new(PARTY, "Example").origin(UI)
}

/// An app with both kinds of key and a password.
fn app() -> App {
    let (passkey, key) = (Passkey::new(party()), SecurityKey::new(party()));
    App::with(|builder| builder.method(passkey).method(key).method(Password::new())).unwrap()
}

/// An app with a passkey as this one.
fn app_with(passkey: Passkey) -> App {
    App::with(|builder| builder.method(passkey)).unwrap()
}

/// A right answer to the passkey that a page asks for, to be changed.
fn ceremony(authenticator: &Authenticator, page: &Reply) -> Ceremony {
    authenticator.ceremony(&page.value_of("passkey_create_data"), UI).unwrap()
}

/// What the page's form sends with a passkey.
fn by_passkey(email: &str, answer: &str) -> Value {
    json!({ "passkey_register": answer, "traits": { "email": email } })
}

/// The challenge that a page asks for.
fn challenge(page: &Reply) -> String {
    let data = page.value_of("passkey_create_data");
    let data: Value = serde_json::from_str(data.as_str().unwrap()).unwrap();
    data["credentialOptions"]["publicKey"]["challenge"].as_str().unwrap().to_owned()
}
