//! Duties about futures that are dropped: clients go away, and servers give up, at any await.

use std::time::Duration as Pause;

use super::samples::{Patience, flow, give_up, identities, in_an_hour, new_id, now, person, post, row};
use super::{Duty, Fault, Part, Subject, Subjects, ensure, fresh};
use crate::host::{Delivery, HostError, Kind, Outgoing, Put, Record, RecordId};
use crate::identity::Draft;

pub(super) const DUTIES: &[Duty] = &[
    Duty {
        name: "a unit that is given up at any await happened as a whole or not at all",
        because: "a client that goes away in the middle must leave no half registration",
        part: Part::Storage,
        run: |subjects| Box::pin(units(subjects)),
    },
    Duty {
        name: "a call that is given up at any await leaves a storage that works",
        because: "a connection that goes back into its pool in the middle of something swallows what others write",
        part: Part::Storage,
        run: |subjects| Box::pin(calls(subjects)),
    },
];

/// How many awaits a call may have before it counts as endless.
const MOST_AWAITS: usize = 200;
/// How long what was given up may take to come to its end behind the scenes.
const SETTLING: Pause = Pause::from_millis(20);
const MOST_LOOKS: usize = 100;

/// Everything that one registration writes.
struct Attempt {
    flow: RecordId,
    session: RecordId,
    row: Outgoing,
    draft: Option<Draft>,
}

impl Attempt {
    async fn prepare(subject: &Subject, number: usize) -> Result<Self, Fault> {
        let (flow_id, session) = (new_id(), new_id());
        let _ = subject.storage.put(&flow(flow_id, 1, b"a flow"), None).await?;
        let draft = subject.identities.as_ref().map(|_| person(subject, &format!("person-{number}@example.org")));
        Ok(Self { flow: flow_id, session, row: row(), draft })
    }

    async fn run(&self, subject: &Subject) -> Result<(), Fault> {
        let mut unit = subject.storage.begin().await?;
        let by = self.draft.as_ref().map_or_else(super::samples::somebody, Draft::id);
        let spent = unit.spend(&super::samples::used_up(self.flow, 1, by), 1).await?;
        ensure(spent, || "a flow that was given up cannot be used any more".to_owned())?;
        if let Some(draft) = &self.draft {
            let _ = identities(subject)?.create(unit.as_mut(), draft).await?;
        }
        let session = Record::new(Kind::Session, self.session, 1, in_an_hour(), b"a session".to_vec());
        let put = unit.put(&session, None).await?;
        ensure(put == Put::Stored, || "a record that is not there yet counts as changed".to_owned())?;
        unit.post(self.row.clone()).await?;
        Ok(unit.commit().await?)
    }

    /// What is there: the flow used up, the session, the row, the identity with its identifiers.
    async fn seen(&self, subject: &Subject) -> Result<Vec<bool>, Fault> {
        let storage = subject.beside();
        let flow = storage.get(Kind::Flow, self.flow).await?;
        let session = storage.get(Kind::Session, self.session).await?;
        let leased = storage.lease(now(), now(), 10_000).await?;
        let posted = leased.iter().any(|leased| leased.row().id() == self.row.id());
        let mut seen = vec![flow.is_some_and(|flow| flow.spent().is_some()), session.is_some(), posted];
        if let Some(draft) = &self.draft {
            let identities = identities(subject)?;
            seen.push(identities.identity(draft.id()).await?.is_some());
            for unique in draft.unique() {
                seen.push(identities.owner(&[unique]).await?.is_some());
            }
        }
        Ok(seen)
    }

    /// Waits until all of it or nothing is there. Says which.
    async fn settled(&self, subject: &Subject, patience: Patience) -> Result<bool, Fault> {
        let mut last = Vec::new();
        for _ in 0..MOST_LOOKS {
            last = self.seen(subject).await?;
            if last.iter().all(|there| *there == last[0]) {
                return Ok(last[0]);
            }
            tokio::time::sleep(SETTLING).await;
        }
        Err(Fault(format!("given up {patience:?}: [flow used up, session, letter, identity, …] is {last:?}")))
    }
}

async fn units(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let mut attempts = 0;
    for give_up_at in [Patience::Waiting as fn(usize) -> Patience, Patience::Waited] {
        let mut ended = false;
        for awaits in 0..MOST_AWAITS {
            attempts += 1;
            let attempt = Attempt::prepare(&subject, attempts).await?;
            let patience = give_up_at(awaits);
            let outcome = give_up(patience, attempt.run(&subject)).await;
            ended = outcome.is_some();
            outcome.unwrap_or(Ok(()))?;
            let happened = attempt.settled(&subject, patience).await?;
            ensure(happened || !ended, || "a unit that was committed did not happen".to_owned())?;
            if !happened {
                attempt.run(&subject).await?;
                let happened = attempt.settled(&subject, patience).await?;
                ensure(happened, || "a unit that was committed after one that was given up did not happen".to_owned())?;
            }
            if ended {
                break;
            }
        }
        ensure(ended, || format!("a unit has more than {MOST_AWAITS} awaits"))?;
    }
    Ok(())
}

/// The calls of a storage, each by itself.
#[derive(Clone, Copy, Debug)]
enum Call {
    Begin,
    Get,
    Put,
    Lease,
    Done,
    Sweep,
}

impl Call {
    const ALL: [Self; 6] = [Self::Begin, Self::Get, Self::Put, Self::Lease, Self::Done, Self::Sweep];

    async fn run(self, subject: &Subject) -> Result<(), HostError> {
        let storage = subject.storage.as_ref();
        match self {
            Self::Begin => storage.begin().await.map(drop),
            Self::Get => storage.get(Kind::Flow, new_id()).await.map(drop),
            Self::Put => storage.put(&flow(new_id(), 1, b"x"), None).await.map(drop),
            Self::Lease => storage.lease(now(), now(), 3).await.map(drop),
            Self::Done => match storage.lease(now(), in_an_hour(), 1).await?.first() {
                Some(leased) => storage.done(leased, Delivery::Again(now())).await,
                None => Ok(()),
            },
            Self::Sweep => storage.sweep(now() - time::Duration::DAY, 3).await.map(drop),
        }
    }
}

async fn calls(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    for call in Call::ALL {
        for give_up_at in [Patience::Waiting as fn(usize) -> Patience, Patience::Waited] {
            let mut ended = false;
            for awaits in 0..MOST_AWAITS {
                post(subject.storage.as_ref(), [row()]).await?;
                let outcome = give_up(give_up_at(awaits), call.run(&subject)).await;
                ended = outcome.is_some();
                outcome.unwrap_or(Ok(()))?;
                works(&subject, call).await?;
                if ended {
                    break;
                }
            }
            ensure(ended, || format!("{call:?} has more than {MOST_AWAITS} awaits"))?;
        }
    }
    Ok(())
}

/// What is written through one way can be read through the other, at once.
async fn works(subject: &Subject, call: Call) -> Result<(), Fault> {
    for _ in 0..2 {
        let record = flow(new_id(), 1, b"after it");
        let put = subject.storage.put(&record, None).await?;
        ensure(put == Put::Stored, || format!("after {call:?} a new record counts as changed"))?;
        let read = subject.beside().get(Kind::Flow, record.id()).await?;
        ensure(read == Some(record), || format!("after {call:?} a write that was answered is not there"))?;
    }
    Ok(())
}
