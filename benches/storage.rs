//! What a registration costs on each store: how it grows with what is stored, what it takes of the processor and the
//! database, and how much of the hash's own rate is left.
//!
//! ```sh
//! cargo bench --all-features --bench storage                  # all of it; a million rows on both databases
//! cargo bench --all-features --bench storage -- costs         # or a part: costs, statements, rates
//! COSTS_ROWS=1000,100000 cargo bench --all-features --bench storage -- costs
//! L3_SECONDS=3600 cargo bench --all-features --bench storage -- endurance
//! ```
//!
//! The last part is run when it is asked for by name alone: a mixed load for a long time, and what is held after it.
//!
//! No criterion here: what is compared is measured in turn, round by round, so that a machine that slows down slows down
//! all of it. PostgreSQL is started by the bench, and runs on the same cores.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on has failed"
)]

mod common {
    pub(crate) mod raw;
}
mod stores {
    pub(crate) mod costs;
    pub(crate) mod endurance;
    pub(crate) mod ledger;
    pub(crate) mod place;
    pub(crate) mod rates;
}
#[path = "../tests/peers/filled.rs"]
mod filled;
#[path = "../tests/peers/postgres.rs"]
mod server;

/// How much is measured.
struct Effort {
    /// The sizes of the stores that are compared, the smallest first.
    rows: Vec<usize>,
    rounds: usize,
    /// Registrations whose statements and processor time are counted.
    counted: usize,
    /// Alternating runs of the rates, and submissions in each.
    runs: usize,
    submissions: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let effort = match arguments.iter().any(|argument| argument == "--bench") {
        true => Effort { rows: sizes(), rounds: 15, counted: 400, runs: 7, submissions: 400 },
        false => {
            println!("a brief run, to see that it works; its figures mean nothing");
            Effort { rows: vec![20, 40], rounds: 1, counted: 3, runs: 1, submissions: 4 }
        }
    };
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let is_asked_for = |what: &str| words.is_empty() || words.iter().any(|word| *word == what);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if is_asked_for("statements") {
        runtime.block_on(stores::ledger::statements(effort.counted));
    }
    if is_asked_for("rates") {
        stores::rates::compare(&runtime, effort.runs, effort.submissions);
    }
    if is_asked_for("costs") {
        runtime.block_on(stores::costs::compare(&effort.rows, effort.rounds));
    }
    let seconds = std::env::var("L3_SECONDS").ok().map(|seconds| seconds.parse().unwrap());
    if words.iter().any(|word| *word == "endurance") {
        runtime.block_on(stores::endurance::last(seconds.unwrap_or(3_600.0)));
    } else if effort.rounds == 1 {
        runtime.block_on(stores::endurance::last(1.0));
    }
}

fn sizes() -> Vec<usize> {
    let given = std::env::var("COSTS_ROWS").unwrap_or_else(|_| "1000,100000,1000000".to_owned());
    given.split(',').map(|number| number.trim().parse().unwrap()).collect()
}

/// The middle one of these values.
fn median(values: &mut [f64]) -> f64 {
    of_hundred(values, 50)
}

/// So many of a hundred of these values are not above this one.
fn of_hundred(values: &mut [f64], most: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * most / 100).min(values.len() - 1)]
}
