//! A database that several processes share, and what stands in it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{PgPool, SqlitePool};
use tower_registration::host::{Identities, Storage};
use tower_registration::postgres::PostgresStorage;
use tower_registration::sqlite::{self, SqliteStorage};
use uuid::Uuid;

use super::is_started_by_another;
use crate::server::server;
use crate::sqlite::Folder;

/// The host's own table, which a hook writes in the commit of the registration.
const HOST_TABLE_IN_SQLITE: &str =
    "CREATE TABLE IF NOT EXISTS host_users (identity_id BLOB PRIMARY KEY, email TEXT NOT NULL)";
const HOST_TABLE_IN_POSTGRES: &str =
    "CREATE TABLE IF NOT EXISTS host_users (identity_id UUID PRIMARY KEY, email TEXT NOT NULL)";

/// Where a database is: told to other processes as JSON.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Sqlite { file: String },
    Postgres { dsn: String, schema: String },
}

impl Place {
    pub(crate) fn in_folder(folder: &Folder) -> Self {
        Self::Sqlite { file: folder.file().display().to_string() }
    }

    /// A schema of its own in this program's PostgreSQL.
    pub(crate) fn in_schema(schema: &str) -> Self {
        Self::Postgres { dsn: server().dsn(), schema: schema.to_owned() }
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Sqlite { file } => json!({ "file": file }),
            Self::Postgres { dsn, schema } => json!({ "dsn": dsn, "schema": schema }),
        }
    }

    pub(crate) fn of(told: &Value) -> Self {
        let text = |name: &str| told[name].as_str().map(str::to_owned);
        match text("file") {
            Some(file) => Self::Sqlite { file },
            None => Self::Postgres { dsn: text("dsn").unwrap(), schema: text("schema").unwrap() },
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }

    /// Opens it with a pool of its own, and makes the tables that are missing.
    pub(crate) async fn open(&self) -> Store {
        self.open_at(None).await
    }

    /// The same, with transactions at this isolation level where there are several.
    pub(crate) async fn open_at(&self, isolation: Option<&str>) -> Store {
        // The machine that runs the tests may be slow; what is tested is not how fast it is.
        let patience = Duration::from_secs(30);
        match self {
            Self::Sqlite { file } => {
                let options = sqlite::options(Path::new(file)).busy_timeout(patience);
                let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
                let storage = SqliteStorage::from_pool(pool.clone()).with_patience(patience);
                storage.migrate().await.unwrap();
                let identities = storage.identities();
                identities.migrate().await.unwrap();
                sqlx::query(HOST_TABLE_IN_SQLITE).execute(&pool).await.unwrap();
                Store { storage: Arc::new(storage), identities: Arc::new(identities), database: Database::Sqlite(pool) }
            }
            Self::Postgres { dsn, schema } => {
                let level = isolation.unwrap_or("read committed");
                let options: sqlx::postgres::PgConnectOptions = dsn.parse().unwrap();
                let settings = [("search_path", schema.as_str()), ("default_transaction_isolation", level)];
                let name = client_name(schema, is_started_by_another());
                let options = options.options(settings).application_name(&name);
                let pool = PgPoolOptions::new().max_connections(10).connect_with(options).await.unwrap();
                let storage =
                    PostgresStorage::from_pool(pool.clone()).with_patience(patience).with_schema(schema).unwrap();
                storage.migrate().await.unwrap();
                let identities = storage.identities();
                identities.migrate().await.unwrap();
                // Two that make the table at the same time are in each other's way, once.
                if sqlx::query(HOST_TABLE_IN_POSTGRES).execute(&pool).await.is_err() {
                    sqlx::query(HOST_TABLE_IN_POSTGRES).execute(&pool).await.unwrap();
                }
                let database = Database::Postgres(pool, client_name(schema, true));
                Store { storage: Arc::new(storage), identities: Arc::new(identities), database }
            }
        }
    }
}

/// What the database knows the connections to a schema by: those of other processes are told from this program's own.
fn client_name(schema: &str, started_by_another: bool) -> String {
    let who = if started_by_another { "process" } else { "program" };
    format!("{who} of {schema}")
}

/// An open database.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) identities: Arc<dyn Identities>,
    database: Database,
}

#[derive(Clone)]
enum Database {
    Sqlite(SqlitePool),
    /// With what the connections of other processes are known by.
    Postgres(PgPool, String),
}

/// Reads rows by a statement that both databases understand.
macro_rules! rows {
    ($database:expr, $row:ty, $statement:expr) => {
        match $database {
            Database::Sqlite(pool) => sqlx::query_as::<_, $row>($statement).fetch_all(pool).await.unwrap(),
            Database::Postgres(pool, _) => sqlx::query_as::<_, $row>($statement).fetch_all(pool).await.unwrap(),
        }
    };
}

impl Store {
    /// Waits until the database has noticed that the other processes are gone: what they had sent it may still be done.
    pub(crate) async fn is_quiet(&self) {
        let Database::Postgres(pool, others) = &self.database else { return };
        let begun = Instant::now();
        loop {
            let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
            let (count,): (i64,) = sqlx::query_as(count).bind(others).fetch_one(pool).await.unwrap();
            if count == 0 {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{count} connections of processes that are gone");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The number that a statement reads.
    pub(crate) async fn number(&self, statement: &'static str) -> i64 {
        let rows = rows!(&self.database, (i64,), statement);
        rows[0].0
    }

    /// How many deadlocks the database has broken up so far, where it counts them.
    pub(crate) async fn deadlocks(&self) -> i64 {
        match &self.database {
            Database::Sqlite(_) => 0,
            Database::Postgres(..) => {
                self.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await
            }
        }
    }

    /// Texts with the identities that they belong to.
    pub(crate) async fn texts(&self, statement: &'static str) -> Vec<(String, Uuid)> {
        rows!(&self.database, (String, Uuid), statement)
    }

    /// Bodies of records, which are JSON.
    pub(crate) async fn bodies(&self, statement: &'static str) -> Vec<Value> {
        let bodies = rows!(&self.database, (Vec<u8>,), statement);
        bodies.into_iter().map(|(body,)| serde_json::from_slice(&body).unwrap()).collect()
    }
}
