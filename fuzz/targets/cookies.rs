//! F6: cookies, and the token beside them.
#![no_main]

#[path = "../../tests/security/inputs/stopwatch.rs"]
mod stopwatch;

#[path = "../../tests/security/inputs/door.rs"]
mod door;

#[path = "../../tests/security/inputs/cookie_oracle.rs"]
mod cookie_oracle;

tower_registration_fuzz::target!(cookie_oracle::Harness::new(), cookie_oracle::Harness::play);
