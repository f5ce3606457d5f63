//! The ready-made parts that call services elsewhere, against small servers on this machine.
//!
//! They need the features `breach-http`, `kratos`, `sms` and `testing`.
#![cfg(all(feature = "breach-http", feature = "kratos", feature = "sms", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod connections;
mod fetch;
mod limits;
mod peer;
mod private;
mod server;
mod tls;
