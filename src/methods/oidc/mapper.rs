//! From what a provider says to what an identity is.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::claims::Claims;
use crate::identity::{Address, Channel};
use crate::schema::canonical_address;
use crate::stop::Stop;

/// Makes traits of claims. Only what it names gets in: a claim by itself sets nothing.
///
/// A closure from [`Claims`] to [`Mapped`] is one.
#[async_trait]
pub trait Mapper: Send + Sync + 'static {
    /// What the identity is to be. Traits that are missing or wrong are asked for on the form.
    ///
    /// # Errors
    ///
    /// [`Stop::Refuse`] with what the person must know, [`Stop::Fail`] when the mapper does not work.
    async fn map(&self, claims: &Claims) -> Result<Mapped, Stop>;
}

#[async_trait]
impl<F: Fn(&Claims) -> Mapped + Send + Sync + 'static> Mapper for F {
    async fn map(&self, claims: &Claims) -> Result<Mapped, Stop> {
        Ok(self(claims))
    }
}

/// What a mapper makes of claims.
#[derive(Clone)]
#[must_use]
pub struct Mapped {
    pub(super) traits: Value,
    pub(super) verified: Vec<Address>,
    pub(super) metadata_public: Option<Value>,
    pub(super) metadata_admin: Option<Value>,
}

impl Mapped {
    /// These traits; members that are null are left out.
    pub fn new(traits: Value) -> Self {
        let mut traits = traits;
        without_nulls(&mut traits);
        Self { traits, verified: Vec::new(), metadata_public: None, metadata_admin: None }
    }

    /// Takes the provider's word for it that an address belongs to the person. It counts if it is the address that the
    /// identity gets in the end; no letter is sent to it then.
    pub fn verified(mut self, via: Channel, value: &str) -> Self {
        self.verified.push(canonical_address(via, value));
        self
    }

    /// Sets what the person's clients may see beside the traits.
    pub fn metadata_public(mut self, metadata: Value) -> Self {
        self.metadata_public = Some(metadata);
        self
    }

    /// Sets what only the host may see.
    pub fn metadata_admin(mut self, metadata: Value) -> Self {
        self.metadata_admin = Some(metadata);
        self
    }
}

/// Without values: they belong to a person.
impl std::fmt::Debug for Mapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapped").field("verified", &self.verified).finish_non_exhaustive()
    }
}

fn without_nulls(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(without_nulls);
    }
}

/// The mapper of a provider that was given none: the trait `email`, and nothing else. The provider's word that the
/// address is the person's counts only for the listed domains, of which there are none at first: whoever runs a
/// provider can let it say anything about addresses elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct EmailMapper {
    pub(super) trusted: Vec<String>,
}

#[async_trait]
impl Mapper for EmailMapper {
    async fn map(&self, claims: &Claims) -> Result<Mapped, Stop> {
        let Some(email) = claims.text("email") else { return Ok(Mapped::new(json!({}))) };
        let mapped = Mapped::new(json!({ "email": email }));
        let domain = email.rsplit_once('@').map(|(_, domain)| domain);
        let trusted = domain.is_some_and(|domain| self.trusted.iter().any(|own| own.eq_ignore_ascii_case(domain)));
        Ok(match trusted && claims.flag("email_verified") {
            true => mapped.verified(Channel::Email, email),
            false => mapped,
        })
    }
}

/// The mapped traits with what the person typed before they left: the person's word counts, but for what is empty.
pub(super) fn overlaid(mapped: Value, typed: &Value) -> Value {
    match (mapped, typed) {
        (Value::Object(mut members), Value::Object(own)) => {
            for (name, value) in own {
                let under = members.remove(name).unwrap_or_else(|| match value {
                    Value::Object(_) => Value::Object(Map::new()),
                    _ => Value::Null,
                });
                members.insert(name.clone(), overlaid(under, value));
            }
            members.retain(|_, value| !value.is_null());
            Value::Object(members)
        }
        (under, own) if is_empty(own) => under,
        (_, own) => own.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_counts_unless_it_is_empty() {
        let mapped = json!({ "email": "a@b", "name": { "first": "Ada", "last": "L" }, "tags": [1, 2], "x": 1 });
        let typed = json!({ "email": "", "name": { "first": "Eve" }, "tags": [3], "new": { "y": null, "z": 2 } });

        let merged = overlaid(mapped, &typed);

        assert_eq!(
            merged,
            json!({ "email": "a@b", "name": { "first": "Eve", "last": "L" }, "tags": [3], "x": 1, "new": { "z": 2 } })
        );
    }
}
