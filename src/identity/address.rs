//! Where letters reach a person.

use time::OffsetDateTime;
use uuid::Uuid;

/// How a letter travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Channel {
    /// As an e-mail.
    Email,
    /// As a text message.
    Sms,
}

impl Channel {
    /// The word in schemas and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// The channel with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "email" => Some(Self::Email),
            "sms" => Some(Self::Sms),
            _ => None,
        }
    }
}

/// A channel and the canonical form of what it needs: an e-mail address or a phone number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    via: Channel,
    value: String,
}

impl Address {
    /// The address with this canonical value.
    #[must_use]
    pub fn new(via: Channel, value: impl Into<String>) -> Self {
        Self { via, value: value.into() }
    }

    /// How a letter to it travels.
    #[must_use]
    pub fn via(&self) -> Channel {
        self.via
    }

    /// The canonical value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Without the value: an address belongs to a person, not into a log.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({}, [redacted])", self.via.as_str())
    }
}

/// How far the proof of an address has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressState {
    /// Nothing was sent yet.
    Pending,
    /// A code or link is on its way.
    Sent,
    /// The person proved it at this time.
    Verified(OffsetDateTime),
}

impl AddressState {
    /// The word used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Verified(_) => "completed",
        }
    }
}

/// An address that the person can prove to be theirs.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct VerifiableAddress {
    pub(crate) id: Uuid,
    pub(crate) address: Address,
    pub(crate) state: AddressState,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

impl VerifiableAddress {
    /// An address as it was stored at this time.
    pub fn new(id: Uuid, address: Address, state: AddressState, created_at: OffsetDateTime) -> Self {
        Self { id, address, state, created_at, updated_at: created_at }
    }

    /// Sets when the address was changed last.
    pub fn with_updated_at(mut self, at: OffsetDateTime) -> Self {
        self.updated_at = at;
        self
    }

    /// The id of the row.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How far its proof has come.
    #[must_use]
    pub fn state(&self) -> AddressState {
        self.state
    }

    /// When the row was made.
    #[must_use]
    pub fn created_at(&self) -> OffsetDateTime {
        self.created_at
    }
}

/// An address through which the account can be recovered.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct RecoveryAddress {
    pub(crate) id: Uuid,
    pub(crate) address: Address,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

impl RecoveryAddress {
    /// An address as it was stored at this time.
    pub fn new(id: Uuid, address: Address, created_at: OffsetDateTime) -> Self {
        Self { id, address, created_at, updated_at: created_at }
    }

    /// Sets when the address was changed last.
    pub fn with_updated_at(mut self, at: OffsetDateTime) -> Self {
        self.updated_at = at;
        self
    }

    /// The id of the row.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// When the row was made.
    #[must_use]
    pub fn created_at(&self) -> OffsetDateTime {
        self.created_at
    }
}
