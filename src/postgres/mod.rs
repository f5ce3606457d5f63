//! Storage and identities in PostgreSQL, through a pool of the host's: any number of processes and machines.
//!
//! ```no_run
//! use sqlx::PgPool;
//! use tower_registration::postgres::PostgresStorage;
//!
//! # async fn open() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = PgPool::connect("postgres://app@localhost/app").await?;
//! let storage = PostgresStorage::from_pool(pool).with_schema("auth")?;
//! storage.migrate().await?;
//! let identities = storage.identities();
//! identities.migrate().await?;
//! # Ok(()) }
//! ```
//!
//! 1. A unit of work is one transaction, at the isolation level that the host has chosen for its role or database; every
//!    level will do. Serialization failures and deadlocks make the service begin again, a few times.
//! 2. The host's own rows go into the same transaction: [`transaction`] gives its connection.
//! 3. A commit is on the disk when it is answered: [`migrate`](PostgresStorage::migrate) refuses `synchronous_commit = off`.
//!    A connection that is lost during a commit is told apart from one that is lost before, and the service reads back
//!    what became of it.
//! 4. Tables begin with a [prefix](PostgresStorage::with_prefix) and live in a [schema](PostgresStorage::with_schema) of
//!    the host's choice; what was set up stands in a table of its own.
//! 5. No call waits longer than the storage's [patience](PostgresStorage::with_patience).
//! 6. Nothing is kept in a session, so PgBouncer may give every transaction another connection (`pool_mode =
//!    transaction`): see [`behind_pooler`](PostgresStorage::behind_pooler).
//!
//! A pool needs at least two connections: the service reads while a unit is open.

mod held;
mod identities;
mod outbox;
mod setup;
mod statements;
mod storage;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, PgPool, SqlStr};
use time::OffsetDateTime;

use crate::host::{HostError, HostErrorKind, Unit};
use crate::sql::{Answers, Name, PREFIX, Reserved, instant, microseconds};
use statements::StorageStatements;

pub use crate::sql::{NameError, SetupError};
pub use identities::PostgresIdentities;

/// How long a call waits where the host chooses nothing else.
const PATIENCE: Duration = Duration::from_secs(2);

/// What PostgreSQL's codes mean.
const ANSWERS: Answers = Answers { statement, commit };

const RESERVED: Reserved = Reserved("pg_");

fn statement(code: &str) -> HostErrorKind {
    match code {
        // A serialization failure, a deadlock.
        "40001" | "40P01" => HostErrorKind::Conflict,
        // A lock that was not to be had, a statement that took too long, a read-only server.
        "55P03" | "57014" | "25006" | "25P03" => HostErrorKind::Unavailable,
        // No connection, no resources, shut down, trouble with the disk.
        _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => HostErrorKind::Unavailable,
        _ => HostErrorKind::Other,
    }
}

fn commit(code: &str) -> HostErrorKind {
    // Whoever is shut down while a commit is written, or confirmed by a replica, may have written it.
    let unknown = ["08", "57P", "58", "XX"].iter().any(|class| code.starts_with(class));
    if unknown { HostErrorKind::CommitUnknown } else { statement(code) }
}

/// The connection of a unit's open transaction, for the host's own rows; nothing when the unit is not PostgreSQL's.
///
/// Send neither `COMMIT` nor `ROLLBACK` through it. A statement that fails ends the transaction, even when its error is
/// ignored: the unit then does not commit. Use a savepoint around what may fail.
pub fn transaction(unit: &mut dyn Unit) -> Option<&mut PgConnection> {
    let transaction = unit.transaction().downcast_mut::<held::Held>()?;
    Some(&mut *transaction)
}

/// What an error of a statement of the host's own means for the request, without the statement and its values.
pub fn failed(error: sqlx::Error) -> HostError {
    ANSWERS.failed(error)
}

/// Where the tables are.
#[derive(Clone, Debug)]
struct Place {
    schema: Option<Name>,
    prefix: Name,
}

impl Place {
    fn fill(&self, statement: &str) -> SqlStr {
        self.prefix.fill(self.schema.as_ref(), statement)
    }
}

