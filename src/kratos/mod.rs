//! Reads a Kratos configuration file into a [`Builder`]: how people move from Kratos, and how both servers are run on
//! the same file.
//!
//! 1. A key that bears on registration is taken over.
//! 2. A key that would change what a registration does, and that this version does not support, is an error that names
//!    it. So is a key that nobody knows: it may be a typo for one that matters.
//! 3. A key about something else (login, recovery, settings, logging, the admin port, the database) is ignored.
//!
//! Storage and identities are the host's: they are given to the builder afterwards.
//!
//! ```no_run
//! use tower_registration::{kratos, memory::Memory};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let loaded = kratos::load(&std::fs::read_to_string("kratos.json")?)?;
//! let memory = Memory::new();
//! let registration = loaded.builder.storage(memory.clone()).identities(memory).build()?;
//! # let _ = registration; Ok(()) }
//! ```

mod breaches;
mod clients;
mod courier;
#[cfg(feature = "sms")]
mod gateway;
#[cfg(not(feature = "sms"))]
#[path = "no_gateway.rs"]
mod gateway;
mod hooks;
mod identity;
#[cfg(feature = "webauthn")]
mod keys;
#[cfg(not(feature = "webauthn"))]
#[path = "without_keys.rs"]
mod keys;
#[cfg(feature = "hydra")]
mod oauth2;
#[cfg(not(feature = "hydra"))]
#[path = "no_oauth2.rs"]
mod oauth2;
#[cfg(feature = "oidc")]
mod oidc;
#[cfg(not(feature = "oidc"))]
#[path = "no_oidc.rs"]
mod oidc;
mod parts;
mod section;
mod selfservice;
mod serve;
mod smtp;
mod source;
mod units;
mod verification;

use serde_json::Value;

use crate::builder::Builder;
use section::Section;

pub use serve::{Cors, Listen};

/// What a configuration file says.
#[derive(Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// A builder that lacks only the host's parts.
    pub builder: Builder,
    /// Where the file wants the server to listen.
    pub listen: Listen,
    /// What the file says about calls from other origins' scripts, where it allows any.
    pub cors: Option<Cors>,
}

/// Reads a configuration file in JSON.
///
/// # Errors
///
/// [`LoadError`] names the key and says what to change.
pub fn load(text: &str) -> Result<Loaded, LoadError> {
    read(text, None, None)
}

/// Reads a configuration file, for a service that is found at another base URL than the file says.
///
/// # Errors
///
/// [`LoadError`] names the key and says what to change.
pub fn load_at(text: &str, base_url: &str) -> Result<Loaded, LoadError> {
    read(text, Some(base_url), None)
}

/// Reads a configuration file, for a host that calls services elsewhere in its own way: what the file says about addresses
/// that may be called is then the client's business. Without a base URL, the file's own counts.
///
/// # Errors
///
/// [`LoadError`] names the key and says what to change.
#[cfg(feature = "_fetch")]
pub fn load_with(text: &str, base_url: Option<&str>, client: impl crate::host::Fetch) -> Result<Loaded, LoadError> {
    read(text, base_url, Some(std::sync::Arc::new(client)))
}

/// Keys about other things than registration.
const IGNORED: [&str; 19] = [
    "$schema",
    "ciphers",
    "config",
    "database",
    "dsn",
    "enterprise",
    "expose-metrics-port",
    "help",
    "log",
    "organizations",
    "preview",
    "profiling",
    "revision",
    "sqa-opt-out",
    "sqa_opt_out",
    "tracing",
    "version",
    "watch-courier",
    "web",
];

fn read(text: &str, base_url: Option<&str>, client: clients::Own) -> Result<Loaded, LoadError> {
    let document: Value =
        serde_json::from_str(text).map_err(|error| LoadError::new("", format!("no JSON: {error}")))?;
    let mut root = Section::root(document)?;
    let dev = root.flag("dev")?.unwrap_or(false);
    root.ignore(&IGNORED);
    let serve = serve::read(&mut root.section("serve")?, base_url)?;
    let mut builder = crate::Registration::builder(serve.base_url);
    for origin in serve.cors.iter().flat_map(|cors| &cors.origins).filter(|origin| !origin.contains('*')) {
        builder = builder.cors_origin(origin);
    }
    builder = parts::secrets(builder, root.section("secrets")?)?;
    builder = parts::hashing(builder, root.section("hashers")?)?;
    builder = parts::cookies(builder, root.section("cookies")?, root.section("session")?, dev)?;
    builder = identity::read(builder, root.section("identity")?)?;
    let clients = clients::read(root.section("clients")?, client)?;
    let flags = parts::flags(&mut root)?;
    builder = selfservice::read(builder, root.section("selfservice")?, flags, &clients)?;
    builder = courier::read(builder, root.section("courier")?, &clients)?;
    builder = oauth2::read(builder, root.section("oauth2_provider")?, &clients)?;
    parts::security(&mut root)?;
    root.end()?;
    Ok(Loaded { builder, listen: serve.listen, cors: serve.cors })
}

/// The page that is shown where none is configured.
fn fallback(flow: &str) -> String {
    format!("https://www.ory.com/kratos/docs/fallback/{flow}")
}

/// A configuration file cannot be taken over.
#[derive(Debug, thiserror::Error)]
#[error("`{key}`: {why}")]
pub struct LoadError {
    key: String,
    why: String,
}

impl LoadError {
    fn new(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self { key: key.into(), why: why.into() }
    }

    /// The key, its parts joined by dots.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

#[cfg(test)]
mod tests;
