//! The host's users.

use std::sync::Arc;

use async_trait::async_trait;

use super::{HostError, Unit};
use crate::identity::{Address, AddressState, Draft, Identity, IdentityId, Owner, Unique};
use crate::stop::Stop;

/// Knows who owns what, and creates identities inside an open unit of work.
///
/// A host whose users live in the same database as its [`Storage`](super::Storage) writes them through
/// [`Unit::transaction`], so that the identity and the flow it came from are one commit. A host whose users live
/// elsewhere recognises a repeated `create` by [`Draft::id`].
#[async_trait]
pub trait Identities: Send + Sync + 'static {
    /// The identity that owns one of these values: the first in their order that has an owner.
    ///
    /// Asked before a password is hashed, to word the refusal and save the work; the unique index in
    /// [`create`](Identities::create) has the last word.
    ///
    /// # Errors
    ///
    /// [`HostError`] when it cannot be said.
    async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, HostError>;

    /// Creates the identity with its credentials and addresses, when the unit is committed.
    ///
    /// [`Draft::id`] is the identity's id. All of [`Draft::unique`] must then belong to it: let a unique index decide.
    ///
    /// # Errors
    ///
    /// [`CreateError::Taken`] when one of the unique values belongs to somebody else, [`CreateError::Host`] when
    /// nothing can be created. The service drops the unit then: what was written into it so far does no harm.
    async fn create(&self, unit: &mut dyn Unit, draft: &Draft) -> Result<Identity, CreateError>;

    /// Reads an identity.
    ///
    /// # Errors
    ///
    /// [`HostError`] when it cannot be read.
    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>, HostError>;

    /// Whose address this is, and how far its proof has come.
    ///
    /// # Errors
    ///
    /// [`HostError`] when it cannot be said.
    async fn address(&self, address: &Address) -> Result<Option<(IdentityId, AddressState)>, HostError>;

    /// Changes how far the proof of an address has come, when the unit is committed. An identity that does not have the
    /// address any more stays as it is.
    ///
    /// # Errors
    ///
    /// [`HostError`] when nothing of the unit can be committed any more.
    async fn address_changed(
        &self,
        unit: &mut dyn Unit,
        id: IdentityId,
        address: &Address,
        to: AddressState,
    ) -> Result<(), HostError>;
}

/// Why an identity was not created.
#[derive(Debug)]
#[non_exhaustive]
pub enum CreateError {
    /// A unique value belongs to somebody else; the person is told so.
    Taken,
    /// The host refuses this person, with messages for the form, or fails with an answer of its own.
    Stop(Stop),
    /// The host's storage failed.
    Host(HostError),
}

impl From<HostError> for CreateError {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<Stop> for CreateError {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<I: Identities + ?Sized> Identities for Arc<I> {
    async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, HostError> {
        (**self).owner(of).await
    }

    async fn create(&self, unit: &mut dyn Unit, draft: &Draft) -> Result<Identity, CreateError> {
        (**self).create(unit, draft).await
    }

    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>, HostError> {
        (**self).identity(id).await
    }

    async fn address(&self, address: &Address) -> Result<Option<(IdentityId, AddressState)>, HostError> {
        (**self).address(address).await
    }

    async fn address_changed(
        &self,
        unit: &mut dyn Unit,
        id: IdentityId,
        address: &Address,
        to: AddressState,
    ) -> Result<(), HostError> {
        (**self).address_changed(unit, id, address, to).await
    }
}
