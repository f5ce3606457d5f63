//! Crowds: the same flow, or the same address, from two processes at once. However many come, one is registered.
//!
//! This program begins the flows and two processes with services of their own are given them a few at a time; each sends its
//! half of the submissions together. Whoever is told to come back does so when told.

pub(crate) mod codes;
pub(crate) mod shared;
pub(crate) mod submitter;

use serde_json::{Value, json};
use tower_registration::testing::{Client, ClientKind, Faults, Mailbox};

use crate::kills::host;
use crate::processes::{Place, Process, Store, record, rounds};
use crate::sqlite::Folder;

/// Submissions under way at once, in both processes together.
const AT_ONCE: usize = 256;

/// What submissions came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    made: u64,
    taken: u64,
    /// The flow became somebody else: a new one was offered.
    replaced: u64,
    /// How often somebody was told to come back.
    busy: u64,
    /// Any other answer.
    other: Vec<Value>,
}

impl Counts {
    fn add(&mut self, told: &Value) {
        let count = |name: &str| told[name].as_u64().unwrap();
        self.made += count("made");
        self.taken += count("taken");
        self.replaced += count("replaced");
        self.busy += count("busy");
        self.other.extend(told["other"].as_array().unwrap().iter().cloned());
    }
}

/// Begins so many native flows.
async fn begin(store: &Store, flows: usize) -> Vec<String> {
    let registration = host::builder(store, &Faults::new(), Mailbox::new()).build().unwrap();
    let mut begun = Vec::new();
    for _ in 0..flows {
        begun.push(Client::new(registration.clone(), "/auth", ClientKind::Native).open().await.flow_id().unwrap());
    }
    begun
}

/// A flow, and the addresses that the two processes submit in it; one that submits none leaves it to the other.
type Entry = (String, [Option<String>; 2]);

/// Hands these submissions to two processes, those of one batch together; each sends its own so often.
async fn race(place: &Place, batches: &[Vec<Entry>], each: usize) -> Counts {
    let task = json!({ "do": "submit", "place": place.to_json() });
    let mut processes = [Process::start(&task), Process::start(&task)];
    for process in &mut processes {
        assert_eq!(process.expect(), json!({ "ready": true }));
    }
    let mut counts = Counts::default();
    for batch in batches {
        for (own, process) in processes.iter_mut().enumerate() {
            let mine = batch.iter().filter_map(|(flow, emails)| Some((flow, emails[own].as_ref()?)));
            let mine: Vec<(&String, &String)> = mine.collect();
            process.tell(&json!({ "submit": mine, "each": each }));
        }
        for process in &mut processes {
            counts.add(&process.expect());
        }
    }
    counts
}

/// Identities, sessions, flows used up and letters of the place.
async fn rows(store: &Store) -> [i64; 4] {
    [
        store.number("SELECT count(*) FROM registration_identities").await,
        store.number("SELECT count(*) FROM registration_records WHERE kind = 'session'").await,
        store.number("SELECT count(*) FROM registration_records WHERE kind = 'flow' AND spent IS NOT NULL").await,
        store.number("SELECT count(*) FROM registration_outbox").await,
    ]
}

/// The address that a process submits in a flow: the same in both for half of the flows.
fn own(flow: usize, process: usize) -> Option<String> {
    Some(format!("own-{flow}-{}@example.org", flow % 2 * process))
}

/// One address in every flow, left to one process and the other by turns.
fn entries(flows: Vec<String>, email: impl Fn(usize) -> String) -> Vec<Entry> {
    let by_turns = |number: usize| {
        let email = Some(email(number));
        if number.is_multiple_of(2) { [email, None] } else { [None, email] }
    };
    flows.into_iter().enumerate().map(|(number, flow)| (flow, by_turns(number))).collect()
}

fn batches(entries: &[Entry], each: usize) -> Vec<Vec<Entry>> {
    entries.chunks(AT_ONCE / each).map(<[_]>::to_vec).collect()
}

