//! A store, and a service over it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{AssertSqlSafe, PgPool, SqlitePool, raw_sql};
use time::OffsetDateTime;
use tower_registration::host::Storage;
use tower_registration::memory::Memory;
use tower_registration::methods::Password;
use tower_registration::postgres::PostgresStorage;
use tower_registration::sqlite::{self, SqliteStorage};
use tower_registration::testing::{BASE_URL, Client, ClientKind, PERSON, Reply, UI};
use tower_registration::{After, Hashing, Registration, Schema, Secret, Style};

use crate::server::server;

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Memory,
    Sqlite,
    Postgres,
}

/// The rows behind a service.
enum Rows {
    Memory,
    Sqlite(SqlitePool, PathBuf),
    Postgres(PgPool, String),
}

/// A service over a store of its own.
pub(crate) struct Place {
    pub(crate) registration: Registration,
    pub(crate) storage: Arc<dyn Storage>,
    rows: Rows,
    people: AtomicUsize,
    /// Commits that wrote something.
    pub(crate) commits: Arc<AtomicUsize>,
}

fn number() -> usize {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

impl Place {
    pub(crate) async fn new(which: Which, hashing: Hashing) -> Self {
        match which {
            Which::Memory => {
                let memory = Memory::new();
                let registration = service(memory.clone(), memory.clone(), hashing);
                Self::over(registration, Arc::new(memory), Rows::Memory, Arc::default())
            }
            Which::Sqlite => Self::sqlite(hashing).await,
            Which::Postgres => Self::postgres(hashing).await,
        }
    }

    fn over(registration: Registration, storage: Arc<dyn Storage>, rows: Rows, commits: Arc<AtomicUsize>) -> Self {
        Self { registration, storage, rows, people: AtomicUsize::new(0), commits }
    }

    async fn sqlite(hashing: Hashing) -> Self {
        let folder = std::env::temp_dir().join(format!("tower-registration-bench-{}-{}", std::process::id(), number()));
        std::fs::create_dir_all(&folder).unwrap();
        let commits = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&commits);
        let options = SqlitePoolOptions::new().max_connections(8).after_connect(move |connection, _| {
            let counted = Arc::clone(&counted);
            Box::pin(async move {
                connection.lock_handle().await?.set_commit_hook(move || {
                    counted.fetch_add(1, Ordering::Relaxed);
                    true
                });
                Ok(())
            })
        });
        let pool = options.connect_with(sqlite::options(folder.join("bench.db"))).await.unwrap();
        let storage = SqliteStorage::from_pool(pool.clone());
        storage.migrate().await.unwrap();
        storage.identities().migrate().await.unwrap();
        let registration = service(storage.clone(), storage.identities(), hashing);
        Self::over(registration, Arc::new(storage), Rows::Sqlite(pool, folder), commits)
    }

    async fn postgres(hashing: Hashing) -> Self {
        let pool = PgPoolOptions::new().max_connections(8).connect(&server().dsn()).await.unwrap();
        let schema = format!("bench_{}", number());
        let storage = PostgresStorage::from_pool(pool.clone()).with_schema(&schema).unwrap();
        storage.migrate().await.unwrap();
        storage.identities().migrate().await.unwrap();
        let registration = service(storage.clone(), storage.identities(), hashing);
        Self::over(registration, Arc::new(storage), Rows::Postgres(pool, schema), Arc::default())
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.registration.clone(), "/auth", ClientKind::Native)
    }

    /// What somebody new answers.
    pub(crate) fn somebody(&self) -> Value {
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        let traits = json!({ "email": format!("bench-{number}@example.org") });
        json!({ "method": "password", "password": "correct horse battery", "traits": traits })
    }

    /// Signs somebody new up.
    pub(crate) async fn sign_up(&self, page: &Reply) {
        let done = self.client().submit(page, self.somebody()).await;
        assert_eq!(done.status(), 200, "{done:?}");
    }

    /// So many flows and people more, alike to one of each.
    pub(crate) async fn fill(&self, rows: usize) {
        let mut client = self.client();
        let (page, _) = (client.open().await, client.open().await);
        self.sign_up(&page).await;
        match &self.rows {
            Rows::Memory => {}
            Rows::Sqlite(pool, _) => {
                let mut connection = pool.acquire().await.unwrap();
                let quick = "PRAGMA cache_size = -400000; PRAGMA synchronous = off";
                raw_sql(quick).execute(&mut *connection).await.unwrap();
                for statement in crate::filled::sqlite("registration_", rows, rows / 100 + 1) {
                    raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.unwrap();
                }
                let as_before = "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size = -2000; PRAGMA synchronous = full";
                raw_sql(as_before).execute(&mut *connection).await.unwrap();
            }
            Rows::Postgres(pool, schema) => {
                let mut connection = pool.acquire().await.unwrap();
                raw_sql("SET synchronous_commit = off").execute(&mut *connection).await.unwrap();
                for statement in crate::filled::postgres(&format!("{schema}.registration_"), rows, rows / 100 + 1) {
                    raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.unwrap();
                }
                for statement in ["RESET synchronous_commit", "VACUUM ANALYZE", "CHECKPOINT"] {
                    raw_sql(statement).execute(&mut *connection).await.unwrap();
                }
            }
        }
    }

    /// Adds so many records that expired long ago.
    pub(crate) async fn expire(&self, most: usize) {
        match &self.rows {
            Rows::Memory => {}
            Rows::Sqlite(pool, _) => {
                let add = format!(
                    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) \
                     INSERT INTO registration_records (kind, id, version, expires_at, body) \
                     SELECT 'flow', randomblob(16), 1, n.i, zeroblob(800) FROM n"
                );
                raw_sql(AssertSqlSafe(add)).execute(pool).await.unwrap();
            }
            Rows::Postgres(pool, schema) => {
                let add = format!(
                    "INSERT INTO {schema}.registration_records (kind, id, version, expires_at, body) \
                     SELECT 'flow', gen_random_uuid(), 1, to_timestamp(i), decode(repeat('00', 800), 'hex') \
                     FROM generate_series(1, {most}) AS i"
                );
                raw_sql(AssertSqlSafe(add)).execute(pool).await.unwrap();
            }
        }
    }

    /// Removes so many of them, and says how long it took, in milliseconds.
    pub(crate) async fn sweep(&self, most: usize) -> f64 {
        let begun = std::time::Instant::now();
        let swept = self.storage.sweep(OffsetDateTime::UNIX_EPOCH + time::Duration::DAY, most).await.unwrap();
        let took = begun.elapsed();
        assert_eq!(swept, most);
        took.as_secs_f64() * 1_000.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Rows::Sqlite(_, folder) = &self.rows {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

fn service(
    storage: impl Storage,
    identities: impl tower_registration::host::Identities,
    hashing: Hashing,
) -> Registration {
    Registration::builder(BASE_URL)
        .secret(Secret::random_until_restart().unwrap())
        .hashing(hashing)
        .schema(Schema::parse("person", PERSON).unwrap())
        .method(Password::new())
        .style(Style::Unified)
        .after(After::new().session(true))
        .registration_ui(format!("{UI}/sign-up"))
        .error_ui(format!("{UI}/sorry"))
        .default_return_url(format!("{UI}/welcome"))
        .storage(storage)
        .identities(identities)
        .build()
        .unwrap()
}
