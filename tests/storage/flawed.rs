//! A memory with one flaw, to show that the contract notices it.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};
use tower_registration::host::{
    Delivery, HostError, Kind, Leased, Outgoing, Put, Record, RecordId, Storage, Unit, Version,
};
use tower_registration::memory::Memory;
use uuid::Uuid;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    RoundsUp,
    Overwrites,
    ComparesThenWrites,
    SweepsTheLiving,
    WritesAtOnce,
    PostsAtOnce,
    CommitsWhenRefused,
    ForgetsItself,
    SpendsAnyVersion,
    SpendsAtTheEnd,
    CommitsInSteps,
    SwallowsAfterDrop,
    LeasesLate,
    LeasesTooMany,
    LeasesHoldNothing,
    LeasesForEver,
    EveryLeaseEnds,
    ForgetsWhoPosted,
    NoLanes,
}

#[derive(Clone)]
pub(crate) struct Flawed {
    memory: Memory,
    flaw: Flaw,
    stuck: Arc<AtomicBool>,
    lanes: Arc<Mutex<HashMap<Uuid, Uuid>>>,
    leases: Arc<Mutex<HashMap<Uuid, Leased>>>,
}

impl Flawed {
    pub(crate) fn new(memory: Memory, flaw: Flaw) -> Self {
        Self { memory, flaw, stuck: Arc::default(), lanes: Arc::default(), leases: Arc::default() }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    async fn version(&self, record: &Record) -> Option<Version> {
        let found = self.memory.get(record.kind(), record.id()).await.unwrap();
        found.map(|found| found.version())
    }
}

/// The record with another expiry.
fn until(record: &Record, expires_at: OffsetDateTime) -> Record {
    let (kind, id, version, body) = (record.kind(), record.id(), record.version(), record.body().to_vec());
    Record::new(kind, id, version, expires_at, body).with_spent(record.spent())
}

#[async_trait]
impl Storage for Flawed {
    async fn get(&self, kind: Kind, id: RecordId) -> Result<Option<Record>, HostError> {
        let found = self.memory.get(kind, id).await?;
        let up = |record: Record| until(&record, record.expires_at() + Duration::MICROSECOND);
        Ok(if self.has(Flaw::RoundsUp) { found.map(up) } else { found })
    }

    async fn put(&self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        match self.flaw {
            Flaw::Overwrites => self.memory.put(record, self.version(record).await).await,
            Flaw::ComparesThenWrites => {
                if self.version(record).await != was {
                    return Ok(Put::Stale);
                }
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                self.memory.put(record, self.version(record).await).await
            }
            Flaw::SwallowsAfterDrop => {
                if self.stuck.swap(true, Ordering::SeqCst) {
                    return Ok(Put::Stored);
                }
                tokio::task::yield_now().await;
                self.stuck.store(false, Ordering::SeqCst);
                self.memory.put(record, was).await
            }
            _ => self.memory.put(record, was).await,
        }
    }

    async fn begin(&self) -> Result<Box<dyn Unit>, HostError> {
        let inner = Some(self.memory.begin().await?);
        Ok(Box::new(FlawedUnit { own: self.clone(), inner, late: Vec::new(), puts: Vec::new() }))
    }

    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, most: usize) -> Result<Vec<Leased>, HostError> {
        let leased = match self.flaw {
            Flaw::LeasesLate => self.memory.lease(now - Duration::MICROSECOND, until, most).await?,
            Flaw::LeasesTooMany => self.memory.lease(now, until, most + 1).await?,
            Flaw::LeasesHoldNothing => self.memory.lease(now, now, most).await?,
            Flaw::LeasesForEver => self.memory.lease(now, now + Duration::weeks(520), most).await?,
            _ => self.memory.lease(now, until, most).await?,
        };
        let mut leases = self.leases.lock().unwrap();
        leased.iter().for_each(|leased| drop(leases.insert(leased.row().id(), leased.clone())));
        let lanes = self.lanes.lock().unwrap();
        let back = |leased: Leased| {
            let (row, tries, lease) = (leased.row(), leased.tries(), leased.lease());
            let lane = *lanes.get(&row.id()).unwrap_or(&row.lane());
            let row = Outgoing::new(row.id(), lane, row.due_at(), row.expires_at(), row.body().to_vec());
            Leased::new(row, tries, lease)
        };
        Ok(leased.into_iter().map(back).collect())
    }

