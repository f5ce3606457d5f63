//! A connection while it is held. It goes back to its pool in good order and in time, or is closed.
//!
//! 1. The driver asks a connection that goes back for a sign of life, and waits for it for ever: after a server that went
//!    away without a word, its pool would stay empty. Here nobody waits longer than the storage's patience.
//! 2. A `BEGIN` that was given up half-way leaves the driver in doubt about what the connection is in: it is closed. It
//!    would swallow what others write through it.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Database, PgConnection, PgPool, Postgres, SqlSafeStr};
use sqlx_core::transaction::TransactionManager;

type Manager = <Postgres as Database>::TransactionManager;

/// How a connection is left when it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Outside of a transaction.
    Plain,
    /// Nobody knows.
    Beginning,
    /// Inside of one, which is rolled back.
    Begun,
}

pub(super) struct Held {
    connection: PoolConnection<Postgres>,
    patience: Duration,
    state: State,
}

impl Held {
    /// A connection for one statement.
    pub(super) async fn plain(pool: &PgPool, patience: Duration) -> Result<Self, sqlx::Error> {
        Ok(Self { connection: pool.acquire().await?, patience, state: State::Plain })
    }

    /// A connection inside a transaction, which is rolled back unless it is committed.
    pub(super) async fn begin(pool: &PgPool, sql: &'static str, patience: Duration) -> Result<Self, sqlx::Error> {
        let connection = pool.acquire().await?;
        let mut held = Self { connection, patience, state: State::Beginning };
        Manager::begin(&mut held.connection, Some(sql.into_sql_str())).await?;
        held.state = State::Begun;
        Ok(held)
    }

    /// Commits the transaction, if there is one.
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        if self.state == State::Begun {
            Manager::commit(&mut self.connection).await?;
            self.state = State::Plain;
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        match self.state {
            State::Plain => {}
            State::Begun => Manager::start_rollback(&mut self.connection),
            State::Beginning => return self.connection.close_on_drop(),
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // What is dropped here is closed, and another connection can take its place in the pool.
            drop(runtime.spawn(tokio::time::timeout(self.patience, self.connection.return_to_pool())));
        }
    }
}

impl Deref for Held {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
