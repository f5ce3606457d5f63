//! What a host serves over a socket: `open`, `show` and `page` beside a bare axum handler that returns the same bytes, and
//! `submit` with all cores busy beside the hash alone.
//!
//! ```sh
//! cargo bench --bench socket              # or a part: -- open, -- show, -- page, -- submit
//! ```
//!
//! No criterion here: it times one thing after the other, while this counts what many connections get done together,
//! and compares two hosts whose runs alternate, so that a machine that slows down slows down both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on has failed"
)]

mod common {
    pub(crate) mod client;
    pub(crate) mod host;
    pub(crate) mod pages;
    pub(crate) mod raw;
    pub(crate) mod server;
}

use std::io::{Read, Write};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use bytes::Bytes;
use common::client::{Connection, wire};
use common::host::{PREFIX, flow_in, open, registration, submit};
use common::pages::{Page, answer};
use common::raw::Raw;
use common::server::{Server, child, is_measurement, median, numbers};
use http::Request;
use tokio::runtime::Builder;
use tower_registration::Hashing;

/// How much is measured.
struct Effort {
    runs: usize,
    /// How long pages are asked for in one run, and before that without being counted.
    counted: f64,
    uncounted: f64,
    /// Submissions, or hashes, of one run.
    submissions: usize,
}

/// Connections that ask for pages.
const READERS: usize = 32;
/// Connections that submit: enough to keep every thread at work, and few enough for the queue.
const WRITERS: usize = 8;

/// Stands between two requests on a client's input.
const END: u8 = 0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, address, rest @ ..] = arguments.as_slice() {
        match (word.as_str(), rest) {
            ("ask", [uncounted, counted]) => return ask(address, uncounted, counted),
            ("submit", []) => return submit_all(address),
            _ => {}
        }
    }
    let effort = match is_measurement() {
        true => Effort { runs: 5, counted: 4.0, uncounted: 1.0, submissions: 400 },
        false => Effort { runs: 1, counted: 0.2, uncounted: 0.0, submissions: 10 },
    };
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let is_asked_for = |what: &str| words.is_empty() || words.iter().any(|word| *word == what);
    println!("requests a second, medians of {} alternating runs\n", effort.runs);
    for page in Page::ALL {
        let (what, client) = page.name();
        let own = || pages(prepare(page.own()), &effort);
        let bare = || pages(prepare(page.bare()), &effort);
        if is_asked_for(what) {
            compare(&format!("{what}, {client}"), "bare handler", effort.runs, own, bare);
        }
    }
    if is_asked_for("submit") {
        let own = || submissions(effort.submissions);
        let raw = || hashes(effort.submissions);
        compare("submit, native", "argon2id alone", effort.runs, own, raw);
    }
}

/// Measures both in turn and prints every run.
fn compare(what: &str, beside: &str, runs: usize, own: impl Fn() -> f64, other: impl Fn() -> f64) {
    let (mut owns, mut others) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        owns.push(own());
        others.push(other());
    }
    let (own, other) = (median(&owns), median(&others));
    println!("{what}: {own:.1}  {owns:.1?}");
    println!("  {beside}: {other:.1}  {others:.1?}");
    println!("  ratio: {:.3}\n", own / other);
}

fn prepare<T>(preparing: impl Future<Output = T>) -> T {
    Builder::new_current_thread().build().unwrap().block_on(preparing)
}

/// Answers a second of a host that is asked for pages.
fn pages((app, requests): (Router, Vec<Request<Bytes>>), effort: &Effort) -> f64 {
    let server = Server::start(app);
    let [uncounted, counted] = [effort.uncounted, effort.counted].map(|seconds| seconds.to_string());
    rate(&["ask".to_owned(), server.address.to_string(), uncounted, counted], &requests)
}

/// Submissions a second; their flows are begun before.
fn submissions(count: usize) -> f64 {
    let service = registration(Hashing::new());
    let requests = prepare(async {
        let mut requests = Vec::new();
        for person in 0..count {
            let page = answer(service.clone(), open()).await;
            requests.push(submit(&flow_in(page.body()), &format!("person-{person}@example.org")));
        }
        requests
    });
    let server = Server::start(Router::new().nest_service(PREFIX, service.clone()));
    let rate = rate(&["submit".to_owned(), server.address.to_string()], &requests);
    assert_eq!(service.hashes_computed(), count, "each submission is hashed once");
    rate
}

/// Hashes a second, on as many threads as the service has.
fn hashes(count: usize) -> f64 {
    let threads = std::thread::available_parallelism().unwrap().get();
    let next = AtomicUsize::new(0);
    let ready = Barrier::new(threads + 1);
    let begun = std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut raw = Raw::new();
                ready.wait();
                while next.fetch_add(1, Ordering::Relaxed) < count {
                    std::hint::black_box(raw.hash());
                }
            });
        }
        ready.wait();
        Instant::now()
    });
    count as f64 / begun.elapsed().as_secs_f64()
}

/// What a client in a process of its own counts in a second.
fn rate(arguments: &[String], requests: &[Request<Bytes>]) -> f64 {
    let mut client = child(arguments);
    let mut input = client.stdin.take().unwrap();
    for request in requests {
        input.write_all(&wire(request)).unwrap();
        input.write_all(&[END]).unwrap();
    }
    drop(input);
    let counted = numbers(client);
    counted[0] / counted[1]
}

/// The requests that the parent wrote.
fn read_requests() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    std::io::stdin().read_to_end(&mut all).unwrap();
    all.split(|byte| *byte == END).filter(|request| !request.is_empty()).map(<[u8]>::to_vec).collect()
}

/// The client's side: asks for the same pages over and over.
fn ask(address: &str, uncounted: &str, counted: &str) {
    let requests = read_requests();
    let [uncounted, counted] = [uncounted, counted].map(|seconds| Duration::from_secs_f64(seconds.parse().unwrap()));
    let answers = AtomicUsize::new(0);
    let ready = Barrier::new(READERS);
    std::thread::scope(|scope| {
        for reader in 0..READERS {
            let (requests, ready, answers) = (&requests, &ready, &answers);
            scope.spawn(move || {
                let mut connection = Connection::to(address);
                // Not all of them begin with the same flow.
                let mut requests = requests.iter().cycle().skip(reader * 7);
                ready.wait();
                let begun = Instant::now();
                let mut own = 0;
                while begun.elapsed() < uncounted + counted {
                    let answer = connection.ask(requests.next().unwrap());
                    let end = answer.body.trim_ascii_end();
                    let is_page = end.ends_with(b"}") || end.ends_with(b"</html>");
                    let is_whole = answer.status() == 303 || answer.status() == 200 && is_page;
                    assert!(is_whole, "{}", answer.status());
                    own += usize::from(begun.elapsed() >= uncounted);
                }
                answers.fetch_add(own, Ordering::Relaxed);
            });
        }
    });
    println!("{} {}", answers.into_inner(), counted.as_secs_f64());
}

/// The client's side: submits everything once.
fn submit_all(address: &str) {
    let requests = read_requests();
    let next = AtomicUsize::new(0);
    let ready = Barrier::new(WRITERS + 1);
    let begun = std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                let mut connection = Connection::to(address);
                ready.wait();
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    assert_eq!(connection.ask(request).status(), 200);
                }
            });
        }
        ready.wait();
        Instant::now()
    });
    println!("{} {}", requests.len(), begun.elapsed().as_secs_f64());
}
