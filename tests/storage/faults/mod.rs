//! Faults of databases, clocks and upgrades: what a person is told, and that nothing is half-written.

mod calls;
pub(crate) mod chance;
mod clocks;
#[path = "../../security/behaviour/faulty.rs"]
#[allow(dead_code, reason = "what the other program does with it, this one does not")]
mod faulty;
mod lost_commits;
mod outages;
mod postgres;
mod proxy;
pub(crate) mod site;
mod sqlite;
mod upgrades;
