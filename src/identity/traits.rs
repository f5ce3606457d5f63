//! What a person told about themselves, checked, and what the schema says about it.

use serde_json::Value;

use super::{Address, Channel, MethodId};

/// Traits that follow their schema, with what the schema marks in them.
///
/// Made by [`Context::traits`](crate::methods::Context::traits).
#[derive(Clone, Debug, PartialEq)]
pub struct Traits {
    pub(crate) value: Value,
    pub(crate) identifiers: Vec<Identifier>,
    pub(crate) verifiable: Vec<Address>,
    pub(crate) recovery: Vec<Address>,
    pub(crate) display_name: Option<String>,
}

impl Traits {
    /// The traits as JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// What names the person, for each kind of credential, in the order of the schema.
    #[must_use]
    pub fn identifiers(&self) -> &[Identifier] {
        &self.identifiers
    }

    /// The identifiers that the schema gives to one kind of credential.
    pub fn identifiers_of(&self, credential: &MethodId) -> impl Iterator<Item = &str> + use<'_> {
        let credential = credential.clone();
        self.identifiers.iter().filter(move |known| known.credential == credential).map(Identifier::value)
    }

    /// The addresses that name the person for one kind of credential, sorted.
    pub(crate) fn addresses_of(&self, credential: &MethodId) -> Vec<Address> {
        let own = self.identifiers.iter().filter(|known| known.credential == *credential);
        let mut addresses: Vec<Address> =
            own.filter_map(|known| Some(Address::new(known.via?, &known.value))).collect();
        addresses.sort_by(|a, b| (a.value(), a.via()).cmp(&(b.value(), b.via())));
        addresses.dedup();
        addresses
    }

    /// The name that a passkey shows, where the schema marks one.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }
}

/// A trait that names the person for one kind of credential, in canonical form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identifier {
    pub(crate) credential: MethodId,
    pub(crate) value: String,
    pub(crate) via: Option<Channel>,
}

impl Identifier {
    /// The kind of credential.
    #[must_use]
    pub fn credential(&self) -> &MethodId {
        &self.credential
    }

    /// The canonical value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// How codes reach it, where the credential is a code.
    #[must_use]
    pub fn via(&self) -> Option<Channel> {
        self.via
    }
}
