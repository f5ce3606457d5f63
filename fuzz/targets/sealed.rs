//! F7: the state that comes back from a provider, and the cookie of its browser.
#![no_main]

#[path = "../../tests/security/social/journey.rs"]
mod journey;

#[path = "../../tests/security/social/sealed_oracle.rs"]
mod sealed_oracle;

tower_registration_fuzz::target!(sealed_oracle::Harness::new(), sealed_oracle::Harness::play);
