//! Letters are delivered, and errands of hooks are done that no request does.
//!
//! 1. Rows of the outbox are leased: several dispatchers, in as many processes, share the work. A process that dies
//!    leaves a lease that ends by itself.
//! 2. So many letters are on their way at once, each for no longer than a lease; and as many errands beside them, so that a
//!    service that is slow or gone holds up no letter. An errand that finds no place waits.
//! 3. One that fails is tried again after a pause that doubles, until what it says has ended or it was tried as often as
//!    was chosen. Then it is given up, and the host is told.
//! 4. A delivered row is erased. A crash between delivery and erasing repeats it, with the same id.

use std::sync::Arc;
use std::time::Duration as Pause;

use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::delivery::{Carrier, GivenUp, Opened, Post, Tried};
use crate::engine::{Engine, caught};
use crate::host::{Delivery, HostError, Leased};
use crate::trace;

/// How long a row belongs to one dispatcher.
const LEASE: Duration = Duration::seconds(120);
/// How long one delivery may take: less than a lease.
const PATIENCE: Pause = Pause::from_secs(60);
/// How long the dispatcher sleeps when nothing is due and nobody rings.
const IDLE: Pause = Pause::from_secs(1);
const FIRST_PAUSE: Duration = Duration::seconds(1);
const LONGEST_PAUSE: Duration = Duration::seconds(120);
const AT_ONCE: usize = 16;

type OnGiveUp = Arc<dyn Fn(&GivenUp) + Send + Sync>;

/// Delivers letters and does errands; the host runs it beside the service. Clones share the outbox, and so do other processes.
///
/// ```no_run
/// # async fn run(registration: tower_registration::Registration, shutdown: impl Future<Output = ()> + Send + 'static) {
/// let dispatcher = registration.dispatcher().on_give_up(|letter| eprintln!("not delivered: {letter:?}"));
/// tokio::spawn(async move { dispatcher.run_until(shutdown).await });
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Dispatcher {
    engine: Arc<Engine>,
    post: Arc<Post>,
    at_once: usize,
    most_tries: Option<u32>,
    on_give_up: OnGiveUp,
}

/// What [`Dispatcher::flush`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flushed {
    /// Letters that were delivered, and errands that were done.
    pub delivered: usize,
    /// Letters and errands that failed and will be tried again.
    pub postponed: usize,
    /// Letters and errands that were given up.
    pub given_up: usize,
}

impl Dispatcher {
    pub(crate) fn new(engine: Arc<Engine>, post: Arc<Post>) -> Self {
        let most_tries = engine.config.message_retries.map(|retries| retries.saturating_add(1));
        Self { engine, post, at_once: AT_ONCE, most_tries, on_give_up: Arc::new(|_| {}) }
    }

    /// Sets how many letters are on their way at once, and how many errands; 16 each otherwise.
    pub fn at_once(mut self, letters: usize) -> Self {
        self.at_once = letters.max(1);
        self
    }

    /// Sets what is done when a letter or an errand is given up. Called once for each, from within the dispatcher: it must not block.
    pub fn on_give_up(mut self, tell: impl Fn(&GivenUp) + Send + Sync + 'static) -> Self {
        self.on_give_up = Arc::new(tell);
        self
    }

    /// Delivers letters and does errands until `stop` completes; those on their way are then waited for. A failing storage is tried again.
    ///
    /// Dropping the future is safe: what was on its way comes again when its lease has ended.
    pub async fn run_until(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let bell = Arc::clone(&self.engine.posted);
        let mut going = Going::default();
        loop {
            let more = self.lease_into(&mut going).await;
            tokio::select! {
                () = &mut stop => break,
                Some(_) = going.letters.join_next(), if !going.letters.is_empty() => {}
                Some(_) = going.errands.join_next(), if !going.errands.is_empty() => {}
                () = ring(&bell, more), if going.letters.len() < self.at_once => {}
            }
        }
        while going.letters.join_next().await.is_some() {}
        while going.errands.join_next().await.is_some() {}
    }

    /// Delivers everything that is due now, and says what became of it. For tests, and for a process that is about to end.
    ///
    /// # Errors
    ///
    /// [`HostError`] when the storage cannot answer; what was delivered before stays delivered.
    pub async fn flush(&self) -> Result<Flushed, HostError> {
        let mut flushed = Flushed::default();
        loop {
            let mut going = JoinSet::new();
            let leased = self.lease(self.at_once).await?;
            if leased.is_empty() {
                return Ok(flushed);
            }
            for row in leased {
                let opened = Opened::new(&self.engine.seal, row.row());
                self.start(&mut going, row, opened);
            }
            while let Some(became) = going.join_next().await {
                match became {
                    Ok(Became::Delivered) => flushed.delivered += 1,
                    Ok(Became::GivenUp) => flushed.given_up += 1,
                    Ok(Became::Postponed) | Err(_) => flushed.postponed += 1,
                }
            }
        }
    }

