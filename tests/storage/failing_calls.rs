//! C2 on the databases: whatever call fails or hangs, before its effect or after, a registration is there as a whole or not
//! at all, and trying again ends well.

use serde_json::{Value, json};
use tower_registration::Registration;
use tower_registration::host::HostErrorKind;
use tower_registration::testing::{Client, ClientKind, Fault, Faults, Mailbox, Reply, When};

use crate::kills::host;
use crate::processes::{Place, Store, record};
use crate::sqlite::Folder;

const FAULTS: [Fault; 8] = [
    Fault::Before(HostErrorKind::Unavailable),
    Fault::After(HostErrorKind::Unavailable),
    Fault::Before(HostErrorKind::Other),
    Fault::After(HostErrorKind::Other),
    Fault::Before(HostErrorKind::CommitUnknown),
    Fault::After(HostErrorKind::CommitUnknown),
    Fault::HangBefore,
    Fault::HangAfter,
];

/// Identities, sessions, flows used up, host rows and letters.
const COUNTS: [&str; 5] = [
    "SELECT count(*) FROM registration_identities",
    "SELECT count(*) FROM registration_records WHERE kind = 'session'",
    "SELECT count(*) FROM registration_records WHERE kind = 'flow' AND spent IS NOT NULL",
    "SELECT count(*) FROM host_users",
    "SELECT count(*) FROM registration_outbox",
];

async fn counts(store: &Store) -> Vec<i64> {
    let mut counts = Vec::new();
    for statement in COUNTS {
        counts.push(store.number(statement).await);
    }
    counts
}

/// What a client hears: nothing where a call hangs, because then the client goes away.
async fn heard(faults: &Faults, asking: impl Future<Output = Reply>) -> Option<Reply> {
    tokio::select! {
        reply = asking => Some(reply),
        () = faults.hung() => None,
    }
}

/// Somebody opens a page and submits it, and the call with this number goes wrong. Says whether there was such a call.
async fn play(store: &Store, registration: &Registration, faults: &Faults, fault: Fault, number: usize) -> bool {
    let place = format!("{fault:?} at call {number}");
    let before = counts(store).await;
    let mut client = Client::new(registration.clone(), "/auth", ClientKind::Native);
    let email = format!("{}-{number}@example.org", format!("{fault:?}").replace(['(', ')'], "-").to_lowercase());
    let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": email } });
    faults.set(&[(When::Nth(number), fault)]);

    let opened = heard(faults, client.open()).await;
    let page = match opened.filter(|opened| opened.status() == 200) {
        Some(page) => page,
        None => client.open().await,
    };
    let first = heard(faults, client.submit(&page, answer.clone())).await;
    let victim = faults.victim();
    faults.set(&[]);

    let grown: Vec<i64> = counts(store).await.iter().zip(&before).map(|(now, before)| now - before).collect();
    assert!(grown == [0; 5] || grown == [1; 5], "{place}, {victim:?}: {grown:?}");
    let done = first.as_ref().is_some_and(|reply| reply.status() == 200);
    assert!(!done || grown == [1; 5], "{place}, {victim:?}: told to be registered");
    if !done {
        let again = client.submit(&page, answer).await;
        let expected = if grown == [1; 5] { (400, vec![4_000_007]) } else { (200, Vec::new()) };
        assert_eq!((again.status(), again.messages()), expected, "{place}, {victim:?}: {first:?}");
    }
    victim.is_some()
}

async fn play_all(place: &Place) {
    let (store, faults) = (place.open().await, Faults::new());
    let registration = host::builder(&store, &faults, Mailbox::new()).build().unwrap();
    let mut played = 0;
    for fault in FAULTS {
        let mut number = 1;
        while play(&store, &registration, &faults, fault, number).await {
            number += 1;
        }
        // The page, the flow, the owner, the counters, the unit with its writes, the hooks.
        assert!(number > 15, "{fault:?}: only {number} calls");
        played += number - 1;
    }
    let healthy = Value::from(counts(&store).await);
    record("C2", &format!("{}: {played} calls gone wrong in {} ways; rows {healthy}", place.name(), FAULTS.len()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c2_in_sqlite_a_registration_survives_every_fault() {
    let folder = Folder::new();

    play_all(&Place::in_folder(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c2_in_postgres_a_registration_survives_every_fault() {
    play_all(&Place::in_schema("faults")).await;
}
