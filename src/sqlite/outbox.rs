//! The outbox: one transaction takes rows and marks them, another ends a lease.
//!
//! Of each lane only the first row can be taken. While it cannot, the rest of the lane is held back with it, so that
//! taking looks at few rows however many wait.

use sqlx::SqliteConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{ANSWERS, SqliteStorage};
use crate::host::{Delivery, HostError, Leased, Outgoing};
use crate::sql::{instant, microseconds};

type Taken = (Uuid, i64, i64, i64, Vec<u8>);

impl SqliteStorage {
    pub(super) async fn take_rows(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        most: usize,
    ) -> Result<Vec<Leased>, HostError> {
        let mut writing = self.write().await?;
        let take = async {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let ready = sqlx::query_as::<_, (i64, Uuid)>(self.own().ready.clone()).bind(microseconds(now)).bind(most);
            let ready = ready.fetch_all(&mut *writing.transaction).await.map_err(|error| ANSWERS.failed(error))?;
            let mut leased = Vec::with_capacity(ready.len());
            for (seq, lane) in ready {
                leased.push(self.take(&mut writing.transaction, seq, lane, until).await?);
            }
            Ok(leased)
        };
        let leased = self.waits(take).await?;
        writing.commit(self).await?;
        Ok(leased)
    }

    /// Puts one row under a lease, and holds back the rest of its lane.
    async fn take(
        &self,
        connection: &mut SqliteConnection,
        seq: i64,
        lane: Uuid,
        until: OffsetDateTime,
    ) -> Result<Leased, HostError> {
        let lease = Uuid::new_v4();
        let take = sqlx::query_as::<_, Taken>(self.own().take.clone()).bind(seq).bind(lease).bind(microseconds(until));
        let taken = take.fetch_one(&mut *connection).await.map_err(|error| ANSWERS.failed(error))?;
        self.hold_back(connection, seq, lane, until).await?;
        let (id, due_at, expires_at, tries, body) = taken;
        let row = Outgoing::new(id, lane, instant(due_at)?, instant(expires_at)?, body);
        Ok(Leased::new(row, u32::try_from(tries).unwrap_or(u32::MAX), lease))
    }

    async fn hold_back(
        &self,
        connection: &mut SqliteConnection,
        seq: i64,
        lane: Uuid,
        until: OffsetDateTime,
    ) -> Result<(), HostError> {
        let query = sqlx::query(self.own().hold_back.clone()).bind(lane).bind(seq).bind(microseconds(until));
        query.execute(connection).await.map(drop).map_err(|error| ANSWERS.failed(error))
    }

    pub(super) async fn end_lease(&self, lease: &Leased, how: Delivery) -> Result<(), HostError> {
        let mut writing = self.write().await?;
        let connection = &mut *writing.transaction;
        self.waits(async {
            match how {
                Delivery::Over => self.erase(connection, lease).await,
                Delivery::Again(at) => self.postpone(connection, lease, at).await,
            }
        })
        .await?;
        writing.commit(self).await
    }

    async fn erase(&self, connection: &mut SqliteConnection, lease: &Leased) -> Result<(), HostError> {
        let own = self.own();
        let erase = sqlx::query_as::<_, (Uuid,)>(own.erase.clone()).bind(lease.row().id()).bind(lease.lease());
        let erased = erase.fetch_optional(&mut *connection).await.map_err(|error| ANSWERS.failed(error))?;
        let Some((lane,)) = erased else { return Ok(()) };
        let next = sqlx::query(own.let_go.clone()).bind(lane);
        next.execute(connection).await.map(drop).map_err(|error| ANSWERS.failed(error))
    }

    async fn postpone(
        &self,
        connection: &mut SqliteConnection,
        lease: &Leased,
        at: OffsetDateTime,
    ) -> Result<(), HostError> {
        let postpone = sqlx::query_as::<_, (i64, Uuid)>(self.own().postpone.clone());
        let postpone = postpone.bind(lease.row().id()).bind(lease.lease()).bind(microseconds(at));
        let postponed = postpone.fetch_optional(&mut *connection).await.map_err(|error| ANSWERS.failed(error))?;
        let Some((seq, lane)) = postponed else { return Ok(()) };
        self.hold_back(connection, seq, lane, at).await
    }
}
