//! Duties about units of work.

use super::samples::{at_once, flow, in_an_hour, lost, new_id, row, somebody, used_up};
use super::{Duty, Fault, Part, Subject, Subjects, ensure, fresh};
use crate::host::{HostError, Kind, Outgoing, Put, Record, RecordId, Storage, Unit};

pub(super) const DUTIES: &[Duty] = &[
    Duty {
        name: "a unit happens as a whole when it is committed, and not before",
        because: "whoever looks in between would see an identity without a credential, or a letter for nothing",
        part: Part::Storage,
        run: |subjects| Box::pin(as_a_whole(subjects)),
    },
    Duty {
        name: "a unit that is dropped did nothing",
        because: "a registration that fails must leave its flow usable and nobody behind",
        part: Part::Storage,
        run: |subjects| Box::pin(dropped(subjects)),
    },
    Duty {
        name: "a unit that met a refusal did nothing",
        because: "the service drops the unit when a record was changed or used up meanwhile, and begins again",
        part: Part::Storage,
        run: |subjects| Box::pin(refused(subjects)),
    },
    Duty {
        name: "a unit sees what it has written",
        because: "two writes of one unit to one record are compared with each other",
        part: Part::Storage,
        run: |subjects| Box::pin(sees_itself(subjects)),
    },
    Duty {
        name: "a record is used up once, at the version that was read",
        because: "a flow makes one identity, and never one that it was not shown for",
        part: Part::Storage,
        run: |subjects| Box::pin(spent_once(subjects)),
    },
    Duty {
        name: "of many units that use up one record one commits",
        because: "one flow, submitted many times at once, makes one identity",
        part: Part::Storage,
        run: |subjects| Box::pin(one_spends(subjects)),
    },
];

/// The records and the row that a unit of these duties writes.
struct Written {
    flow: RecordId,
    by: crate::identity::IdentityId,
    session: Record,
    row: Outgoing,
}

impl Written {
    /// A flow is there, and nothing else.
    async fn prepare(storage: &dyn Storage) -> Result<Self, Fault> {
        let id = new_id();
        let put = storage.put(&flow(id, 1, b"a flow"), None).await?;
        ensure(put == Put::Stored, || "a record that is not there yet counts as changed".to_owned())?;
        let session = Record::new(Kind::Session, new_id(), 1, in_an_hour(), b"a session".to_vec());
        Ok(Self { flow: id, by: somebody(), session, row: row() })
    }

    async fn write(&self, unit: &mut dyn Unit) -> Result<(), Fault> {
        let spent = unit.spend(&used_up(self.flow, 1, self.by), 1).await?;
        ensure(spent, || "a record that nobody used up counts as used up".to_owned())?;
        let put = unit.put(&self.session, None).await?;
        ensure(put == Put::Stored, || "a record that is not there yet counts as changed".to_owned())?;
        Ok(unit.post(self.row.clone()).await?)
    }

    /// Which of the three things are there: the flow used up, the session, the row of the outbox.
    async fn seen(&self, storage: &dyn Storage) -> Result<[bool; 3], Fault> {
        let flow = storage.get(Kind::Flow, self.flow).await?;
        let flow = flow.ok_or_else(|| Fault("the flow is gone".to_owned()))?;
        let spent = flow.spent() == Some(self.by) && flow.version() == 2;
        ensure(spent || (flow.spent().is_none() && flow.version() == 1), || format!("the flow is {flow:?}"))?;
        let session = storage.get(Kind::Session, self.session.id()).await?;
        ensure(session.as_ref().is_none_or(|read| *read == self.session), || format!("read {session:?}"))?;
        let (now, until) = (self.row.due_at(), self.row.due_at());
        // The lease ends when it begins, so that looking changes nothing for who looks next.
        let leased = storage.lease(now, until, 100).await?;
        Ok([spent, session.is_some(), leased.iter().any(|leased| *leased.row() == self.row)])
    }
}

async fn as_a_whole(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let written = Written::prepare(subject.storage.as_ref()).await?;
    let mut unit = subject.storage.begin().await?;
    written.write(unit.as_mut()).await?;

    let session = subject.beside().get(Kind::Session, written.session.id()).await?;
    ensure(session.is_none(), || "a record can be read before the commit".to_owned())?;
    let flow = subject.beside().get(Kind::Flow, written.flow).await?;
    let unspent = flow.is_some_and(|flow| flow.spent().is_none());
    ensure(unspent, || "a record counts as used up before the commit".to_owned())?;
    unit.commit().await?;
    let seen = written.seen(subject.beside().as_ref()).await?;
    ensure(seen == [true; 3], || format!("after the commit [flow used up, session, letter] is {seen:?}"))
}

async fn dropped(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let written = Written::prepare(subject.storage.as_ref()).await?;
    let mut unit = subject.storage.begin().await?;
    written.write(unit.as_mut()).await?;
    drop(unit);
    let seen = written.seen(subject.storage.as_ref()).await?;
    ensure(seen == [false; 3], || format!("after the drop [flow used up, session, letter] is {seen:?}"))?;

    // Nothing of it stands in the way of the next one.
    let mut unit = subject.storage.begin().await?;
    written.write(unit.as_mut()).await?;
    unit.commit().await?;
    let seen = written.seen(subject.beside().as_ref()).await?;
    ensure(seen == [true; 3], || format!("after the second try [flow used up, session, letter] is {seen:?}"))
}

