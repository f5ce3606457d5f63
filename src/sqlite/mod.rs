//! Storage and identities in SQLite, through a pool of the host's: one file, one machine, any number of processes.
//!
//! ```no_run
//! use tower_registration::sqlite::{self, SqliteStorage};
//!
//! # async fn open() -> Result<(), Box<dyn std::error::Error>> {
//! // Or a pool that the host has already.
//! let pool = sqlite::open("app.db").await?;
//! let storage = SqliteStorage::from_pool(pool);
//! storage.migrate().await?;
//! let identities = storage.identities();
//! identities.migrate().await?;
//! # Ok(()) }
//! ```
//!
//! 1. A unit of work is one transaction, begun with `BEGIN IMMEDIATE`: it never fails half-way because somebody else
//!    wrote first. Writers of one process wait for each other in their order; those of several processes by SQLite's own
//!    busy time-out. Readers wait for nobody.
//! 2. The host's own rows go into the same transaction: [`transaction`] gives its connection.
//! 3. A commit is on the disk when it is answered: [`migrate`](SqliteStorage::migrate) refuses other settings than WAL with
//!    `synchronous = FULL`. [`options`] sets them.
//! 4. Tables begin with a [prefix](SqliteStorage::with_prefix) of the host's choice; what was set up stands in a table of
//!    its own.
//! 5. No call waits longer than the storage's [patience](SqliteStorage::with_patience).
//!
//! A pool needs at least two connections: the service reads while a unit is open. A database in memory has one for each
//! connection, so it does not do.

mod identities;
mod outbox;
mod setup;
mod statements;
mod storage;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use tokio::sync::Semaphore;

use crate::host::{HostError, HostErrorKind, Unit};
use crate::sql::{Answers, Name, PREFIX, Reserved};
use statements::StorageStatements;

pub use crate::sql::{NameError, SetupError};
pub use identities::SqliteIdentities;

/// How long a call waits where the host chooses nothing else.
const PATIENCE: Duration = Duration::from_secs(2);

/// What SQLite's result codes mean.
const ANSWERS: Answers = Answers { statement, commit };

fn statement(code: &str) -> HostErrorKind {
    let code: u32 = code.parse().unwrap_or_default();
    match code & 0xff {
        // SQLITE_BUSY_SNAPSHOT: somebody wrote since this transaction began to read.
        5 if code == 517 => HostErrorKind::Conflict,
        // Busy, locked, no memory, read-only, interrupted, input or output, full, cannot open, protocol.
        5 | 6 | 7 | 8 | 9 | 10 | 13 | 14 | 15 => HostErrorKind::Unavailable,
        _ => HostErrorKind::Other,
    }
}

fn commit(code: &str) -> HostErrorKind {
    let code_number: u32 = code.parse().unwrap_or_default();
    match code_number & 0xff {
        // The disk failed while the commit was written: it may be there.
        10 => HostErrorKind::CommitUnknown,
        _ => statement(code),
    }
}

/// The connect options that the storage asks for: WAL, `synchronous = FULL`, foreign keys, a busy time-out of two seconds.
/// The file is made when it is not there.
#[must_use]
pub fn options(file: impl AsRef<Path>) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
}

/// Opens a pool with these [`options`], also while other processes make the file: turning it to WAL is nothing that SQLite
/// waits for by itself.
///
/// # Errors
///
/// [`SetupError`] when the file cannot be opened.
pub async fn open(file: impl AsRef<Path>) -> Result<SqlitePool, SetupError> {
    setup::open(options(file)).await
}

/// The connection of a unit's open transaction, for the host's own rows; nothing when the unit is not SQLite's.
///
/// Send neither `COMMIT` nor `ROLLBACK` through it, and let a statement that fails end the unit: after a full disk, for
/// example, SQLite has rolled the transaction back by itself.
pub fn transaction(unit: &mut dyn Unit) -> Option<&mut SqliteConnection> {
    let transaction = unit.transaction().downcast_mut::<sqlx::Transaction<'static, sqlx::Sqlite>>()?;
    Some(&mut **transaction)
}

/// What an error of a statement of the host's own means for the request, without the statement and its values.
pub fn failed(error: sqlx::Error) -> HostError {
    ANSWERS.failed(error)
}

/// Storage in SQLite. Clones share the pool.
#[derive(Clone)]
#[must_use]
pub struct SqliteStorage {
    pool: SqlitePool,
    prefix: Name,
    patience: Duration,
    statements: Arc<StorageStatements>,
    /// Writers of this process in their order, so that none is overtaken for ever.
    writing: Arc<Semaphore>,
}

impl SqliteStorage {
    /// A storage over this pool, with tables that begin with `registration_`.
    pub fn from_pool(pool: SqlitePool) -> Self {
        let prefix = Name::own(PREFIX);
        let statements = Arc::new(StorageStatements::new(|sql| prefix.fill(None, sql)));
        Self { pool, prefix, patience: PATIENCE, statements, writing: Arc::new(Semaphore::new(1)) }
    }

    /// Sets what the names of all tables begin with: two registrations in one file have two prefixes.
    ///
    /// # Errors
    ///
    /// [`NameError`] when it is not a plain word.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, NameError> {
        self.prefix = Name::new(prefix, Reserved("sqlite_"))?;
        self.statements = Arc::new(StorageStatements::new(|sql| self.prefix.fill(None, sql)));
        Ok(self)
    }

    /// Sets how long a call waits for a connection, its turn and an answer, two seconds otherwise; the client is then told to
    /// come again. For turns between processes, choose the pool's busy time-out no longer.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Checks the settings of the database and makes the tables that are missing. Any number of processes may do it at once.
    ///
    /// # Errors
    ///
    /// [`SetupError`] when a setting would break a promise, or the database refuses.
    pub async fn migrate(&self) -> Result<(), SetupError> {
        setup::check(&self.pool).await?;
        setup::migrate(&self.pool, &self.prefix, &setup::STORAGE).await
    }

    /// Identities in the same database, which commit with this storage.
    pub fn identities(&self) -> SqliteIdentities {
        SqliteIdentities::new(self)
    }

    /// The statements that are sent, by name, for whoever wants to look at their plans.
    #[must_use]
    pub fn statements(&self) -> Vec<(&'static str, &str)> {
        self.statements.all()
    }
}

impl fmt::Debug for SqliteStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStorage").field("prefix", &self.prefix.as_str()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_the_request_does_next() {
        let kinds = ["5", "517", "13", "8", "778", "2067", ""].map(statement);
        use HostErrorKind::{Conflict, Other, Unavailable};

        assert_eq!(kinds, [Unavailable, Conflict, Unavailable, Unavailable, Unavailable, Other, Other]);
        assert_eq!(["778", "5", "1"].map(commit), [HostErrorKind::CommitUnknown, Unavailable, Other]);
    }
}
