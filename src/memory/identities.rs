//! Identities in memory.

use async_trait::async_trait;

use super::unit::transaction;
use super::{Memory, Person};
use crate::host::{CreateError, HostError, Identities, Unit};
use crate::identity::{Address, AddressState, Draft, Identity, IdentityId, Owner, Unique, UniqueKind};

#[async_trait]
impl Identities for Memory {
    async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, HostError> {
        let state = self.lock();
        let found = of.iter().find_map(|value| Some((value, state.people.get(state.unique.get(value)?)?)));
        Ok(found.map(|(value, person)| Owner::of(person.identity.id(), value.clone(), &person.credentials)))
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
