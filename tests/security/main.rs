//! The security matrix, by its ids.

mod behaviour;
mod codes;
#[cfg(all(feature = "oidc", feature = "webhooks"))]
mod errors;
mod inputs;
mod kept;
mod keys;
mod oauth2;
#[cfg(feature = "hydra")]
#[path = "../peers/oauth2_server.rs"]
mod oauth2_server;
#[cfg(feature = "oidc")]
mod social;
