//! C1, for letters: a process that delivers them is killed with a letter on its way. None is lost, and none comes twice but
//! one that the server took and the process did not note.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use time::OffsetDateTime;
use tower_registration::host::Clock;
use tower_registration::smtp::SmtpCourier;
use tower_registration::testing::{Call, Client, ClientKind, Faults, Moment, TestClock};

use super::host;
use super::sink::{Sink, Stop};
use crate::dice::Dice;
use crate::processes::{Place, Process, Store, end_with_the_others, record, rounds, seed};
use crate::sqlite::Folder;

/// Where a dispatcher is with a letter when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// The row is under its lease.
    Claimed,
    Connected,
    /// The server has all of it, and has not said so.
    AfterData,
    /// The server has said so, and the row is still there.
    Taken,
    /// The row is gone.
    Noted,
}

const STAGES: [Stage; 5] = [Stage::Claimed, Stage::Connected, Stage::AfterData, Stage::Taken, Stage::Noted];

impl Stage {
    /// The call at which the process ends itself; elsewhere the server stops talking, and it is killed from outside.
    fn point(self) -> Option<(Call, Moment)> {
        match self {
            Self::Claimed => Some((Call::Lease, Moment::After)),
            Self::Taken => Some((Call::Done, Moment::Before)),
            Self::Noted => Some((Call::Done, Moment::After)),
            Self::Connected | Self::AfterData => None,
        }
    }

    fn of(word: &Value) -> Option<Self> {
        STAGES.into_iter().find(|stage| *word == format!("{stage:?}"))
    }
}

/// A courier to this server.
pub(crate) fn courier(uri: &str) -> SmtpCourier {
    // Without a pool every letter has a connection of its own, so that the stages come in their order each time.
    SmtpCourier::from_uri(uri, "no-reply@example.org").unwrap().pool_size(0).build().unwrap()
}

/// `{ "place", "smtp", "now", "at_once", "stage"?, "nth" }`: delivers so many letters at a time until it is killed.
pub(crate) async fn run(task: &Value) {
    end_with_the_others();
    let store = Place::of(&task["place"]).open().await;
    let (faults, nth) = (Faults::new(), usize::try_from(task["nth"].as_u64().unwrap()).unwrap());
    if let Some((call, moment)) = Stage::of(&task["stage"]).and_then(Stage::point) {
        let met = AtomicUsize::new(0);
        faults.on_point(move |point| {
            if (point.call, point.moment) == (call, moment) && met.fetch_add(1, Ordering::SeqCst) + 1 == nth {
                std::process::abort();
            }
        });
    }
    let now = OffsetDateTime::from_unix_timestamp(task["now"].as_i64().unwrap()).unwrap();
    let builder = host::builder(&store, &faults, courier(task["smtp"].as_str().unwrap()));
    let registration = builder.clock(TestClock::at(now)).build().unwrap();
    let at_once = usize::try_from(task["at_once"].as_u64().unwrap()).unwrap();
    registration.dispatcher().at_once(at_once).run_until(std::future::pending()).await;
}

/// People who register, so that there are letters.
struct Town {
    registration: tower_registration::Registration,
    clock: TestClock,
    people: Vec<String>,
}

impl Town {
    fn new(store: &Store, sink: &Sink) -> Self {
        let clock = TestClock::at(OffsetDateTime::now_utc());
        let builder = host::builder(store, &Faults::new(), courier(&sink.uri()));
        Self { registration: builder.clock(clock.clone()).build().unwrap(), clock, people: Vec::new() }
    }

    async fn register(&mut self, people: usize) {
        for _ in 0..people {
            let email = format!("person-{}@example.org", self.people.len());
            let mut client = Client::new(self.registration.clone(), "/auth", ClientKind::Native);
            let page = client.open().await;
            let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": email } });
            assert_eq!(client.submit(&page, answer).await.status(), 200);
            self.people.push(email);
        }
    }
}

/// The task of a process that delivers letters, a moment after they were written.
fn task(place: &Place, sink: &Sink, clock: &TestClock, at_once: usize) -> Value {
    let (told, now) = (place.to_json(), clock.now().unix_timestamp() + 1);
    json!({ "do": "deliver", "place": told, "smtp": sink.uri(), "now": now, "at_once": at_once, "nth": 1 })
}

