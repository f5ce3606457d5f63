//! Where flows and everything else with an expiry live.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Delivery, HostError, Leased, Outgoing};
use crate::identity::IdentityId;
use crate::seal::{sha256, shaped_as_v4};

/// Keeps records, and begins units of work.
///
/// There is one kind of thing, a [`Record`]; the host sees its key, its expiry and whose it became, never what is
/// inside. The service deletes nothing: expired records are [swept](Storage::sweep).
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Reads a record, expired or not.
    ///
    /// # Errors
    ///
    /// [`HostError`] when the storage cannot answer.
    async fn get(&self, kind: Kind, id: RecordId) -> Result<Option<Record>, HostError>;

    /// Writes a record if its stored version is `was`; without one, if there is none yet. Comparing and writing is one
    /// step: of two writers with the same `was` one gets [`Put::Stale`].
    ///
    /// # Errors
    ///
    /// [`HostError`] when nothing was written, or of kind
    /// [`CommitUnknown`](super::HostErrorKind::CommitUnknown) when that cannot be said.
    async fn put(&self, record: &Record, was: Option<Version>) -> Result<Put, HostError>;

    /// Begins a unit of work.
    ///
    /// # Errors
    ///
    /// [`HostError`] when there is none to be had.
    async fn begin(&self) -> Result<Box<dyn Unit>, HostError>;

    /// Takes at most `most` rows of the outbox that are due at `now` and under nobody's lease, the oldest first, and
    /// puts them under a lease until this time. Taking and marking is one step: no row is leased twice at the same
    /// time. A row whose lease has ended is taken again. Of each [lane](Outgoing::lane) only the first row is taken,
    /// whatever has become of it.
    ///
    /// # Errors
    ///
    /// [`HostError`] when the storage cannot answer.
    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, most: usize) -> Result<Vec<Leased>, HostError>;

    /// Ends a lease: the row is erased, or due again. Does nothing when the row is under another lease by now, or gone.
    ///
    /// # Errors
    ///
    /// [`HostError`] when the storage cannot answer; the lease then ends by itself.
    async fn done(&self, lease: &Leased, how: Delivery) -> Result<(), HostError>;

    /// Removes at most `most` records that expired before this time and says how many it removed.
    ///
    /// # Errors
    ///
    /// [`HostError`] when the storage cannot answer; removing some of them then is no harm.
    async fn sweep(&self, before: OffsetDateTime, most: usize) -> Result<usize, HostError>;
}

/// One unit of work: all of it is committed, or none. Dropping it rolls back.
#[async_trait]
pub trait Unit: Send {
    /// Writes a record as [`Storage::put`] does, when the unit is committed.
    ///
    /// # Errors
    ///
    /// [`HostError`] when nothing of the unit can be committed any more.
    async fn put(&mut self, record: &Record, was: Option<Version>) -> Result<Put, HostError>;

    /// Writes a record as used up, when the unit is committed: [`Record::spent`] says by whom. It is written if the stored
    /// version is `was` and nobody used it up before; says whether it was. A record is used up once, whatever happens
    /// at the same time.
    ///
    /// # Errors
    ///
    /// [`HostError`] when nothing of the unit can be committed any more.
    async fn spend(&mut self, record: &Record, was: Version) -> Result<bool, HostError>;

    /// Writes a row of the outbox, when the unit is committed. One that comes with a [lease](Outgoing::lease) is under it
    /// from then on: nobody else takes the row until it is due, and the lease can be ended as any other.
    ///
    /// # Errors
    ///
    /// [`HostError`] when nothing of the unit can be committed any more.
    async fn post(&mut self, row: Outgoing) -> Result<(), HostError>;

    /// The open transaction, for the host's own rows: whoever knows its type downcasts it.
    fn transaction(&mut self) -> &mut (dyn Any + Send);

    /// Makes everything in the unit happen.
    ///
    /// # Errors
    ///
    /// [`HostErrorKind::Conflict`](super::HostErrorKind::Conflict) when somebody else was faster and nothing
    /// happened, [`HostErrorKind::CommitUnknown`](super::HostErrorKind::CommitUnknown) when it cannot be said whether
    /// it happened.
    async fn commit(self: Box<Self>) -> Result<(), HostError>;
}

/// What a record is. Records of different kinds may share an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A registration flow.
    Flow,
    /// A flow that proves an address.
    Verification,
    /// How often something happened to an address lately.
    Counter,
    /// An error that a browser is shown on a page of its own.
    Error,
    /// A pair of codes that a native client exchanges for a session.
    Exchange,
    /// A session of the ready-made [`sessions`](crate::sessions).
    Session,
    /// An ID token that was used: it is not taken a second time.
    Token,
}

impl Kind {
    /// A stable word, for a column.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Verification => "verification",
            Self::Counter => "counter",
            Self::Error => "error",
            Self::Exchange => "exchange",
            Self::Session => "session",
            Self::Token => "token",
        }
    }
}

/// The id of a record, 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(Uuid);

impl RecordId {
    /// The record with this UUID.
    #[must_use]
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The record that is found by a secret: the id is made from its SHA-256, so that the storage never holds the
    /// secret itself.
    #[must_use]
    pub fn of_secret(secret: &str) -> Self {
        Self(shaped_as_v4(&sha256(secret.as_bytes())))
    }

    /// The UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

/// Counts the writes of a record, from 1.
pub type Version = i64;

/// One thing with an expiry.
#[derive(Clone, PartialEq)]
#[must_use]
pub struct Record {
    pub(crate) kind: Kind,
    pub(crate) id: RecordId,
    pub(crate) version: Version,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) spent: Option<IdentityId>,
    pub(crate) body: Vec<u8>,
}

impl Record {
    /// A record as it was stored.
    pub fn new(kind: Kind, id: RecordId, version: Version, expires_at: OffsetDateTime, body: Vec<u8>) -> Self {
        Self { kind, id, version, expires_at, spent: None, body }
    }

    /// Sets who used the record up.
    pub fn with_spent(mut self, by: Option<IdentityId>) -> Self {
        self.spent = by;
        self
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// Its version: the one to be stored.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// When it can no longer be used.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }

    /// Who used it up.
    #[must_use]
    pub fn spent(&self) -> Option<IdentityId> {
        self.spent
    }

    /// What is inside: bytes that only the service reads.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// Without the body: it belongs to a person.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Record");
        out.field("kind", &self.kind).field("id", &self.id).field("version", &self.version);
        out.field("expires_at", &self.expires_at).field("spent", &self.spent).finish_non_exhaustive()
    }
}

/// Whether a record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Put {
    /// It was.
    Stored,
    /// It was not: the stored version is another one.
    Stale,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Storage + ?Sized> Storage for Arc<S> {
    async fn get(&self, kind: Kind, id: RecordId) -> Result<Option<Record>, HostError> {
        (**self).get(kind, id).await
    }

    async fn put(&self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        (**self).put(record, was).await
    }

    async fn begin(&self) -> Result<Box<dyn Unit>, HostError> {
        (**self).begin().await
    }

    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, most: usize) -> Result<Vec<Leased>, HostError> {
        (**self).lease(now, until, most).await
    }

    async fn done(&self, lease: &Leased, how: Delivery) -> Result<(), HostError> {
        (**self).done(lease, how).await
    }

    async fn sweep(&self, before: OffsetDateTime, most: usize) -> Result<usize, HostError> {
        (**self).sweep(before, most).await
    }
}
