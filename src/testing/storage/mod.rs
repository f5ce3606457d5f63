//! The storage contract: what a [`Storage`], its [`Identities`] and its [`Sessions`] must do, as a run that names every
//! duty that is not kept.
//!
//! The promises of a registration (all of it or nothing, one identity for one flow, one owner for one address, no letter
//! lost) rest on these duties. The ready-made parts are run against the same contract; a host runs it against its own:
//!
//! ```
//! use tower_registration::memory::Memory;
//! use tower_registration::testing::storage::{self, Subject};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! // Every duty asks for empty stores of its own: over a database, make a schema, a prefix or a file for each.
//! let stores = || async {
//!     let memory = Memory::new();
//!     Ok(Subject::new(memory.clone()).with_identities(memory))
//! };
//!
//! let report = storage::check(&stores).await;
//!
//! assert!(report.is_kept(), "{report}");
//! # }
//! ```
//!
//! A single duty can be run alone: [`duties`] lists them, [`Duty::check`] runs one. It is a run over a real database and
//! takes seconds, not milliseconds; on a runtime with several threads the races are races.
//!
//! What the run cannot see stands in the documentation of the traits: that a commit survives a power cut, and that no
//! request waits for ever.

mod drops;
mod outbox;
mod people;
mod records;
mod samples;
mod sessions;
mod units;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::host::{HostError, Identities, Sessions, Storage};

/// How long one duty may take: whoever waits longer waits for something that never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the whole contract.
pub async fn check(subjects: &dyn Subjects) -> Report {
    let mut report = Report::default();
    let parts = parts(subjects).await;
    for duty in duties() {
        let outcome = match &parts {
            Ok(parts) if !parts.contains(&duty.part) => Ok(false),
            Ok(_) => duty.judge(subjects).await.map(|()| true),
            Err(Fault(why)) => Err(duty.broken(Fault(why.clone()))),
        };
        match outcome {
            Ok(true) => report.kept.push(duty.name),
            Ok(false) => report.skipped.push(duty.name),
            Err(broken) => report.broken.push(broken),
        }
    }
    report
}

/// All duties, the simple ones first.
#[must_use]
pub fn duties() -> Vec<Duty> {
    let all = [records::DUTIES, units::DUTIES, drops::DUTIES, outbox::DUTIES, people::DUTIES, sessions::DUTIES];
    all.into_iter().flatten().copied().collect()
}

/// Makes what the contract is run against.
///
/// Implemented for every function that makes a [`Subject`] asynchronously.
#[async_trait]
pub trait Subjects: Send + Sync {
    /// An empty store, apart from every other that was made before, even where it lies in the same database.
    ///
    /// # Errors
    ///
    /// Whatever kept it from being made; the duty then counts as not kept.
    async fn fresh(&self) -> Result<Subject, Box<dyn Error + Send + Sync>>;
}

#[async_trait]
impl<F, M> Subjects for F
where
    F: Fn() -> M + Send + Sync,
    M: Future<Output = Result<Subject, Box<dyn Error + Send + Sync>>> + Send,
{
    async fn fresh(&self) -> Result<Subject, Box<dyn Error + Send + Sync>> {
        self().await
    }
}

type MakesTraits = Arc<dyn Fn(&str) -> Value + Send + Sync>;

/// One store, with the parts that commit together with it.
#[derive(Clone)]
#[must_use]
pub struct Subject {
    storage: Arc<dyn Storage>,
    beside: Option<Arc<dyn Storage>>,
    identities: Option<Arc<dyn Identities>>,
    sessions: Option<Arc<dyn Sessions>>,
    traits: MakesTraits,
}

impl Subject {
    /// A storage alone.
    pub fn new(storage: impl Storage) -> Self {
        let traits: MakesTraits = Arc::new(|email| json!({ "email": email }));
        Self { storage: Arc::new(storage), beside: None, identities: None, sessions: None, traits }
    }

    /// Sets a second way to the same data, such as a pool of its own: the races then go through both, and what was
    /// written through one is read through the other.
    pub fn with_second_way(mut self, storage: impl Storage) -> Self {
        self.beside = Some(Arc::new(storage));
        self
    }

    /// Sets the identities that commit with the storage. Without them, their duties are left out.
    pub fn with_identities(mut self, identities: impl Identities) -> Self {
        self.identities = Some(Arc::new(identities));
        self
    }

    /// Sets the sessions that commit with the storage. Without them, their duties are left out; the ready-made
    /// [`sessions`](crate::sessions) need nothing but the storage.
    pub fn with_sessions(mut self, sessions: impl Sessions) -> Self {
        self.sessions = Some(Arc::new(sessions));
        self
    }

    /// Sets the traits of a person with this e-mail address, for identities that read them; `{"email": …}` otherwise.
    pub fn with_traits(mut self, traits: impl Fn(&str) -> Value + Send + Sync + 'static) -> Self {
        self.traits = Arc::new(traits);
        self
    }