/// Flows that are submitted eight times each, half of them for one person, half of them for two: one is registered.
async fn one_flow_makes_one(place: &Place, flows: usize) {
    let store = place.open().await;
    let begun = begin(&store, flows).await.into_iter().enumerate();
    let entries: Vec<Entry> = begun.map(|(n, flow)| (flow, [own(n, 0), own(n, 1)])).collect();
    let before = store.deadlocks().await;

    let Counts { made, taken, replaced, busy, other } = race(place, &batches(&entries, 8), 4).await;

    let deadlocks = store.deadlocks().await - before;
    assert!(other.is_empty(), "{other:?}");
    assert_eq!((made, taken + replaced), (flows as u64, 7 * flows as u64));
    // Of each second flow the other person is offered a new one.
    assert_eq!(replaced, 4 * (flows as u64 / 2));
    assert_eq!(rows(&store).await, [i64::try_from(flows).unwrap(); 4]);
    let refused = format!("{taken} refused as taken, {replaced} offered another flow");
    let figures = format!("{flows} flows x 8: {made} made, {refused}, {busy} times 503, 0 other 5xx");
    record("R1", &format!("{}, 2 processes, {figures}, {deadlocks} deadlocks inside", place.name()));
}

/// Eight flows for one address, in four spellings: one of the eight is registered.
async fn one_address_makes_one(place: &Place, groups: usize) {
    let store = place.open().await;
    let entries = entries(begin(&store, 8 * groups).await, |number| spelt(number / 8, number / 2 % 4));
    let before = store.deadlocks().await;

    let Counts { made, taken, replaced, busy, other } = race(place, &batches(&entries, 1), 1).await;

    let deadlocks = store.deadlocks().await - before;
    assert!(other.is_empty(), "{other:?}");
    assert_eq!((made, taken, replaced), (groups as u64, 7 * groups as u64, 0));
    assert_eq!(rows(&store).await, [i64::try_from(groups).unwrap(); 4]);
    let figures = format!("{groups} addresses x 8 flows, 4 spellings: {made} made, {taken} refused, {busy} times 503");
    record("R1", &format!("{}, 2 processes, {figures}, 0 other 5xx, {deadlocks} deadlocks inside", place.name()));
}

/// One spelling of the address of a group.
fn spelt(group: usize, how: usize) -> String {
    match how {
        0 => format!("ada-{group}@example.org"),
        1 => format!("ADA-{group}@EXAMPLE.ORG"),
        2 => format!("Ada-{group}@example.org"),
        _ => format!("ada-{group}@Example.Org"),
    }
}

/// One address, so many flows: one is registered.
async fn one_for_all(place: &Place, flows: usize) {
    let store = place.open().await;
    let entries = entries(begin(&store, flows).await, |_| spelt(0, 0));

    let Counts { made, taken, replaced, busy, other } = race(place, &batches(&entries, 1), 1).await;

    assert!(other.is_empty(), "{other:?}");
    assert_eq!((made, taken, replaced), (1, flows as u64 - 1, 0));
    assert_eq!(rows(&store).await, [1; 4]);
    record(
        "R2",
        &format!("{}, 2 processes, {flows} submissions: 1 made, {taken} refused, {busy} times 503", place.name()),
    );
}

/// `R1_FLOWS=2000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_in_sqlite_a_flow_that_two_processes_submit_makes_one_identity() {
    let folder = Folder::new();

    one_flow_makes_one(&Place::in_folder(&folder), rounds("R1_FLOWS", 40)).await;
}

/// `R1_FLOWS=2000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_in_postgres_a_flow_that_two_processes_submit_makes_one_identity() {
    one_flow_makes_one(&Place::in_schema("r1_flows"), rounds("R1_FLOWS", 40)).await;
}

/// `R1_IDENTIFIERS=500` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_in_sqlite_an_address_makes_one_identity_however_it_is_spelt() {
    let folder = Folder::new();

    one_address_makes_one(&Place::in_folder(&folder), rounds("R1_IDENTIFIERS", 24)).await;
}

/// `R1_IDENTIFIERS=500` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_in_postgres_an_address_makes_one_identity_however_it_is_spelt() {
    one_address_makes_one(&Place::in_schema("r1_addresses"), rounds("R1_IDENTIFIERS", 24)).await;
}

/// `R2_SUBMITS=10000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_in_sqlite_one_address_and_a_crowd_makes_one_identity() {
    let folder = Folder::new();

    one_for_all(&Place::in_folder(&folder), rounds("R2_SUBMITS", 200)).await;
}

/// `R2_SUBMITS=10000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_in_postgres_one_address_and_a_crowd_makes_one_identity() {
    one_for_all(&Place::in_schema("r2"), rounds("R2_SUBMITS", 200)).await;
}
