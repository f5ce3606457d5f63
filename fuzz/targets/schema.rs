//! F10: identity schemas.
#![no_main]

#[path = "../../tests/security/inputs/stopwatch.rs"]
mod stopwatch;

#[path = "../../tests/security/inputs/door.rs"]
mod door;

#[path = "../../tests/security/inputs/corpus.rs"]
mod corpus;

#[path = "../../tests/security/inputs/schema_oracle.rs"]
mod schema_oracle;

tower_registration_fuzz::target!(schema_oracle::Schemas::new(), schema_oracle::Schemas::play);