/// The instant with microseconds: PostgreSQL would round it, into the future.
fn cut(at: OffsetDateTime) -> OffsetDateTime {
    instant(microseconds(at)).unwrap_or(at)
}

/// Storage in PostgreSQL. Clones share the pool.
#[derive(Clone)]
#[must_use]
pub struct PostgresStorage {
    pool: PgPool,
    place: Place,
    patience: Duration,
    statements: Arc<StorageStatements>,
    /// Whether statements are prepared by name, and sent outside of transactions where there is only one.
    named: bool,
}

impl PostgresStorage {
    /// A storage over this pool, with tables that begin with `registration_` and are found by the connection's search path.
    pub fn from_pool(pool: PgPool) -> Self {
        let place = Place { schema: None, prefix: Name::own(PREFIX) };
        let statements = Arc::new(StorageStatements::new(|sql| place.fill(sql)));
        Self { pool, place, patience: PATIENCE, statements, named: true }
    }

    /// Sets what the names of all tables begin with: two registrations in one schema have two prefixes.
    ///
    /// # Errors
    ///
    /// [`NameError`] when it is not a plain word.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, NameError> {
        self.place.prefix = Name::new(prefix, RESERVED)?;
        Ok(self.with_place())
    }

    /// Sets the schema of all tables. [`migrate`](PostgresStorage::migrate) makes it when it is not there.
    ///
    /// # Errors
    ///
    /// [`NameError`] when it is not a plain word.
    pub fn with_schema(mut self, schema: &str) -> Result<Self, NameError> {
        self.place.schema = Some(Name::new(schema, RESERVED)?);
        Ok(self.with_place())
    }

    fn with_place(mut self) -> Self {
        self.statements = Arc::new(StorageStatements::new(|sql| self.place.fill(sql)));
        self
    }

    /// Sets how long a call waits for a connection, a lock and an answer, two seconds otherwise; the client is then told
    /// to come again.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// For a pooler that gives every transaction another connection and does not know prepared statements, such as
    /// PgBouncer with `pool_mode = transaction`: no statement gets a name, and each is sent inside a transaction. Costs two
    /// short answers for each statement outside of a unit.
    ///
    /// The host's own statements need the same: `persistent(false)`, inside a transaction.
    pub fn behind_pooler(mut self) -> Self {
        self.named = false;
        self
    }

    /// Checks the settings of the database and makes the tables that are missing. Any number of processes may do it at once.
    ///
    /// # Errors
    ///
    /// [`SetupError`] when a setting would break a promise, or the database refuses.
    pub async fn migrate(&self) -> Result<(), SetupError> {
        setup::check(&self.pool).await?;
        setup::migrate(&self.pool, &self.place, &setup::STORAGE).await
    }

    /// Identities in the same database, which commit with this storage.
    pub fn identities(&self) -> PostgresIdentities {
        PostgresIdentities::new(self)
    }

    /// The statements that are sent, by name, for whoever wants to look at their plans.
    #[must_use]
    pub fn statements(&self) -> Vec<(&'static str, &str)> {
        self.statements.all()
    }
}

impl fmt::Debug for PostgresStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("PostgresStorage");
        let schema = self.place.schema.as_ref().map(Name::as_str);
        out.field("schema", &schema).field("prefix", &self.place.prefix.as_str()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_the_request_does_next() {
        use HostErrorKind::{CommitUnknown, Conflict, Other, Unavailable};
        let kinds = ["40001", "40P01", "57014", "53100", "53300", "25006", "08006", "57P01", "25P02", "23505"];

        let statements = kinds.map(statement);
        let commits = ["40001", "57P01", "08006", "57014", "25P02"].map(commit);

        let away = [Unavailable; 6];
        assert_eq!(statements[..2], [Conflict; 2]);
        assert_eq!(statements[2..8], away);
        assert_eq!(statements[8..], [Other; 2]);
        assert_eq!(commits, [Conflict, CommitUnknown, CommitUnknown, Unavailable, Other]);
    }
}
