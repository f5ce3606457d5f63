//! F3: where a person asks to be led.
#![no_main]

#[path = "../../tests/security/inputs/stopwatch.rs"]
mod stopwatch;

#[path = "../../tests/security/inputs/door.rs"]
mod door;

#[path = "../../tests/security/inputs/redirect_oracle.rs"]
mod redirect_oracle;

tower_registration_fuzz::target!(redirect_oracle::Harness::new(), redirect_oracle::Harness::play);
