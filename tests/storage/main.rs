//! The storage contract against every ready-made store, and every duty shown to be able to fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod crowds;
#[path = "../mail/dice.rs"]
#[allow(dead_code, reason = "not every program rolls them all")]
mod dice;
mod failing_calls;
mod flawed;
mod keys;
mod kills;
mod memory;
mod naive;
#[path = "../peers/pgbouncer.rs"]
mod pooler;
mod postgres;
mod processes;
mod races;
#[path = "../peers/postgres.rs"]
mod server;
mod several;
mod sqlite;
