//! Letters on their way, over SMTP.
//!
//! The server is a small one of ours that keeps every byte and misbehaves on demand, and once a real one, which Debian's
//! package `python3-aiosmtpd` brings. `FULL=1 cargo test …` plays what carries a size of the security matrix at that size.
#![cfg(feature = "smtp")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod away;
mod certificates;
mod connections;
mod conversation;
mod dice;
mod encryption;
mod injections;
#[path = "../security/kept.rs"]
mod kept;
mod letter_oracle;
mod mime;
mod office;
mod outages;
mod outbox;
mod peer;
mod poisoning;
mod real;
mod recipients;
#[cfg(feature = "tracing")]
mod secrets;
mod words;

/// A size of the matrix: in full where `FULL=1` asks for it, otherwise a sample.
fn size(full: usize, sample: usize) -> usize {
    if std::env::var("FULL").is_ok_and(|full| full == "1") { full } else { sample }
}
