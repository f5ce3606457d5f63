//! The security matrix, by its ids.

mod behaviour;
mod codes;
mod inputs;
#[cfg(feature = "oidc")]
mod social;
