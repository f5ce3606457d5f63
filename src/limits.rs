//! How often something may happen to an address, whatever the flow: letters sent to it, wrong codes typed for it.
//!
//! A counter is a record named by a MAC of the canonical address, so the storage does not learn the address. It keeps
//! the times of what it counts, and is written in the unit of what it counts: two requests that read the same counter
//! cannot both be counted once.
//!
//! While a secret is being replaced a counter has a name for each of the secrets. It is written under all of them, so that
//! processes that know only one of the secrets see it, and nothing is forgotten when the old one goes.

use time::{Duration, OffsetDateTime};

use crate::host::{HostError, Kind, Record, RecordId, Storage, Version};
use crate::identity::Address;
use crate::seal::{Purpose, Seal, shaped_as_v4};

const HOUR: Duration = Duration::hours(1);

/// How often something may happen to one address, over all flows and clients.
///
/// Beyond it no letter is sent and no code is judged, until enough time has passed; nothing else resets it, but for the
/// right code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct AddressLimits {
    letters: [usize; 2],
    wrong_codes: [usize; 2],
}

impl Default for AddressLimits {
    fn default() -> Self {
        Self { letters: [5, 10], wrong_codes: [10, 100] }
    }
}

impl AddressLimits {
    /// 5 letters an hour and 10 a day, 10 wrong codes an hour and 100 in 30 days.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many letters are sent to an address in an hour and in a day.
    pub fn letters(mut self, in_an_hour: usize, in_a_day: usize) -> Self {
        self.letters = [in_an_hour, in_a_day];
        self
    }

    /// Sets how many wrong codes may be typed for an address in an hour and in 30 days.
    pub fn wrong_codes(mut self, in_an_hour: usize, in_30_days: usize) -> Self {
        self.wrong_codes = [in_an_hour, in_30_days];
        self
    }

    /// How many are allowed within which time, the shorter time first.
    fn caps(&self, what: Counted) -> [(Duration, usize); 2] {
        match what {
            Counted::Letters => [(HOUR, self.letters[0]), (Duration::days(1), self.letters[1])],
            Counted::WrongCodes => [(HOUR, self.wrong_codes[0]), (Duration::days(30), self.wrong_codes[1])],
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Letters sent.
    Letters,
    /// Codes that were wrong.
    WrongCodes,
}

impl Counted {
    const fn word(self) -> &'static [u8] {
        match self {
            Self::Letters => b"letters",
            Self::WrongCodes => b"wrong-codes",
        }
    }
}

/// What happened to one address lately.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    /// By the newest secret first, with the versions that were read.
    names: Vec<(RecordId, Option<Version>)>,
    caps: [(Duration, usize); 2],
    /// Unix times in seconds, the oldest first.
    times: Vec<i64>,
    changed: bool,
}

impl Counter {
    /// The names of the counter of an address, by the newest secret first.
    pub(crate) fn ids(seal: &Seal, what: Counted, address: &Address) -> Vec<RecordId> {
        let parts = [what.word(), address.via().as_str().as_bytes(), address.value().as_bytes()];
        seal.derive(Purpose::Counter, &parts).map(|tag| RecordId::new(shaped_as_v4(&tag))).collect()
    }

    /// Reads a counter.
    pub(crate) async fn load(
        storage: &dyn Storage,
        limits: &AddressLimits,
        what: Counted,
        ids: &[RecordId],
    ) -> Result<Self, HostError> {
        let (mut names, mut times) = (Vec::with_capacity(ids.len()), Vec::new());
        for id in ids {
            let record = storage.get(Kind::Counter, *id).await?;
            let counted = record.as_ref().map(|record| decode(record.body())).unwrap_or_default();
            // Who does not know the newest secret counts under the old name alone: the longest knows all.
            if counted.len() > times.len() {
                times = counted;
            }
            names.push((*id, record.map(|record| record.version())));
        }
        Ok(Self { names, caps: limits.caps(what), times, changed: false })
    }

    pub(crate) fn is(&self, ids: &[RecordId]) -> bool {
        self.names.iter().map(|(id, _)| id).eq(ids)
    }

    /// Whether one more is allowed now.
    pub(crate) fn allows_one_more(&self, now: OffsetDateTime) -> bool {
        let since = |span: Duration| (now - span).unix_timestamp();
        let within = |span: Duration| self.times.iter().filter(|time| **time > since(span)).count();
        self.caps.iter().all(|(span, most)| within(*span) < *most)
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, now: OffsetDateTime) {
        let [_, (longest, most)] = self.caps;
        let oldest = (now - longest).unix_timestamp();
        self.times.retain(|time| *time > oldest);
        self.times.push(now.unix_timestamp());
        let surplus = self.times.len().saturating_sub(most);
        self.times.drain(..surplus);
        self.changed = true;
    }

    /// Writes it as it is: the work of counting, without the count.
    pub(crate) fn touch(&mut self) {
        self.changed = true;
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.changed |= !self.times.is_empty();
        self.times.clear();
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.changed
    }

    /// The records to be written over the versions that were read.
    pub(crate) fn records(&self, now: OffsetDateTime) -> impl Iterator<Item = (Record, Option<Version>)> {
        let [_, (longest, _)] = self.caps;
        let body = encode(&self.times);
        self.names.iter().map(move |(id, version)| {
            let next = version.unwrap_or(0) + 1;
            (Record::new(Kind::Counter, *id, next, now + longest, body.clone()), *version)
        })
    }
}

fn encode(times: &[i64]) -> Vec<u8> {
    times.iter().flat_map(|time| time.to_be_bytes()).collect()
}

fn decode(body: &[u8]) -> Vec<i64> {
    body.as_chunks::<8>().0.iter().map(|bytes| i64::from_be_bytes(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Channel;
    use crate::memory::Memory;
    use crate::seal::Secret;

    async fn counter(what: Counted) -> Counter {
        let seal = Seal::new(vec![Secret::new([1; 32]).unwrap()]).unwrap();
        let ids = Counter::ids(&seal, what, &Address::new(Channel::Email, "ada@example.org"));
        Counter::load(&Memory::new(), &AddressLimits::new(), what, &ids).await.unwrap()
    }

    #[tokio::test]
    async fn an_hour_and_a_day_have_their_own_bounds() {
        let mut letters = counter(Counted::Letters).await;
        let mut now = OffsetDateTime::UNIX_EPOCH + Duration::days(365);
        let mut sent = Vec::new();

        for minute in 0..24 * 60 {
            if letters.allows_one_more(now) {
                letters.add(now);
                sent.push(minute);
            }
            now += Duration::minutes(1);
        }

        assert_eq!(sent, [0, 1, 2, 3, 4, 60, 61, 62, 63, 64]);
    }

    #[tokio::test]
    async fn a_counter_comes_back_as_it_was_stored_and_stays_small() {
        let mut wrong = counter(Counted::WrongCodes).await;
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(365);
        (0..500).for_each(|hours| wrong.add(now + Duration::hours(hours)));

        let (record, was) = wrong.records(now).next().unwrap();

        assert_eq!((was, decode(record.body())), (None, wrong.times.clone()));
        assert_eq!(wrong.times.len(), 100);
    }
}
