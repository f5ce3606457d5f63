//! What a hook may change of a draft beside the traits.

use serde_json::Value;

use super::Draft;
use crate::identity::{Address, AddressState, IdentityState};

impl Draft {
    /// Sets the schema that the traits follow. One that the service does not have is refused before anything is stored.
    pub fn set_schema_id(&mut self, id: impl Into<String>) {
        self.schema_id = id.into();
    }

    /// The id that another system knows the person by.
    #[must_use]
    pub fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }

    /// Sets the id that another system knows the person by; it must be unique.
    pub fn set_external_id(&mut self, id: Option<String>) {
        self.external_id = id;
    }

    /// Whether the identity may sign in.
    #[must_use]
    pub fn state(&self) -> IdentityState {
        self.state
    }

    /// Sets whether the identity may sign in. An inactive one is stored, and the person is told so.
    pub fn set_state(&mut self, state: IdentityState) {
        self.state = state;
    }

    /// What the person's clients may see.
    #[must_use]
    pub fn metadata_public(&self) -> Option<&Value> {
        self.metadata_public.as_ref()
    }

    /// Sets what the person's clients may see.
    pub fn set_metadata_public(&mut self, metadata: Option<Value>) {
        self.metadata_public = metadata;
    }

    /// What only the host may see.
    #[must_use]
    pub fn metadata_admin(&self) -> Option<&Value> {
        self.metadata_admin.as_ref()
    }

    /// Sets what only the host may see.
    pub fn set_metadata_admin(&mut self, metadata: Option<Value>) {
        self.metadata_admin = metadata;
    }

    /// Sets how far the proof of each address has come, in place of what this registration proved. One that the traits do
    /// not give in the end is left out; no letter is sent to one that is verified.
    pub fn set_address_states(&mut self, states: impl IntoIterator<Item = (Address, AddressState)>) {
        (self.proved, self.sent) = (Vec::new(), Vec::new());
        for (address, state) in states {
            match state {
                AddressState::Verified(at) => self.proved.push((address, Some(at))),
                AddressState::Sent => self.sent.push(address),
                AddressState::Pending => {}
            }
        }
    }
}
