//! A person as rows: what columns hold, and what is made of them.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::key;
use crate::host::HostError;
use crate::identity::{
    Address, AddressState, Channel, Draft, Identity, IdentityId, IdentityState, RecoveryAddress, Unique, UniqueKind,
    VerifiableAddress,
};

/// A value as the text of its JSON.
pub(crate) fn json(value: &Value) -> String {
    value.to_string()
}

/// The value of a column with JSON.
pub(crate) fn parsed(text: &str) -> Result<Value, HostError> {
    serde_json::from_str(text).map_err(HostError::other)
}

/// The row of an identity.
#[derive(Debug)]
pub(crate) struct PersonRow {
    pub(crate) id: Uuid,
    pub(crate) schema_id: String,
    pub(crate) state: String,
    pub(crate) state_changed_at: OffsetDateTime,
    pub(crate) external_id: Option<String>,
    pub(crate) organization: Option<Uuid>,
    pub(crate) traits: String,
    pub(crate) metadata_public: Option<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

impl PersonRow {
    /// The identity of this row, with its addresses in their order.
    pub(crate) fn identity(self, addresses: Vec<AddressRow>) -> Result<Identity, HostError> {
        let state = match self.state.as_str() {
            "active" => IdentityState::Active,
            "inactive" => IdentityState::Inactive,
            _ => return Err(HostError::other("an identity has an unknown state")),
        };
        let (mut verifiable, mut recovery) = (Vec::new(), Vec::new());
        for row in addresses {
            match row.list {
                List::Verifiable => verifiable.push(row.verifiable()?),
                List::Recovery => recovery.push(row.recovery()),
            }
        }
        let metadata = self.metadata_public.as_deref().map(parsed).transpose()?;
        let identity = Identity::new(IdentityId::new(self.id), self.schema_id, parsed(&self.traits)?, self.created_at);
        Ok(identity
            .with_external_id(self.external_id)
            .with_state(state, self.state_changed_at)
            .with_verifiable_addresses(verifiable)
            .with_recovery_addresses(recovery)
            .with_metadata_public(metadata)
            .with_organization(self.organization)
            .with_updated_at(self.updated_at))
    }
}

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    /// It can be verified.
    Verifiable,
    /// It can recover the account.
    Recovery,
}

impl List {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Verifiable => "verifiable",
            Self::Recovery => "recovery",
        }
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, HostError> {
        match word {
            "verifiable" => Ok(Self::Verifiable),
            "recovery" => Ok(Self::Recovery),
            _ => Err(HostError::other("an address is in an unknown list")),
        }
    }

    /// The unique value that an address in this list is.
    pub(crate) fn unique(self, address: &Address) -> Unique {
        let kind = match self {
            Self::Verifiable => UniqueKind::Verifiable(address.via()),
            Self::Recovery => UniqueKind::Recovery(address.via()),
        };
        Unique::new(kind, address.value())
    }
}

/// The row of an address.
#[derive(Debug)]
pub(crate) struct AddressRow {
    pub(crate) id: Uuid,
    pub(crate) list: List,
    pub(crate) address: Address,
    pub(crate) state: String,
    pub(crate) verified_at: Option<OffsetDateTime>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

impl AddressRow {
    /// The rows of everybody who is created, list by list in the order of the schema.
    pub(crate) fn of(draft: &Draft) -> Vec<Self> {
        let verifiable = draft.verifiable_addresses().into_iter().map(|own| {
            let (state, verified_at) = Self::columns(own.state);
            let (list, address) = (List::Verifiable, own.address);
            Self {
                id: own.id,
                list,
                address,
                state,
                verified_at,
                created_at: own.created_at,
                updated_at: own.updated_at,
            }
        });
        let recovery = draft.recovery_addresses().into_iter().map(|own| {
            let (state, verified_at) = Self::columns(AddressState::Pending);
            let (list, address) = (List::Recovery, own.address);
            Self {
                id: own.id,
                list,
                address,
                state,
                verified_at,
                created_at: own.created_at,
                updated_at: own.updated_at,
            }
        });
        verifiable.chain(recovery).collect()
    }

    /// The address of a row.
    pub(crate) fn address(via: &str, value: String) -> Result<Address, HostError> {
        let via = Channel::from_word(via).ok_or_else(|| HostError::other("an address has an unknown channel"))?;
        Ok(Address::new(via, value))
    }

    /// The columns of a state.
    pub(crate) fn columns(state: AddressState) -> (String, Option<OffsetDateTime>) {
        let verified_at = match state {
            AddressState::Verified(at) => Some(at),
            AddressState::Pending | AddressState::Sent => None,
        };
        (state.as_str().to_owned(), verified_at)
    }

    /// The state of a row.
    pub(crate) fn state(word: &str, verified_at: Option<OffsetDateTime>) -> Result<AddressState, HostError> {
        let pending = AddressState::Pending;
        match (word, verified_at) {
            (word, None) if word == pending.as_str() => Ok(pending),
            (word, None) if word == AddressState::Sent.as_str() => Ok(AddressState::Sent),
            (_, Some(at)) => Ok(AddressState::Verified(at)),
            _ => Err(HostError::other("an address has an unknown state")),
        }
    }

    /// What the row is found by, and what stands in the unique index.
    pub(crate) fn key(&self) -> Vec<u8> {
        key(&self.list.unique(&self.address)).to_vec()
    }

    fn verifiable(self) -> Result<VerifiableAddress, HostError> {
        let state = Self::state(&self.state, self.verified_at)?;
        let row = VerifiableAddress::new(self.id, self.address, state, self.created_at);
        Ok(row.with_updated_at(self.updated_at))
    }

    fn recovery(self) -> RecoveryAddress {
        RecoveryAddress::new(self.id, self.address, self.created_at).with_updated_at(self.updated_at)
    }
}
