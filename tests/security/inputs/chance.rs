//! Properties over random input: the same seed plays the same cases, and a failure names it.
//!
//! `SEED=… cargo test …` replays a failure; `PROPTEST_CASES=…` sets how many cases are played.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

/// What a property says about one case.
pub(crate) type Held = Result<(), TestCaseError>;

/// Plays random cases until one breaks the property.
pub(crate) fn for_all<S: Strategy>(cases: S, property: impl Fn(S::Value) -> Held) {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(random_seed);
    let config = Config { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    if let Err(broken) = TestRunner::new(config).run(&cases, property) {
        panic!("SEED={seed} GIT={}: {broken}", commit());
    }
}

/// Runs to the end on a runtime of its own.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn random_seed() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1
}

fn commit() -> String {
    let asked = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
