//! What a store holds, read past the library.

use std::sync::Arc;

use async_trait::async_trait;
use tower_registration::host::{Identities, Kind, Storage};
use tower_registration::memory::Memory;
use uuid::Uuid;

/// A store, and the way to look into it.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) identities: Arc<dyn Identities>,
    look: Arc<dyn Look>,
}

/// A way to look into a store.
#[async_trait]
pub(crate) trait Look: Send + Sync {
    async fn rows(&self) -> Rows;

    /// Empties the store, or gives another one that is empty.
    async fn emptied(&self) -> Option<Place>;
}

/// A record without what is inside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) version: i64,
    pub(crate) spent: Option<Uuid>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PersonRow {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    /// `pending`, `sent` or `completed`.
    pub(crate) state: String,
}

/// Everything that is stored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) flows: Vec<Row>,
    pub(crate) proofs: Vec<Row>,
    pub(crate) sessions: usize,
    pub(crate) errors: usize,
    pub(crate) counters: usize,
    pub(crate) people: Vec<PersonRow>,
    pub(crate) outbox: Vec<Uuid>,
}

impl Place {
    pub(crate) fn new(storage: impl Storage, identities: impl Identities, look: impl Look + 'static) -> Self {
        Self { storage: Arc::new(storage), identities: Arc::new(identities), look: Arc::new(look) }
    }

    pub(crate) fn memory() -> Self {
        let memory = Memory::new();
        Self::new(memory.clone(), memory.clone(), memory)
    }

    /// The same store without anything in it.
    pub(crate) async fn emptied(&self) -> Self {
        self.look.emptied().await.unwrap_or_else(|| self.clone())
    }

    pub(crate) async fn rows(&self) -> Rows {
        let mut rows = self.look.rows().await;
        rows.flows.sort();
        rows.proofs.sort();
        rows.people.sort();
        rows
    }
}

#[async_trait]
impl Look for Memory {
    async fn rows(&self) -> Rows {
        in_memory(self)
    }

    async fn emptied(&self) -> Option<Place> {
        Some(Place::memory())
    }
}

fn in_memory(memory: &Memory) -> Rows {
    let rows = |kind: Kind| {
        let records = memory.all_records(kind).into_iter();
        let spent = |by: tower_registration::identity::IdentityId| *by.as_uuid();
        records
            .map(|own| Row { id: *own.id().as_uuid(), version: own.version(), spent: own.spent().map(spent) })
            .collect()
    };
    let people = memory.all_identities().into_iter().map(|person| PersonRow {
        id: *person.id().as_uuid(),
        email: person.traits()["email"].as_str().unwrap_or_default().to_owned(),
        state: person.verifiable_addresses()[0].state().as_str().to_owned(),
    });
    Rows {
        flows: rows(Kind::Flow),
        proofs: rows(Kind::Verification),
        sessions: memory.count(Kind::Session),
        errors: memory.count(Kind::Error),
        counters: memory.count(Kind::Counter),
        people: people.collect(),
        outbox: memory.outbox().iter().map(|row| row.id()).collect(),
    }
}
