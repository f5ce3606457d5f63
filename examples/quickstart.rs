//! Sign-up in an axum application, with everything in memory: nothing to install, nothing to configure.
//!
//! Open the address that it prints, sign up, and read the code that proves your address in the terminal.
//!
//! ```sh
//! cargo run --example quickstart
//! ```

use std::error::Error;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tower_registration::html::Pages;
use tower_registration::identity::Channel;
use tower_registration::log::LogCourier;
use tower_registration::memory::Memory;
use tower_registration::methods::Password;
use tower_registration::{After, Registration, Schema, Secret, Style, Verification};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let site = format!("http://{}", listener.local_addr()?);

    let memory = Memory::new();
    let registration = Registration::builder(format!("{site}/auth"))
        .secret(Secret::random_until_restart()?)
        .schema(Schema::parse("person", include_str!("person.json"))?)
        .method(Password::new())
        .style(Style::Unified)
        .verification(Verification::codes())
        .courier(Channel::Email, LogCourier::new())
        .after(After::new().session(true).show_verification_ui(true))
        .pages(Pages::new().name("Quickstart").home("/"))
        .storage(memory.clone())
        .identities(memory.clone())
        .build()?;
    let dispatcher = registration.dispatcher();
    tokio::spawn(async move { dispatcher.run_until(std::future::pending()).await });

    let home = move || async move {
        let people = memory.all_identities().len();
        Html(format!("<p>{people} people have signed up. <a href=\"/auth/registration\">Sign up</a></p>\n"))
    };
    let app = Router::new().route("/", get(home)).nest_service("/auth", registration);

    println!("listening on {site}\n");
    println!("Open {site}/auth/registration in a browser.\n");
    axum::serve(listener, app).await?;
    Ok(())
}
