//! The contract against memory, and against memories with one flaw each.

use std::error::Error;

use tower_registration::memory::Memory;
use tower_registration::testing::storage::{self, Duty, Subject};

use crate::flawed::{Flaw, Flawed};
use crate::naive::{Sloppiness, Tokens, Users};

type Made = Result<Subject, Box<dyn Error + Send + Sync>>;

fn sound() -> Subject {
    let memory = Memory::new();
    Subject::new(memory.clone()).with_identities(memory).with_sessions(Tokens::sound())
}

fn flawed(flaw: Flaw) -> Subject {
    let memory = Memory::new();
    Subject::new(Flawed::new(memory.clone(), flaw)).with_identities(memory)
}

fn sloppy(sloppiness: Sloppiness) -> Subject {
    let memory = Memory::new();
    Subject::new(memory.clone()).with_identities(Users::new(memory, sloppiness))
}

type Makes = Box<dyn Fn() -> Subject + Send + Sync>;

/// What breaks each duty.
fn breakers() -> Vec<(&'static str, Makes)> {
    let flaw = |flaw: Flaw| -> Makes { Box::new(move || flawed(flaw)) };
    let users = |how: Sloppiness| -> Makes { Box::new(move || sloppy(how)) };
    let one_for_all = sound();
    vec![
        ("a record comes back as it was written", flaw(Flaw::RoundsUp)),
        ("a record is written only over the version it was read at", flaw(Flaw::Overwrites)),
        ("of many that write over one version one does", flaw(Flaw::ComparesThenWrites)),
        ("what expired before a time is swept, and nothing else", flaw(Flaw::SweepsTheLiving)),
        ("two registrations do not see each other", Box::new(move || one_for_all.clone())),
        ("a unit happens as a whole when it is committed, and not before", flaw(Flaw::WritesAtOnce)),
        ("a unit that is dropped did nothing", flaw(Flaw::PostsAtOnce)),
        ("a unit that met a refusal did nothing", flaw(Flaw::CommitsWhenRefused)),
        ("a unit sees what it has written", flaw(Flaw::ForgetsItself)),
        ("a record is used up once, at the version that was read", flaw(Flaw::SpendsAnyVersion)),
        ("of many units that use up one record one commits", flaw(Flaw::SpendsAtTheEnd)),
        ("a unit that is given up at any await happened as a whole or not at all", flaw(Flaw::CommitsInSteps)),
        ("a call that is given up at any await leaves a storage that works", flaw(Flaw::SwallowsAfterDrop)),
        ("a row of the outbox comes back as it was posted, once it is due", flaw(Flaw::LeasesLate)),
        ("the oldest rows are leased first, and no more than were asked for", flaw(Flaw::LeasesTooMany)),
        ("a row is leased to one dispatcher at a time", flaw(Flaw::LeasesHoldNothing)),
        ("a lease that has ended is taken over", flaw(Flaw::LeasesForEver)),
        ("an old lease ends nothing", flaw(Flaw::EveryLeaseEnds)),
        (
            "a row that is posted under a lease belongs to whoever posted it, until it is due",
            flaw(Flaw::ForgetsWhoPosted),
        ),
        ("the rows of a lane are leased one after the other, in their order", flaw(Flaw::NoLanes)),
        ("an identity comes back as it was created", users(Sloppiness::LosesMetadata)),
        ("an identity exists when its unit is committed, and not before", users(Sloppiness::CreatesAtOnce)),
        ("every unique value has one owner, which can be asked for", users(Sloppiness::KnowsNoKinds)),
        ("a value that is taken creates nothing", users(Sloppiness::ClaimsOneByOne)),
        ("of many that claim one value one gets it", users(Sloppiness::LooksThenInserts)),
        ("values are the same when their bytes are", users(Sloppiness::FoldsCase)),
        ("an address changes its state with its unit", users(Sloppiness::ProvesAtOnce)),
        (
            "a session opens with the commit of its unit, and only its token shows it",
            Box::new(|| sound().with_sessions(Tokens::that_open_at_once())),
        ),
    ]
}

fn duty(name: &str) -> Duty {
    storage::duties().into_iter().find(|duty| duty.name() == name).unwrap_or_else(|| panic!("no duty is called {name}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_keeps_the_contract() {
    let stores = || async { Made::Ok(sound()) };

    let report = storage::check(&stores).await;

    assert!(report.is_kept() && report.skipped().is_empty(), "{report}");
    assert_eq!(report.kept().len(), storage::duties().len());
}

#[tokio::test]
async fn without_identities_and_sessions_their_duties_are_left_out() {
    let stores = || async { Made::Ok(Subject::new(Memory::new())) };

    let report = storage::check(&stores).await;

    assert!(report.is_kept(), "{report}");
    assert_eq!((report.kept().len(), report.skipped().len()), (20, 8));
}

#[tokio::test]
async fn a_store_that_cannot_be_made_keeps_nothing() {
    let stores = || async { Made::Err("the database is away".into()) };

    let report = storage::check(&stores).await;

    assert_eq!(report.broken().len(), storage::duties().len());
    assert!(report.to_string().contains("the database is away"), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_catches_a_store_for_every_duty_that_it_does_not_keep() {
    for (name, make) in breakers() {
        let stores = || async { Made::Ok(make()) };

        let outcome = duty(name).check(&stores).await;

        let broken = outcome.expect_err(name);
        assert_eq!(broken.duty(), name);
        println!("{broken}");
    }
}

#[test]
fn there_is_a_breaker_for_every_duty() {
    let broken: Vec<&str> = breakers().iter().map(|(name, _)| *name).collect();

    let unbroken: Vec<_> = storage::duties().iter().map(Duty::name).filter(|name| !broken.contains(name)).collect();

    assert!(unbroken.is_empty(), "{unbroken:?}");
}