    async fn done(&self, lease: &Leased, how: Delivery) -> Result<(), HostError> {
        let latest = self.leases.lock().unwrap().get(&lease.row().id()).cloned();
        let latest = latest.filter(|_| self.has(Flaw::EveryLeaseEnds) || self.has(Flaw::NoLanes));
        let same = latest.filter(|latest| self.has(Flaw::EveryLeaseEnds) || latest.lease() == lease.lease());
        self.memory.done(same.as_ref().unwrap_or(lease), how).await
    }

    async fn sweep(&self, before: OffsetDateTime, most: usize) -> Result<usize, HostError> {
        let later = if self.has(Flaw::SweepsTheLiving) { Duration::SECOND } else { Duration::ZERO };
        self.memory.sweep(before + later, most).await
    }
}

struct FlawedUnit {
    own: Flawed,
    inner: Option<Box<dyn Unit>>,
    /// What is spent at the end.
    late: Vec<Record>,
    /// What was written so far.
    puts: Vec<Record>,
}

impl FlawedUnit {
    fn inner(&mut self) -> &mut dyn Unit {
        self.inner.as_mut().unwrap().as_mut()
    }

    /// Commits what there is, and goes on with a new unit.
    async fn commit_early(&mut self) {
        let next = self.own.memory.begin().await.unwrap();
        self.inner.replace(next).unwrap().commit().await.unwrap();
    }
}

#[async_trait]
impl Unit for FlawedUnit {
    async fn put(&mut self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        let flaw = self.own.flaw;
        if flaw == Flaw::WritesAtOnce {
            return self.own.memory.put(record, was).await;
        }
        let known = self.puts.iter().any(|put| (put.kind(), put.id()) == (record.kind(), record.id()));
        if flaw == Flaw::ForgetsItself && known {
            return Ok(Put::Stored);
        }
        let put = self.inner().put(record, was).await?;
        if put == Put::Stale && flaw == Flaw::CommitsWhenRefused {
            self.commit_early().await;
        }
        self.puts.push(record.clone());
        Ok(put)
    }

    async fn spend(&mut self, record: &Record, was: Version) -> Result<bool, HostError> {
        let found = self.own.memory.get(record.kind(), record.id()).await?;
        match (self.own.flaw, found) {
            (Flaw::SpendsAnyVersion, Some(found)) => self.inner().spend(record, found.version()).await,
            (Flaw::SpendsAtTheEnd, Some(found)) => {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                let free = found.version() == was && found.spent().is_none();
                self.late.extend(free.then(|| record.clone()));
                Ok(free)
            }
            _ => self.inner().spend(record, was).await,
        }
    }

    async fn post(&mut self, row: Outgoing) -> Result<(), HostError> {
        let mut row = row;
        if self.own.has(Flaw::ForgetsWhoPosted) {
            row = Outgoing::new(row.id(), row.lane(), row.due_at(), row.expires_at(), row.body().to_vec());
        }
        if self.own.has(Flaw::NoLanes) {
            self.own.lanes.lock().unwrap().insert(row.id(), row.lane());
            row = Outgoing::new(row.id(), row.id(), row.due_at(), row.expires_at(), row.body().to_vec());
        }
        if self.own.has(Flaw::PostsAtOnce) {
            let mut unit = self.own.memory.begin().await?;
            unit.post(row).await?;
            return unit.commit().await;
        }
        self.inner().post(row).await
    }

    fn transaction(&mut self) -> &mut (dyn Any + Send) {
        self.inner().transaction()
    }

    async fn commit(mut self: Box<Self>) -> Result<(), HostError> {
        let memory = &self.own.memory;
        for record in &self.late {
            let now = self.own.version(record).await;
            let (id, body, version) = (record.id(), record.body().to_vec(), now.unwrap_or_default() + 1);
            let spent = Record::new(record.kind(), id, version, record.expires_at(), body).with_spent(record.spent());
            let _ = memory.put(&spent, now).await?;
        }
        if self.own.has(Flaw::CommitsInSteps) {
            for record in &self.puts {
                let _ = memory.put(record, None).await?;
            }
            tokio::task::yield_now().await;
            return Ok(());
        }
        self.inner.take().unwrap().commit().await
    }
}
