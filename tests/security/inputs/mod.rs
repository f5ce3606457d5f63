//! What comes in: forged, malformed, oversized and hostile requests, configuration and stored hashes.
//!
//! Everything goes through the service's door, in-process and with memory storage. The kept cases stand in
//! `tests/security/corpus/`; its generator knows the rules and nothing of this crate.

// A test ends where an unwrap fails, and helpers are part of the test.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bodies;
mod body_oracle;
mod body_properties;
pub(crate) mod chance;
mod cookie_oracle;
mod corpus;
mod csrf_heads;
mod csrf_matrix;
mod csrf_oracle;
mod csrf_tokens;
mod door;
mod hash_oracle;
mod hashes;
mod kept_bodies;
mod kept_cookies;
mod redirect_oracle;
mod redirects;
mod schema_oracle;
mod schemas;
mod second_reader;
pub(crate) mod stopwatch;
mod traits;
