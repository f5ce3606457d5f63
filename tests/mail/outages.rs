//! C8: people sign up while the mail server is away in every way that it can be, and notice nothing; every letter arrives
//! when it is back.
//!
//! `FULL=1` plays the size of the matrix: ten sign-ups a second for an hour, in real time. The sample is a few hundred
//! sign-ups, and its clock goes [`FASTER`] times as fast, so that the dispatcher's pauses pass.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tower_registration::host::{Clock, Model, Rendered, Templates};
use tower_registration::identity::Channel;
use tower_registration::methods::{Code, Password};
use tower_registration::smtp::SmtpCourier;
use tower_registration::testing::{App, ClientKind, UI};
use tower_registration::upkeep::{GivenUp, Why};
use tower_registration::{After, Verification};

use super::certificates::Certificates;
use super::office::FROM;
use super::peer::{Mood, Offers, Peer};

const FASTER: u32 = 40;
const POISON: &str = "poison@example.org";
/// How long the courier waits for the server.
const LIMIT: time::Duration = time::Duration::seconds(1);
/// How much longer a sign-up may take in a sample, beside its fifth: the slowest of a few hundred is one that the
/// machine was busy for. One that waited for the server would take the courier's time limit, several times as long.
const SLACK: Duration = Duration::from_millis(300);

/// How the server is away, one after the other. The first is that it does not listen at all.
const OUTAGES: [Option<Mood>; 7] = [
    None,
    Some(Mood::Says("CONNECT", "421 4.3.2 busy")),
    Some(Mood::Says("RCPT", "550 5.7.1 blocked")),
    Some(Mood::Silent),
    Some(Mood::NoTls),
    Some(Mood::Slow(Duration::from_secs(1))),
    Some(Mood::Drops),
];

/// Writes the number of the sign-up into the letter, so that letters can be told apart when they arrive.
struct Numbered;

impl Templates for Numbered {
    fn render(&self, letter: &Model<'_>) -> Rendered {
        let code = letter.code.unwrap_or_default();
        Rendered::new(letter, "Your code", format!("{} {code}", letter.transient["n"]))
    }
}

/// A host, its server, and how long its sign-ups took.
struct Run {
    app: App,
    peer: Peer,
    next: AtomicUsize,
    given_up: Arc<Mutex<Vec<GivenUp>>>,
    size: Size,
}

struct Size {
    /// How many addresses ask for codes, each of them about four times.
    again: usize,
    per_second: u32,
    quiet: Duration,
    outage: Duration,
    faster: u32,
}

impl Run {
    async fn begin() -> Self {
        let certificates = Certificates::for_name("localhost");
        let peer = Peer::with(Offers { tls: Some(certificates.acceptor()), ..Offers::default() }).await;
        peer.refuses(POISON, "550 5.1.1 unknown");
        let uri = format!("smtp://{}/?server_name=localhost", peer.address);
        let courier = SmtpCourier::from_uri(&uri, FROM).unwrap().root_certificate(certificates.authority);
        let courier = courier.time_limit(LIMIT).build().unwrap();
        let app = App::with(|builder| {
            // Two hours, so that no letter of an outage of one hour runs out.
            let life = time::Duration::hours(2);
            let verification = Verification::by_code(format!("{UI}/verify")).proof_lifespan(life).lifespan(life);
            let builder = builder.method(Code::new().lifespan(life)).method(Password::new()).verification(verification);
            builder.templates(Numbered).after(After::new()).courier(Channel::Email, courier)
        })
        .unwrap();
        let size = match super::size(1, 0) {
            1 => {
                let outage = Duration::from_secs(3_600) / u32::try_from(OUTAGES.len()).unwrap();
                Size { again: 9_000, per_second: 10, quiet: Duration::from_secs(60), outage, faster: 1 }
            }
            _ => {
                let (quiet, outage) = (Duration::from_secs(2), Duration::from_secs(1));
                Size { again: 90, per_second: 40, quiet, outage, faster: FASTER }
            }
        };
        Self { app, peer, next: AtomicUsize::new(0), given_up: Arc::default(), size }
    }

    /// Runs the dispatcher and the clock until they are dropped.
    fn running(&self) -> JoinSet<()> {
        let mut running = JoinSet::new();
        let told = Arc::clone(&self.given_up);
        let dispatcher = self.app.registration().dispatcher();
        let dispatcher = dispatcher.on_give_up(move |letter| told.lock().unwrap().push(letter.clone()));
        running.spawn(async move { dispatcher.run_until(std::future::pending()).await });
        let (clock, faster) = (self.app.clock().clone(), self.size.faster);
        running.spawn(async move {
            loop {
                let begun = Instant::now();
                tokio::time::sleep(Duration::from_millis(20)).await;
                clock.advance(time::Duration::try_from(begun.elapsed() * faster).unwrap());
            }
        });
        running
    }