async fn refused(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let storage = subject.storage.as_ref();
    let other = new_id();
    let _ = storage.put(&flow(other, 1, b"somebody else's"), None).await?;
    for refusal in 0..3 {
        let written = Written::prepare(storage).await?;
        let mut unit = storage.begin().await?;
        written.write(unit.as_mut()).await?;
        let refused = match refusal {
            0 => unit.put(&flow(other, 1, b"new"), None).await? == Put::Stale,
            1 => unit.put(&flow(other, 8, b"over an old one"), Some(7)).await? == Put::Stale,
            _ => !unit.spend(&used_up(other, 7, somebody()), 7).await?,
        };
        ensure(refused, || "what was changed meanwhile counts as unchanged".to_owned())?;
        drop(unit);
        let seen = written.seen(storage).await?;
        ensure(seen == [false; 3], || format!("after a refusal [flow used up, session, letter] is {seen:?}"))?;
    }
    let left = storage.get(Kind::Flow, other).await?;
    let untouched = left.is_some_and(|left| left.version() == 1 && left.body() == b"somebody else's");
    ensure(untouched, || "a refused write changed the record".to_owned())
}

async fn sees_itself(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let (storage, id, by) = (subject.storage.as_ref(), new_id(), somebody());
    let mut unit = storage.begin().await?;
    let puts = [
        unit.put(&flow(id, 1, b"one"), None).await?,
        unit.put(&flow(id, 1, b"one"), None).await?,
        unit.put(&flow(id, 2, b"two"), Some(1)).await?,
        unit.put(&flow(id, 2, b"three"), Some(1)).await?,
    ];
    let expected = [Put::Stored, Put::Stale, Put::Stored, Put::Stale];
    ensure(puts == expected, || format!("two writes and their repetitions are {puts:?}"))?;
    unit.commit().await?;
    let read = storage.get(Kind::Flow, id).await?.map(|record| (record.version(), record.body().to_vec()));
    ensure(read == Some((2, b"two".to_vec())), || format!("the last write is not what is read: {read:?}"))?;

    let mut unit = storage.begin().await?;
    let spends = [unit.spend(&used_up(id, 2, by), 2).await?, unit.spend(&used_up(id, 3, by), 3).await?];
    ensure(spends == [true, false], || format!("using up one record twice in a unit is {spends:?}"))
}

async fn spent_once(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let (storage, id, by) = (subject.storage.as_ref(), new_id(), somebody());
    let unknown = spend(&subject, 0, id, 1, by).await?;
    ensure(!unknown, || "a record that is not there can be used up".to_owned())?;
    let _ = storage.put(&flow(id, 1, b"a flow"), None).await?;
    let _ = storage.put(&flow(id, 2, b"a flow, shown again"), Some(1)).await?;
    let old = spend(&subject, 0, id, 1, by).await?;
    ensure(!old, || "an old version can be used up".to_owned())?;
    let right = spend(&subject, 0, id, 2, by).await?;
    ensure(right, || "the version that was read cannot be used up".to_owned())?;
    let read = subject.beside().get(Kind::Flow, id).await?;
    let read = read.map(|record| (record.spent(), record.version(), record.body().to_vec()));
    let expected = (Some(by), 3, b"used up".to_vec());
    ensure(read.as_ref() == Some(&expected), || format!("used up, it is read as {read:?}"))?;
    for version in [2, 3] {
        let again = spend(&subject, 1, id, version, somebody()).await?;
        ensure(!again, || format!("it can be used up again at version {version}"))?;
    }
    let stale = storage.put(&flow(id, 3, b"as if nothing had happened"), Some(2)).await?;
    ensure(stale == Put::Stale, || "using it up does not count as a change".to_owned())
}

/// Uses up a record in a unit of its own. Says whether that happened.
async fn spend(
    subject: &Subject,
    turn: usize,
    id: RecordId,
    was: i64,
    by: crate::identity::IdentityId,
) -> Result<bool, HostError> {
    let mut unit = subject.way(turn).begin().await?;
    if !unit.spend(&used_up(id, was, by), was).await? {
        return Ok(false);
    }
    unit.commit().await.map(|()| true)
}

async fn one_spends(subjects: &dyn Subjects) -> Result<(), Fault> {
    const RACERS: usize = 8;
    let subject = fresh(subjects).await?;
    for _ in 0..8 {
        let id = new_id();
        let _ = subject.storage.put(&flow(id, 1, b"a flow"), None).await?;
        let outcomes: Vec<Result<Option<Record>, HostError>> = at_once(RACERS, |racer| {
            let way = subject.way(racer);
            async move {
                let trace = Record::new(Kind::Session, new_id(), 1, in_an_hour(), Vec::new());
                let mut unit = way.begin().await?;
                if !unit.spend(&used_up(id, 1, somebody()), 1).await? {
                    return Ok(None);
                }
                let _ = unit.put(&trace, None).await?;
                unit.commit().await.map(|()| Some(trace))
            }
        })
        .await?;
        let mut committed = Vec::new();
        for outcome in outcomes {
            match outcome {
                Ok(trace) => committed.extend(trace),
                Err(error) if lost(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        ensure(committed.len() == 1, || format!("{} of {RACERS} units committed", committed.len()))?;
        let trace = subject.beside().get(Kind::Session, committed[0].id()).await?;
        ensure(trace.is_some(), || "what the committed unit wrote is not there".to_owned())?;
    }
    Ok(())
}
