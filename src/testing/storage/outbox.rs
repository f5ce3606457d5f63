//! Duties about the outbox.

use std::collections::BTreeSet;

use time::{Duration, OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::samples::{at_once, in_an_hour, in_lane, lost, now, post, row};
use super::{Duty, Fault, Part, Subjects, ensure, fresh};
use crate::host::{Delivery, HostError, Leased, Outgoing, Storage};

pub(super) const DUTIES: &[Duty] = &[
    Duty {
        name: "a row of the outbox comes back as it was posted, once it is due",
        because: "a changed byte is a letter that no key opens, and a late hour a code that has expired",
        part: Part::Storage,
        run: |subjects| Box::pin(comes_back(subjects)),
    },
    Duty {
        name: "the oldest rows are leased first, and no more than were asked for",
        because: "a dispatcher takes what it can carry, and nobody waits for ever behind newer letters",
        part: Part::Storage,
        run: |subjects| Box::pin(oldest_first(subjects)),
    },
    Duty {
        name: "a row is leased to one dispatcher at a time",
        because: "two dispatchers with one row send one letter twice",
        part: Part::Storage,
        run: |subjects| Box::pin(one_at_a_time(subjects)),
    },
    Duty {
        name: "a lease that has ended is taken over",
        because: "a process that dies would keep its letters for ever",
        part: Part::Storage,
        run: |subjects| Box::pin(taken_over(subjects)),
    },
    Duty {
        name: "an old lease ends nothing",
        because: "a dispatcher that was too slow would erase a letter that another one is about to try again",
        part: Part::Storage,
        run: |subjects| Box::pin(old_lease(subjects)),
    },
    Duty {
        name: "a row that is posted under a lease belongs to whoever posted it, until it is due",
        because: "what a request does by itself would be done again, or never if the request dies",
        part: Part::Storage,
        run: |subjects| Box::pin(posted_under_a_lease(subjects)),
    },
    Duty {
        name: "the rows of a lane are leased one after the other, in their order",
        because: "the code that a person is mailed last must be the one that arrives last",
        part: Part::Storage,
        run: |subjects| Box::pin(lanes(subjects)),
    },
];

async fn lease(storage: &dyn Storage, now: OffsetDateTime, most: usize) -> Result<Vec<Leased>, HostError> {
    storage.lease(now, now + Duration::MINUTE, most).await
}

/// The one row that is due, or what there is in its place.
fn only(leased: Vec<Leased>, when: &str) -> Result<Leased, Fault> {
    let count = leased.len();
    match <[Leased; 1]>::try_from(leased) {
        Ok([one]) => Ok(one),
        Err(_) => Err(Fault(format!("{when} {count} rows are leased, not one"))),
    }
}

async fn comes_back(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let offset = UtcOffset::from_hms(-3, -30, 0).unwrap_or(UtcOffset::UTC);
    // A row that is due at this very moment is due, even where the storage keeps no nanoseconds.
    let due = now() + Duration::nanoseconds(999);
    let bodies = [every_byte.repeat(4 * 256), Vec::new()];
    for body in bodies {
        let (id, lane) = (Uuid::new_v4(), Uuid::new_v4());
        let row = Outgoing::new(id, lane, due.to_offset(offset), due + Duration::HOUR, body);
        post(subject.storage.as_ref(), [row.clone()]).await?;
        let early = lease(subject.beside().as_ref(), due - Duration::MICROSECOND, 9).await?.len();
        ensure(early == 0, || "a row is leased before it is due".to_owned())?;
        let leased = only(lease(subject.beside().as_ref(), due, 9).await?, "when one row is due")?;
        let read = leased.row();
        ensure(leased.tries() == 0, || format!("a row that was never tried says {} tries", leased.tries()))?;
        ensure((read.id(), read.lane()) == (id, lane), || format!("posted {row:?}, leased {read:?}"))?;
        ensure(read.body() == row.body(), || "the body is another one".to_owned())?;
        for (own, other) in [(row.due_at(), read.due_at()), (row.expires_at(), read.expires_at())] {
            let cut = own - other;
            let kept = !cut.is_negative() && cut < Duration::MICROSECOND;
            ensure(kept, || format!("a time came back changed by {cut}"))?;
        }
        subject.storage.done(&leased, Delivery::Over).await?;
    }
    Ok(())
}

async fn oldest_first(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let (storage, now) = (subject.storage.as_ref(), now());
    // Posted in another order than they are due.
    let minutes = [3, 1, 5, 2, 4];
    let rows: Vec<Outgoing> =
        minutes.iter().map(|ago| in_lane(Uuid::new_v4(), now - Duration::minutes(*ago))).collect();
    post(storage, rows.clone()).await?;
    let none = lease(storage, now, 0).await?.len();
    ensure(none == 0, || format!("{none} rows are leased where none was asked for"))?;
    let mut taken = Vec::new();
    for most in [2, 2, 2] {
        let leased = lease(storage, now, most).await?;
        ensure(leased.len() <= most, || format!("{} rows are leased where {most} were asked for", leased.len()))?;
        let mut ids: Vec<Uuid> = leased.iter().map(|leased| leased.row().id()).collect();
        ids.sort_unstable();
        taken.push(ids);
    }
    let sorted = |ats: &[usize]| {
        let mut ids: Vec<Uuid> = ats.iter().map(|at| rows[*at].id()).collect();
        ids.sort_unstable();
        ids
    };
    let expected = [sorted(&[2, 4]), sorted(&[0, 3]), sorted(&[1])];
    ensure(taken == expected, || "newer rows are leased before older ones".to_owned())
}

async fn one_at_a_time(subjects: &dyn Subjects) -> Result<(), Fault> {
    const ROWS: usize = 60;
    const LANES: usize = 20;
    let subject = fresh(subjects).await?;
    let now = now();
    let lanes: Vec<Uuid> = (0..LANES).map(|_| Uuid::new_v4()).collect();
    post(subject.storage.as_ref(), (0..ROWS).map(|at| in_lane(lanes[at % LANES], now))).await?;
    // Everything is taken and done with under way, so that the lanes move while others lease.
    let outcomes: Vec<Result<Vec<Leased>, HostError>> = at_once(6, |turn| {
        let way = subject.way(turn);
        async move {
            let mut all = Vec::new();
            let mut idle = 0;
            while idle < 10 {
                let leased = match way.lease(now, now + Duration::HOUR, 4).await {
                    Ok(leased) => leased,
                    Err(error) if lost(&error) => continue,
                    Err(error) => return Err(error),
                };
                idle = if leased.is_empty() { idle + 1 } else { 0 };
                // Delivering takes a while.
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                for one in leased {
                    way.done(&one, Delivery::Over).await?;
                    all.push(one);
                }
            }
            Ok(all)
        }
    })
    .await?;
    let mut seen = BTreeSet::new();
    for outcome in outcomes {
        for leased in outcome? {
            ensure(seen.insert(leased.row().id()), || "one row was leased to two".to_owned())?;
        }
    }
    let left = lease(subject.storage.as_ref(), now, ROWS).await?.len();
    ensure(seen.len() + left == ROWS, || format!("{} rows were done and {left} are left, of {ROWS}", seen.len()))?;
    ensure(left == 0, || format!("{left} rows were leased to nobody"))
}

async fn taken_over(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let (storage, begun) = (subject.storage.as_ref(), now());
    post(storage, [in_lane(Uuid::new_v4(), begun)]).await?;
    let mut leases = BTreeSet::new();
    for tries in 0..3_u32 {
        let at = begun + Duration::MINUTE * tries;
        let leased = only(lease(subject.way(1).as_ref(), at, 5).await?, "when the lease before has ended,")?;
        ensure(leased.tries() == tries, || format!("after {tries} leases it says {}", leased.tries()))?;
        ensure(leases.insert(leased.lease()), || "two leases cannot be told apart".to_owned())?;
        let early = lease(storage, at + Duration::seconds(59), 5).await?.len();
        ensure(early == 0, || "a row is leased again while its lease goes on".to_owned())?;
    }
    Ok(())
}

async fn old_lease(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let (storage, begun) = (subject.storage.as_ref(), now());
    post(storage, [in_lane(Uuid::new_v4(), begun)]).await?;
    let first = only(lease(storage, begun, 5).await?, "when one row is due")?;
    let later = begun + Duration::MINUTE;
    let second = only(lease(storage, later, 5).await?, "when the first lease has ended")?;
    for how in [Delivery::Over, Delivery::Again(later)] {
        storage.done(&first, how).await?;
        let now = lease(storage, later, 5).await?.len();
        ensure(now == 0, || format!("the lease before, ended with {how:?}, makes the row due"))?;
    }
    let again = later + Duration::seconds(10);
    storage.done(&second, Delivery::Again(again)).await?;
    let early = lease(storage, again - Duration::MICROSECOND, 5).await?.len();
    ensure(early == 0, || "a row that is to be tried again is leased too early".to_owned())?;
    let third = only(lease(storage, again, 5).await?, "when a row is to be tried again")?;
    ensure(third.tries() == 2, || format!("at the third try it says {}", third.tries()))?;
    ensure(third.row().due_at() == again, || "it does not say that it was due at its new time".to_owned())?;
    storage.done(&third, Delivery::Over).await?;
    // What is erased stays erased, also for those who come late.
    storage.done(&third, Delivery::Again(again)).await?;
    storage.done(&second, Delivery::Again(again)).await?;
    let left = lease(storage, again + Duration::DAY, 5).await?.len();
    ensure(left == 0, || "an erased row is leased".to_owned())
}

async fn posted_under_a_lease(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let (storage, begun) = (subject.storage.as_ref(), now());
    let due = begun + Duration::MINUTE;
    let mut own = Vec::new();
    for _ in 0..3 {
        let (row, lease) = (in_lane(Uuid::new_v4(), due), Uuid::new_v4());
        post(storage, [row.clone().with_lease(lease)]).await?;
        own.push(Leased::new(row, 0, lease));
    }
    let early = lease(storage, begun, 9).await?.len();
    ensure(early == 0, || "a row is leased while whoever posted it does it".to_owned())?;
    // The first is done, the second is to be tried again soon, nobody ever hears of the third.
    storage.done(&own[0], Delivery::Over).await?;
    let again = begun + Duration::seconds(5);
    storage.done(&own[1], Delivery::Again(again)).await?;
    let second = only(lease(storage, again, 9).await?, "when a row is to be tried again")?;
    ensure(second.row().id() == own[1].row().id(), || "another row is tried again".to_owned())?;
    storage.done(&second, Delivery::Over).await?;
    let third = only(lease(storage, due, 9).await?, "when the poster of a row is gone")?;
    ensure(third.row().id() == own[2].row().id(), || "a row that was ended by its poster is leased".to_owned())?;
    storage.done(&own[2], Delivery::Over).await?;
    storage.done(&third, Delivery::Again(due)).await?;
    let left = lease(storage, due, 9).await?.len();
    ensure(left == 1, || "whoever posted a row ends the lease of another".to_owned())
}

async fn lanes(subjects: &dyn Subjects) -> Result<(), Fault> {
    let subject = fresh(subjects).await?;
    let (storage, begun, lane) = (subject.storage.as_ref(), now(), Uuid::new_v4());
    // The first is due last: it still goes first.
    let dues = [begun, begun - Duration::MINUTE, begun - Duration::HOUR];
    let rows: Vec<Outgoing> = dues.iter().map(|due| in_lane(lane, *due)).collect();
    post(storage, rows.clone()).await?;
    post(storage, [row()]).await?;
    let early = lease(storage, begun - Duration::SECOND, 9).await?;
    ensure(early.is_empty(), || "a row is leased before the one that was posted before it in its lane".to_owned())?;
    let at = begun + Duration::seconds(1);
    let leased = lease(storage, at, 9).await?;
    let (own, others): (Vec<Leased>, Vec<Leased>) = leased.into_iter().partition(|one| one.row().lane() == lane);
    ensure(others.len() == 1, || "a lane holds up another one".to_owned())?;
    let first = only(own, "of a lane")?;
    ensure(first.row().id() == rows[0].id(), || "the first of a lane is not leased first".to_owned())?;
    let behind = lease(storage, at, 9).await?.len();
    ensure(behind == 0, || "the second of a lane is leased while the first is on its way".to_owned())?;

    let again = at + Duration::seconds(30);
    storage.done(&first, Delivery::Again(again)).await?;
    let behind = lease(storage, at, 9).await?.len();
    ensure(behind == 0, || "the second of a lane is leased while the first waits to be tried again".to_owned())?;
    let first = only(lease(storage, again, 9).await?, "when the first is to be tried again,")?;
    ensure(first.row().id() == rows[0].id(), || "the first of a lane is not tried again first".to_owned())?;
    storage.done(&first, Delivery::Over).await?;
    for row in &rows[1..] {
        // A row that comes meanwhile goes to the end.
        let next = only(lease(storage, again, 9).await?, "when the one before is done")?;
        ensure(next.row() == row, || "the rows of a lane are leased in another order".to_owned())?;
        post(storage, [in_lane(lane, begun)]).await?;
        let behind = lease(storage, again, 9).await?.len();
        ensure(behind == 0, || "a row that comes later is leased before its turn".to_owned())?;
        storage.done(&next, Delivery::Over).await?;
    }
    let expired = lease(storage, in_an_hour() + Duration::DAY, 9).await?;
    ensure(!expired.is_empty(), || "a row that has expired is not leased, so that nobody hears of it".to_owned())
}
