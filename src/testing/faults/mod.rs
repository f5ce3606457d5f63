//! Faults on purpose: parts of a host that fail, hang or are watched at a chosen call.
//!
//! [`Faults::around`] wraps storage, identities, sessions, hooks, couriers and randomness. Every [`Call`] that the service then
//! makes is counted, and has a point before and one after its effect. At the call that a rule names the part fails, hangs,
//! or says that somebody else was faster; a [watcher](Faults::on_point) is told of every point and may do anything there,
//! such as ending the process.
//!
//! ```
//! use serde_json::json;
//! use tower_registration::host::HostErrorKind;
//! use tower_registration::methods::Password;
//! use tower_registration::testing::{App, Call, Fault, Faults, When};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let faults = Faults::new();
//! let memory = tower_registration::memory::Memory::new();
//! let app = App::with(|builder| {
//!     builder.method(Password::new()).storage(faults.around(memory.clone())).identities(faults.around(memory.clone()))
//! })?;
//! let mut client = app.native();
//! let page = client.open().await;
//! let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" } });
//!
//! // The first commit fails, and nothing happened.
//! faults.set(&[(When::First(Call::Commit, 1), Fault::Before(HostErrorKind::Unavailable))]);
//! assert_eq!(client.submit(&page, answer.clone()).await.status(), 503);
//! assert!(memory.all_identities().is_empty());
//! assert_eq!(client.submit(&page, answer).await.status(), 200);
//! # Ok(()) }
//! ```

mod call;
mod parts;

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::host::{HostError, HostErrorKind};

pub use call::Call;
pub use parts::Faulty;

/// On which side of a call's effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Moment {
    /// Nothing happened yet.
    Before,
    /// It happened, and the service does not know yet.
    After,
}

/// A point at which the service waits for its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Point {
    /// What was called.
    pub call: Call,
    /// On which side of its effect.
    pub moment: Moment,
    /// The number of the call, counted from 1 since the last [`Faults::set`].
    pub number: usize,
}

/// Such as `12 unit.put, before`.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.moment == Moment::Before { "before" } else { "after" };
        write!(f, "{} {}, {side}", self.number, self.call)
    }
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It fails, and nothing happened.
    Before(HostErrorKind),
    /// It happened, and the answer is a failure.
    After(HostErrorKind),
    /// It never happens and never answers.
    HangBefore,
    /// It happened, and no answer ever comes.
    HangAfter,
    /// It panics, and nothing happened.
    PanicBefore,
    /// It happened, and then it panics.
    PanicAfter,
    /// Nothing happened, and the answer is that nothing is there, or that somebody else was faster. A call that has no such
    /// answer goes well.
    Lost,
}

/// Which calls go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// The call with this number, counted from 1, once.
    Nth(usize),
    /// Every one of these calls.
    Always(Call),
    /// The first of these calls, so many of them.
    First(Call, usize),
    /// Every call behind the first of these.
    Behind(Call),
}

impl When {
    /// Whether the last of these calls is meant.
    fn is_due(self, calls: &[Call]) -> bool {
        let Some((last, before)) = calls.split_last() else { return false };
        match self {
            Self::Nth(number) => calls.len() == number,
            Self::Always(of) => *last == of,
            Self::First(of, most) => *last == of && calls.iter().filter(|call| **call == of).count() <= most,
            Self::Behind(of) => before.contains(&of),
        }
    }
}

type Watcher = Arc<dyn Fn(Point) + Send + Sync>;

/// What is to go wrong, and what was called so far. Clones are the same one.
#[derive(Clone, Default)]
pub struct Faults {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    hung: Notify,
}

#[derive(Default)]
struct State {
    rules: Vec<(When, Fault)>,
    calls: Vec<Call>,
    victim: Option<Call>,
    watcher: Option<Watcher>,
    yields: bool,
}

