//! Sign-up with a passkey or a security key, on the library's own pages.
//!
//! Keys are made for a domain, so the site is at `localhost` and not at an address.
//!
//! ```sh
//! cargo run --example passkey
//! ```

use std::error::Error;

use axum::Router;
use tower_registration::html::Pages;
use tower_registration::memory::Memory;
use tower_registration::methods::{AuthenticatorNames, Passkey, RelyingParty, SecurityKey};
use tower_registration::{After, Registration, Schema, Secret, Style};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let site = format!("http://localhost:{}", listener.local_addr()?.port());

    let memory = Memory::new();
    let party = || RelyingParty::new("localhost", "Example").origin(&site);
    let names: AuthenticatorNames =
        [("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4".parse()?, "Google Password Manager")].into_iter().collect();
    let registration = Registration::builder(format!("{site}/auth"))
        .secret(Secret::random_until_restart()?)
        .schema(Schema::parse("person", include_str!("passkey.json"))?)
        .method(Passkey::new(party()).authenticator_names(names))
        .method(SecurityKey::new(party()))
        .style(Style::Unified)
        .after(After::new().session(true))
        .storage(memory.clone())
        .identities(memory)
        .pages(Pages::new().name("Passkeys"))
        .build()?;

    println!("listening on {site}\n");
    println!("Open {site}/auth/registration in a browser.");
    axum::serve(listener, Router::new().nest_service("/auth", registration)).await?;
    Ok(())
}
