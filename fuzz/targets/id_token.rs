//! F9: ID tokens, keys and descriptions of providers.
#![no_main]

#[path = "../../tests/security/social/journey.rs"]
mod journey;

#[path = "../../tests/security/social/token_oracle.rs"]
mod token_oracle;

tower_registration_fuzz::target!(token_oracle::Harness::new(), token_oracle::Harness::play);
