//! Chance that can be played again.

use std::hash::Hasher;
use std::sync::atomic::{AtomicU64, Ordering};

use tower_registration::host::{HostError, Random};

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
        Self::seeded(seed)
    }

    /// The same in every run.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }

    fn number(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write_u64(self.count.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }

    /// A number below `bound`.
    pub(crate) fn below(&self, bound: usize) -> usize {
        usize::try_from(self.number() % bound as u64).unwrap()
    }
}

impl Random for Chance {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostError> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.number().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
