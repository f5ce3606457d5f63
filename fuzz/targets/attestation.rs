//! F8: answers of authenticators, from bytes.
#![no_main]

#[path = "../../tests/security/keys/second.rs"]
mod second;

#[path = "../../tests/security/keys/harness.rs"]
mod harness;

tower_registration_fuzz::target!(harness::Harness::new(), harness::Harness::play);
