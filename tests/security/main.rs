//! The security matrix, by its ids.

mod behaviour;
mod codes;
mod inputs;
mod keys;
#[cfg(feature = "oidc")]
mod social;
