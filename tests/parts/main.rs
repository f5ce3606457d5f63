//! The ready-made parts that call services elsewhere, against small servers on this machine.
//!
//! They need the features `breach-http`, `kratos`, `sms`, `testing`, `tracing` and `webhooks`.
#![cfg(all(
    feature = "breach-http",
    feature = "kratos",
    feature = "sms",
    feature = "testing",
    feature = "tracing",
    feature = "webhooks"
))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod breach_bounds;
mod breach_file;
mod breaches;
mod connections;
mod fetch;
mod hooks;
mod jsonnet;
mod limits;
mod peer;
mod private;
mod server;
mod sms;
mod tape;
mod tls;
