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
//! | bring storage, users, sessions | [`host`]; ready-made: [`memory`], [`sessions`] |
//! | set the cost of a password | [`Hashing`], [`hashing`] |
//! | run what must run beside requests | [`upkeep`] |
//! | serve a Kratos configuration file | `kratos` (feature `kratos`) |
//! | test a host's sign-up | `testing` (feature `testing`) |
//!
//! # Features
//!
//! By default there is no network and no C: password and profile, memory storage. `kratos` reads Kratos' configuration
//! files, `oidc` is social sign-up, `phone` understands phone numbers, `testing` is the test kit, `tracing` tells a host's log about inner
//! errors, security events and weak settings.
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
mod engine;
#[cfg(feature = "_fetch")]
pub mod fetch;
pub mod flow;
pub mod form;
pub mod hashing;
pub mod host;
pub mod identity;
#[cfg(all(feature = "kratos", any(feature = "oidc", feature = "sms")))]
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
mod stop;
pub mod templates;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;
pub mod upkeep;
mod verification;
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
