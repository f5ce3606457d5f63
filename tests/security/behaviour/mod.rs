//! Behaviour: replay, races, faults, load, and what every answer carries.
// A helper that cannot go on ends the test, as the test itself would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod afterwards;
mod alone;
mod answers;
mod commits;
mod configurations;
mod dependencies;
mod disconnects;
mod entropy;
mod faults;
mod fixation;
mod flood;
mod headers;
mod hook_faults;
mod host_sessions;
mod line;
mod panics;
mod password_rules;
mod passwords;
mod purposes;
mod races;
mod refusals;
mod replay;
mod replay_table;
mod silence;
mod site;
