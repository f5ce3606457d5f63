//! Identities in memory.

use async_trait::async_trait;

use super::unit::transaction;
use super::{Memory, Person};
use crate::host::{CreateError, HostError, Identities, Unit};
use crate::identity::{Address, AddressState, Credential, Draft, Identity, IdentityId, Owner, Unique, UniqueKind};

/// Credentials whose one identifier tells a person which account is meant.
const TELLING: [&str; 3] = ["password", "webauthn", "passkey"];

#[async_trait]
impl Identities for Memory {
    async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, HostError> {
        let state = self.lock();
        let found = of.iter().find_map(|value| Some((value, state.people.get(state.unique.get(value)?)?)));
        Ok(found.map(|(value, person)| person.owns(value)))
    }

    async fn create(&self, unit: &mut dyn Unit, draft: &Draft) -> Result<Identity, CreateError> {
        let transaction = transaction(unit).ok_or_else(|| HostError::other("the unit is not the memory's"))?;
        if !transaction.claim(&draft.unique(), draft.id()) {
            return Err(CreateError::Taken);
        }
        let identity = draft.identity();
        transaction.people.push(Person { identity: identity.clone(), credentials: draft.credentials().to_vec() });
        Ok(identity)
    }

    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>, HostError> {
        Ok(self.lock().people.get(&id).map(|person| person.identity.clone()))
    }

    async fn address(&self, address: &Address) -> Result<Option<(IdentityId, AddressState)>, HostError> {
        let state = self.lock();
        let id = state.unique.get(&Unique::new(UniqueKind::Verifiable(address.via()), address.value()));
        let row = id.and_then(|id| state.people.get(id)).and_then(|person| {
            let row = person.identity.verifiable.iter().find(|row| row.address() == address)?;
            Some((person.identity.id(), row.state()))
        });
        Ok(row)
    }

    async fn address_changed(
        &self,
        unit: &mut dyn Unit,
        id: IdentityId,
        address: &Address,
        to: AddressState,
    ) -> Result<(), HostError> {
        let transaction = transaction(unit).ok_or_else(|| HostError::other("the unit is not the memory's"))?;
        transaction.addresses.push((id, address.clone(), to));
        Ok(())
    }
}

impl Person {
    fn owns(&self, value: &Unique) -> Owner {
        let usable = self.credentials.iter().filter(|credential| credential.is_usable());
        let mut telling = self.credentials.iter().filter(|credential| TELLING.contains(&credential.kind().as_str()));
        let identifier = telling.find_map(|credential| match credential.identifiers() {
            [only] => Some(only.clone()),
            _ => None,
        });
        Owner::new(self.identity.id(), value.clone())
            .with_credentials(usable.map(|credential| credential.kind().clone()).collect())
            .with_providers(self.credentials.iter().flat_map(Credential::providers).collect())
            .with_identifier(identifier)
    }
}
