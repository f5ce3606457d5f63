//! What a store holds, read past the library: from the memory, or from the tables.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgPool, SqlitePool};
use tower_registration::host::{Identities, Kind, Storage};
use tower_registration::memory::Memory;
use tower_registration::postgres::PostgresStorage;
use tower_registration::sqlite::SqliteStorage;
use uuid::Uuid;

/// The machine that runs the tests may be slow; what is tested is not how fast it is.
const PATIENCE: Duration = Duration::from_secs(30);

/// A store, and the way to look into it.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) identities: Arc<dyn Identities>,
    look: Look,
}

#[derive(Clone)]
enum Look {
    Memory(Memory),
    Sqlite(SqlitePool),
    Postgres(PgPool),
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
    pub(crate) fn memory() -> Self {
        let memory = Memory::new();
        let (storage, identities) = (Arc::new(memory.clone()), Arc::new(memory.clone()));
        Self { storage, identities, look: Look::Memory(memory) }
    }

    /// A store in this file.
    pub(crate) async fn sqlite(file: &Path) -> Self {
        let pool = SqlitePool::connect_with(tower_registration::sqlite::options(file)).await.unwrap();
        let storage = SqliteStorage::from_pool(pool.clone()).with_prefix("m_").unwrap().with_patience(PATIENCE);
        storage.migrate().await.unwrap();
        let identities = storage.identities();
        identities.migrate().await.unwrap();
        Self { storage: Arc::new(storage), identities: Arc::new(identities), look: Look::Sqlite(pool) }
    }

    /// A store on this server.
    pub(crate) async fn postgres(dsn: &str) -> Self {
        let pool = PgPool::connect(dsn).await.unwrap();
        let storage = PostgresStorage::from_pool(pool.clone()).with_prefix("m_").unwrap().with_schema("model").unwrap();
        let storage = storage.with_patience(PATIENCE);
        storage.migrate().await.unwrap();
        let identities = storage.identities();
        identities.migrate().await.unwrap();
        Self { storage: Arc::new(storage), identities: Arc::new(identities), look: Look::Postgres(pool) }
    }

    /// The same store without anything in it.
    pub(crate) async fn emptied(&self) -> Self {
        const TABLES: [&str; 6] = ["records", "outbox", "addresses", "credentials", "unique_values", "identities"];
        match &self.look {
            Look::Memory(_) => Self::memory(),
            Look::Sqlite(pool) => {
                for table in TABLES {
                    let delete = sqlx::AssertSqlSafe(format!("DELETE FROM m_{table}"));
                    sqlx::query(delete).execute(pool).await.unwrap();
                }
                self.clone()
            }
            Look::Postgres(pool) => {
                // Faster than to truncate tables that hold a few rows.
                let deletes = TABLES.map(|table| format!("DELETE FROM model.m_{table};")).concat();
                sqlx::raw_sql(sqlx::AssertSqlSafe(deletes)).execute(pool).await.unwrap();
                self.clone()
            }
        }
    }

    pub(crate) async fn rows(&self) -> Rows {
        let mut rows = match &self.look {
            Look::Memory(memory) => in_memory(memory),
            Look::Sqlite(pool) => {
                let records = "SELECT kind, id, version, spent FROM m_records";
                let people = "SELECT i.id, i.traits ->> '$.email', a.state FROM m_identities i JOIN m_addresses a \
                              ON a.identity_id = i.id WHERE a.list = 'verifiable'";
                of(
                    sqlx::query_as(records).fetch_all(pool).await.unwrap(),
                    sqlx::query_as(people).fetch_all(pool).await.unwrap(),
                    sqlx::query_scalar("SELECT id FROM m_outbox").fetch_all(pool).await.unwrap(),
                )
            }
            Look::Postgres(pool) => {
                let records = "SELECT kind, id, version, spent FROM model.m_records";
                let people = "SELECT i.id, i.traits ->> 'email', a.state FROM model.m_identities i \
                              JOIN model.m_addresses a ON a.identity_id = i.id WHERE a.list = 'verifiable'";
                of(
                    sqlx::query_as(records).fetch_all(pool).await.unwrap(),
                    sqlx::query_as(people).fetch_all(pool).await.unwrap(),
                    sqlx::query_scalar("SELECT id FROM model.m_outbox").fetch_all(pool).await.unwrap(),
                )
            }
        };
        rows.flows.sort();
        rows.proofs.sort();
        rows.people.sort();
        rows
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

fn of(records: Vec<(String, Uuid, i64, Option<Uuid>)>, people: Vec<(Uuid, String, String)>, outbox: Vec<Uuid>) -> Rows {
    let mut rows = Rows { outbox, ..Rows::default() };
    for (kind, id, version, spent) in records {
        match kind.as_str() {
            "flow" => rows.flows.push(Row { id, version, spent }),
            "verification" => rows.proofs.push(Row { id, version, spent }),
            "session" => rows.sessions += 1,
            "error" => rows.errors += 1,
            "counter" => rows.counters += 1,
            other => panic!("a record of kind {other}"),
        }
    }
    rows.people = people.into_iter().map(|(id, email, state)| PersonRow { id, email, state }).collect();
    rows
}
