//! Self-service registration for tower, hyper and axum applications, on Ory Kratos' wire protocol.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod breach;
mod builder;
mod call;
mod caller;
mod config;
mod csrf;
pub mod flow;
pub mod form;
pub mod hashing;
pub mod host;
pub mod identity;
#[cfg(feature = "kratos")]
pub mod kratos;
pub mod log;
pub mod memory;
pub mod message;
pub mod methods;
pub mod page;
mod registration;
mod return_to;
mod route;
mod schema;
mod seal;
mod service;
pub mod sessions;
mod stop;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;
pub mod upkeep;
mod wire;

pub use builder::{BuildError, Builder};
pub use caller::{Caller, ClientAddress};
pub use config::{After, CookieSettings, SameSite, SessionSettings, Style};
pub use hashing::Hashing;
pub use schema::{Schema, SchemaError};
pub use seal::{SHORTEST_SECRET, Secret, WeakSecret};
pub use service::{Registration, RegistrationLayer, WithRegistration};
pub use stop::{Failure, Keep, Stop};
