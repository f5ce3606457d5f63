//! Sign-up in an axum application, with everything in memory: nothing to install, nothing to configure.
//!
//! ```sh
//! cargo run --example quickstart
//! ```

use std::error::Error;

use axum::Router;
use axum::routing::get;
use tower_registration::memory::Memory;
use tower_registration::methods::Password;
use tower_registration::{After, Registration, Schema, Secret, Style};

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
        .after(After::new().session(true))
        .storage(memory.clone())
        .identities(memory.clone())
        .registration_ui("/sign-up")
        .error_ui("/sorry")
        .default_return_url(format!("{site}/"))
        .build()?;
    let app = Router::new()
        .route("/", get(async move || format!("{} people have signed up.\n", memory.all_identities().len())))
        .nest_service("/auth", registration);

    println!("listening on {site}\n");
    println!("Begin a flow, and sign up with it:\n");
    println!(
        "  flow=$(curl -s {site}/auth/self-service/registration/api | grep -o '\"id\":\"[^\"]*' | head -n 1 | cut -c 7-)"
    );
    println!("  curl -s {site}/auth/self-service/registration?flow=$flow -H 'Content-Type: application/json' \\");
    println!(
        "    -d '{{\"method\":\"password\",\"password\":\"correct horse\",\"traits\":{{\"email\":\"ada@example.org\"}}}}'\n"
    );
    axum::serve(listener, app).await?;
    Ok(())
}
