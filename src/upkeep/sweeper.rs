//! Expired records are removed.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use tokio::time::Instant;

use crate::host::{Clock, HostError, Storage};
use crate::trace;

/// Expired records are kept for so long: their clients still hear that they have expired, not that they are unknown.
const KEPT: Duration = Duration::hours(24);
const BATCH: usize = 500;
const PAUSE: std::time::Duration = std::time::Duration::from_secs(60);

/// A clock that leaps ahead by more than this between two turns is wrong, or was.
const LEAP: Duration = Duration::days(1);
/// How long nothing is removed then: somebody may set it right.
const HELD: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// Removes expired records, in small batches.
///
/// ```no_run
/// # async fn run(registration: tower_registration::Registration, shutdown: impl Future<Output = ()> + Send + 'static) {
/// let sweeper = registration.sweeper();
/// tokio::spawn(async move { sweeper.run_until(shutdown).await });
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Sweeper {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
}

impl Sweeper {
    pub(crate) fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self { storage, clock }
    }

    /// Removes everything that expired more than a day ago and says how many records that were.
    ///
    /// # Errors
    ///
    /// [`HostError`] when the storage cannot answer; what was removed before stays removed.
    pub async fn sweep(&self) -> Result<usize, HostError> {
        let before = self.clock.now() - KEPT;
        let mut swept = 0;
        loop {
            let batch = self.storage.sweep(before, BATCH).await?;
            swept += batch;
            if batch < BATCH {
                return Ok(swept);
            }
        }
    }

    /// Sweeps once a minute until `stop` completes. A failing storage is tried again at the next turn. After the clock has
    /// leapt ahead by more than a day, nothing is removed for an hour: sessions would be gone for good when it is set right.
    pub async fn run_until(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut pace = Pace::new(self.clock.now());
        loop {
            if pace.is_credible(self.clock.now())
                && let Err(error) = self.sweep().await
            {
                trace::failure(&"sweeper", &error);
            }
            if tokio::time::timeout(PAUSE, &mut stop).await.is_ok() {
                return;
            }
        }
    }
}

/// The clock beside the time that passes.
struct Pace {
    clock: OffsetDateTime,
    seen: Instant,
    held_until: Option<Instant>,
}

impl Pace {
    fn new(clock: OffsetDateTime) -> Self {
        Self { clock, seen: Instant::now(), held_until: None }
    }

    fn is_credible(&mut self, clock: OffsetDateTime) -> bool {
        let now = Instant::now();
        let leap = (clock - self.clock) - (now - self.seen);
        (self.clock, self.seen) = (clock, now);
        if leap > LEAP {
            self.held_until = Some(now + HELD);
        }
        self.held_until.is_none_or(|until| now >= until)
    }
}

impl std::fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sweeper").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration as Time;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_leaps_is_not_believed_at_once() {
        let begun = OffsetDateTime::UNIX_EPOCH;
        let mut pace = Pace::new(begun);
        let mut told = Vec::new();
        for (minutes, clock) in
            [(1, Duration::MINUTE), (1, Duration::days(3_653)), (1, Duration::minutes(3)), (58, Duration::HOUR)]
        {
            tokio::time::advance(Time::from_secs(60 * minutes)).await;
            told.push(pace.is_credible(begun + clock));
        }
        tokio::time::advance(Time::from_secs(120)).await;
        told.push(pace.is_credible(begun + Duration::HOUR));

        assert_eq!(told, [true, false, false, false, true]);
    }
}