/// Kills so many dispatchers, a stage after the other, and compares what was sent with what arrived.
async fn kill_and_compare(place: &Place, kills: usize) {
    let (store, sink, mut dice) = (place.open().await, Sink::start().await, Dice::new(seed()));
    let mut town = Town::new(&store, &sink);
    town.register(4).await;
    let mut allowed = BTreeMap::<String, usize>::new();

    for number in 0..kills {
        let (stage, nth) = (STAGES[number % STAGES.len()], 1 + dice.below(3));
        town.register(2).await;
        let mut task = task(place, &sink, &town.clock, 1);
        (task["stage"], task["nth"]) = (format!("{stage:?}").into(), nth.into());
        let mut process = Process::start(&task);
        match stage {
            Stage::Connected | Stage::AfterData => {
                let stop = if stage == Stage::Connected { Stop::Connected } else { Stop::BeforeTaken };
                sink.stops_at(stop, nth).await;
                process.kill();
            }
            _ => assert!(process.ends(), "kill {number} at {stage:?} was not met"),
        }
        if stage == Stage::Taken {
            *allowed.entry(sink.taken().last().unwrap().id.clone()).or_default() += 1;
        }
        // Its lease has to end.
        town.clock.advance(time::Duration::minutes(3));
    }
    let rest = town.registration.dispatcher().flush().await.unwrap();

    let (mut letters, mut by_person) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, String>::new());
    for taken in sink.taken() {
        *letters.entry(taken.id.clone()).or_default() += 1;
        let first = by_person.entry(taken.to).or_insert_with(|| taken.id.clone());
        assert_eq!(*first, taken.id, "one letter for each person");
    }
    let lost: Vec<&String> = town.people.iter().filter(|person| !by_person.contains_key(*person)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    for (id, times) in &letters {
        let most = 1 + allowed.get(id).copied().unwrap_or_default();
        assert!(*times <= most, "{id} came {times} times, and {most} can be explained");
    }
    assert_eq!(letters.len(), town.people.len(), "a letter for nobody");
    assert_eq!(store.number("SELECT count(*) FROM registration_outbox").await, 0, "{rest:?}");
    let repeated = letters.values().sum::<usize>() - letters.len();
    let at_taken = kills / STAGES.len() + usize::from(kills % STAGES.len() > 3);
    let (name, people) = (place.name(), town.people.len());
    let figures =
        format!("{kills} kills, {at_taken} of them after 250; {people} letters, lost 0, {repeated} came twice");
    record("C1 letters", &format!("{name}: {figures}"));
}

/// Two processes that nobody kills deliver what there is, each letter once.
async fn two_share(place: &Place, people: usize) {
    let (store, sink) = (place.open().await, Sink::start().await);
    let mut town = Town::new(&store, &sink);
    town.register(people).await;
    let task = task(place, &sink, &town.clock, 8);

    let running = [Process::start(&task), Process::start(&task)];
    let begun = Instant::now();
    while store.number("SELECT count(*) FROM registration_outbox").await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} letters after a minute", sink.taken().len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(running);

    let taken = sink.taken();
    let once: BTreeSet<&str> = taken.iter().map(|taken| taken.to.as_str()).collect();
    assert_eq!((taken.len(), once.len()), (people, people), "each letter once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_in_sqlite_two_processes_deliver_each_letter_once() {
    let folder = Folder::new();

    two_share(&Place::in_folder(&folder), 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_in_postgres_two_processes_deliver_each_letter_once() {
    two_share(&Place::in_schema("letters_shared"), 60).await;
}

/// `C1_LETTER_KILLS=300` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c1_in_sqlite_no_letter_is_lost_with_the_process_that_delivers_it() {
    let folder = Folder::new();

    kill_and_compare(&Place::in_folder(&folder), rounds("C1_LETTER_KILLS", 10)).await;
}

/// `C1_LETTER_KILLS=300` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c1_in_postgres_no_letter_is_lost_with_the_process_that_delivers_it() {
    kill_and_compare(&Place::in_schema("letter_kills"), rounds("C1_LETTER_KILLS", 10)).await;
}