    /// People sign up for so long, at the rate of this run; how long each of them waited.
    async fn sign_ups(&self, so_long: Duration) -> Vec<Duration> {
        let mut going = JoinSet::new();
        let mut tick = tokio::time::interval(Duration::from_secs(1) / self.size.per_second);
        let end = Instant::now() + so_long;
        while Instant::now() < end {
            tick.tick().await;
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            let (app, again) = (self.app.clone(), n % self.size.again);
            going.spawn(async move { sign_up(&app, n, again).await });
        }
        going.join_all().await
    }
}

/// One in two registers with a password; the others ask for codes, several times for one address.
async fn sign_up(app: &App, n: usize, again: usize) -> Duration {
    let begun = Instant::now();
    let mut client = app.client(ClientKind::Native);
    let page = client.open().await;
    let number = json!({ "n": n });
    let answer = if n.is_multiple_of(2) {
        let traits = json!({ "email": format!("person{n}@example.org") });
        json!({ "method": "password", "password": "correct horse", "traits": traits, "transient_payload": number })
    } else {
        let email = if n % 20 == 1 { POISON.to_owned() } else { format!("again{again}@example.org") };
        json!({ "method": "code", "traits": { "email": email }, "transient_payload": number })
    };
    let done = client.submit(&page, answer).await;
    let waited = begun.elapsed();
    let expected = if n.is_multiple_of(2) { done.status() == 200 } else { done.status() == 400 };
    assert!(expected, "{n}: {}", done.json());
    waited
}

/// The slowest but for one in a hundred.
fn p99(mut waited: Vec<Duration>) -> Duration {
    waited.sort();
    waited[waited.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c8_sign_ups_do_not_notice_and_every_letter_arrives() {
    let run = Run::begin().await;
    let running = run.running();
    let quiet = run.sign_ups(run.size.quiet).await;
    let mut waited = Vec::new();
    for outage in OUTAGES {
        match &outage {
            None => run.peer.leaves().await,
            Some(mood) => run.peer.becomes(mood.clone()),
        }
        waited.extend(run.sign_ups(run.size.outage).await);
        if outage.is_none() {
            run.peer.returns().await;
        }
    }
    let sent_before = run.peer.received().iter().filter(|letter| letter.taken).count();
    run.peer.becomes(Mood::Well);
    let back = run.app.clock().now();
    while !run.app.memory().outbox().is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(run.app.clock().now() - back < time::Duration::minutes(10), "{} wait", run.app.memory().outbox().len());
    }
    drop(running);

    let all = run.next.load(Ordering::Relaxed);
    assert_eq!((quiet.len() + waited.len(), waited.is_empty()), (all, false));
    let (quiet, slow) = (p99(quiet), p99(waited));
    println!("{all} sign-ups, p99 {quiet:?} quiet, {slow:?} while the server is away; {sent_before} letters before");
    assert!(slow <= quiet.mul_f64(1.2) + SLACK, "{slow:?} instead of {quiet:?}");
    everything_arrived(&run, all);
}

/// Each letter that was posted was taken, in the order of its address and with one code; but for the poisoned ones,
/// which were given up at once.
fn everything_arrived(run: &Run, all: usize) {
    let mut copies: BTreeMap<usize, HashSet<(String, String)>> = BTreeMap::new();
    let mut orders: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for letter in run.peer.received() {
        let email = letter.email();
        let (n, code) = email.text.trim().split_once(' ').unwrap();
        let n: usize = n.parse().unwrap();
        copies.entry(n).or_default().insert((email.header("Message-ID").to_owned(), code.to_owned()));
        let order = orders.entry(email.header("To").to_owned()).or_default();
        if letter.taken && !order.contains(&n) {
            order.push(n);
        }
    }
    assert!(copies.values().all(|same| same.len() == 1), "a retry is the same letter with the same code");
    assert!(orders.values().all(|order| order.is_sorted()), "{orders:?}");
    assert!(orders.values().any(|order| order.len() > 2), "some addresses got several letters");
    let arrived: HashSet<usize> = orders.values().flatten().copied().collect();
    let given_up = run.given_up.lock().unwrap();
    let poisoned = |letter: &GivenUp| {
        letter.why == Why::Refused && letter.letter.as_ref().is_some_and(|(_, to)| to.value() == POISON)
    };
    assert!(given_up.iter().all(poisoned), "{given_up:?}");
    // An address gets five letters an hour, whoever asks for them.
    let missing: Vec<_> = (0..all).filter(|n| n % 20 != 1 && !arrived.contains(n)).collect();
    let asked_enough = |n: &usize| orders[&format!("again{}@example.org", n % run.size.again)].len() >= 5;
    assert!(missing.iter().all(|n| n % 2 == 1 && asked_enough(n)), "{missing:?}");
    assert!(!given_up.is_empty() && !arrived.is_empty());
}
