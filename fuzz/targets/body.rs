//! F1, F2: bodies of every type, by every kind of client.
#![no_main]

#[path = "../../tests/security/inputs/stopwatch.rs"]
mod stopwatch;

#[path = "../../tests/security/inputs/door.rs"]
mod door;

#[path = "../../tests/security/inputs/second_reader.rs"]
mod second_reader;

#[path = "../../tests/security/inputs/body_oracle.rs"]
mod body_oracle;

tower_registration_fuzz::target!(body_oracle::Harness::new(), body_oracle::Harness::play);
