//! Expired records are removed.

use std::sync::Arc;

use time::Duration;

use crate::host::{Clock, HostError, Storage};
use crate::trace;

/// Expired records are kept for so long: their clients still hear that they have expired, not that they are unknown.
const KEPT: Duration = Duration::hours(24);
const BATCH: usize = 500;
const PAUSE: std::time::Duration = std::time::Duration::from_secs(60);

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

    /// Sweeps once a minute until `stop` completes. A failing storage is tried again at the next turn.
    pub async fn run_until(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            if let Err(error) = self.sweep().await {
                trace::failure(&"sweeper", &error);
            }
            if tokio::time::timeout(PAUSE, &mut stop).await.is_ok() {
                return;
            }
        }
    }
}

impl std::fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sweeper").finish_non_exhaustive()
    }
}
