//! The whole service against a reference model: sequences, schedules, faults, any bytes. I1–I16, R5, C12, F14.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bytes;
mod command;
mod dice;
mod faults;
mod invariants;
#[path = "../security/kept.rs"]
mod kept;
mod names;
mod reference;
mod rows;
mod schedules;
mod sequences;
#[path = "../peers/postgres.rs"]
mod server;
mod site;
mod state;
mod step;
mod story;
mod tables;
mod told;
mod watch;
mod world;
