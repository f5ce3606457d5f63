//! What a service calls its host for.

use std::fmt;

/// A call of the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Call {
    /// A record is read.
    Get,
    /// A record is written, outside of a unit.
    Put,
    /// A unit of work is begun.
    Begin,
    /// A record is written in a unit.
    UnitPut,
    /// A record is used up in a unit.
    Spend,
    /// A letter is posted in a unit.
    Post,
    /// A unit is committed.
    Commit,
    /// Rows of the outbox are leased.
    Lease,
    /// A lease is ended.
    Done,
    /// Expired records are removed.
    Sweep,
    /// The owner of a unique value is asked for.
    Owner,
    /// An identity is created in a unit.
    Create,
    /// An identity is read.
    Identity,
    /// The owner of an address is asked for.
    Address,
    /// The state of an address is changed in a unit.
    AddressChanged,
    /// The session of a caller is asked for.
    Current,
    /// A session is opened in a unit.
    Open,
    /// A hook is asked before a flow is begun.
    BeforeOpen,
    /// A hook is asked before an identity is created.
    BeforeCreate,
    /// A hook writes the host's own rows in a unit.
    InCommit,
    /// A hook says what it has to do after the commit.
    Errands,
    /// A hook does an errand.
    Perform,
    /// A hook hears of a commit.
    AfterCommit,
    /// A letter is handed to a courier.
    Deliver,
    /// Random bytes are drawn. They cannot hang.
    Fill,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::Get,
        Self::Put,
        Self::Begin,
        Self::UnitPut,
        Self::Spend,
        Self::Post,
        Self::Commit,
        Self::Lease,
        Self::Done,
        Self::Sweep,
        Self::Owner,
        Self::Create,
        Self::Identity,
        Self::Address,
        Self::AddressChanged,
        Self::Current,
        Self::Open,
        Self::BeforeOpen,
        Self::BeforeCreate,
        Self::InCommit,
        Self::Errands,
        Self::Perform,
        Self::AfterCommit,
        Self::Deliver,
        Self::Fill,
    ];

    /// Its name, such as `unit.put`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Begin => "begin",
            Self::UnitPut => "unit.put",
            Self::Spend => "spend",
            Self::Post => "post",
            Self::Commit => "commit",
            Self::Lease => "lease",
            Self::Done => "done",
            Self::Sweep => "sweep",
            Self::Owner => "owner",
            Self::Create => "create",
            Self::Identity => "identity",
            Self::Address => "address",
            Self::AddressChanged => "address_changed",
            Self::Current => "current",
            Self::Open => "open",
            Self::BeforeOpen => "before_open",
            Self::BeforeCreate => "before_create",
            Self::InCommit => "in_commit",
            Self::Errands => "errands",
            Self::Perform => "perform",
            Self::AfterCommit => "after_commit",
            Self::Deliver => "deliver",
            Self::Fill => "fill",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
