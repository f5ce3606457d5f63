//! The contract against SQLite, and what is particular to it.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use tower_registration::host::{HostErrorKind, Kind, Put, Record, RecordId, Storage};
use tower_registration::methods::Password;
use tower_registration::sqlite::{self, SetupError, SqliteStorage, transaction};
use tower_registration::testing::storage::{self, Subject};
use tower_registration::testing::{App, TestClock};
use uuid::Uuid;

/// A folder that goes away with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tower-registration-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("registration.db")
    }

    async fn pool(&self, options: impl FnOnce(SqliteConnectOptions) -> SqliteConnectOptions) -> SqlitePool {
        let options = options(sqlite::options(self.file()));
        SqlitePoolOptions::new().max_connections(8).connect_with(options).await.unwrap()
    }

    pub(crate) async fn storage(&self, prefix: &str) -> SqliteStorage {
        let pool = self.pool(|options| options).await;
        // The machine that runs the tests may be slow; what is tested is not how fast it is.
        SqliteStorage::from_pool(pool).with_prefix(prefix).unwrap().with_patience(Duration::from_secs(30))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn record() -> Record {
    let expiry = time::OffsetDateTime::now_utc() + time::Duration::HOUR;
    Record::new(Kind::Flow, RecordId::new(Uuid::new_v4()), 1, expiry, b"a flow".to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_the_contract_with_two_pools_on_one_file() {
    let folder = Folder::new();
    let (pool, second) = (folder.pool(|options| options).await, folder.pool(|options| options).await);
    let count = Arc::new(AtomicUsize::new(0));
    let stores = || async {
        let prefix = format!("c{}_", count.fetch_add(1, Ordering::Relaxed));
        let over = |pool: &SqlitePool| {
            let storage = SqliteStorage::from_pool(pool.clone()).with_patience(Duration::from_secs(30));
            storage.with_prefix(&prefix)
        };
        let (storage, beside) = (over(&pool)?, over(&second)?);
        storage.migrate().await?;
        let identities = storage.identities();
        identities.migrate().await?;
        Result::<_, Box<dyn Error + Send + Sync>>::Ok(
            Subject::new(storage).with_second_way(beside).with_identities(identities),
        )
    };

    let report = storage::check(&stores).await;

    assert!(report.is_kept(), "{report}");
    assert_eq!((report.kept().len(), report.skipped().len()), (26, 1), "sessions are records");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_that_start_at_once_set_up_once() {
    let folder = Folder::new();
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let storage = folder.storage("auth_").await;
        starting.spawn(async move {
            storage.migrate().await?;
            storage.identities().migrate().await
        });
    }

    let outcomes: Vec<Result<(), SetupError>> = starting.join_all().await;

    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let pool = folder.pool(|options| options).await;
    let steps: Vec<(String, i64)> =
        sqlx::query_as("SELECT part, step FROM auth_migrations ORDER BY part").fetch_all(&pool).await.unwrap();
    assert_eq!(steps, [("identities".to_owned(), 1), ("storage".to_owned(), 1)]);
}

#[tokio::test]
async fn settings_that_could_lose_a_registration_are_refused() {
    let folder = Folder::new();
    let weak = folder.pool(|options| options.synchronous(SqliteSynchronous::Normal)).await;
    let loose = folder.pool(|options| options.foreign_keys(false)).await;
    let hasty = folder.pool(|options| options.busy_timeout(Duration::ZERO)).await;
    let other = Folder::new();
    let bare = SqliteConnectOptions::new().filename(other.file()).create_if_missing(true);
    let bare = SqlitePoolOptions::new().connect_with(bare).await.unwrap();

    let mut found = Vec::new();
    for pool in [weak, loose, hasty, bare] {
        match SqliteStorage::from_pool(pool).migrate().await {
            Err(SetupError::Setting { setting, .. }) => found.push(setting),
            other => panic!("{other:?}"),
        }
    }

    assert_eq!(found, ["synchronous", "foreign_keys", "busy_timeout", "journal_mode"]);
}

#[tokio::test]
async fn a_prefix_that_is_no_plain_word_is_refused() {
    let folder = Folder::new();
    let storage = SqliteStorage::from_pool(folder.pool(|options| options).await);

    let error = storage.with_prefix("x; DROP TABLE users; --").unwrap_err();

    assert!(error.to_string().contains("lower-case letters"), "{error}");
}

#[tokio::test]
async fn rows_of_the_host_are_committed_with_the_unit_or_not_at_all() {
    let folder = Folder::new();
    let (storage, pool) = (folder.storage("auth_").await, folder.pool(|options| options).await);
    storage.migrate().await.unwrap();
    sqlx::query("CREATE TABLE users (name TEXT PRIMARY KEY)").execute(&pool).await.unwrap();
    let mut counts = Vec::new();
    for commits in [false, true] {
        let mut unit = storage.begin().await.unwrap();
        let stored = unit.put(&record(), None).await.unwrap();
        let connection = transaction(unit.as_mut()).unwrap();
        sqlx::query("INSERT INTO users VALUES ('ada')").execute(connection).await.unwrap();
        assert_eq!(stored, Put::Stored);
        if commits {
            unit.commit().await.unwrap();
        } else {
            drop(unit);
        }
        let count = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM auth_records)";
        counts.push(sqlx::query_as::<_, (i64, i64)>(count).fetch_one(&pool).await.unwrap());
    }

    assert_eq!(counts, [(0, 0), (1, 1)]);
}

#[tokio::test]
async fn whoever_waits_for_the_file_too_long_is_told_to_come_again() {
    let folder = Folder::new();
    let storage = folder.storage("auth_").await;
    storage.migrate().await.unwrap();
    let other = folder.pool(|options| options).await;
    let blocking = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let hasty = storage.clone().with_patience(Duration::from_millis(100));

    let begun = std::time::Instant::now();
    let errors = [hasty.put(&record(), None).await.unwrap_err(), hasty.begin().await.map(drop).unwrap_err()];

    assert_eq!(errors.map(|error| error.kind()), [HostErrorKind::Unavailable; 2]);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    drop(blocking);
    assert_eq!(storage.put(&record(), None).await.unwrap(), Put::Stored, "it goes on when the file is free");
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_and_says_so() {
    let folder = Folder::new();
    let pool = folder.pool(|options| options.pragma("max_page_count", "40")).await;
    let storage = SqliteStorage::from_pool(pool).with_prefix("auth_").unwrap();
    storage.migrate().await.unwrap();
    let large = |byte| {
        let expiry = time::OffsetDateTime::now_utc();
        Record::new(Kind::Flow, RecordId::new(Uuid::new_v4()), 1, expiry, vec![byte; 400_000])
    };

    let small = record();
    let mut unit = storage.begin().await.unwrap();
    let put = unit.put(&small, None).await.unwrap();
    let error = unit.put(&large(1), None).await.unwrap_err();
    drop(unit);

    assert_eq!((put, error.kind()), (Put::Stored, HostErrorKind::Unavailable), "{error:?}");
    assert_eq!(storage.get(Kind::Flow, small.id()).await.unwrap(), None);
    for _ in 0..20 {
        assert_eq!(
            storage.put(&record(), None).await.unwrap(),
            Put::Stored,
            "what fits is stored, by every connection"
        );
    }
}

#[tokio::test]
async fn what_a_client_is_told_at_first_is_what_it_reads_later() {
    let folder = Folder::new();
    let storage = folder.storage("auth_").await;
    storage.migrate().await.unwrap();
    storage.identities().migrate().await.unwrap();
    let clock = TestClock::at(time::OffsetDateTime::now_utc().replace_nanosecond(123_456_789).unwrap());
    let app = App::with(|builder| {
        let builder = builder.storage(storage.clone()).identities(storage.identities());
        builder.method(Password::new()).clock(clock)
    });
    let mut native = app.unwrap().native();

    let page = native.open().await;
    let shown = native.show(&page.flow_id().unwrap()).await;
    let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" } });
    let done = native.submit(&page, answer).await;
    let token = done.at("/session_token").as_str().unwrap().to_owned();
    let session = native.with_header("x-session-token", &token).whoami().await.unwrap();

    assert_eq!(shown.json(), page.json());
    assert_eq!((done.status(), session), (200, done.at("/session")));
}

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let folder = Folder::new();
    let (storage, pool) = (folder.storage("auth_").await, folder.pool(|options| options).await);
    let identities = storage.identities();
    storage.migrate().await.unwrap();
    identities.migrate().await.unwrap();
    let mut scans = Vec::new();

    let all = [storage.statements(), identities.statements()].concat();
    for (name, statement) in &all {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&pool).await.unwrap();
        scans.extend(plan.into_iter().filter(|step| step.3.contains("SCAN")).map(|step| format!("{name}: {}", step.3)));
    }

    assert!(scans.is_empty(), "{scans:#?}");
    assert_eq!(all.len(), 22);
}
