//! The host's storage and identities, watched: what every committed unit held, what every record was last written as.
//! On demand calls let others go first, hang, or fail.

use std::any::Any;
use std::collections::HashMap;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tower_registration::host::{
    CreateError, Delivery, HostError, HostErrorKind, Identities, Kind, Leased, Outgoing, Put, Record, RecordId,
    Storage, Unit, Version,
};
use tower_registration::identity::{Address, AddressState, Draft, Identity, IdentityId, Owner, Unique};

use crate::command::Crash;
use crate::dice::Dice;
use crate::rows::Place;

/// How calls go.
#[derive(Debug, Default)]
pub(crate) enum Weather {
    /// At once.
    #[default]
    Calm,
    /// Every call lets others go first, before and after its effect.
    Slow,
    /// As slow, until the request is dropped.
    Crash(Crash),
    /// As slow; each call fails or hangs with this probability, in thousandths.
    Faults { dice: Dice, of_thousand: u64 },
}

/// What a unit held when it was committed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    pub(crate) created: Vec<IdentityId>,
    pub(crate) spent: Vec<Record>,
    pub(crate) put: Vec<Record>,
    pub(crate) posted: Vec<Outgoing>,
}

#[derive(Default)]
struct Seen {
    weather: Weather,
    units: Vec<Held>,
    /// Records that were written outside a unit.
    alone: Vec<Record>,
    last: HashMap<(Kind, RecordId), Record>,
    writes: usize,
    calls: usize,
    faults: usize,
}

struct Inner {
    place: Mutex<Place>,
    seen: Mutex<Seen>,
    hung: Notify,
}

/// Clones watch the same.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Inner>);

/// What is to happen around a call.
enum Fate {
    Goes,
    Fails(HostErrorKind),
    FailsAfter(HostErrorKind),
    Hangs,
    HangsAfter,
}

impl Watch {
    pub(crate) fn new(place: Place) -> Self {
        Self(Arc::new(Inner { place: Mutex::new(place), seen: Mutex::default(), hung: Notify::new() }))
    }

    /// Forgets everything and watches this place.
    pub(crate) fn reset(&self, place: Place) {
        *self.0.place.lock().unwrap() = place;
        *self.seen() = Seen::default();
    }

    pub(crate) fn place(&self) -> Place {
        self.0.place.lock().unwrap().clone()
    }

    /// From now on calls go like this, and are counted anew unless it becomes calm.
    pub(crate) fn weather(&self, weather: Weather) {
        let mut seen = self.seen();
        if !matches!(weather, Weather::Calm) {
            (seen.writes, seen.faults) = (0, 0);
        }
        seen.weather = weather;
    }

    /// One request was answered: what a client looks at next is not disturbed.
    pub(crate) fn calm(&self) {
        let mut seen = self.seen();
        if !matches!(seen.weather, Weather::Slow) {
            seen.weather = Weather::Calm;
        }
    }

    /// The units and single records that were written since this was asked before.
    pub(crate) fn take(&self) -> (Vec<Held>, Vec<Record>) {
        let mut seen = self.seen();
        (std::mem::take(&mut seen.units), std::mem::take(&mut seen.alone))
    }

    /// Every record as it was written last.
    pub(crate) fn last(&self) -> Vec<Record> {
        self.seen().last.values().cloned().collect()
    }

    /// Steps that calls have made so far.
    pub(crate) fn calls(&self) -> usize {
        self.seen().calls
    }

    /// How many calls failed or hung.
    pub(crate) fn faults(&self) -> usize {
        self.seen().faults
    }

    /// Completes when a call hangs.
    pub(crate) async fn hung(&self) {
        self.0.hung.notified().await;
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap()
    }

    async fn hang<T>(&self) -> T {
        self.0.hung.notify_one();
        pending().await
    }

    /// Lets others go first, where calls are slow; drops the request where it is due.
    async fn pause(&self) {
        let due = {
            let mut seen = self.seen();
            seen.calls += 1;
            let writes = seen.writes;
            match &mut seen.weather {
                Weather::Calm => return,
                Weather::Crash(crash) if writes >= crash.writes => match crash.awaits.checked_sub(1) {
                    None => true,
                    Some(rest) => {
                        crash.awaits = rest;
                        false
                    }
                },
                _ => false,
            }
        };
        match due {
            true => self.hang().await,
            false => YieldOnce(false).await,
        }
    }

    fn fate(&self, writes: bool, commits: bool) -> Fate {
        let mut seen = self.seen();
        let done = seen.writes;
        let fate = match &mut seen.weather {
            Weather::Crash(crash) if writes && done >= crash.writes => Fate::Hangs,
            Weather::Faults { dice, of_thousand } => match dice.below(1_000) < *of_thousand {
                true => some_fault(dice, writes, commits),
                false => Fate::Goes,
            },
            _ => Fate::Goes,
        };
        seen.faults += usize::from(!matches!(fate, Fate::Goes) && matches!(seen.weather, Weather::Faults { .. }));
        fate
    }

    /// A call. What took effect is noted, whatever is told.
    async fn call<T, E: From<HostError>>(
        &self,
        [writes, commits]: [bool; 2],
        effect: impl Future<Output = Result<T, E>>,
        note: impl FnOnce(&T, &mut Seen) -> bool,
    ) -> Result<T, E> {
        self.pause().await;
        let fate = self.fate(writes, commits);
        match fate {
            Fate::Fails(kind) => return Err(broken(kind).into()),
            Fate::Hangs => return self.hang().await,
            Fate::Goes | Fate::FailsAfter(_) | Fate::HangsAfter => {}
        }
        let done = effect.await?;
        {
            let mut seen = self.seen();
            let wrote = note(&done, &mut seen);
            seen.writes += usize::from(wrote);
        }
        match fate {
            Fate::FailsAfter(kind) => return Err(broken(kind).into()),
            Fate::HangsAfter => return self.hang().await,
            _ => {}
        }
        self.pause().await;
        Ok(done)
    }
}

