//! Records and units of work.

use std::any::Any;

use async_trait::async_trait;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::QueryAs;
use sqlx::{FromRow, PgConnection, Postgres, SqlStr};
use time::OffsetDateTime;
use uuid::Uuid;

use super::held::Held;
use super::statements::StorageStatements;
use super::{ANSWERS, PostgresStorage, cut};
use crate::host::{
    Delivery, HostError, HostErrorKind, Kind, Leased, Outgoing, Put, Record, RecordId, Storage, Unit, Version,
};
use crate::identity::IdentityId;
use crate::sql::within;

type Columns = (i64, OffsetDateTime, Option<Uuid>, Vec<u8>);

/// A statement that reads rows.
pub(super) type Reading<'q, R> = QueryAs<'q, Postgres, R, PgArguments>;

/// What a row is made to.
pub(super) trait Row: for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<R: for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for R {}

impl PostgresStorage {
    /// Waits for work, and no longer than this storage does.
    pub(super) async fn waits<T>(&self, work: impl Future<Output = Result<T, HostError>>) -> Result<T, HostError> {
        within(self.patience, HostErrorKind::Unavailable, work).await
    }

    /// Begins a transaction.
    pub(super) async fn transaction(&self, sql: &'static str) -> Result<Held, HostError> {
        let begin = Held::begin(&self.pool, sql, self.patience);
        self.waits(async { begin.await.map_err(|error| ANSWERS.failed(error)) }).await
    }

    /// A connection for one statement: behind a pooler, inside a transaction, so that everything about the statement goes
    /// over the same connection to the database.
    async fn lend(&self) -> Result<Held, HostError> {
        if !self.named {
            return self.transaction("BEGIN").await;
        }
        let acquire = Held::plain(&self.pool, self.patience);
        self.waits(async { acquire.await.map_err(|error| ANSWERS.failed(error)) }).await
    }

    /// Reads at most one row. The connection is free again before anything is made of it: whoever held one while waiting for
    /// the next would wait for others that do the same.
    pub(super) async fn one<R: Row>(&self, query: Reading<'_, R>) -> Result<Option<R>, HostError> {
        let query = query.persistent(self.named);
        let mut lent = self.lend().await?;
        let row = async { query.fetch_optional(&mut *lent).await.map_err(|error| ANSWERS.failed(error)) };
        self.waits(row).await
    }

    /// Reads rows, likewise.
    pub(super) async fn all<R: Row>(&self, query: Reading<'_, R>) -> Result<Vec<R>, HostError> {
        let query = query.persistent(self.named);
        let mut lent = self.lend().await?;
        let rows = async { query.fetch_all(&mut *lent).await.map_err(|error| ANSWERS.failed(error)) };
        self.waits(rows).await
    }

    /// Commits a transaction; outside of one, what was sent is committed already.
    pub(super) async fn commit(&self, transaction: Held) -> Result<(), HostError> {
        let commit = async { transaction.commit().await.map_err(|error| ANSWERS.uncommitted(error)) };
        within(self.patience, HostErrorKind::CommitUnknown, commit).await
    }

    pub(super) fn own(&self) -> &StorageStatements {
        &self.statements
    }
}

#[async_trait]
impl Storage for PostgresStorage {
    async fn get(&self, kind: Kind, id: RecordId) -> Result<Option<Record>, HostError> {
        let query = sqlx::query_as::<_, Columns>(self.own().get.clone()).bind(kind.as_str()).bind(id.as_uuid());
        let Some((version, expires_at, spent, body)) = self.one(query).await? else { return Ok(None) };
        Ok(Some(Record::new(kind, id, version, expires_at, body).with_spent(spent.map(IdentityId::new))))
    }

    async fn put(&self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        let mut lent = self.lend().await?;
        // The statement is its own commit: when there is no answer, it may have happened.
        let put = async { put(&mut lent, self, record, was).await.map_err(|error| ANSWERS.uncommitted(error)) };
        let put = within(self.patience, HostErrorKind::CommitUnknown, put).await?;
        self.commit(lent).await?;
        Ok(put)
    }

