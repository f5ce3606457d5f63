//! The threads, their queue, and what they refuse.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;
use zeroize::Zeroize;

use super::Hashing;
use crate::trace;

/// Bytes of salt in each hash.
pub(crate) const SALT: usize = 16;

/// The guess for the first hash: a mebibyte of memory takes about a millisecond a pass.
const FIRST_GUESS_PER_MIB: Duration = Duration::from_millis(1);

/// Hashes passwords on its own threads; they end when the last handle is dropped.
pub(crate) struct Governor {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    slots: usize,
    patience: Duration,
    params: Params,
    /// The running mean of one hash, in nanoseconds.
    mean: AtomicU64,
    /// Hashes that were computed since the start.
    computed: AtomicUsize,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    running: usize,
    closed: bool,
}

struct Job {
    password: SecretString,
    salt: [u8; SALT],
    answer: oneshot::Sender<Result<String, HashFailed>>,
}

/// The queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy {
    /// After how many seconds the queue will be shorter.
    pub(crate) retry_after: u32,
}

/// A hash could not be computed: the memory is not there, or the thread is gone.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub(crate) struct HashFailed(String);

/// The threads could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("argon2 refuses the cost: {0}")]
    Cost(argon2::Error),
    #[error("`hashing::verify` reads no hash of more than 256 MiB, 16 passes or 16 lanes")]
    Unreadable,
    #[error("a hash needs {arena} bytes, but the memory budget is {budget}")]
    Budget { arena: usize, budget: usize },
    #[error("a hashing thread could not be started: {0}")]
    Thread(std::io::Error),
}

impl Governor {
    /// Starts the threads, as many as cores, setting and memory budget allow.
    pub(crate) fn start(settings: &Hashing) -> Result<Self, StartError> {
        let params = settings.params().map_err(StartError::Cost)?;
        if settings.is_unreadable() {
            return Err(StartError::Unreadable);
        }
        let arena = params.block_count() * Block::SIZE;
        let affordable = settings.memory_budget / arena.max(1);
        if affordable == 0 {
            return Err(StartError::Budget { arena, budget: settings.memory_budget });
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let slots = settings.threads.unwrap_or(cores).clamp(1, affordable);
        let mebibytes = u32::try_from(arena >> 20).unwrap_or(u32::MAX).max(1);
        let guess = FIRST_GUESS_PER_MIB.saturating_mul(mebibytes).saturating_mul(settings.passes);
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            wake: Condvar::new(),
            slots,
            patience: settings.patience,
            params,
            mean: AtomicU64::new(nanos(guess)),
            computed: AtomicUsize::new(0),
        });
        let governor = Self { shared };
        for _ in 0..slots {
            let shared = Arc::clone(&governor.shared);
            let thread = std::thread::Builder::new().name("registration-hash".to_owned());
            thread.spawn(move || work(&shared)).map_err(StartError::Thread)?;
        }
        Ok(governor)
    }

    /// Hashes a password into a PHC string, or says at once that the queue is full.
    ///
    /// Dropping the future gives the place up; the hash is skipped if it has not begun.
    pub(crate) async fn hash(
        &self,
        password: SecretString,
        salt: [u8; SALT],
    ) -> Result<Result<String, HashFailed>, Busy> {
        let answer = self.shared.enqueue(password, salt)?;
        Ok(answer.await.unwrap_or_else(|_| Err(HashFailed("the hashing thread is gone".to_owned()))))
    }

    /// How many hashes were computed since the start.
    pub(crate) fn computed(&self) -> usize {
        self.shared.computed.load(Ordering::Relaxed)
    }
}

impl Drop for Governor {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
    }
}

