//! Faults of databases, clocks and upgrades: what a person is told, and that nothing is half-written.

mod chance;
mod lost_commits;
mod postgres;
mod proxy;
pub(crate) mod site;
mod sqlite;
