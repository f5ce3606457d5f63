//! A host on a port of this machine, for the browser to visit.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{Html, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tower_registration::html::Pages;
use tower_registration::identity::Channel;
use tower_registration::memory::Memory;
use tower_registration::methods::{Code, Password};
#[cfg(feature = "oidc")]
use tower_registration::testing::{Client, ClientKind};
use tower_registration::testing::{Mailbox, PERSON, TestClock};
use tower_registration::{After, Builder, Hashing, Registration, Schema, Secret, Style, Verification};

use super::driver::Browser;

/// A page with a form that browsers complain about.
pub(crate) const BAD_FORM: &str = "/bad-form";

/// A host with pages of the library.
pub(crate) struct Site {
    pub(crate) origin: String,
    pub(crate) base: String,
    pub(crate) memory: Memory,
    pub(crate) clock: TestClock,
    mailbox: Mailbox,
    registration: Registration,
    /// Verb, path and status of what was asked.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// A host on `localhost`, in one step, with a password.
    pub(crate) async fn start(choose: impl FnOnce(Builder) -> Builder) -> Self {
        Self::at("localhost", "/auth", |_, builder| choose(builder)).await
    }

    /// A host under this name of the machine, mounted below a prefix.
    pub(crate) async fn at(host: &str, prefix: &str, choose: impl FnOnce(&str, Builder) -> Builder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{host}:{}", listener.local_addr().unwrap().port());
        let base = format!("{origin}{prefix}");
        let (memory, clock, mailbox) = (Memory::new(), TestClock::default(), Mailbox::new());
        let builder = Registration::builder(&base)
            .secret(Secret::random_until_restart().unwrap())
            .hashing(Hashing::new().cost(8, 1))
            .style(Style::Unified)
            .after(After::new().session(true))
            .storage(memory.clone())
            .identities(memory.clone())
            .clock(clock.clone())
            .courier(Channel::Email, mailbox.clone())
            .pages(Pages::new().name("Bakery"));
        let registration = choose(&origin, builder.schema(Schema::parse("person", PERSON).unwrap()));
        let registration = registration.method(Password::new()).build().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let note = Arc::clone(&asked);
        let app = match prefix {
            "" => Router::new().fallback_service(registration.clone()),
            prefix => Router::new().nest_service(prefix, registration.clone()),
        };
        let bad =
            "<!doctype html><title>x</title><input type=password><form><input name=b><input type=password></form>";
        let app = app.route(BAD_FORM, get(async move || Html(bad))).layer(middleware::from_fn(
            move |request: Request, next: Next| {
                let note = Arc::clone(&note);
                async move { noted(request, next, &note).await }
            },
        ));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { origin, base, memory, clock, mailbox, registration, asked }
    }

    /// The latest code for this address.
    pub(crate) async fn code(&self, to: &str) -> String {
        let _ = self.registration.dispatcher().flush().await.unwrap();
        self.mailbox.latest_code(to).unwrap()
    }

    /// The latest link for this address.
    pub(crate) async fn link(&self, to: &str) -> String {
        let _ = self.registration.dispatcher().flush().await.unwrap();
        self.mailbox.latest_link(to).unwrap()
    }

    /// How many letters were written so far.
    pub(crate) async fn letters(&self) -> usize {
        let _ = self.registration.dispatcher().flush().await.unwrap();
        self.mailbox.letters().len()
    }

    /// Another browser.
    #[cfg(feature = "oidc")]
    pub(crate) fn visitor(&self) -> Client {
        Client::new(self.registration.clone(), "/auth", ClientKind::Browser)
    }

    pub(crate) fn people(&self) -> usize {
        self.memory.all_identities().len()
    }

    /// Opens the first page.
    pub(crate) async fn open(&self, browser: &Browser) {
        browser.go(&format!("{}/registration", self.base)).await;
    }
}

async fn noted(request: Request, next: Next, note: &Mutex<Vec<String>>) -> Response {
    let asked = format!("{} {}", request.method(), request.uri().path());
    let response = next.run(request).await;
    note.lock().unwrap().push(format!("{asked} {}", response.status().as_u16()));
    response
}

/// With one-time codes and the proof of addresses.
pub(crate) fn with_codes(builder: Builder) -> Builder {
    let after = After::new().session(true).show_verification_ui(true);
    builder.method(Code::new()).verification(Verification::codes()).after(after)
}

/// In two steps.
pub(crate) fn in_two_steps(builder: Builder) -> Builder {
    builder.style(Style::ProfileFirst)
}
