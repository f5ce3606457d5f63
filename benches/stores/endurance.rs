//! L3: a mixed load at seven tenths of what the hash allows, for a long time. What is held at the end is what was held
//! after the first tenth.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tower_registration::Hashing;

use super::place::{Place, Which};
use super::rates::hashes;
use crate::of_hundred;

/// Of so many people one types a password that is too short first.
const CARELESS: usize = 5;
/// How often what is over is swept.
const SWEEPS: Duration = Duration::from_secs(10);

/// What the process holds, as Linux tells; nothing elsewhere.
fn held() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let number = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)
    };
    let files = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(format!("{} KiB, {files} files, {} threads", number("VmRSS:")?, number("Threads:")?))
}

pub(crate) async fn last(seconds: f64) {
    let place = Arc::new(Place::new(Which::Sqlite, Hashing::new()).await);
    let rate = 0.7 * tokio::task::spawn_blocking(|| hashes(100)).await.unwrap();
    println!("SQLite, {rate:.1} people a second for {seconds} s, one of {CARELESS} after a mistake");
    let took: Arc<Mutex<Vec<(f64, f64)>>> = Arc::default();
    let begun = Instant::now();
    let mut people = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    let (mut swept, mut early) = (begun, None);
    for number in 0.. {
        let since = begun.elapsed().as_secs_f64();
        if since >= seconds {
            break;
        }
        if early.is_none() && since >= seconds / 10.0 {
            early = held();
        }
        if swept.elapsed() > SWEEPS {
            swept = Instant::now();
            let _swept = place.registration.sweeper().sweep().await.unwrap();
        }
        ticks.tick().await;
        let (place, took) = (Arc::clone(&place), Arc::clone(&took));
        people.spawn(async move {
            let begun = Instant::now();
            come(&place, number % CARELESS == 0).await;
            took.lock().await.push((since, begun.elapsed().as_secs_f64() * 1_000.0));
        });
        while people.try_join_next().is_some_and(|done| done.is_ok()) {}
    }
    people.join_all().await;
    let took = took.lock().await;
    println!("{} people", took.len());
    println!("after a tenth: {early:?}");
    println!("at the end:    {:?}", held());
    for (name, from, to) in [("first", 0.0, 0.5), ("second", 0.5, 1.0)] {
        let part = took.iter().filter(|(at, _)| *at >= from * seconds && *at < to * seconds);
        let mut part: Vec<f64> = part.map(|(_, took)| *took).collect();
        if !part.is_empty() {
            println!("{name} half: p99 {:.0} ms", of_hundred(&mut part, 99));
        }
    }
}

/// Opens a page, looks at it again, perhaps makes a mistake, and signs up.
async fn come(place: &Place, careless: bool) {
    let mut client = place.client();
    let page = client.open().await;
    let flow = page.flow_id().unwrap();
    assert_eq!(client.show(&flow).await.status(), 200);
    if careless {
        let mut answer = place.somebody();
        answer["password"] = json!("short");
        assert_eq!(client.submit(&page, answer).await.status(), 400);
    }
    place.sign_up(&page).await;
}
