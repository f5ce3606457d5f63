//! Sign-up with a one-time code instead of a password, proof of the address of whoever takes a password, and the dispatcher
//! that delivers letters beside the service.
//!
//! Letters are printed to the terminal. A real host gives a courier that sends them, and waits for the dispatcher when it
//! ends, as this one does on Ctrl-C.
//!
//! ```sh
//! cargo run --example one_time_codes
//! ```

use std::error::Error;

use axum::Router;
use tower_registration::identity::Channel;
use tower_registration::log::LogCourier;
use tower_registration::memory::Memory;
use tower_registration::methods::{Code, Password};
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
        .method(Code::new())
        .method(Password::new())
        .verification(Verification::by_code("/verify"))
        .courier(Channel::Email, LogCourier::new())
        .style(Style::Unified)
        .after(After::new().session(true).show_verification_ui(true))
        .storage(memory.clone())
        .identities(memory)
        .registration_ui("/sign-up")
        .error_ui("/sorry")
        .default_return_url(format!("{site}/"))
        .build()?;

    let dispatcher = registration.dispatcher().on_give_up(|letter| eprintln!("not delivered: {letter:?}"));
    let sweeper = registration.sweeper();
    let beside = async move { tokio::join!(dispatcher.run_until(shutdown()), sweeper.run_until(shutdown())) };
    let beside = tokio::spawn(beside);

    println!("listening on {site}\n");
    println!("Ask for a code, read it here, and sign up with it:\n");
    println!(
        "  flow=$(curl -s {site}/auth/self-service/registration/api | grep -o '\"id\":\"[^\"]*' | head -n 1 | cut -c 7-)"
    );
    for (shown, code) in [("", ""), ("…", ",\"code\":\"…\"")] {
        println!("  curl -s {site}/auth/self-service/registration?flow=$flow -H 'Content-Type: application/json' \\");
        println!("    -d '{{\"method\":\"code\",\"traits\":{{\"email\":\"ada@example.org\"}}{code}}}'  {shown}");
    }
    println!("\nWho signs up with a password instead is sent a code too: it proves the address, at");
    println!("  {site}/auth/self-service/verification?flow=… (the flow of `continue_with`)\n");
    let app = Router::new().nest_service("/auth", registration);
    axum::serve(listener, app).with_graceful_shutdown(shutdown()).await?;
    beside.await?;
    Ok(())
}

/// Completes when the process is to end.
async fn shutdown() {
    drop(tokio::signal::ctrl_c().await);
}
