//! Duties about single records.

use time::{Duration, OffsetDateTime, UtcOffset};

use super::samples::{at_once, flow, in_an_hour, lost, new_id, now, somebody};
use super::{Duty, Fault, Part, Subjects, ensure, fresh};
use crate::host::{HostError, Kind, Put, Record, Storage};

pub(super) const DUTIES: &[Duty] = &[
    Duty {
        name: "a record comes back as it was written",
        because: "a changed byte is a broken flow, and a changed time a flow that ends too early or too late",
        part: Part::Storage,
        run: |subjects| Box::pin(comes_back(subjects)),
    },
    Duty {
        name: "a record is written only over the version it was read at",
        because: "otherwise the second of two requests undoes what the first has written",
        part: Part::Storage,
        run: |subjects| Box::pin(compares(subjects)),
    },
    Duty {
        name: "of many that write over one version one does",
        because: "comparing and writing in two steps lets two requests use one try, one code, one flow",
        part: Part::Storage,
        run: |subjects| Box::pin(one_writes(subjects)),
    },
    Duty {
        name: "what expired before a time is swept, and nothing else",
        because: "a store that is not swept grows for ever, and one that sweeps too much ends flows that people fill in",
        part: Part::Storage,
        run: |subjects| Box::pin(sweeps(subjects)),
    },
    Duty {
        name: "two registrations do not see each other",
        because: "two services, or two tests, in one database would use up each other's flows",
        part: Part::Storage,
        run: |subjects| Box::pin(apart(subjects)),
    },
];

const KINDS: [Kind; 7] =
    [Kind::Flow, Kind::Verification, Kind::Counter, Kind::Error, Kind::Exchange, Kind::Session, Kind::Token];

async fn written(storage: &dyn Storage, record: &Record) -> Result<(), Fault> {
    let put = storage.put(record, None).await?;
    ensure(put == Put::Stored, || "a record that is not there yet counts as changed".to_owned())
}

async fn comes_back(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let (storage, id) = (subject.storage.as_ref(), new_id());
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let offset = UtcOffset::from_hms(5, 30, 0).unwrap_or(UtcOffset::UTC);
    // The instant counts, not the clock on the wall; an expiry that is over is kept until it is swept.
    let times = [
        now(),
        now().to_offset(offset) + Duration::microseconds(1),
        OffsetDateTime::UNIX_EPOCH - Duration::microseconds(1),
        OffsetDateTime::UNIX_EPOCH + Duration::weeks(52 * 200) + Duration::microseconds(999_999),
    ];
    let bodies = [Vec::new(), every_byte.repeat(4 * 1024), "naïve ☃ 日本 \0 𝒳".into(), every_byte.clone()];
    let mut records = Vec::new();
    for (at, kind) in KINDS.into_iter().enumerate() {
        let version = i64::try_from(at).unwrap_or_default() + 1;
        // One id for all kinds: they do not meet.
        let record = Record::new(kind, id, version, times[at % times.len()], bodies[at % bodies.len()].clone());
        let record = record.with_spent((at % 2 == 1).then(somebody));
        written(storage, &record).await?;
        records.push(record);
    }
    for record in records {
        let found = subject.beside().get(record.kind(), id).await?;
        let found = found.ok_or_else(|| Fault(format!("{:?} is not there", record.kind())))?;
        ensure(found.body() == record.body(), || format!("the body of {:?} is another one", record.kind()))?;
        ensure(found == record, || format!("wrote {record:?}, read {found:?}"))?;
    }
    // What is below a microsecond may be cut off, but nothing is rounded up into the future.
    let late = Record::new(Kind::Error, new_id(), 1, now() + Duration::nanoseconds(999), Vec::new());
    written(storage, &late).await?;
    let read = storage.get(Kind::Error, late.id()).await?.map(|record| late.expires_at() - record.expires_at());
    let cut = read.is_some_and(|cut| !cut.is_negative() && cut < Duration::MICROSECOND);
    ensure(cut, || format!("an expiry came back changed by {read:?}"))?;
    let nothing = storage.get(Kind::Flow, new_id()).await?;
    ensure(nothing.is_none(), || "a record is found that nobody wrote".to_owned())
}

async fn compares(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let (storage, beside, id) = (subject.storage.as_ref(), subject.beside(), new_id());
    let steps = [
        (flow(id, 2, b"over nothing"), Some(1), Put::Stale),
        (flow(id, 1, b"first"), None, Put::Stored),
        (flow(id, 1, b"first again"), None, Put::Stale),
        (flow(id, 2, b"second"), Some(1), Put::Stored),
        (flow(id, 2, b"second again"), Some(1), Put::Stale),
        (flow(id, 9, b"too new"), Some(8), Put::Stale),
        (flow(id, 3, b"third").with_spent(Some(somebody())), Some(2), Put::Stored),
    ];
    let mut stored = None;
    for (record, was, expected) in steps {
        let put = storage.put(&record, was).await?;
        let said = || format!("over version {was:?}: {put:?} in place of {expected:?}");
        ensure(put == expected, said)?;
        stored = if put == Put::Stored { Some(record) } else { stored };
        let read = beside.get(Kind::Flow, id).await?;
        ensure(read == stored, || format!("a write that was answered {put:?} left {read:?}"))?;
    }
    Ok(())
}

