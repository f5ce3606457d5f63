//! Stores in databases, read from their tables.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::{PgPool, SqlitePool};
use tower_registration::postgres::PostgresStorage;
use tower_registration::sqlite::SqliteStorage;
use uuid::Uuid;

use crate::rows::{Look, PersonRow, Place, Row, Rows};

/// The machine that runs the tests may be slow; what is tested is not how fast it is.
const PATIENCE: Duration = Duration::from_secs(30);

const TABLES: [&str; 6] = ["records", "outbox", "addresses", "credentials", "unique_values", "identities"];

/// A store in this file.
pub(crate) async fn sqlite(file: &Path) -> Place {
    let pool = SqlitePool::connect_with(tower_registration::sqlite::options(file)).await.unwrap();
    let storage = SqliteStorage::from_pool(pool.clone()).with_prefix("m_").unwrap().with_patience(PATIENCE);
    storage.migrate().await.unwrap();
    let identities = storage.identities();
    identities.migrate().await.unwrap();
    Place::new(storage, identities, pool)
}

/// A store on this server.
pub(crate) async fn postgres(dsn: &str) -> Place {
    let pool = PgPool::connect(dsn).await.unwrap();
    let storage = PostgresStorage::from_pool(pool.clone()).with_prefix("m_").unwrap().with_schema("model").unwrap();
    let storage = storage.with_patience(PATIENCE);
    storage.migrate().await.unwrap();
    let identities = storage.identities();
    identities.migrate().await.unwrap();
    Place::new(storage, identities, pool)
}

#[async_trait]
impl Look for SqlitePool {
    async fn rows(&self) -> Rows {
        let records = "SELECT kind, id, version, spent FROM m_records";
        let people = "SELECT i.id, i.traits ->> '$.email', a.state FROM m_identities i JOIN m_addresses a \
                      ON a.identity_id = i.id WHERE a.list = 'verifiable'";
        of(
            sqlx::query_as(records).fetch_all(self).await.unwrap(),
            sqlx::query_as(people).fetch_all(self).await.unwrap(),
            sqlx::query_scalar("SELECT id FROM m_outbox").fetch_all(self).await.unwrap(),
        )
    }

    async fn emptied(&self) -> Option<Place> {
        for table in TABLES {
            sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM m_{table}"))).execute(self).await.unwrap();
        }
        None
    }
}

#[async_trait]
impl Look for PgPool {
    async fn rows(&self) -> Rows {
        let records = "SELECT kind, id, version, spent FROM model.m_records";
        let people = "SELECT i.id, i.traits ->> 'email', a.state FROM model.m_identities i \
                      JOIN model.m_addresses a ON a.identity_id = i.id WHERE a.list = 'verifiable'";
        of(
            sqlx::query_as(records).fetch_all(self).await.unwrap(),
            sqlx::query_as(people).fetch_all(self).await.unwrap(),
            sqlx::query_scalar("SELECT id FROM model.m_outbox").fetch_all(self).await.unwrap(),
        )
    }

    async fn emptied(&self) -> Option<Place> {
        // Faster than to truncate tables that hold a few rows.
        let deletes = TABLES.map(|table| format!("DELETE FROM model.m_{table};")).concat();
        sqlx::raw_sql(sqlx::AssertSqlSafe(deletes)).execute(self).await.unwrap();
        None
    }
}

/// What the rows of three tables say.
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
