//! The governor of password hashing: argon2id on threads of our own, bounded in number, memory and queue.
//!
//! 1. Hashing never runs on the async executor. The threads give way to everything else where the system allows it.
//! 2. Each thread has one arena for its lifetime, so memory neither grows nor is faulted in anew.
//! 3. The queue is as long as the threads can empty in [`Hashing::patience`]; beyond it the answer is "busy" at once.
//! 4. Work whose caller has gone is skipped if it has not begun.

mod governor;
mod verify;

use std::time::Duration;

use verify::{MOST_LANES, MOST_MEMORY_KIB, MOST_PASSES};
pub use verify::{VerifyError, verify};

pub(crate) use governor::{Governor, SALT};

/// How passwords are hashed. [`Hashing::default`] is OWASP's choice: argon2id, 19 MiB, two passes.
#[derive(Clone, Debug)]
#[must_use]
pub struct Hashing {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
    pub(crate) threads: Option<usize>,
    pub(crate) memory_budget: usize,
    pub(crate) patience: Duration,
}

/// The cheapest costs that withstand guessing, as pairs of passes and KiB.
const FLOOR: [(u32, u32); 3] = [(1, 47_104), (2, 19_456), (3, 12_288)];

impl Default for Hashing {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
            lanes: 1,
            threads: None,
            memory_budget: 256 * 1024 * 1024,
            patience: Duration::from_millis(1_500),
        }
    }
}

impl Hashing {
    /// The defaults: 19 MiB, two passes, a thread for each core, 256 MiB in all, 1.5 seconds of queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the cost of one hash: memory in KiB, and passes over it; at most what [`verify`] reads.
    ///
    /// # Weakens
    ///
    /// Below the default a stolen table of hashes is guessed faster; [`build`](crate::Builder::build) warns about it.
    pub fn cost(mut self, memory_kib: u32, passes: u32) -> Self {
        (self.memory_kib, self.passes) = (memory_kib, passes);
        self
    }

    /// Sets the number of lanes that are part of the hash. They run one after the other.
    pub fn lanes(mut self, lanes: u32) -> Self {
        self.lanes = lanes;
        self
    }

    /// Sets how many threads hash at the same time; a thread for each core otherwise.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets how much memory the threads may take together, in bytes. It bounds their number.
    pub fn memory_budget(mut self, bytes: usize) -> Self {
        self.memory_budget = bytes;
        self
    }

    /// Sets how long a password may wait for its turn; a longer queue is refused at once.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Whether the cost is below what withstands guessing.
    pub(crate) fn is_weak(&self) -> bool {
        let enough = |(passes, kib): &(u32, u32)| self.passes >= *passes && self.memory_kib >= *kib;
        !FLOOR.iter().any(enough)
    }

    /// Whether [`verify`] refuses to read what would be made at this cost.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.memory_kib > MOST_MEMORY_KIB || self.passes > MOST_PASSES || self.lanes > MOST_LANES
    }

    fn params(&self) -> Result<argon2::Params, argon2::Error> {
        argon2::Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
    }
}

#[cfg(test)]
mod tests;