async fn one_writes(subjects: &dyn Subjects) -> Result<(), Fault> {
    const RACERS: usize = 8;
    let subject = fresh(subjects).await?;
    let id = new_id();
    for round in 0..12_i64 {
        let was = (round > 0).then_some(round);
        let outcomes = at_once(RACERS, |racer| {
            let way = subject.way(racer);
            async move { way.put(&flow(id, round + 1, &[u8::try_from(racer).unwrap_or_default()]), was).await }
        });
        let outcomes: Vec<Result<Put, HostError>> = outcomes.await?;
        let mut stored = 0;
        for outcome in outcomes {
            match outcome {
                Ok(Put::Stored) => stored += 1,
                Ok(Put::Stale) => {}
                Err(error) if lost(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        ensure(stored == 1, || format!("{stored} of {RACERS} wrote over version {was:?}"))?;
    }
    Ok(())
}

async fn sweeps(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let storage = subject.storage.as_ref();
    let before = now() - Duration::DAY;
    let moment = Duration::microseconds(1);
    let kept = [
        Record::new(Kind::Flow, new_id(), 1, before, b"at the border".to_vec()),
        Record::new(Kind::Session, new_id(), 1, before + moment, b"just after".to_vec()),
        Record::new(Kind::Counter, new_id(), 1, in_an_hour(), b"alive".to_vec()).with_spent(Some(somebody())),
    ];
    for record in &kept {
        written(storage, record).await?;
    }
    let due: Vec<Record> = (0..23_usize)
        .map(|at| {
            let expiry = before - moment * i32::try_from(at + 1).unwrap_or(1);
            let record = Record::new(KINDS[at % KINDS.len()], new_id(), 1, expiry, vec![0; 10]);
            record.with_spent((at % 3 == 0).then(somebody))
        })
        .collect();
    for record in &due {
        written(storage, record).await?;
    }
    let first = storage.sweep(before, 4).await?;
    ensure(first == 4, || format!("{first} were removed where 4 were asked for"))?;
    // Several sweepers share the work, and count nothing twice.
    let counts: Vec<Result<usize, HostError>> = at_once(3, |turn| {
        let way = subject.way(turn);
        async move { way.sweep(before, 5).await }
    })
    .await?;
    let mut swept = first;
    for count in counts {
        swept += count.or_else(|error| if lost(&error) { Ok(0) } else { Err(error) })?;
    }
    while let some @ 1.. = storage.sweep(before, 5).await? {
        ensure(some <= 5, || format!("{some} were removed where at most 5 were asked for"))?;
        swept += some;
    }
    ensure(swept == due.len(), || format!("{swept} were removed and counted, of {}", due.len()))?;
    for record in &due {
        let left = storage.get(record.kind(), record.id()).await?;
        ensure(left.is_none(), || format!("still there: {left:?}"))?;
    }
    for record in &kept {
        let left = storage.get(record.kind(), record.id()).await?;
        ensure(left.as_ref() == Some(record), || format!("gone or changed before its time: {record:?}"))?;
    }
    Ok(())
}

async fn apart(subjects: &dyn Subjects) -> Result<(), Fault> {
    let (one, other) = (fresh(subjects).await?, fresh(subjects).await?);
    let (id, past) = (new_id(), now() - Duration::HOUR);
    let record = Record::new(Kind::Flow, id, 1, past, b"one".to_vec());
    written(one.storage.as_ref(), &record).await?;
    super::samples::post(one.storage.as_ref(), [super::samples::row()]).await?;

    let seen = other.storage.get(Kind::Flow, id).await?;
    ensure(seen.is_none(), || "the other sees the record".to_owned())?;
    let leased = other.storage.lease(in_an_hour(), in_an_hour(), 10).await?.len();
    ensure(leased == 0, || "the other leases the row".to_owned())?;
    let mut unit = other.storage.begin().await?;
    let spent = unit.spend(&super::samples::used_up(id, 1, somebody()), 1).await?;
    ensure(!spent, || "the other spends the record".to_owned())?;
    drop(unit);
    written(other.storage.as_ref(), &Record::new(Kind::Flow, id, 1, past, b"other".to_vec())).await?;
    let swept = other.storage.sweep(now(), 10).await?;
    ensure(swept == 1, || format!("the other sweeps {swept} records, of one"))?;
    let left = one.storage.get(Kind::Flow, id).await?;
    ensure(left == Some(record), || "the record was changed through the other".to_owned())
}
