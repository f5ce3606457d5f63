//! How long something takes, also on a busy machine.

use std::time::{Duration, Instant};

/// Runs from its start. Where the system tells, the time that the thread waited for a processor does not count.
pub(crate) struct Stopwatch {
    begun: Instant,
    computed: Option<Duration>,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { begun: Instant::now(), computed: computed() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        let passed = self.begun.elapsed();
        match (self.computed, computed()) {
            (Some(before), Some(after)) => passed.min(after.saturating_sub(before)),
            _ => passed,
        }
    }
}

/// How long this thread has had a processor.
fn computed() -> Option<Duration> {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    line.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
