//! One unit of work in memory.

use std::any::Any;
use std::collections::HashMap;

use async_trait::async_trait;

use super::{Key, Memory, Person, State};
use crate::host::{HostError, HostErrorKind, Outgoing, Put, Record, Unit, Version};
use crate::identity::{Address, AddressState, IdentityId, Unique};

/// The open transaction of a unit of [`Memory`], if the unit is one.
pub fn transaction(unit: &mut dyn Unit) -> Option<&mut Transaction> {
    unit.transaction().downcast_mut()
}

/// What a unit wants, to be checked and done when it is committed.
///
/// A host with users of its own claims what must be unique and says what is to happen when the unit is committed:
///
/// ```
/// use tower_registration::host::{CreateError, HostError, Unit};
/// use tower_registration::identity::Draft;
/// use tower_registration::memory::transaction;
///
/// fn add_user(unit: &mut dyn Unit, draft: &Draft) -> Result<(), CreateError> {
///     let transaction = transaction(unit).ok_or_else(|| HostError::other("not the memory's unit"))?;
///     if !transaction.claim(&draft.unique(), draft.id()) {
///         return Err(CreateError::Taken);
///     }
///     let name = draft.traits()["name"].clone();
///     transaction.when_committed(move || println!("welcome, {name}"));
///     Ok(())
/// }
/// ```
pub struct Transaction {
    memory: Memory,
    puts: Vec<(Record, Option<Version>)>,
    spends: Vec<(Record, Version)>,
    claims: Vec<(Unique, IdentityId)>,
    posts: Vec<Outgoing>,
    pub(super) people: Vec<Person>,
    pub(super) addresses: Vec<(IdentityId, Address, AddressState)>,
    then: Vec<Box<dyn FnOnce() + Send>>,
}

impl Transaction {
    /// Claims unique values for an identity. Says whether all of them are free; the last word has the commit.
    pub fn claim(&mut self, unique: &[Unique], id: IdentityId) -> bool {
        let state = self.memory.lock();
        let free = unique.iter().all(|value| state.unique.get(value).is_none_or(|owner| *owner == id));
        drop(state);
        self.claims.extend(unique.iter().map(|value| (value.clone(), id)));
        free
    }

    /// Does this when the unit is committed, and never otherwise. It runs while the memory is locked: it must not ask
    /// the memory for anything.
    pub fn when_committed(&mut self, then: impl FnOnce() + Send + 'static) {
        self.then.push(Box::new(then));
    }

    /// The version of a record as this unit sees it.
    fn version(&self, state: &State, key: &Key) -> Option<Version> {
        let own = self.puts.iter().rev().find(|(record, _)| (record.kind, record.id) == *key);
        own.map(|(record, _)| record.version).or_else(|| state.version(key))
    }

    /// Whether everything can happen now.
    fn holds(&self, state: &State) -> bool {
        let mut seen: HashMap<Key, Version> = HashMap::new();
        let puts = self.puts.iter().all(|(record, was)| {
            let key = (record.kind, record.id);
            let now = seen.insert(key, record.version).or_else(|| state.version(&key));
            now == *was
        });
        let spends = self.spends.iter().all(|(record, was)| {
            let key = (record.kind, record.id);
            state.records.get(&key).is_some_and(|stored| stored.version == *was && stored.spent.is_none())
        });
        let claims = self.claims.iter().all(|(value, id)| state.unique.get(value).is_none_or(|owner| owner == id));
        puts && spends && claims
    }

    fn happen(self, state: &mut State) {
        self.puts.into_iter().for_each(|(record, _)| state.write(record));
        self.spends.into_iter().for_each(|(record, _)| state.write(record));
        state.unique.extend(self.claims);
        self.posts.into_iter().for_each(|row| state.outbox.post(row));
        state.people.extend(self.people.into_iter().map(|person| (person.identity.id(), person)));
        for (id, address, to) in self.addresses {
            if let Some(person) = state.people.get_mut(&id) {
                person.identity.set_address_state(&address, to);
            }
        }
        self.then.into_iter().for_each(|then| then());
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Transaction");
        out.field("puts", &self.puts.len()).field("spends", &self.spends.len()).finish_non_exhaustive()
    }
}

pub(super) struct MemoryUnit {
    transaction: Transaction,
}

impl MemoryUnit {
    pub(super) fn new(memory: Memory) -> Self {
        Self {
            transaction: Transaction {
                memory,
                puts: Vec::new(),
                spends: Vec::new(),
                claims: Vec::new(),
                posts: Vec::new(),
                people: Vec::new(),
                addresses: Vec::new(),
                then: Vec::new(),
            },
        }
    }
}

#[async_trait]
impl Unit for MemoryUnit {
    async fn put(&mut self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        let own = &mut self.transaction;
        let now = own.version(&own.memory.lock(), &(record.kind, record.id));
        if now != was {
            return Ok(Put::Stale);
        }
        own.puts.push((record.clone(), was));
        Ok(Put::Stored)
    }

    async fn spend(&mut self, record: &Record, was: Version) -> Result<bool, HostError> {
        let own = &mut self.transaction;
        let key = (record.kind, record.id);
        let unspent = |stored: &Record| stored.version == was && stored.spent.is_none();
        let free = own.memory.lock().records.get(&key).is_some_and(unspent);
        let again = own.spends.iter().any(|(other, _)| (other.kind, other.id) == key);
        if free && !again {
            own.spends.push((record.clone(), was));
        }
        Ok(free && !again)
    }

    async fn post(&mut self, row: Outgoing) -> Result<(), HostError> {
        self.transaction.posts.push(row);
        Ok(())
    }

    fn transaction(&mut self) -> &mut (dyn Any + Send) {
        &mut self.transaction
    }

    async fn commit(self: Box<Self>) -> Result<(), HostError> {
        let memory = self.transaction.memory.clone();
        let mut state = memory.lock();
        if !self.transaction.holds(&state) {
            return Err(HostError::new(HostErrorKind::Conflict, "somebody else was faster"));
        }
        self.transaction.happen(&mut state);
        Ok(())
    }
}
