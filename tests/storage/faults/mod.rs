//! Faults of databases, clocks and upgrades: what a person is told, and that nothing is half-written.

mod calls;
pub(crate) mod chance;
mod clocks;
mod lost_commits;
mod outages;
mod postgres;
mod proxy;
pub(crate) mod site;
mod sqlite;
mod upgrades;