    /// Fills the free places. Says whether there may be more than were free places.
    async fn lease_into(&self, going: &mut Going) -> bool {
        let free = self.at_once.saturating_sub(going.letters.len());
        match self.lease(free).await {
            Ok(leased) => {
                let more = leased.len() == free;
                for row in leased {
                    let opened = Opened::new(&self.engine.seal, row.row());
                    match opened {
                        Opened::Errand(..) if going.errands.len() >= self.at_once => self.put_off(&row).await,
                        Opened::Errand(..) => self.start(&mut going.errands, row, opened),
                        Opened::Letter(_) | Opened::Closed => self.start(&mut going.letters, row, opened),
                    }
                }
                more
            }
            Err(error) => {
                trace::failure(&"dispatcher", &error);
                false
            }
        }
    }

    async fn lease(&self, most: usize) -> Result<Vec<Leased>, HostError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let now = self.engine.clock.now();
        self.engine.storage.lease(now, now + LEASE, most).await
    }

    fn start(&self, going: &mut JoinSet<Became>, row: Leased, opened: Opened) {
        let own = self.clone();
        going.spawn(async move { own.work(row, opened).await });
    }

    /// There is no place for an errand: the pauses grow, so that those that wait are not asked for again and again.
    async fn put_off(&self, row: &Leased) {
        if let Err(error) = self.engine.storage.done(row, Delivery::Again(self.next_try(row))).await {
            trace::failure(&row.row().id(), &error);
        }
    }

    /// Tries to deliver one letter or to do one errand, and ends its lease.
    async fn work(&self, row: Leased, opened: Opened) -> Became {
        let engine = &self.engine;
        let (post, seal, config) = (self.post.as_ref(), engine.seal.as_ref(), &engine.config);
        let carrier = Carrier { post, hooks: &engine.hooks, seal, config, most_tries: self.most_tries };
        let deliver = caught(carrier.deliver(&row, &opened, engine.clock.now()));
        let tried = match tokio::time::timeout(PATIENCE, deliver).await {
            Ok(Ok(tried)) => tried,
            Ok(Err(panicked)) => Tried::Failed(HostError::other(panicked)),
            Err(late) => Tried::Failed(HostError::other(late)),
        };
        let (became, how) = match tried {
            Tried::Delivered => (Became::Delivered, Delivery::Over),
            Tried::GaveUp(given_up) => {
                trace::event(match given_up.errand {
                    Some(_) => trace::Event::ErrandGivenUp,
                    None => trace::Event::LetterGivenUp,
                });
                (self.on_give_up)(&given_up);
                (Became::GivenUp, Delivery::Over)
            }
            Tried::Failed(error) => {
                trace::failure(&row.row().id(), &error);
                (Became::Postponed, Delivery::Again(self.next_try(&row)))
            }
        };
        if let Err(error) = engine.storage.done(&row, how).await {
            trace::failure(&row.row().id(), &error);
        }
        became
    }

    /// When a letter that failed is tried again: the pauses double, and no two letters keep the same step.
    fn next_try(&self, row: &Leased) -> OffsetDateTime {
        let longest = LONGEST_PAUSE.min(FIRST_PAUSE * 2_i32.saturating_pow(row.tries().min(30)));
        let mut dice = [0];
        // Without randomness the pause is as long as it gets.
        let share = self.engine.random.fill(&mut dice).map_or(1.0, |()| 0.5 + f64::from(dice[0]) / 510.0);
        self.engine.clock.now() + longest * share
    }
}

/// What is on its way.
#[derive(Default)]
struct Going {
    letters: JoinSet<Became>,
    errands: JoinSet<Became>,
}

/// What became of one letter or errand.
#[derive(Clone, Copy)]
enum Became {
    Delivered,
    Postponed,
    GivenUp,
}

/// Waits until there may be something to do.
async fn ring(bell: &Notify, more: bool) {
    if !more {
        drop(tokio::time::timeout(IDLE, bell.notified()).await);
    }
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("at_once", &self.at_once).finish_non_exhaustive()
    }
}
