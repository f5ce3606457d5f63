//! Users and sessions in memory that are sloppy in one way, to show that the contract notices it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};
use tower_registration::Caller;
use tower_registration::host::{CreateError, HostError, Identities, Opened, Sessions, Storage, Unit, Witness};
use tower_registration::identity::{
    Address, AddressState, Draft, Identity, IdentityId, Owner, Session, Unique, UniqueKind,
};
use tower_registration::memory::{Memory, transaction};
use uuid::Uuid;

/// In which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sloppiness {
    LosesMetadata,
    CreatesAtOnce,
    KnowsNoKinds,
    ClaimsOneByOne,
    LooksThenInserts,
    FoldsCase,
    ProvesAtOnce,
}

#[derive(Clone)]
pub(crate) struct Users {
    memory: Memory,
    how: Sloppiness,
    /// Owners beside those that the memory knows.
    taken: Arc<Mutex<HashMap<Unique, IdentityId>>>,
}

impl Users {
    pub(crate) fn new(memory: Memory, how: Sloppiness) -> Self {
        Self { memory, how, taken: Arc::default() }
    }

    /// The value as these users compare it.
    fn folded(&self, value: &Unique) -> Unique {
        match self.how {
            Sloppiness::FoldsCase => Unique::new(value.kind(), value.value().to_lowercase()),
            Sloppiness::KnowsNoKinds => Unique::new(UniqueKind::Identifier, value.value()),
            _ => value.clone(),
        }
    }

    fn taken_by(&self, value: &Unique) -> Option<IdentityId> {
        self.taken.lock().unwrap().get(&self.folded(value)).copied()
    }
}

#[async_trait]
impl Identities for Users {
    async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, HostError> {
        let own = of.iter().find_map(|value| Some(Owner::new(self.taken_by(value)?, value.clone())));
        Ok(own.or(self.memory.owner(of).await?))
    }

    async fn create(&self, unit: &mut dyn Unit, draft: &Draft) -> Result<Identity, CreateError> {
        let folded: Vec<Unique> = draft.unique().iter().map(|value| self.folded(value)).collect();
        match self.how {
            Sloppiness::CreatesAtOnce => {
                let mut own = self.memory.begin().await?;
                let identity = self.memory.create(own.as_mut(), draft).await?;
                own.commit().await?;
                return Ok(identity);
            }
            Sloppiness::LooksThenInserts => {
                if folded.iter().any(|value| self.taken_by(value).is_some()) {
                    return Err(CreateError::Taken);
                }
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                let (taken, id) = (Arc::clone(&self.taken), draft.id());
                let insert = move || taken.lock().unwrap().extend(folded.into_iter().map(|value| (value, id)));
                transaction(unit).unwrap().when_committed(insert);
                return Ok(draft.identity());
            }
            Sloppiness::FoldsCase | Sloppiness::KnowsNoKinds => {
                if !transaction(unit).unwrap().claim(&folded, draft.id()) {
                    return Err(CreateError::Taken);
                }
                let (taken, id) = (Arc::clone(&self.taken), draft.id());
                let insert = move || taken.lock().unwrap().extend(folded.into_iter().map(|value| (value, id)));
                transaction(unit).unwrap().when_committed(insert);
            }
            Sloppiness::ClaimsOneByOne => {
                for value in draft.unique() {
                    if self.memory.owner(std::slice::from_ref(&value)).await?.is_some() {
                        return Err(CreateError::Taken);
                    }
                    if self.taken.lock().unwrap().insert(value, draft.id()).is_some() {
                        return Err(CreateError::Taken);
                    }
                }
            }
            _ => {}
        }
        self.memory.create(unit, draft).await
    }

    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>, HostError> {
        let found = self.memory.identity(id).await?;
        let loses = self.how == Sloppiness::LosesMetadata;
        Ok(found.map(|found| if loses { found.with_metadata_public(None) } else { found }))
    }

    async fn address(&self, address: &Address) -> Result<Option<(IdentityId, AddressState)>, HostError> {
        self.memory.address(address).await
    }

    async fn address_changed(
        &self,
        unit: &mut dyn Unit,
        id: IdentityId,
        address: &Address,
        to: AddressState,
    ) -> Result<(), HostError> {
        if self.how == Sloppiness::ProvesAtOnce {
            let mut own = self.memory.begin().await?;
            self.memory.address_changed(own.as_mut(), id, address, to).await?;
            return own.commit().await;
        }
        self.memory.address_changed(unit, id, address, to).await
    }
}

/// Sessions by their token.
#[derive(Clone)]
pub(crate) struct Tokens {
    open: Arc<Mutex<HashMap<String, Session>>>,
    at_once: bool,
}

impl Tokens {
    pub(crate) fn sound() -> Self {
        Self { open: Arc::default(), at_once: false }
    }

    pub(crate) fn that_open_at_once() -> Self {
        Self { open: Arc::default(), at_once: true }
    }
}

#[async_trait]
impl Sessions for Tokens {
    async fn current(&self, caller: &Caller) -> Result<Option<Session>, HostError> {
        let open = self.open.lock().unwrap();
        Ok(caller.session_token().and_then(|token| open.get(token)).cloned())
    }

    async fn open(&self, unit: &mut dyn Unit, who: Witness<'_>) -> Result<Opened, HostError> {
        let (token, now) = (Uuid::new_v4().to_string(), OffsetDateTime::now_utc());
        let session = Session::new(Uuid::new_v4(), who.identity().id(), now, now + Duration::HOUR);
        let (open, kept) = (Arc::clone(&self.open), (token.clone(), session.clone()));
        let insert = move || drop(open.lock().unwrap().insert(kept.0, kept.1));
        if self.at_once {
            insert();
        } else {
            transaction(unit).unwrap().when_committed(insert);
        }
        Ok(Opened::new(session, token.into()))
    }
}
