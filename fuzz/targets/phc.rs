//! F12: stored hashes.
#![no_main]

#[path = "../../tests/security/inputs/stopwatch.rs"]
mod stopwatch;

#[path = "../../tests/security/inputs/hash_oracle.rs"]
mod hash_oracle;

tower_registration_fuzz::target!(hash_oracle::Harness::new(), hash_oracle::Harness::play);
