//! C10: PostgreSQL is restarted, stops answering, moves elsewhere or is slow, while people sign up. They are told to come
//! again, in time; nothing is half-written, and soon after everything works as before.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;
use tower_registration::postgres::PostgresStorage;

use super::proxy::Proxy;
use super::site::{Became, Site, Store, Tables, rounds};
use crate::server::Server;

/// What the storage waits, twice (a commit, and finding out what became of it), and what a busy machine adds.
const LONGEST: Duration = Duration::from_millis(4_900);
/// Within so long after the server is back, everybody is served.
const NORMAL: Duration = Duration::from_secs(5);
const PEOPLE: usize = 8;

/// What was seen of one outage.
#[derive(Debug, Default)]
struct Seen {
    made: AtomicUsize,
    refused: AtomicUsize,
    longest: Mutex<Duration>,
    /// When somebody was told to come again for the last time.
    last: Mutex<Option<Instant>>,
}

impl Seen {
    fn took(&self, time: Duration) {
        let mut longest = self.longest.lock().unwrap();
        *longest = time.max(*longest);
    }
}

/// A service over a server of its own, through a proxy.
struct Host {
    server: Server,
    proxy: Proxy,
    site: Arc<Site>,
}

impl Host {
    async fn new() -> Self {
        let server = Server::start();
        let proxy = Proxy::to(server.folder());
        let pool = PgPoolOptions::new().max_connections(6).connect(&proxy.dsn()).await.unwrap();
        let storage = PostgresStorage::from_pool(pool).with_schema("outage").unwrap();
        let beside = PgPoolOptions::new().max_connections(2).connect(&server.dsn()).await.unwrap();
        let site = Site::new(Store::Postgres(storage), Tables::Postgres(beside, "outage")).await;
        Self { server, proxy, site: Arc::new(site) }
    }

    /// Waits until the server answers.
    async fn back(&self) -> Instant {
        let begun = Instant::now();
        let asks = || async {
            let mut connection = PgConnection::connect(&self.server.dsn()).await?;
            sqlx::query("SELECT 1").execute(&mut connection).await
        };
        while asks().await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the server does not come back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Instant::now()
    }

    /// People sign up all the time, before, during and after an outage. Who is told to come again comes at once: nobody
    /// obeys, which is harder.
    async fn through(&self, outage: impl AsyncFn(&Self)) -> Seen {
        let (seen, stop) = (Arc::<Seen>::default(), Arc::<AtomicBool>::default());
        let mut people = JoinSet::new();
        for _ in 0..PEOPLE {
            let (site, seen, stop) = (Arc::clone(&self.site), Arc::clone(&seen), Arc::clone(&stop));
            people.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let became = site.sign_up(2 * LONGEST).await;
                    seen.took(begun.elapsed());
                    match became {
                        Became::Somebody => drop(seen.made.fetch_add(1, Ordering::Relaxed)),
                        Became::Refused(_) => {
                            seen.refused.fetch_add(1, Ordering::Relaxed);
                            *seen.last.lock().unwrap() = Some(Instant::now());
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        outage(self).await;
        let (back, made) = (self.back().await, seen.made.load(Ordering::Relaxed));
        // Everybody was served, and nobody was told to come again for a while.
        let quiet = || {
            let last = *seen.last.lock().unwrap();
            last.is_none_or(|last| last.elapsed() > Duration::from_millis(1_500))
        };
        while !quiet() || seen.made.load(Ordering::Relaxed) < made + 10 * PEOPLE {
            assert!(back.elapsed() < 2 * NORMAL, "it does not become normal again: {seen:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.store(true, Ordering::Relaxed);
        people.join_all().await;
        let seen = Arc::try_unwrap(seen).unwrap();
        let trouble = seen.last.lock().unwrap().map_or(Duration::ZERO, |last| last.saturating_duration_since(back));
        assert!(trouble < NORMAL, "still refused {trouble:?} after the server was back: {seen:?}");
        assert!(*seen.longest.lock().unwrap() <= LONGEST, "{seen:?}");
        let there = self.site.tables.whole("after the outage").await;
        println!("{there} people are there; normal {trouble:?} after the server was back; {seen:?}");
        seen
    }
}

/// `C10_OUTAGES=50` plays the full size, and `C10_FREEZE=10` freezes for ten seconds.
fn outages() -> usize {
    rounds("C10_OUTAGES", 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_a_restart_is_survived() {
    let host = Host::new().await;

    for how in ["fast", "immediate"] {
        for _ in 0..outages() {
            let seen = host
                .through(async |host| {
                    host.server.tell(how);
                    // Until it has begun to end.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                })
                .await;
            println!("C10 {how}: {seen:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_a_server_that_stops_answering_is_survived() {
    let host = Host::new().await;
    let freeze = Duration::from_secs(rounds("C10_FREEZE", 3) as u64);

    for _ in 0..outages() {
        let seen = host
            .through(async |host| {
                host.server.tell("freeze");
                tokio::time::sleep(freeze).await;
                host.server.tell("thaw");
            })
            .await;
        assert!(seen.refused.into_inner() > 0, "nobody noticed");
    }
}

/// The connections that are there hear nothing any more and are never told so, as when a machine goes away; new ones reach
/// its successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_a_server_that_moves_elsewhere_is_survived() {
    let host = Host::new().await;

    for _ in 0..outages() {
        let _ = host.through(async |host| host.proxy.silence()).await;
    }
}

/// Half a second there and back, and a registration has some twenty messages: each call waits no longer than the storage
/// does, so people are told to come again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_a_slow_way_to_the_server_is_survived() {
    let host = Host::new().await;
    host.proxy.delay(Duration::from_millis(250));

    let begun = Instant::now();
    let became = host.site.sign_up(Duration::from_secs(20)).await;
    let took = begun.elapsed();
    host.proxy.delay(Duration::ZERO);

    let made = i64::from(matches!(became, Became::Somebody));
    println!("C10 latency of 500 ms: {made} signed up, after {took:?}");
    assert_eq!(host.site.tables.whole("slow").await, made);
    let begun = Instant::now();
    while !matches!(host.site.sign_up(LONGEST).await, Became::Somebody) {
        assert!(begun.elapsed() < NORMAL, "it does not become normal again");
    }
}
