//! Who somebody is: the identity, what names it, what proves it, where letters reach it.

mod address;
mod draft;
mod session;
mod traits;
mod unique;

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

pub use address::{Address, AddressState, Channel, RecoveryAddress, VerifiableAddress};
pub use draft::{Credential, Draft};
pub use session::{Aal, AuthenticationMethod, Device, Session};
pub use traits::{Identifier, Traits};
pub use unique::{Owner, Unique, UniqueKind};

/// The word of a method: on the wire, in the flow's memory and in the credential.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MethodId(Cow<'static, str>);

impl MethodId {
    /// The id with this word.
    #[must_use]
    pub const fn new(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    /// The id with a word that was stored.
    #[must_use]
    pub const fn stored(word: String) -> Self {
        Self(Cow::Owned(word))
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MethodId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of an identity: a UUID of version 4 in shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityId(Uuid);

impl IdentityId {
    /// The identity with this UUID.
    #[must_use]
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether an identity may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum IdentityState {
    /// It may.
    #[default]
    Active,
    /// The account was disabled.
    Inactive,
}

impl IdentityState {
    /// The word used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

/// A person as the host keeps them, without credentials.
///
/// [`Draft::identity`] makes one from the draft that was stored; a host that keeps other facts fills them in with the
/// setters.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Identity {
    pub(crate) id: IdentityId,
    pub(crate) external_id: Option<String>,
    pub(crate) schema_id: String,
    pub(crate) state: IdentityState,
    pub(crate) state_changed_at: OffsetDateTime,
    pub(crate) traits: Value,
    pub(crate) verifiable: Vec<VerifiableAddress>,
    pub(crate) recovery: Vec<RecoveryAddress>,
    pub(crate) metadata_public: Option<Value>,
    pub(crate) organization: Option<Uuid>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

impl Identity {
    /// An active identity without addresses, made at this time.
    pub fn new(id: IdentityId, schema_id: impl Into<String>, traits: Value, created_at: OffsetDateTime) -> Self {
        Self {
            id,
            external_id: None,
            schema_id: schema_id.into(),
            state: IdentityState::Active,
            state_changed_at: created_at,
            traits,
            verifiable: Vec::new(),
            recovery: Vec::new(),
            metadata_public: None,
            organization: None,
            created_at,
            updated_at: created_at,
        }
    }

    /// Sets the id that another system knows the person by.
    pub fn with_external_id(mut self, id: Option<String>) -> Self {
        self.external_id = id;
        self
    }

    /// Sets whether the identity may sign in, and since when that holds.
    pub fn with_state(mut self, state: IdentityState, changed_at: OffsetDateTime) -> Self {
        (self.state, self.state_changed_at) = (state, changed_at);
        self
    }

    /// Sets the addresses that can be verified.
    pub fn with_verifiable_addresses(mut self, addresses: Vec<VerifiableAddress>) -> Self {
        self.verifiable = addresses;
        self
    }

    /// Changes how far the proof of an address has come; an address that the identity does not have is left out.
    pub fn set_address_state(&mut self, address: &Address, to: AddressState) {
        self.verifiable.iter_mut().filter(|row| row.address == *address).for_each(|row| row.state = to);
    }

    /// Sets the addresses that can recover the account.
    pub fn with_recovery_addresses(mut self, addresses: Vec<RecoveryAddress>) -> Self {
        self.recovery = addresses;
        self
    }

    /// Sets what the host wants the person's clients to see.
    pub fn with_metadata_public(mut self, metadata: Option<Value>) -> Self {
        self.metadata_public = metadata;
        self
    }

    /// Sets the organization.
    pub fn with_organization(mut self, organization: Option<Uuid>) -> Self {
        self.organization = organization;
        self
    }

    /// Sets when the identity was changed last.
    pub fn with_updated_at(mut self, at: OffsetDateTime) -> Self {
        self.updated_at = at;
        self
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> IdentityId {
        self.id
    }

    /// The schema that the traits follow.
    #[must_use]
    pub fn schema_id(&self) -> &str {
        &self.schema_id
    }

    /// What the person told about themselves.
    #[must_use]
    pub fn traits(&self) -> &Value {
        &self.traits
    }

    /// Whether the identity may sign in.
    #[must_use]
    pub fn state(&self) -> IdentityState {
        self.state
    }

    /// The addresses that can be verified, in the order of the schema.
    pub fn verifiable_addresses(&self) -> &[VerifiableAddress] {
        &self.verifiable
    }

    /// The addresses that can recover the account, in the order of the schema.
    pub fn recovery_addresses(&self) -> &[RecoveryAddress] {
        &self.recovery
    }
}
