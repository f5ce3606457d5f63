//! Records and units of work.

use std::any::Any;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, SqlStr, Sqlite, SqliteConnection, Transaction};
use time::OffsetDateTime;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::statements::StorageStatements;
use super::{ANSWERS, SqliteStorage};
use crate::host::{
    Delivery, HostError, HostErrorKind, Kind, Leased, Outgoing, Put, Record, RecordId, Storage, Unit, Version,
};
use crate::identity::IdentityId;
use crate::sql::{instant, microseconds, within};

type Columns = (i64, i64, Option<Uuid>, Vec<u8>);

impl SqliteStorage {
    /// Waits for a turn to write, then for the transaction.
    pub(super) async fn write(&self) -> Result<Writing, HostError> {
        let begin = async {
            let turn = self.writing.clone().acquire_owned().await.map_err(HostError::unavailable)?;
            loop {
                match self.pool.begin_with("BEGIN IMMEDIATE").await {
                    Err(sqlx::Error::InvalidSavePointStatement) => self.weed().await,
                    transaction => {
                        let transaction = transaction.map_err(|error| ANSWERS.failed(error))?;
                        return Ok(Writing { transaction, turn });
                    }
                }
            }
        };
        within(self.patience, HostErrorKind::Unavailable, begin).await
    }

    /// Closes connections that take themselves to be inside a transaction: SQLite has rolled it back by itself, because the
    /// disk was full, and they could not do it again.
    async fn weed(&self) {
        let idle: Vec<PoolConnection<Sqlite>> = std::iter::from_fn(|| self.pool.try_acquire()).collect();
        for connection in idle.into_iter().filter(|connection| connection.is_in_transaction()) {
            // What cannot be closed in good order is closed all the same.
            drop(connection.close().await);
        }
        // The one that was found may still be on its way back.
        tokio::task::yield_now().await;
    }

    /// Waits for work, and no longer than this storage does.
    pub(super) async fn waits<T>(&self, work: impl Future<Output = Result<T, HostError>>) -> Result<T, HostError> {
        within(self.patience, HostErrorKind::Unavailable, work).await
    }

    pub(super) fn own(&self) -> &StorageStatements {
        &self.statements
    }
}

/// A transaction that may write.
pub(super) struct Writing {
    /// Rolled back when it is dropped, before the next one gets its turn.
    pub(super) transaction: Transaction<'static, Sqlite>,
    turn: OwnedSemaphorePermit,
}

impl Writing {
    pub(super) async fn commit(self, own: &SqliteStorage) -> Result<(), HostError> {
        let commit = async { self.transaction.commit().await.map_err(|error| ANSWERS.uncommitted(error)) };
        let committed = within(own.patience, HostErrorKind::CommitUnknown, commit).await;
        drop(self.turn);
        committed
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn get(&self, kind: Kind, id: RecordId) -> Result<Option<Record>, HostError> {
        let query = sqlx::query_as::<_, Columns>(self.own().get.clone()).bind(kind.as_str()).bind(id.as_uuid());
        let row = async { query.fetch_optional(&self.pool).await.map_err(|error| ANSWERS.failed(error)) };
        let Some((version, expires_at, spent, body)) = self.waits(row).await? else { return Ok(None) };
        let record = Record::new(kind, id, version, instant(expires_at)?, body);
        Ok(Some(record.with_spent(spent.map(IdentityId::new))))
    }

    async fn put(&self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        let mut writing = self.write().await?;
        let put = self.waits(put(&mut writing.transaction, self.own(), record, was)).await?;
        writing.commit(self).await?;
        Ok(put)
    }

    async fn begin(&self) -> Result<Box<dyn Unit>, HostError> {
        Ok(Box::new(SqliteUnit { own: self.clone(), writing: self.write().await? }))
    }

    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, most: usize) -> Result<Vec<Leased>, HostError> {
        self.take_rows(now, until, most).await
    }

    async fn done(&self, lease: &Leased, how: Delivery) -> Result<(), HostError> {
        self.end_lease(lease, how).await
    }

    async fn sweep(&self, before: OffsetDateTime, most: usize) -> Result<usize, HostError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut writing = self.write().await?;
        let query = sqlx::query(self.own().sweep.clone()).bind(microseconds(before)).bind(most);
        let sweep = async { query.execute(&mut *writing.transaction).await.map_err(|error| ANSWERS.failed(error)) };
        let swept = self.waits(sweep).await?.rows_affected();
        writing.commit(self).await?;
        Ok(usize::try_from(swept).unwrap_or(usize::MAX))
    }
}

/// One unit of work: a transaction.
struct SqliteUnit {
    own: SqliteStorage,
    writing: Writing,
}

#[async_trait]
impl Unit for SqliteUnit {
    async fn put(&mut self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        let Self { own, writing } = self;
        own.waits(put(&mut writing.transaction, own.own(), record, was)).await
    }

    async fn spend(&mut self, record: &Record, was: Version) -> Result<bool, HostError> {
        let Self { own, writing } = self;
        own.waits(write(&mut writing.transaction, own.own().spend.clone(), record, Some(was))).await
    }

    async fn post(&mut self, row: Outgoing) -> Result<(), HostError> {
        let Self { own, writing } = self;
        let query = sqlx::query(own.own().post.clone()).bind(row.id()).bind(row.lane());
        let query = query
            .bind(microseconds(row.due_at()))
            .bind(microseconds(row.expires_at()))
            .bind(row.body())
            .bind(row.lease());
        let post = async { query.execute(&mut *writing.transaction).await.map_err(|error| ANSWERS.failed(error)) };
        own.waits(post).await.map(drop)
    }

    fn transaction(&mut self) -> &mut (dyn Any + Send) {
        &mut self.writing.transaction
    }

    async fn commit(self: Box<Self>) -> Result<(), HostError> {
        let Self { own, writing } = *self;
        writing.commit(&own).await
    }
}

/// Writes a record over the version it was read at.
async fn put(
    connection: &mut SqliteConnection,
    own: &StorageStatements,
    record: &Record,
    was: Option<Version>,
) -> Result<Put, HostError> {
    let sql = if was.is_none() { &own.insert } else { &own.update };
    let written = write(connection, sql.clone(), record, was).await?;
    Ok(if written { Put::Stored } else { Put::Stale })
}

/// Sends a statement that writes a record. Says whether it did.
async fn write(
    connection: &mut SqliteConnection,
    sql: SqlStr,
    record: &Record,
    was: Option<Version>,
) -> Result<bool, HostError> {
    let query = sqlx::query(sql)
        .bind(record.kind().as_str())
        .bind(record.id().as_uuid())
        .bind(record.version())
        .bind(microseconds(record.expires_at()))
        .bind(record.spent().map(|by| *by.as_uuid()))
        .bind(record.body());
    let query = match was {
        Some(version) => query.bind(version),
        None => query,
    };
    Ok(query.execute(connection).await.map_err(|error| ANSWERS.failed(error))?.rows_affected() == 1)
}