    async fn begin(&self) -> Result<Box<dyn Unit>, HostError> {
        let transaction = self.transaction("BEGIN").await?;
        Ok(Box::new(PostgresUnit { own: self.clone(), transaction }))
    }

    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, most: usize) -> Result<Vec<Leased>, HostError> {
        self.take_rows(now, until, most).await
    }

    async fn done(&self, lease: &Leased, how: Delivery) -> Result<(), HostError> {
        self.end_lease(lease, how).await
    }

    async fn sweep(&self, before: OffsetDateTime, most: usize) -> Result<usize, HostError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let query = sqlx::query(self.own().sweep.clone()).persistent(self.named).bind(cut(before)).bind(most);
        let mut lent = self.lend().await?;
        let sweep = async { query.execute(&mut *lent).await.map_err(|error| ANSWERS.failed(error)) };
        let swept = self.waits(sweep).await?.rows_affected();
        self.commit(lent).await?;
        Ok(usize::try_from(swept).unwrap_or(usize::MAX))
    }
}

/// One unit of work: a transaction, rolled back when it is dropped.
struct PostgresUnit {
    own: PostgresStorage,
    transaction: Held,
}

#[async_trait]
impl Unit for PostgresUnit {
    async fn put(&mut self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        let Self { own, transaction } = self;
        own.waits(async { put(transaction, own, record, was).await.map_err(|error| ANSWERS.failed(error)) }).await
    }

    async fn spend(&mut self, record: &Record, was: Version) -> Result<bool, HostError> {
        let Self { own, transaction } = self;
        let sql = own.own().spend.clone();
        let spend =
            async { write(transaction, own, sql, record, Some(was)).await.map_err(|error| ANSWERS.failed(error)) };
        own.waits(spend).await
    }

    async fn post(&mut self, row: Outgoing) -> Result<(), HostError> {
        let Self { own, transaction } = self;
        let query = sqlx::query(own.own().post.clone()).persistent(own.named).bind(row.id()).bind(row.lane());
        let query = query.bind(cut(row.due_at())).bind(cut(row.expires_at())).bind(row.body()).bind(row.lease());
        let post = async { query.execute(&mut **transaction).await.map_err(|error| ANSWERS.failed(error)) };
        own.waits(post).await.map(drop)
    }

    fn transaction(&mut self) -> &mut (dyn Any + Send) {
        &mut self.transaction
    }

    async fn commit(self: Box<Self>) -> Result<(), HostError> {
        let Self { own, mut transaction } = *self;
        let sound = sqlx::query(own.own().sound.clone()).persistent(own.named);
        let sound = async { sound.execute(&mut *transaction).await.map_err(|error| ANSWERS.failed(error)) };
        own.waits(sound).await?;
        own.commit(transaction).await
    }
}

/// Writes a record over the version it was read at.
async fn put(
    connection: &mut PgConnection,
    own: &PostgresStorage,
    record: &Record,
    was: Option<Version>,
) -> Result<Put, sqlx::Error> {
    let sql = if was.is_none() { &own.statements.insert } else { &own.statements.update };
    let written = write(connection, own, sql.clone(), record, was).await?;
    Ok(if written { Put::Stored } else { Put::Stale })
}

/// Sends a statement that writes a record. Says whether it did.
async fn write(
    connection: &mut PgConnection,
    own: &PostgresStorage,
    sql: SqlStr,
    record: &Record,
    was: Option<Version>,
) -> Result<bool, sqlx::Error> {
    let query = sqlx::query(sql)
        .persistent(own.named)
        .bind(record.kind().as_str())
        .bind(record.id().as_uuid())
        .bind(record.version())
        .bind(cut(record.expires_at()))
        .bind(record.spent().map(|by| *by.as_uuid()))
        .bind(record.body());
    let query = match was {
        Some(version) => query.bind(version),
        None => query,
    };
    Ok(query.execute(connection).await?.rows_affected() == 1)
}
