//! The test kit: sign-up tested in-process, without a network and without waiting.
//!
//! ```
//! use serde_json::json;
//! use tower_registration::testing::{App, Client};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app = App::new()?;
//! let mut ada = app.browser();
//!
//! let page = ada.open().await;
//! let answer = ada.submit(&page, json!({
//!     "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" }
//! })).await;
//!
//! assert_eq!(answer.status(), 303);
//! assert_eq!(app.identities().len(), 1);
//! assert!(ada.whoami().await.is_some());
//! # Ok(()) }
//! ```
//!
//! [`App`] is a host in memory; [`Client`] also speaks to a host of your own: to anything that is a
//! [`tower::Service`], an axum router for example. The [`TestClock`] stands still until it is moved. [`storage`] is the
//! contract that a storage must keep, to be run against a host's own.
//! The [`Authenticator`] makes passkeys and security keys, right ones and wrong ones.
//! [`Faults`] let the parts of a host fail, hang or end the process at a chosen call.

mod app;
mod authenticator;
mod client;
mod clock;
mod faults;
mod mailbox;
#[cfg(feature = "oidc")]
mod provider;
mod reply;
pub mod storage;

pub use app::{App, BASE_URL, PERSON, UI};
pub use authenticator::{Authenticator, Ceremony, Flaw};
pub use client::{Client, ClientKind};
pub use clock::TestClock;
pub use faults::{Call, Fault, Faults, Faulty, Moment, Point, When};
pub use mailbox::Mailbox;
#[cfg(feature = "oidc")]
pub use provider::{Endpoint, IdentityProvider, ProviderFault};
pub use reply::Reply;