    /// The other way to the same data, or the same way.
    fn beside(&self) -> &Arc<dyn Storage> {
        self.beside.as_ref().unwrap_or(&self.storage)
    }

    /// The ways to the data in turn.
    fn way(&self, turn: usize) -> Arc<dyn Storage> {
        Arc::clone(if turn.is_multiple_of(2) { &self.storage } else { self.beside() })
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Subject");
        out.field("identities", &self.identities.is_some()).field("sessions", &self.sessions.is_some());
        out.finish_non_exhaustive()
    }
}

/// What a duty is about: those about a part that the subject does not have are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// Records, units of work and the outbox.
    Storage,
    /// Identities, with the storage they commit with.
    Identities,
    /// Sessions, with the storage they commit with.
    Sessions,
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send + 'a>>;

/// One duty of the contract.
#[derive(Clone, Copy)]
pub struct Duty {
    name: &'static str,
    because: &'static str,
    part: Part,
    run: for<'a> fn(&'a dyn Subjects) -> Running<'a>,
}

impl Duty {
    /// The duty, as a sentence.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What would go wrong without it.
    #[must_use]
    pub fn because(&self) -> &'static str {
        self.because
    }

    /// What it is about.
    #[must_use]
    pub fn part(&self) -> Part {
        self.part
    }

    /// Runs this duty alone. Says whether there was anything to be checked: without the part it is about, there is not.
    ///
    /// # Errors
    ///
    /// [`Broken`] when it is not kept, or could not be checked.
    pub async fn check(&self, subjects: &dyn Subjects) -> Result<bool, Broken> {
        let parts = parts(subjects).await.map_err(|fault| self.broken(fault))?;
        if !parts.contains(&self.part) {
            return Ok(false);
        }
        self.judge(subjects).await.map(|()| true)
    }

    async fn judge(&self, subjects: &dyn Subjects) -> Result<(), Broken> {
        match tokio::time::timeout(PATIENCE, (self.run)(subjects)).await {
            Ok(outcome) => outcome.map_err(|fault| self.broken(fault)),
            Err(_) => Err(self.broken(Fault(format!("it did not come to an end within {PATIENCE:?}")))),
        }
    }

    fn broken(&self, Fault(why): Fault) -> Broken {
        Broken { duty: self.name, because: self.because, why }
    }
}

impl fmt::Debug for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duty").field("name", &self.name).field("part", &self.part).finish_non_exhaustive()
    }
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Report {
    kept: Vec<&'static str>,
    skipped: Vec<&'static str>,
    broken: Vec<Broken>,
}

impl Report {
    /// Whether every duty that was checked is kept.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.broken.is_empty()
    }

    /// The duties that are kept.
    #[must_use]
    pub fn kept(&self) -> &[&'static str] {
        &self.kept
    }

    /// The duties that were left out, because the subject lacks the part.
    #[must_use]
    pub fn skipped(&self) -> &[&'static str] {
        &self.skipped
    }

    /// The duties that are not kept.
    #[must_use]
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} duties kept, {} left out", self.kept.len(), self.skipped.len())?;
        self.broken.iter().try_for_each(|broken| write!(f, "\n{broken}"))
    }
}

/// A duty that is not kept.
#[derive(Clone, Debug)]
pub struct Broken {
    duty: &'static str,
    because: &'static str,
    why: String,
}

impl Broken {
    /// The name of the duty.
    #[must_use]
    pub fn duty(&self) -> &'static str {
        self.duty
    }

    /// What was seen.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NOT KEPT: {}\n    seen: {}\n    needed because {}", self.duty, self.why, self.because)
    }
}

impl Error for Broken {}

/// What was seen that must not be.
struct Fault(String);

impl From<HostError> for Fault {
    fn from(error: HostError) -> Self {
        let mut text = format!("an error: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Self(text)
    }
}

/// The duty is kept as far as this goes, or this was seen.
fn ensure(kept: bool, seen: impl FnOnce() -> String) -> Result<(), Fault> {
    if kept { Ok(()) } else { Err(Fault(seen())) }
}

async fn fresh(subjects: &dyn Subjects) -> Result<Subject, Fault> {
    subjects.fresh().await.map_err(|error| Fault(format!("no store could be made: {error}")))
}

/// What there is to be checked.
async fn parts(subjects: &dyn Subjects) -> Result<Vec<Part>, Fault> {
    let subject = fresh(subjects).await?;
    let mut parts = vec![Part::Storage];
    parts.extend(subject.identities.is_some().then_some(Part::Identities));
    // A session is somebody's.
    parts.extend((subject.identities.is_some() && subject.sessions.is_some()).then_some(Part::Sessions));
    Ok(parts)
}