/// One of the faults that a call of this kind may meet.
fn some_fault(dice: &mut Dice, writes: bool, commits: bool) -> Fate {
    use HostErrorKind::{CommitUnknown, Conflict, Other, Unavailable};
    match (dice.below(8), commits) {
        (0, _) => Fate::Hangs,
        (1, _) => Fate::HangsAfter,
        (2, true) => Fate::Fails(Conflict),
        (3 | 4, true) => Fate::FailsAfter(CommitUnknown),
        (5, true) => Fate::Fails(CommitUnknown),
        (2 | 3, _) => Fate::Fails(Other),
        (4 | 5, false) if writes => Fate::FailsAfter(CommitUnknown),
        _ => Fate::Fails(Unavailable),
    }
}

const READS: [bool; 2] = [false; 2];

fn broken(kind: HostErrorKind) -> HostError {
    HostError::new(kind, "the host was told to fail")
}

impl Seen {
    fn wrote(&mut self, record: &Record) {
        self.last.insert((record.kind(), record.id()), record.clone());
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for Watch {
    async fn get(&self, kind: Kind, id: RecordId) -> Result<Option<Record>, HostError> {
        let place = self.place();
        self.call(READS, place.storage.get(kind, id), |_, _| false).await
    }

    async fn put(&self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        let place = self.place();
        let note = |put: &Put, seen: &mut Seen| {
            if *put == Put::Stored {
                seen.wrote(record);
                seen.alone.push(record.clone());
            }
            *put == Put::Stored
        };
        self.call([true, false], place.storage.put(record, was), note).await
    }

    async fn begin(&self) -> Result<Box<dyn Unit>, HostError> {
        let place = self.place();
        let unit = self.call(READS, place.storage.begin(), |_, _| false).await?;
        Ok(Box::new(WatchedUnit { unit, held: Held::default(), watch: self.clone() }))
    }

    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, most: usize) -> Result<Vec<Leased>, HostError> {
        let place = self.place();
        self.call(READS, place.storage.lease(now, until, most), |_, _| false).await
    }

    async fn done(&self, lease: &Leased, how: Delivery) -> Result<(), HostError> {
        let place = self.place();
        self.call(READS, place.storage.done(lease, how), |(), _| false).await
    }

    async fn sweep(&self, before: OffsetDateTime, most: usize) -> Result<usize, HostError> {
        let place = self.place();
        self.call(READS, place.storage.sweep(before, most), |_, _| false).await
    }
}

struct WatchedUnit {
    unit: Box<dyn Unit>,
    held: Held,
    watch: Watch,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Unit for WatchedUnit {
    async fn put(&mut self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        let put = self.watch.call(READS, self.unit.put(record, was), |_, _| false).await?;
        if put == Put::Stored {
            self.held.put.push(record.clone());
        }
        Ok(put)
    }

    async fn spend(&mut self, record: &Record, was: Version) -> Result<bool, HostError> {
        let spent = self.watch.call(READS, self.unit.spend(record, was), |_, _| false).await?;
        if spent {
            self.held.spent.push(record.clone());
        }
        Ok(spent)
    }

    async fn post(&mut self, row: Outgoing) -> Result<(), HostError> {
        self.watch.call(READS, self.unit.post(row.clone()), |(), _| false).await?;
        self.held.posted.push(row);
        Ok(())
    }

    fn transaction(&mut self) -> &mut (dyn Any + Send) {
        // The host's identities look for their own type in it.
        self
    }

    async fn commit(self: Box<Self>) -> Result<(), HostError> {
        let Self { unit, held, watch } = *self;
        let note = |(): &(), seen: &mut Seen| {
            held.put.iter().chain(&held.spent).for_each(|record| seen.wrote(record));
            seen.units.push(held.clone());
            true
        };
        watch.call([true, true], unit.commit(), note).await
    }
}

/// The unit inside, where the identities created in it are noted.
fn inside(unit: &mut dyn Unit) -> &mut WatchedUnit {
    unit.transaction().downcast_mut().expect("every unit is watched")
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Identities for Watch {
    async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, HostError> {
        let place = self.place();
        self.call(READS, place.identities.owner(of), |_, _| false).await
    }

    async fn create(&self, unit: &mut dyn Unit, draft: &Draft) -> Result<Identity, CreateError> {
        let place = self.place();
        let unit = inside(unit);
        let made = self.call(READS, place.identities.create(unit.unit.as_mut(), draft), |_, _| false).await?;
        unit.held.created.push(made.id());
        Ok(made)
    }

    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>, HostError> {
        let place = self.place();
        self.call(READS, place.identities.identity(id), |_, _| false).await
    }

    async fn address(&self, address: &Address) -> Result<Option<(IdentityId, AddressState)>, HostError> {
        let place = self.place();
        self.call(READS, place.identities.address(address), |_, _| false).await
    }

    async fn address_changed(
        &self,
        unit: &mut dyn Unit,
        id: IdentityId,
        address: &Address,
        to: AddressState,
    ) -> Result<(), HostError> {
        let place = self.place();
        let unit = inside(unit).unit.as_mut();
        self.call(READS, place.identities.address_changed(unit, id, address, to), |(), _| false).await
    }
}

/// Lets others go first once.
struct YieldOnce(bool);

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
