//! The outbox: what must be done after a commit, and is not forgotten.

use std::fmt;

use time::OffsetDateTime;
use uuid::Uuid;

/// One thing to be done: a row that is written in the unit that causes it.
#[derive(Clone, PartialEq)]
#[must_use]
pub struct Outgoing {
    pub(crate) id: Uuid,
    pub(crate) lane: Uuid,
    pub(crate) due_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) body: Vec<u8>,
    pub(crate) lease: Option<Uuid>,
}

impl Outgoing {
    /// A row as it was stored.
    pub fn new(id: Uuid, lane: Uuid, due_at: OffsetDateTime, expires_at: OffsetDateTime, body: Vec<u8>) -> Self {
        Self { id, lane, due_at, expires_at, body, lease: None }
    }

    /// Puts the row under this lease from the beginning: whoever posts it does it at once, and [ends the
    /// lease](super::Storage::done). It is due when nobody has done so.
    pub fn with_lease(mut self, lease: Uuid) -> Self {
        self.lease = Some(lease);
        self
    }

    /// Its id, which stays the same however often it is tried.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Rows of one lane are done one after the other, in the order in which they were posted.
    #[must_use]
    pub fn lane(&self) -> Uuid {
        self.lane
    }

    /// From when on it is to be done.
    #[must_use]
    pub fn due_at(&self) -> OffsetDateTime {
        self.due_at
    }

    /// Until when doing it makes sense.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }

    /// The lease under which it is posted.
    #[must_use]
    pub fn lease(&self) -> Option<Uuid> {
        self.lease
    }

    /// What is to be done, sealed: bytes that only the service reads.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// Without the body: it belongs to a person.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Outgoing");
        out.field("id", &self.id).field("due_at", &self.due_at).finish_non_exhaustive()
    }
}

/// A row that one dispatcher works on, until its lease ends.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Leased {
    pub(crate) row: Outgoing,
    pub(crate) tries: u32,
    pub(crate) lease: Uuid,
}

impl Leased {
    /// A row under this lease, which has been begun so many times before.
    pub fn new(row: Outgoing, tries: u32, lease: Uuid) -> Self {
        Self { row, tries, lease }
    }

    /// The row.
    pub fn row(&self) -> &Outgoing {
        &self.row
    }

    /// How often it was leased before.
    #[must_use]
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// What tells this lease from others of the same row.
    #[must_use]
    pub fn lease(&self) -> Uuid {
        self.lease
    }
}

/// What came of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// It is done with, one way or the other: the row is erased.
    Over,
    /// It is to be tried again from this time on.
    Again(OffsetDateTime),
}
