//! Chance that can be played again.

use std::hash::Hasher;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers made from a seed and a count.
pub(crate) struct Chance {
    seed: u64,
    count: AtomicU64,
}

impl Chance {
    /// From the seed that the environment gives, or from the time; it is printed either way.
    pub(crate) fn new() -> Self {
        let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let since = std::time::UNIX_EPOCH.elapsed().unwrap();
            u64::try_from(since.as_micros()).unwrap()
        });
        println!("SEED={seed}");
        Self { seed, count: AtomicU64::new(0) }
    }

    /// A number below `bound`.
    pub(crate) fn below(&self, bound: usize) -> usize {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write_u64(self.count.fetch_add(1, Ordering::Relaxed));
        usize::try_from(hasher.finish() % bound as u64).unwrap()
    }
}
