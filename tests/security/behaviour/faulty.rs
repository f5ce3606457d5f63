//! A host whose parts fail, hang or dawdle as a plan says: a wrapper over any store.

use std::any::Any;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tower_registration::Caller;
use tower_registration::host::{
    CreateError, Delivery, HostError, HostErrorKind, Identities, Kind, Leased, Opened, Outgoing, Put, Random, Record,
    RecordId, Sessions, Storage, SystemRandom, Unit, Version, Witness,
};
use tower_registration::identity::{Address, AddressState, Draft, Identity, IdentityId, Owner, Session, Unique};
use tower_registration::memory::Memory;

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It fails, and nothing happened.
    Before(HostErrorKind),
    /// It happened, and the answer is a failure.
    After(HostErrorKind),
    /// It never happens and never answers.
    HangBefore,
    /// It happened, and no answer ever comes.
    HangAfter,
    /// The record or flow is said to be another one's, and nothing happened.
    Lost,
}

/// Which calls go wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// None of them.
    Never,
    /// The call with this number, counted from 1, once.
    Nth(usize),
    /// Every call with this name.
    Always(&'static str),
    /// The first calls with this name, so many of them.
    First(&'static str, usize),
    /// Every call behind one with this name.
    Behind(&'static str),
}

/// What is to go wrong, and what was called so far.
pub(super) struct Plan {
    rules: Mutex<Vec<(When, Fault)>>,
    calls: Mutex<Vec<&'static str>>,
    /// The first call that went wrong.
    victim: OnceLock<&'static str>,
    fired: AtomicBool,
    hung: Notify,
    dawdles: AtomicBool,
}

impl Plan {
    pub(super) fn new(when: When, fault: Fault) -> Arc<Self> {
        Arc::new(Self {
            rules: Mutex::new(vec![(when, fault)]),
            calls: Mutex::default(),
            victim: OnceLock::new(),
            fired: AtomicBool::new(false),
            hung: Notify::new(),
            dawdles: AtomicBool::new(false),
        })
    }

    /// Nothing goes wrong, but every call lets others go first, before and after its effect.
    pub(super) fn dawdling() -> Arc<Self> {
        let plan = Self::new(When::Never, Fault::HangBefore);
        plan.dawdles.store(true, Ordering::Relaxed);
        plan
    }

    /// From now on these go wrong; what was called before is forgotten.
    pub(super) fn set(&self, rules: &[(When, Fault)]) {
        *self.rules.lock().unwrap() = rules.to_vec();
        self.calls.lock().unwrap().clear();
        self.fired.store(false, Ordering::Relaxed);
    }

    pub(super) fn fired(&self) -> bool {
        self.fired.load(Ordering::Relaxed)
    }

    /// The first call that went wrong; empty when none did.
    pub(super) fn victim(&self) -> &'static str {
        self.victim.get().copied().unwrap_or_default()
    }

    pub(super) fn calls(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap().clone()
    }

    pub(super) fn count(&self, name: &str) -> usize {
        self.calls().iter().filter(|call| **call == name).count()
    }

    /// Completes when a call hangs.
    pub(super) async fn hung(&self) {
        self.hung.notified().await;
    }

    /// What is to happen at this call.
    fn at(&self, name: &'static str) -> Option<Fault> {
        let mut calls = self.calls.lock().unwrap();
        calls.push(name);
        let due = |when: &When| match *when {
            When::Never => false,
            When::Nth(number) => calls.len() == number,
            When::Always(of) => name == of,
            When::First(of, most) => name == of && calls.iter().filter(|call| **call == of).count() <= most,
            When::Behind(of) => calls.split_last().is_some_and(|(_, before)| before.contains(&of)),
        };
        let fault = self.rules.lock().unwrap().iter().find(|(when, _)| due(when)).map(|(_, fault)| *fault);
        if fault.is_some() {
            self.fired.store(true, Ordering::Relaxed);
            let _ = self.victim.set(name);
        }
        fault
    }

    async fn around<T, E: From<HostError>>(
        &self,
        name: &'static str,
        lost: impl FnOnce() -> Option<T>,
        effect: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        if self.dawdles.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        let answer = match self.at(name) {
            None => effect.await,
            Some(Fault::Before(kind)) => Err(broken(kind).into()),
            Some(Fault::After(kind)) => {
                effect.await?;
                Err(broken(kind).into())
            }
            Some(Fault::HangBefore) => self.hang().await,
            Some(Fault::HangAfter) => {
                let _ = effect.await?;
                self.hang().await
            }
            Some(Fault::Lost) => match lost() {
                Some(answer) => Ok(answer),
                None => effect.await,
            },
        };
        if self.dawdles.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        answer
    }

    async fn hang<T>(&self) -> T {
        self.hung.notify_one();
        pending().await
    }
}

fn broken(kind: HostErrorKind) -> HostError {
    HostError::new(kind, "the host was told to fail")
}

/// A store, behind a plan.
#[derive(Clone)]
pub(super) struct Faulty {
    storage: Arc<dyn Storage>,
    identities: Arc<dyn Identities>,
    plan: Arc<Plan>,
}

impl Faulty {
    pub(super) fn new(memory: &Memory, plan: &Arc<Plan>) -> Self {
        Self::over(memory.clone(), memory.clone(), plan)
    }

    pub(super) fn over(storage: impl Storage, identities: impl Identities, plan: &Arc<Plan>) -> Self {
        Self { storage: Arc::new(storage), identities: Arc::new(identities), plan: Arc::clone(plan) }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for Faulty {
    async fn get(&self, kind: Kind, id: RecordId) -> Result<Option<Record>, HostError> {
        self.plan.around("get", || Some(None), self.storage.get(kind, id)).await
    }

    async fn put(&self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        self.plan.around("put", || Some(Put::Stale), self.storage.put(record, was)).await
    }

    async fn begin(&self) -> Result<Box<dyn Unit>, HostError> {
        let unit = self.plan.around("begin", || None, self.storage.begin()).await?;
        Ok(Box::new(FaultyUnit { unit, plan: Arc::clone(&self.plan) }))
    }

    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, most: usize) -> Result<Vec<Leased>, HostError> {
        self.plan.around("lease", || Some(Vec::new()), self.storage.lease(now, until, most)).await
    }

    async fn done(&self, lease: &Leased, how: Delivery) -> Result<(), HostError> {
        self.plan.around("done", || Some(()), self.storage.done(lease, how)).await
    }

    async fn sweep(&self, before: OffsetDateTime, most: usize) -> Result<usize, HostError> {
        self.plan.around("sweep", || None, self.storage.sweep(before, most)).await
    }
}

struct FaultyUnit {
    unit: Box<dyn Unit>,
    plan: Arc<Plan>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Unit for FaultyUnit {
    async fn put(&mut self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        self.plan.around("unit.put", || Some(Put::Stale), self.unit.put(record, was)).await
    }

    async fn spend(&mut self, record: &Record, was: Version) -> Result<bool, HostError> {
        self.plan.around("spend", || Some(false), self.unit.spend(record, was)).await
    }

    async fn post(&mut self, row: Outgoing) -> Result<(), HostError> {
        self.plan.around("post", || None, self.unit.post(row)).await
    }

    fn transaction(&mut self) -> &mut (dyn Any + Send) {
        self.unit.transaction()
    }

    async fn commit(self: Box<Self>) -> Result<(), HostError> {
        let Self { unit, plan } = *self;
        plan.around("commit", || None, unit.commit()).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Identities for Faulty {
    async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, HostError> {
        self.plan.around("owner", || Some(None), self.identities.owner(of)).await
    }

    async fn create(&self, unit: &mut dyn Unit, draft: &Draft) -> Result<Identity, CreateError> {
        self.plan.around("create", || None, self.identities.create(unit, draft)).await
    }

    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>, HostError> {
        self.plan.around("identity", || Some(None), self.identities.identity(id)).await
    }

    async fn address(&self, address: &Address) -> Result<Option<(IdentityId, AddressState)>, HostError> {
        self.plan.around("address", || Some(None), self.identities.address(address)).await
    }

    async fn address_changed(
        &self,
        unit: &mut dyn Unit,
        id: IdentityId,
        address: &Address,
        to: AddressState,
    ) -> Result<(), HostError> {
        self.plan.around("address_changed", || None, self.identities.address_changed(unit, id, address, to)).await
    }
}

/// A host's own sessions, behind a plan.
pub(super) struct FaultySessions<S> {
    sessions: S,
    plan: Arc<Plan>,
}

impl<S> FaultySessions<S> {
    pub(super) fn new(sessions: S, plan: &Arc<Plan>) -> Self {
        Self { sessions, plan: Arc::clone(plan) }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Sessions> Sessions for FaultySessions<S> {
    async fn current(&self, caller: &Caller) -> Result<Option<Session>, HostError> {
        self.plan.around("current", || Some(None), self.sessions.current(caller)).await
    }

    async fn open(&self, unit: &mut dyn Unit, who: Witness<'_>) -> Result<Opened, HostError> {
        self.plan.around("open", || None, self.sessions.open(unit, who)).await
    }
}

/// The system's randomness, behind a plan: it can only fail before anything happened.
pub(super) struct FaultyRandom(pub(super) Arc<Plan>);

impl Random for FaultyRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostError> {
        match self.0.at("fill") {
            Some(Fault::Before(kind)) => Err(broken(kind)),
            _ => SystemRandom::new().fill(bytes),
        }
    }
}
