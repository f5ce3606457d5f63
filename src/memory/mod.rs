//! Storage and identities in memory: for trying out and for tests. Everything is gone when the process ends.
//!
//! Several units of work go on at the same time; what they want is checked when they commit, and of two that want the
//! same the second gets a conflict.
//!
//! A host with users of its own in memory still commits together with a flow: see [`Transaction`].

mod identities;
mod outbox;
mod unit;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::host::{Delivery, HostError, Kind, Leased, Outgoing, Put, Record, RecordId, Storage, Unit, Version};
use crate::identity::{Credential, Identity, IdentityId, Unique};

pub use unit::{Transaction, transaction};

/// Storage and identities in memory. Clones share what is in it.
///
/// ```
/// use tower_registration::memory::Memory;
///
/// let memory = Memory::new();
/// assert!(memory.all_identities().is_empty());
/// ```
#[derive(Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

type Key = (Kind, RecordId);

#[derive(Default)]
struct State {
    records: HashMap<Key, Record>,
    /// The keys by expiry, so that sweeping looks only at what it removes.
    by_expiry: BTreeSet<(OffsetDateTime, Key)>,
    people: HashMap<IdentityId, Person>,
    unique: HashMap<Unique, IdentityId>,
    outbox: outbox::Outbox,
}

#[derive(Clone)]
struct Person {
    identity: Identity,
    credentials: Vec<Credential>,
}

impl Memory {
    /// An empty memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All identities, in no particular order.
    #[must_use]
    pub fn all_identities(&self) -> Vec<Identity> {
        self.lock().people.values().map(|person| person.identity.clone()).collect()
    }

    /// The credentials of an identity, for a host's sign-in: the hash of a password stands in the configuration of the
    /// credential `password`.
    #[must_use]
    pub fn credentials(&self, id: IdentityId) -> Vec<Credential> {
        self.lock().people.get(&id).map(|person| person.credentials.clone()).unwrap_or_default()
    }

    /// The rows of the outbox, in no particular order.
    pub fn outbox(&self) -> Vec<Outgoing> {
        self.lock().outbox.rows().cloned().collect()
    }

    /// How many records of a kind there are, expired ones included.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.lock().records.keys().filter(|(own, _)| *own == kind).count()
    }

    /// All records of a kind, expired ones included, in no particular order.
    pub fn all_records(&self, kind: Kind) -> Vec<Record> {
        self.lock().records.values().filter(|record| record.kind == kind).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is one that cannot stop half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn version(&self, key: &Key) -> Option<Version> {
        self.records.get(key).map(Record::version)
    }

    fn write(&mut self, record: Record) {
        let key = (record.kind, record.id);
        if let Some(old) = self.records.get(&key) {
            self.by_expiry.remove(&(old.expires_at, key));
        }
        self.by_expiry.insert((record.expires_at, key));
        self.records.insert(key, record);
    }
}

#[async_trait]
impl Storage for Memory {
    async fn get(&self, kind: Kind, id: RecordId) -> Result<Option<Record>, HostError> {
        Ok(self.lock().records.get(&(kind, id)).cloned())
    }

    async fn put(&self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        let mut state = self.lock();
        if state.version(&(record.kind, record.id)) != was {
            return Ok(Put::Stale);
        }
        state.write(record.clone());
        Ok(Put::Stored)
    }

    async fn begin(&self) -> Result<Box<dyn Unit>, HostError> {
        Ok(Box::new(unit::MemoryUnit::new(self.clone())))
    }

    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, most: usize) -> Result<Vec<Leased>, HostError> {
        Ok(self.lock().outbox.lease(now, until, most))
    }

    async fn done(&self, lease: &Leased, how: Delivery) -> Result<(), HostError> {
        self.lock().outbox.done(lease, how);
        Ok(())
    }

    async fn sweep(&self, before: OffsetDateTime, most: usize) -> Result<usize, HostError> {
        let mut state = self.lock();
        let due: Vec<_> =
            state.by_expiry.iter().take_while(|(expiry, _)| *expiry < before).take(most).copied().collect();
        for (expiry, key) in &due {
            state.by_expiry.remove(&(*expiry, *key));
            state.records.remove(key);
        }
        Ok(due.len())
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.lock();
        let mut out = f.debug_struct("Memory");
        out.field("records", &state.records.len()).field("identities", &state.people.len()).finish()
    }
}

#[cfg(test)]
mod tests;
