//! What an answer writes beside its flow, in the same unit: letters, what is counted of an address, and how far its proof
//! has come.
//!
//! 1. A letter counts towards the bound of its address. The surplus is dropped: the answer looks the same.
//! 2. A counter that somebody else changed meanwhile makes the unit stale, and the chapter runs again.

use time::OffsetDateTime;

use crate::host::{HostError, Identities, Outgoing, Put, Random, Record, Storage, Unit};
use crate::identity::{Address, AddressState, IdentityId};
use crate::limits::{AddressLimits, Counted, Counter};
use crate::mail::Letter;
use crate::proof::Nonce;
use crate::seal::Seal;

/// What writing a letter needs.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) identities: &'a dyn Identities,
    pub(crate) seal: &'a Seal,
    pub(crate) random: &'a dyn Random,
    pub(crate) limits: &'a AddressLimits,
    pub(crate) now: OffsetDateTime,
}

impl Desk<'_> {
    /// A nonce for a new proof.
    pub(crate) fn nonce(&self) -> Result<Nonce, HostError> {
        let mut nonce = Nonce([0; 16]);
        self.random.fill(&mut nonce.0)?;
        Ok(nonce)
    }
}

impl std::fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

/// Letters and counters, waiting for the unit.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    letters: Vec<Outgoing>,
    counters: Vec<Counter>,
    addresses: Vec<(IdentityId, Address, AddressState)>,
    records: Vec<Record>,
}

impl Effects {
    /// Changes how far the proof of an address has come.
    pub(crate) fn address_changed(&mut self, id: IdentityId, address: Address, to: AddressState) {
        self.addresses.push((id, address, to));
    }

    /// Stores a new record.
    pub(crate) fn also(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Posts a letter. Says whether it will be sent: beyond the bound of its address it is not.
    pub(crate) async fn post(&mut self, desk: Desk<'_>, letter: &Letter) -> Result<bool, HostError> {
        let counter = self.counter(desk, Counted::Letters, &letter.to).await?;
        if !counter.allows_one_more(desk.now) {
            return Ok(false);
        }
        counter.add(desk.now);
        let (mut id, mut nonce) = ([0; 16], [0; 24]);
        desk.random.fill(&mut id)?;
        desk.random.fill(&mut nonce)?;
        let id = uuid::Builder::from_random_bytes(id).into_uuid();
        let body = letter.seal(desk.seal, id, nonce).ok_or_else(|| HostError::other("a letter could not be sealed"))?;
        // Letters to one address arrive in the order in which they were written, also while a secret is being replaced: the
        // oldest is the one that all processes know.
        let lane = Counter::ids(desk.seal, Counted::Letters, &letter.to).pop();
        let lane = lane.map_or(id, |lane| *lane.as_uuid());
        self.letters.push(Outgoing::new(id, lane, desk.now, letter.expires_at, body));
        Ok(true)
    }

    /// The counter of an address, as far as this answer has counted. What is changed is written.
    pub(crate) async fn counter(
        &mut self,
        desk: Desk<'_>,
        what: Counted,
        address: &Address,
    ) -> Result<&mut Counter, HostError> {
        let ids = Counter::ids(desk.seal, what, address);
        let at = match self.counters.iter().position(|known| known.is(&ids)) {
            Some(at) => at,
            None => {
                self.counters.push(Counter::load(desk.storage, desk.limits, what, &ids).await?);
                self.counters.len() - 1
            }
        };
        Ok(&mut self.counters[at])
    }

    /// Whether there is anything to be written.
    pub(crate) fn is_empty(&self) -> bool {
        let rows = self.letters.len() + self.addresses.len() + self.records.len();
        rows == 0 && !self.counters.iter().any(Counter::is_changed)
    }

    /// Whether a letter waits.
    pub(crate) fn has_letters(&self) -> bool {
        !self.letters.is_empty()
    }

    /// Writes everything into the unit.
    pub(crate) async fn write(
        &self,
        unit: &mut dyn Unit,
        identities: &dyn Identities,
        now: OffsetDateTime,
    ) -> Result<Put, HostError> {
        for counter in self.counters.iter().filter(|counter| counter.is_changed()) {
            for (record, was) in counter.records(now) {
                if unit.put(&record, was).await? == Put::Stale {
                    return Ok(Put::Stale);
                }
            }
        }
        for record in &self.records {
            if unit.put(record, None).await? == Put::Stale {
                return Ok(Put::Stale);
            }
        }
        for (id, address, to) in &self.addresses {
            identities.address_changed(unit, *id, address, *to).await?;
        }
        for letter in &self.letters {
            unit.post(letter.clone()).await?;
        }
        Ok(Put::Stored)
    }
}
