//! Self-service registration for tower, hyper and axum applications, on Ory Kratos' wire protocol.
//!
//! [`Registration`] is a service that a host mounts below a path of its application. It answers the routes of Kratos'
//! registration; pages, apps and SDKs made for Kratos keep working. What is particular to the host are traits on one
//! page, [`host`]: where flows are stored, who its users are, how they are signed in, who carries letters. The identity
//! and the host's own rows are one commit.
//!
//! ```
//! use serde_json::json;
//! use tower_registration::testing::App;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A host in memory; `Registration::builder` makes one over your own parts.
//! let app = App::new()?;
//! let mut client = app.native();
//!
//! let page = client.open().await;
//! let answer = client.submit(&page, json!({
//!     "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" }
//! })).await;
//!
//! assert_eq!(answer.status(), 200);
//! assert_eq!(answer.at("/identity/traits/email"), "ada@example.org");
//! # Ok(()) }
//! ```
//!
//! # The map
//!
//! | to … | look at |
//! |---|---|
//! | mount it | [`Registration::builder`], [`Builder`] |
//! | say which traits there are | [`Schema`] |
//! | choose ways to register, or write one | [`methods`] |
//! | let people sign up with accounts elsewhere | `methods::oidc` (feature `oidc`) |
//! | bring storage, users, sessions | [`host`]; ready-made: [`memory`], `sqlite`, `postgres` (features), [`sessions`] |
//! | set the cost of a password | [`Hashing`], [`hashing`] |
//! | refuse leaked passwords | [`breach`] |
//! | word letters, and see what is in them | [`templates`], [`mail`] |
//! | deliver letters | [`log`] for development; `smtp`, `sms` (features of these names) |
//! | run what must run beside requests | [`upkeep`] |
//! | tell services elsewhere, and ask them | `webhooks` (feature `webhooks`) |
//! | register people for an OAuth2 server | `hydra` (feature `hydra`), [`host::OAuth2Server`] |
//! | call services elsewhere | [`host::Fetch`]; ready-made: `fetch` (with the features that call) |
//! | have pages at once | `html` (feature `html`) |
//! | serve a Kratos configuration file | `kratos` (feature `kratos`) |
//! | test a host's sign-up | `testing` (feature `testing`) |
//!
//! # Features
//!
//! By default there is no network and no C: password, code and profile, memory storage. `kratos` reads Kratos'
//! configuration files, `html` brings pages, `phone` understands phone numbers, `testing` is the test kit, `tracing` tells a host's log about
//! inner errors, security events and weak settings, `webauthn` brings passkeys and security keys.
//!
//! `sqlite` and `postgres` are storage over a pool of the host's (the first compiles C). `breach-http` asks a service about
//! leaked passwords, `hydra` an OAuth2 server about the people it sends here; `oidc` is social sign-up, `smtp` delivers
//! e-mail, `sms` delivers letters through a gateway, `webhooks` calls services before and after a sign-up. These use the
//! network, and TLS by rustls with `ring`, which brings C.
//!
//! # What it needs of its host
//!
//! A Tokio runtime around the requests; TLS and time-outs of the server, which are the host's; a secret of at least
//! [`SHORTEST_SECRET`] bytes that outlives the process.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod breach;
mod builder;
mod call;
mod caller;
mod config;
mod continuity;
mod csrf;
mod effects;
#[cfg(any(feature = "sms", feature = "webhooks"))]
mod endpoint;
mod engine;
mod errands;
#[cfg(feature = "_fetch")]
pub mod fetch;
pub mod flow;
pub mod form;
pub mod hashing;
pub mod host;
#[cfg(feature = "html")]
pub mod html;
#[cfg(not(feature = "html"))]
#[path = "html/disabled.rs"]
mod html;
#[cfg(feature = "hydra")]
pub mod hydra;
pub mod identity;
#[cfg(all(feature = "kratos", any(feature = "oidc", feature = "sms", feature = "webhooks")))]
mod jsonnet;
#[cfg(feature = "kratos")]
pub mod kratos;
mod limits;
pub mod log;
pub mod mail;
pub mod memory;
pub mod message;
pub mod methods;
pub mod page;
#[cfg(feature = "postgres")]
pub mod postgres;
mod proof;
mod registration;
mod return_to;
mod route;
mod schema;
mod seal;
mod service;
pub mod sessions;
#[cfg(feature = "sms")]
pub mod sms;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(feature = "_sql")]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod stop;
pub mod templates;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;
pub mod upkeep;
mod verification;
#[cfg(feature = "webhooks")]
pub mod webhooks;
mod wire;

pub use builder::{BuildError, Builder};
pub use caller::{Caller, ClientAddress};
pub use config::{After, CookieSettings, SameSite, SessionSettings, Style, Verification};
pub use hashing::Hashing;
pub use limits::AddressLimits;
pub use schema::{Schema, SchemaError};
pub use seal::{SHORTEST_SECRET, Secret, WeakSecret};
pub use service::{Registration, RegistrationLayer, WithRegistration};
pub use stop::{Failure, Keep, Stop};

/// The code of the README is compiled with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// So is that of the guide to storage.
#[cfg(all(doctest, feature = "postgres", feature = "sqlite", feature = "testing"))]
#[doc = include_str!("../docs/storage.md")]
struct StorageGuide;

/// And that of the other guides.
#[cfg(all(doctest, feature = "kratos", feature = "oidc", feature = "testing", feature = "webauthn"))]
mod guides {
    #[doc = include_str!("../docs/host.md")]
    struct Host;

    #[doc = include_str!("../docs/moving-from-kratos.md")]
    struct MovingFromKratos;

    #[doc = include_str!("../docs/testing.md")]
    struct Testing;
}
