//! Parts of a host, behind faults.

use std::any::Any;
use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Call, Fault, Faults, Moment, Point, panic_quietly, told_to_fail};
use crate::caller::Caller;
use crate::host::{
    Courier, CreateError, Delivery, Errand, Hook, HookContext, HostError, Identities, Kind, Leased, Opened, Outgoing,
    Put, Random, Record, RecordId, Rendered, Sessions, Storage, Undelivered, Undone, Unit, Version, Witness,
};
use crate::identity::{Address, AddressState, Draft, Identity, IdentityId, Owner, Session, Unique};
use crate::stop::Stop;

/// A part of the host whose calls are counted, and go wrong as [`Faults`] say.
#[derive(Clone)]
pub struct Faulty<T> {
    part: T,
    faults: Faults,
}

impl<T> Faulty<T> {
    pub(super) fn new(part: T, faults: Faults) -> Self {
        Self { part, faults }
    }
}

impl<T> fmt::Debug for Faulty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("faults", &self.faults).finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Storage> Storage for Faulty<T> {
    async fn get(&self, kind: Kind, id: RecordId) -> Result<Option<Record>, HostError> {
        self.faults.at(Call::Get, || Some(None), self.part.get(kind, id)).await
    }

    async fn put(&self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        self.faults.at(Call::Put, || Some(Put::Stale), self.part.put(record, was)).await
    }

    async fn begin(&self) -> Result<Box<dyn Unit>, HostError> {
        let unit = self.faults.at(Call::Begin, || None, self.part.begin()).await?;
        Ok(Box::new(FaultyUnit { unit, faults: self.faults.clone() }))
    }

    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, most: usize) -> Result<Vec<Leased>, HostError> {
        self.faults.at(Call::Lease, || Some(Vec::new()), self.part.lease(now, until, most)).await
    }

    async fn done(&self, lease: &Leased, how: Delivery) -> Result<(), HostError> {
        self.faults.at(Call::Done, || Some(()), self.part.done(lease, how)).await
    }

    async fn sweep(&self, before: OffsetDateTime, most: usize) -> Result<usize, HostError> {
        self.faults.at(Call::Sweep, || None, self.part.sweep(before, most)).await
    }
}

/// A unit of work whose calls go wrong. The transaction inside is the part's own.
struct FaultyUnit {
    unit: Box<dyn Unit>,
    faults: Faults,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Unit for FaultyUnit {
    async fn put(&mut self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        self.faults.at(Call::UnitPut, || Some(Put::Stale), self.unit.put(record, was)).await
    }

    async fn spend(&mut self, record: &Record, was: Version) -> Result<bool, HostError> {
        self.faults.at(Call::Spend, || Some(false), self.unit.spend(record, was)).await
    }

    async fn post(&mut self, row: Outgoing) -> Result<(), HostError> {
        self.faults.at(Call::Post, || None, self.unit.post(row)).await
    }

    fn transaction(&mut self) -> &mut (dyn Any + Send) {
        self.unit.transaction()
    }

    async fn commit(self: Box<Self>) -> Result<(), HostError> {
        let Self { unit, faults } = *self;
        faults.at(Call::Commit, || None, unit.commit()).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Identities> Identities for Faulty<T> {
    async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, HostError> {
        self.faults.at(Call::Owner, || Some(None), self.part.owner(of)).await
    }

    async fn create(&self, unit: &mut dyn Unit, draft: &Draft) -> Result<Identity, CreateError> {
        self.faults.at(Call::Create, || None, self.part.create(unit, draft)).await
    }

    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>, HostError> {
        self.faults.at(Call::Identity, || Some(None), self.part.identity(id)).await
    }

    async fn address(&self, address: &Address) -> Result<Option<(IdentityId, AddressState)>, HostError> {
        self.faults.at(Call::Address, || Some(None), self.part.address(address)).await
    }

    async fn address_changed(
        &self,
        unit: &mut dyn Unit,
        id: IdentityId,
        address: &Address,
        to: AddressState,
    ) -> Result<(), HostError> {
        self.faults.at(Call::AddressChanged, || None, self.part.address_changed(unit, id, address, to)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Sessions> Sessions for Faulty<T> {
    async fn current(&self, caller: &Caller) -> Result<Option<Session>, HostError> {
        self.faults.at(Call::Current, || Some(None), self.part.current(caller)).await
    }

    async fn open(&self, unit: &mut dyn Unit, who: Witness<'_>) -> Result<Opened, HostError> {
        self.faults.at(Call::Open, || None, self.part.open(unit, who)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Hook> Hook for Faulty<T> {
    fn name(&self) -> &str {
        self.part.name()
    }

    async fn before_open(&self, cx: &HookContext<'_>) -> Result<(), Stop> {
        self.faults.at(Call::BeforeOpen, || None, self.part.before_open(cx)).await
    }

    async fn before_create(&self, cx: &HookContext<'_>, draft: &mut Draft) -> Result<(), Stop> {
        self.faults.at(Call::BeforeCreate, || None, self.part.before_create(cx, draft)).await
    }

    async fn in_commit(&self, cx: &HookContext<'_>, unit: &mut dyn Unit, identity: &Identity) -> Result<(), Stop> {
        self.faults.at(Call::InCommit, || None, self.part.in_commit(cx, unit, identity)).await
    }

    async fn errands(&self, cx: &HookContext<'_>, identity: Option<&Identity>) -> Result<Vec<Errand>, Stop> {
        self.faults.at(Call::Errands, || None, self.part.errands(cx, identity)).await
    }

    async fn perform(&self, errand: &Errand) -> Result<(), Undone> {
        let perform = async { self.part.perform(errand).await.map_err(Failed::Part) };
        self.faults.at(Call::Perform, || None, perform).await.map_err(|failed| match failed {
            Failed::Part(undone) => undone,
            Failed::Test(error) => Undone::new(error.into()),
        })
    }

    async fn after_commit(&self, cx: &HookContext<'_>, identity: &Identity) -> Result<(), Stop> {
        self.faults.at(Call::AfterCommit, || None, self.part.after_commit(cx, identity)).await
    }
}

/// A letter that fails is tried again.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Courier> Courier for Faulty<T> {
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered> {
        let deliver = async { self.part.deliver(letter).await.map_err(Failed::Part) };
        self.faults.at(Call::Deliver, || None, deliver).await.map_err(|failed| match failed {
            Failed::Part(undelivered) => undelivered,
            Failed::Test(error) => Undelivered::new(error),
        })
    }
}

/// Why something was not delivered, or not done.
enum Failed<E> {
    Part(E),
    Test(HostError),
}

impl<E> From<HostError> for Failed<E> {
    fn from(error: HostError) -> Self {
        Self::Test(error)
    }
}

/// Nothing waits here: randomness can only fail, before anything was drawn or after.
#[deny(clippy::missing_trait_methods)]
impl<T: Random> Random for Faulty<T> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostError> {
        let (number, fault) = self.faults.meet(Call::Fill);
        self.faults.tell(Point { call: Call::Fill, moment: Moment::Before, number });
        match fault {
            Some(Fault::Before(kind)) => return Err(told_to_fail(kind)),
            Some(Fault::PanicBefore) => panic_quietly(),
            _ => {}
        }
        self.part.fill(bytes)?;
        self.faults.tell(Point { call: Call::Fill, moment: Moment::After, number });
        match fault {
            Some(Fault::After(kind)) => Err(told_to_fail(kind)),
            Some(Fault::PanicAfter) => panic_quietly(),
            _ => Ok(()),
        }
    }
}
