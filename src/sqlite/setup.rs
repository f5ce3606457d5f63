//! Before the first request: the settings that promises rest on, and the tables.

use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Sqlite, SqlitePool, raw_sql};
use tokio::time::Instant;

use super::ANSWERS;
use crate::host::{HostError, HostErrorKind};
use crate::sql::{Name, SetupError};

/// The tables of records and the outbox, step by step. A step that was released is never changed.
pub(super) const STORAGE: Part = Part { word: "storage", steps: &[include_str!("schema/storage_1.sql")] };
/// The tables of identities.
pub(super) const IDENTITIES: Part = Part { word: "identities", steps: &[include_str!("schema/identities_1.sql")] };

/// Tables that belong together.
pub(super) struct Part {
    word: &'static str,
    steps: &'static [&'static str],
}

/// How long those who set up at the same time wait for each other.
const LONGEST: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// The turns of those who set up at the same time. SQLite's own busy time-out does not know about turning a file to WAL, and
/// lets nobody pass in order.
struct Turns {
    end: Instant,
}

impl Turns {
    fn new() -> Self {
        Self { end: Instant::now() + LONGEST }
    }

    /// Waits a little after an error that may pass. Says whether to try again.
    async fn comes_again(&self, error: &HostError) -> bool {
        let passes = error.kind() == HostErrorKind::Unavailable && Instant::now() < self.end;
        if passes {
            tokio::time::sleep(PAUSE).await;
        }
        passes
    }
}

/// Opens a pool, also while others make the file.
pub(super) async fn open(options: SqliteConnectOptions) -> Result<SqlitePool, SetupError> {
    let turns = Turns::new();
    loop {
        match SqlitePool::connect_with(options.clone()).await.map_err(|error| ANSWERS.failed(error)) {
            Ok(pool) => return Ok(pool),
            Err(error) if turns.comes_again(&error).await => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Refuses settings with which an acknowledged registration could be lost.
pub(super) async fn check(pool: &SqlitePool) -> Result<(), SetupError> {
    let mut connection = pool.acquire().await.map_err(|error| ANSWERS.failed(error))?;
    let mut pragma = async |text: &'static str| -> Result<String, HostError> {
        let found: String =
            sqlx::query_scalar(text).fetch_one(&mut *connection).await.map_err(|error| ANSWERS.failed(error))?;
        Ok(found)
    };
    let journal = pragma("SELECT journal_mode FROM pragma_journal_mode").await?;
    // What lives in memory is lost with the process, as everybody knows.
    if journal != "memory" {
        let needed = "`wal`, so that nobody waits for a reader: set it in the connect options";
        expect("journal_mode", journal, &["wal"], needed)?;
        let synchronous = pragma("SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous").await?;
        let needed = "2 (`full`) or more, so that a commit survives a power cut: set it in the connect options";
        expect("synchronous", synchronous, &["2", "3"], needed)?;
    }
    let busy = pragma("SELECT CAST(timeout > 0 AS TEXT) FROM pragma_busy_timeout").await?;
    expect(
        "busy_timeout",
        busy,
        &["1"],
        "above 0, so that processes wait for each other: set it in the connect options",
    )?;
    let keys = pragma("SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys").await?;
    expect(
        "foreign_keys",
        keys,
        &["1"],
        "1, so that nothing of a deleted identity stays: set it in the connect options",
    )
}

fn expect(setting: &'static str, found: String, good: &[&str], needed: &'static str) -> Result<(), SetupError> {
    if good.contains(&found.as_str()) { Ok(()) } else { Err(SetupError::Setting { setting, found, needed }) }
}

/// Takes the steps that were not taken yet. Whoever comes meanwhile waits, and finds them taken.
pub(super) async fn migrate(pool: &SqlitePool, prefix: &Name, part: &Part) -> Result<(), SetupError> {
    let turns = Turns::new();
    loop {
        match take_steps(pool, prefix, part).await.map_err(|error| ANSWERS.failed(error)) {
            Ok(()) => return Ok(()),
            Err(error) if turns.comes_again(&error).await => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn take_steps(pool: &SqlitePool, prefix: &Name, part: &Part) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let create = "CREATE TABLE IF NOT EXISTS {prefix}migrations (part TEXT NOT NULL, step INTEGER NOT NULL, \
        PRIMARY KEY (part, step)) STRICT";
    sqlx::query(prefix.fill(None, create)).execute(&mut *transaction).await?;
    let taken = "SELECT coalesce(max(step), 0) FROM {prefix}migrations WHERE part = ?1";
    let taken: i64 = sqlx::query_scalar(prefix.fill(None, taken)).bind(part.word).fetch_one(&mut *transaction).await?;
    for (step, sql) in (1_i64..).zip(part.steps).filter(|(step, _)| *step > taken) {
        let sql = AssertSqlSafe(prefix.fill(None, sql).as_str().to_owned());
        raw_sql(sql).execute(&mut *transaction).await?;
        let note = "INSERT INTO {prefix}migrations (part, step) VALUES (?1, ?2)";
        let note = sqlx::query::<Sqlite>(prefix.fill(None, note)).bind(part.word).bind(step);
        note.execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
