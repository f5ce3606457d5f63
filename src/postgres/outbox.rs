//! The outbox: one statement takes rows and marks them, another ends a lease.
//!
//! Of each lane only the first row can be taken. While it cannot, the rest of the lane is held back with it, so that
//! taking looks at few rows however many wait. Only whoever holds the lock of a lane's first row changes the others.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{ANSWERS, PostgresStorage, cut};
use crate::host::{Delivery, HostError, Leased, Outgoing};

type Taken = (Uuid, Uuid, OffsetDateTime, OffsetDateTime, i64, Uuid, Vec<u8>);

/// Takers and enders wait for each other's rows and go on, whatever level the host has chosen for its own transactions.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

impl PostgresStorage {
    pub(super) async fn take_rows(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        most: usize,
    ) -> Result<Vec<Leased>, HostError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut transaction = self.transaction(BEGIN).await?;
        let query = sqlx::query_as::<_, Taken>(self.own().lease.clone()).persistent(self.named);
        let query = query.bind(cut(now)).bind(cut(until)).bind(most);
        let taken = async { query.fetch_all(&mut *transaction).await.map_err(|error| ANSWERS.failed(error)) };
        let mut taken = self.waits(taken).await?;
        self.commit(transaction).await?;
        taken.sort_by_key(|(_, _, due_at, ..)| *due_at);
        let leased = taken.into_iter().map(|(id, lane, due_at, expires_at, tries, lease, body)| {
            let row = Outgoing::new(id, lane, due_at, expires_at, body);
            Leased::new(row, u32::try_from(tries).unwrap_or(u32::MAX), lease)
        });
        Ok(leased.collect())
    }

    pub(super) async fn end_lease(&self, lease: &Leased, how: Delivery) -> Result<(), HostError> {
        let own = self.own();
        let sql = if how == Delivery::Over { &own.erase } else { &own.postpone };
        let query = sqlx::query(sql.clone()).persistent(self.named).bind(lease.row().id()).bind(lease.lease());
        let query = match how {
            Delivery::Over => query,
            Delivery::Again(at) => query.bind(cut(at)),
        };
        let mut transaction = self.transaction(BEGIN).await?;
        let ended = async { query.execute(&mut *transaction).await.map_err(|error| ANSWERS.failed(error)) };
        self.waits(ended).await?;
        self.commit(transaction).await
    }
}
