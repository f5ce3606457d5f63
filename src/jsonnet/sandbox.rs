//! Where programs run: a few threads of their own, and a caller that does not wait for ever.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use super::JsonnetError;
use crate::trace;

/// How many programs run at once.
const PLACES: usize = 2;
/// How long a caller waits for a place, and how long for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The places of the programs of one configuration. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Sandbox {
    places: Arc<Semaphore>,
    running: Arc<Mutex<Vec<Instant>>>,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), running: Arc::default() }
    }

    /// How many programs run on although their time is over.
    pub(super) fn stuck(&self) -> usize {
        lock(&self.running).iter().filter(|begun| begun.elapsed() > PATIENCE).count()
    }

    /// Runs a job on a thread with this much stack.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        stack: usize,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JsonnetError> {
        if self.stuck() >= PLACES {
            return Err(JsonnetError::Busy);
        }
        let place = timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let place = place.ok().and_then(Result::ok).ok_or(JsonnetError::Busy)?;
        let (sender, answer) = oneshot::channel();
        self.start(place, stack, job, move |answer| drop(sender.send(answer)))?;
        match timeout(PATIENCE, answer).await {
            // A thread that panics drops its end.
            Ok(answer) => answer.map_err(|_| JsonnetError::Panicked),
            Err(_) => Err(too_late()),
        }
    }

    /// The same, for callers that may block: while a service is built.
    pub(super) fn run_and_block<T: Send + 'static>(
        &self,
        stack: usize,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JsonnetError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| JsonnetError::Busy)?;
        let (sender, answer) = mpsc::channel();
        self.start(place, stack, job, move |answer| drop(sender.send(answer)))?;
        match answer.recv_timeout(PATIENCE) {
            Ok(answer) => Ok(answer),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(JsonnetError::Panicked),
            Err(mpsc::RecvTimeoutError::Timeout) => Err(too_late()),
        }
    }

    fn start<T: Send + 'static>(
        &self,
        place: OwnedSemaphorePermit,
        stack: usize,
        job: impl FnOnce() -> T + Send + 'static,
        tell: impl FnOnce(T) + Send + 'static,
    ) -> Result<(), JsonnetError> {
        let running = Running::new(&self.running, place);
        let thread = thread::Builder::new().name("jsonnet".to_owned()).stack_size(stack);
        let started = thread.spawn(move || {
            let answer = job();
            drop(running);
            tell(answer);
        });
        // Nobody joins it: a program that does not end must not hold up the end of the process.
        started.map(drop).map_err(|_| JsonnetError::NoThread)
    }
}

fn too_late() -> JsonnetError {
    trace::warning("a Jsonnet program did not end in time; until it does, it holds one of two threads");
    JsonnetError::TimedOut
}

/// A program that runs, with its place. The place is free when it has ended, whoever waits.
struct Running {
    begun: Instant,
    all: Arc<Mutex<Vec<Instant>>>,
    _place: OwnedSemaphorePermit,
}

impl Running {
    fn new(all: &Arc<Mutex<Vec<Instant>>>, place: OwnedSemaphorePermit) -> Self {
        let begun = Instant::now();
        lock(all).push(begun);
        Self { begun, all: Arc::clone(all), _place: place }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut all = lock(&self.all);
        if let Some(own) = all.iter().position(|begun| *begun == self.begun) {
            all.swap_remove(own);
        }
    }
}

fn lock(running: &Mutex<Vec<Instant>>) -> MutexGuard<'_, Vec<Instant>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}
