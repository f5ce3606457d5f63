//! R6: what several processes share beside requests. Each row of the outbox is taken once, each expired record removed once.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;
use tower_registration::host::{Delivery, Kind, Outgoing, Put, Record, RecordId, Storage};
use tower_registration::testing::{Faults, Mailbox};
use uuid::Uuid;

use crate::kills::host;
use crate::processes::{Place, Process, Store, listen, record, rounds, say};
use crate::sqlite::Folder;

/// Rows in one transaction of the test's own.
const AT_ONCE: usize = 500;
const WORKERS: usize = 8;

/// `{ "place" }`: empties the outbox with eight workers when told, and says which rows they took.
pub(crate) async fn empty(task: &Value) {
    let store = Place::of(&task["place"]).open().await;
    say(&json!({ "ready": true }));
    listen().await;
    let mut working = JoinSet::new();
    for _ in 0..WORKERS {
        working.spawn(work(Arc::clone(&store.storage)));
    }
    let taken: Vec<Uuid> = working.join_all().await.into_iter().flatten().collect();
    say(&json!({ "taken": taken }));
}

/// Takes rows until there is none.
async fn work(storage: Arc<dyn Storage>) -> Vec<Uuid> {
    let (mut taken, mut idle) = (Vec::new(), 0);
    // Others may hold the first row of a lane for a moment.
    while idle < 5 {
        let now = OffsetDateTime::now_utc();
        let leased = storage.lease(now, now + Duration::minutes(2), 16).await.unwrap();
        idle = if leased.is_empty() { idle + 1 } else { 0 };
        for lease in &leased {
            storage.done(lease, Delivery::Over).await.unwrap();
            taken.push(lease.row().id());
        }
        if leased.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    taken
}

/// `{ "place" }`: sweeps when told, and says how much that was.
pub(crate) async fn sweep(task: &Value) {
    let store = Place::of(&task["place"]).open().await;
    let registration = host::builder(&store, &Faults::new(), Mailbox::new()).build().unwrap();
    say(&json!({ "ready": true }));
    listen().await;
    say(&json!({ "swept": registration.sweeper().sweep().await.unwrap() }));
}

/// Starts two processes with this task and lets them go together; what they say in the end.
fn two(word: &str, place: &Place) -> [Value; 2] {
    let task = json!({ "do": word, "place": place.to_json() });
    let mut processes = [Process::start(&task), Process::start(&task)];
    for process in &mut processes {
        assert_eq!(process.expect(), json!({ "ready": true }));
    }
    for process in &mut processes {
        process.tell(&json!("go"));
    }
    processes.map(|mut process| process.expect())
}

/// Posts so many letters, four to each address.
async fn post(store: &Store, rows: usize) -> BTreeSet<Uuid> {
    let now = OffsetDateTime::now_utc();
    let (mut ids, mut lane) = (BTreeSet::new(), Uuid::new_v4());
    for first in (0..rows).step_by(AT_ONCE) {
        let mut unit = store.storage.begin().await.unwrap();
        for number in first..rows.min(first + AT_ONCE) {
            let id = Uuid::new_v4();
            lane = if number % 4 == 0 { Uuid::new_v4() } else { lane };
            unit.post(Outgoing::new(id, lane, now, now + Duration::DAY, b"a letter".to_vec())).await.unwrap();
            ids.insert(id);
        }
        unit.commit().await.unwrap();
    }
    ids
}

async fn each_row_is_taken_once(place: &Place, rows: usize) {
    let store = place.open().await;
    let posted = post(&store, rows).await;

    let told = two("empty", place);

    let taken: [Vec<Uuid>; 2] = told.map(|told| serde_json::from_value(told["taken"].clone()).unwrap());
    let shares = [taken[0].len(), taken[1].len()];
    let once: BTreeSet<Uuid> = taken.iter().flatten().copied().collect();
    assert_eq!((shares[0] + shares[1], &once), (rows, &posted), "each row once: {shares:?}");
    let name = place.name();
    record("R6", &format!("{name}, 2 processes x {WORKERS} workers: {rows} rows, each taken once, shares {shares:?}"));
}

async fn each_record_is_swept_once(place: &Place, records: usize) {
    let store = place.open().await;
    let now = OffsetDateTime::now_utc();
    for first in (0..records).step_by(AT_ONCE) {
        let mut unit = store.storage.begin().await.unwrap();
        for number in first..records.min(first + AT_ONCE) {
            // Every tenth has not expired.
            let expiry = if number % 10 == 0 { now + Duration::HOUR } else { now - Duration::days(2) };
            let id = RecordId::new(Uuid::new_v4());
            let stored = unit.put(&Record::new(Kind::Flow, id, 1, expiry, b"a flow".to_vec()), None).await.unwrap();
            assert_eq!(stored, Put::Stored);
        }
        unit.commit().await.unwrap();
    }

    let told = two("sweep", place);

    let swept: u64 = told.iter().map(|told| told["swept"].as_u64().unwrap()).sum();
    let left = store.number("SELECT count(*) FROM registration_records").await;
    assert_eq!((swept, left), (records as u64 * 9 / 10, i64::try_from(records).unwrap() / 10), "{told:?}");
}

/// `R6_ROWS=100000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_in_sqlite_each_row_of_the_outbox_is_taken_once_by_two_processes() {
    let folder = Folder::new();

    each_row_is_taken_once(&Place::in_folder(&folder), rounds("R6_ROWS", 400)).await;
}

/// `R6_ROWS=100000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_in_postgres_each_row_of_the_outbox_is_taken_once_by_two_processes() {
    each_row_is_taken_once(&Place::in_schema("r6"), rounds("R6_ROWS", 2_000)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_sqlite_two_sweepers_remove_each_expired_record_once() {
    let folder = Folder::new();

    each_record_is_swept_once(&Place::in_folder(&folder), 5_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_postgres_two_sweepers_remove_each_expired_record_once() {
    each_record_is_swept_once(&Place::in_schema("sweepers"), 5_000).await;
}
