//! Sign-up in front of a plain hyper server: no router, no tower.
//!
//! ```sh
//! cargo run --example hyper_plain
//! ```

use std::error::Error;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tower_registration::memory::Memory;
use tower_registration::methods::Password;
use tower_registration::{Registration, Schema, Secret};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let site = format!("http://{}", listener.local_addr()?);

    let memory = Memory::new();
    let registration = Registration::builder(&site)
        .secret(Secret::random_until_restart()?)
        .schema(Schema::parse("person", include_str!("person.json"))?)
        .method(Password::new())
        .storage(memory.clone())
        .identities(memory)
        .registration_ui("/sign-up")
        .error_ui("/sorry")
        .default_return_url(format!("{site}/welcome"))
        .build()?;

    println!("listening on {site}");
    println!("try: curl -i {site}/self-service/registration/api");
    loop {
        let (stream, _) = listener.accept().await?;
        let registration = registration.clone();
        tokio::spawn(async move {
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), registration).await {
                eprintln!("a connection ended: {error}");
            }
        });
    }
}