impl Faults {
    /// Nothing goes wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The first rule that means a call decides what becomes of it, from now on. Calls are counted anew.
    pub fn set(&self, rules: &[(When, Fault)]) {
        let mut state = self.state();
        state.rules = rules.to_vec();
        state.calls.clear();
        state.victim = None;
    }

    /// Tells somebody of every point, before what a rule says is done. It may panic, sleep, or end the process.
    pub fn on_point(&self, tell: impl Fn(Point) + Send + Sync + 'static) {
        self.state().watcher = Some(Arc::new(tell));
    }

    /// Lets other tasks go first at every point, so that a future can be dropped there.
    pub fn yield_at_points(&self) {
        self.state().yields = true;
    }

    /// Wraps a part of the host.
    pub fn around<T>(&self, part: T) -> Faulty<T> {
        Faulty::new(part, self.clone())
    }

    /// What was called since the last [`set`](Faults::set).
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// How often this was called since the last [`set`](Faults::set).
    #[must_use]
    pub fn count(&self, call: Call) -> usize {
        self.state().calls.iter().filter(|own| **own == call).count()
    }

    /// Whether anything went wrong since the last [`set`](Faults::set).
    #[must_use]
    pub fn fired(&self) -> bool {
        self.state().victim.is_some()
    }

    /// The first call that went wrong since the last [`set`](Faults::set).
    #[must_use]
    pub fn victim(&self) -> Option<Call> {
        self.state().victim
    }

    /// Completes when a call hangs.
    pub async fn hung(&self) {
        self.inner.hung.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call. Says its number and what is to happen to it.
    fn meet(&self, call: Call) -> (usize, Option<Fault>) {
        let mut state = self.state();
        state.calls.push(call);
        let fault = state.rules.iter().find(|(when, _)| when.is_due(&state.calls)).map(|(_, fault)| *fault);
        if fault.is_some() {
            state.victim.get_or_insert(call);
        }
        (state.calls.len(), fault)
    }

    fn tell(&self, point: Point) {
        // Not under the lock: whoever is told may ask what was called.
        let watcher = self.state().watcher.clone();
        if let Some(watcher) = watcher {
            watcher(point);
        }
    }

    async fn pass(&self, point: Point) {
        self.tell(point);
        if self.state().yields {
            tokio::task::yield_now().await;
        }
    }

    /// A call with its points, and what a rule makes of it. `lost` is what it answers to whoever was too slow.
    async fn at<T, E: From<HostError>>(
        &self,
        call: Call,
        lost: impl FnOnce() -> Option<T>,
        effect: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let (number, fault) = self.meet(call);
        self.pass(Point { call, moment: Moment::Before, number }).await;
        match fault {
            Some(Fault::Before(kind)) => return Err(told_to_fail(kind).into()),
            Some(Fault::HangBefore) => return self.hang().await,
            Some(Fault::PanicBefore) => panic_quietly(),
            Some(Fault::Lost) => {
                if let Some(answer) = lost() {
                    return Ok(answer);
                }
            }
            _ => {}
        }
        let answer = effect.await;
        self.pass(Point { call, moment: Moment::After, number }).await;
        match fault {
            Some(Fault::After(kind)) if answer.is_ok() => Err(told_to_fail(kind).into()),
            Some(Fault::HangAfter) if answer.is_ok() => self.hang().await,
            Some(Fault::PanicAfter) if answer.is_ok() => panic_quietly(),
            _ => answer,
        }
    }

    async fn hang<T>(&self) -> T {
        self.inner.hung.notify_one();
        pending().await
    }
}

/// Unwinds as a panic does, but leaves the output alone.
fn panic_quietly() -> ! {
    std::panic::resume_unwind(Box::new("the test lets this call panic"))
}

fn told_to_fail(kind: HostErrorKind) -> HostError {
    HostError::new(kind, "the test lets this call fail")
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Faults").field("rules", &state.rules).field("calls", &state.calls.len()).finish_non_exhaustive()
    }
}
