//! What a flood of sign-ups does to the other routes of a host, and to its memory.
//!
//! ```sh
//! cargo bench --bench flood
//! ```
//!
//! A host serves `/ping` beside the registration. One client pings, first while nothing else happens, then while more
//! people sign up than the hashing queue takes; those who are told to come back later do so. Each client is a process
//! of its own, so that neither their memory nor their threads are counted as the host's.
//!
//! No criterion here: what counts is the slowest percent of the answers, and memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on has failed"
)]

mod common {
    pub(crate) mod client;
    pub(crate) mod host;
    pub(crate) mod server;
}

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use common::client::{Connection, wire};
use common::host::{PREFIX, flow_in, open, registration, submit};
use common::server::{Server, child, is_measurement, median, numbers};
use tower_registration::Hashing;

/// How much is measured, in seconds.
struct Effort {
    runs: usize,
    flood: f64,
    /// From the beginning of the flood until somebody pings.
    swelling: f64,
    pings: f64,
}

/// People who sign up at the same time: several times what the queue takes.
const PEOPLE: usize = 500;

/// What one hash takes. The budget is no larger than the threads need, so that the bound on memory is tight.
const ARENA: usize = 19_456 * 1024;
/// What the host may take beside the budget.
const BESIDE: usize = 64 * 1024 * 1024;

const BETWEEN_PINGS: Duration = Duration::from_millis(2);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, address, seconds] = arguments.as_slice() {
        let until = |seconds: &str| Duration::from_secs_f64(seconds.parse().unwrap());
        match word.as_str() {
            "ping" => return ping(address, until(seconds)),
            "sign-up" => return sign_up(address, until(seconds)),
            _ => {}
        }
    }
    let effort = match is_measurement() {
        true => Effort { runs: 5, flood: 12.0, swelling: 2.0, pings: 8.0 },
        false => Effort { runs: 1, flood: 1.0, swelling: 0.2, pings: 0.2 },
    };
    measure(&effort);
}

fn measure(effort: &Effort) {
    let threads = std::thread::available_parallelism().unwrap().get();
    let budget = threads * ARENA;
    let service = registration(Hashing::new().memory_budget(budget));
    let app = Router::new().route("/ping", get(async || "pong\n")).nest_service(PREFIX, service.clone());
    let server = Server::start(app);
    let address = server.address.to_string();
    let client = |word: &str, seconds: f64| child(&[word.to_owned(), address.clone(), seconds.to_string()]);

    let (mut idle, mut flooded) = (Pings::default(), Pings::default());
    let mut before = 0;
    println!("pings, in milliseconds");
    for run in 0..effort.runs {
        idle.add("idle", &numbers(client("ping", effort.pings)));
        if run == 0 {
            before = most_memory();
        }
        let people = client("sign-up", effort.flood);
        std::thread::sleep(Duration::from_secs_f64(effort.swelling));
        flooded.add("flooded", &numbers(client("ping", effort.pings)));
        let people = numbers(people);
        println!("  {} signed up, {} times somebody was told to come back later", people[0], people[1]);
    }

    let bound = (5.0 * median(&idle.slow)).max(10.0);
    println!("\nmedians of {} alternating runs", effort.runs);
    println!("idle: median {:.3}, 99th percentile {:.3}", median(&idle.middle), median(&idle.slow));
    println!("flooded: median {:.3}, 99th percentile {:.3}", median(&flooded.middle), median(&flooded.slow));
    println!("  bound on the 99th percentile: {bound:.3}");
    println!("hashes: {}", service.hashes_computed());
    println!("the most memory: {} before the first flood, {} in all", mib(before), mib(most_memory()));
    println!("  bound: {} for hashing and {} beside it", mib(budget), mib(BESIDE));
}

/// The pings of each run: the one in the middle, and the 99th percentile.
#[derive(Default)]
struct Pings {
    middle: Vec<f64>,
    slow: Vec<f64>,
}

impl Pings {
    fn add(&mut self, when: &str, numbers: &[f64]) {
        let [middle, slow, slowest, count] = numbers else { panic!("four numbers, not {numbers:?}") };
        println!("{when}: median {middle:.3}, 99th percentile {slow:.3}, slowest {slowest:.3} of {count}");
        self.middle.push(*middle);
        self.slow.push(*slow);
    }
}

/// The most memory that this process had resident so far, in bytes; 0 where the system does not tell.
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    kib.unwrap_or_default() * 1024
}

fn mib(bytes: usize) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// A client: pings at fixed times. A ping that is late because the one before was is counted from when it was due, or
/// a long pause of the host would be counted once only.
fn ping(address: &str, lasting: Duration) {
    let request = b"GET /ping HTTP/1.1\r\nhost: app.example.org\r\n\r\n";
    let mut connection = Connection::to(address);
    let mut took = Vec::new();
    let begun = Instant::now();
    let mut due = begun;
    while begun.elapsed() < lasting {
        due += BETWEEN_PINGS;
        let sent = match due.checked_duration_since(Instant::now()) {
            Some(early) => {
                std::thread::sleep(early);
                Instant::now()
            }
            None => due,
        };
        assert_eq!(connection.ask(request).status(), 200);
        took.push(sent.elapsed().as_secs_f64() * 1_000.0);
    }
    took.sort_by(f64::total_cmp);
    println!("{} {} {} {}", took[took.len() / 2], took[took.len() * 99 / 100], took[took.len() - 1], took.len());
}

/// A client: many people, each of whom signs up over and over.
fn sign_up(address: &str, lasting: Duration) {
    let (signed_up, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let end = Instant::now() + lasting;
    std::thread::scope(|scope| {
        for person in 0..PEOPLE {
            let (signed_up, refused) = (&signed_up, &refused);
            scope.spawn(move || {
                let mut connection = Connection::to(address);
                let mut times = 0;
                while Instant::now() < end {
                    times += 1;
                    let email = format!("{}-{person}-{times}@example.org", std::process::id());
                    let flow = flow_in(connection.ask(&wire(&open())).body);
                    while let Some(told) = come_back_after(&mut connection, &wire(&submit(&flow, &email))) {
                        refused.fetch_add(1, Ordering::Relaxed);
                        let left = end.saturating_duration_since(Instant::now());
                        std::thread::sleep(told.min(left));
                        if told > left {
                            return;
                        }
                    }
                    signed_up.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    println!("{} {}", signed_up.into_inner(), refused.into_inner());
}

/// Submits; how long to wait before the next try, when the queue is full.
fn come_back_after(connection: &mut Connection, request: &[u8]) -> Option<Duration> {
    let answer = connection.ask(request);
    match answer.status() {
        200 => None,
        503 => Some(Duration::from_secs(answer.header("retry-after").unwrap().parse().unwrap())),
        other => panic!("a submission was answered with {other}"),
    }
}