impl std::fmt::Debug for Governor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Governor").field("slots", &self.shared.slots).finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing that runs under the lock can panic half-way through a change.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(
        &self,
        password: SecretString,
        salt: [u8; SALT],
    ) -> Result<oneshot::Receiver<Result<String, HashFailed>>, Busy> {
        let (answer, receiver) = oneshot::channel();
        let mut queue = self.lock();
        if queue.jobs.len() >= self.longest() {
            // Places of callers that have gone are given to those who are still there.
            queue.jobs.retain(|job| !job.answer.is_closed());
        }
        if queue.jobs.len() >= self.longest() {
            let waiting = queue.jobs.len() + queue.running;
            drop(queue);
            trace::event(trace::Event::HashShed);
            return Err(Busy { retry_after: self.retry_after(waiting) });
        }
        queue.jobs.push_back(Job { password, salt, answer });
        drop(queue);
        self.wake.notify_one();
        Ok(receiver)
    }

    /// How many may wait: what the threads can do within the patience, and one for each of them at least.
    fn longest(&self) -> usize {
        let mean = self.mean.load(Ordering::Relaxed).max(1);
        let each = usize::try_from(nanos(self.patience) / mean).unwrap_or(usize::MAX);
        self.slots.saturating_mul(each.max(1))
    }

    /// When the queue will have been emptied, between 1 and 30 seconds, spread so that the clients do not come back
    /// together.
    fn retry_after(&self, waiting: usize) -> u32 {
        let mean = self.mean.load(Ordering::Relaxed);
        let nanos_left = mean.saturating_mul(waiting as u64) / self.slots.max(1) as u64;
        let seconds = u32::try_from(nanos_left.div_ceil(1_000_000_000)).unwrap_or(30).clamp(1, 25);
        let mut spread = [0_u8; 1];
        // Without randomness the clients are merely less spread.
        let _ = getrandom::fill(&mut spread);
        seconds + u32::from(spread[0]) % 5
    }

    fn measured(&self, took: Duration) {
        let mean = self.mean.load(Ordering::Relaxed);
        self.mean.store((mean * 7 + nanos(took)) / 8, Ordering::Relaxed);
        self.computed.fetch_add(1, Ordering::Relaxed);
    }

    /// The next job whose caller is still there; nothing when the governor is gone.
    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            match queue.jobs.pop_front() {
                Some(job) if job.answer.is_closed() => {}
                Some(job) => {
                    queue.running += 1;
                    return Some(job);
                }
                None => queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// The life of one thread.
fn work(shared: &Shared) {
    give_way();
    let mut arena = vec![Block::default(); shared.params.block_count()];
    while let Some(job) = shared.next() {
        let begun = Instant::now();
        let hash = hash(&shared.params, &mut arena, &job.password, &job.salt);
        shared.measured(begun.elapsed());
        shared.lock().running -= 1;
        // The caller may have gone while its password was hashed.
        let _ = job.answer.send(hash);
    }
    // What was derived from passwords does not outlive the thread.
    arena.iter_mut().for_each(Zeroize::zeroize);
}

/// Everything else in the process comes first. On Linux this concerns the calling thread alone; elsewhere it would
/// concern the whole process.
fn give_way() {
    #[cfg(target_os = "linux")]
    // A system that refuses leaves the threads as they are.
    let _ = rustix::process::nice(10);
}

fn hash(
    params: &Params,
    arena: &mut [Block],
    password: &SecretString,
    salt: &[u8; SALT],
) -> Result<String, HashFailed> {
    let failed = |error: &dyn std::fmt::Display| HashFailed(error.to_string());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let mut out = [0_u8; 32];
    let hashed =
        argon2.hash_password_into_with_memory(password.expose_secret().as_bytes(), salt, &mut out, &mut *arena);
    hashed.map_err(|error| failed(&error))?;
    let phc = PasswordHash {
        algorithm: Ident::new("argon2id").map_err(|error| failed(&error))?,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|error| failed(&error))?,
        salt: Some(Salt::new(salt).map_err(|error| failed(&error))?),
        hash: Some(Output::new(&out).map_err(|error| failed(&error))?),
    };
    out.zeroize();
    Ok(phc.to_string())
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
