//! Tests that measure a process: each runs in one of its own.

use std::process::Command;

/// Names the one test that a process is there for.
const ALONE: &str = "TOWER_REGISTRATION_TEST_ALONE";

/// Runs the body of the test with this path in a process that runs nothing else.
pub(super) fn alone(module: &str, test: &str, body: impl FnOnce()) {
    let path = format!("{module}::{test}");
    let (_, name) = path.split_once("::").unwrap();
    if std::env::var(ALONE).is_ok_and(|own| own == name) {
        return body();
    }
    let mut process = Command::new(std::env::current_exe().unwrap());
    let output = process.args(["--exact", name, "--test-threads=1"]).env(ALONE, name).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}
