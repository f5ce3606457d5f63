//! How many people sign up in a second while all cores hash, beside the rate of the hash alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tower_registration::Hashing;

use super::place::{Place, Which};
use crate::common::raw::Raw;
use crate::{median, of_hundred};

/// People who submit at the same time: enough to keep every thread at work, and few enough for the queue.
const PEOPLE: usize = 8;

pub(crate) fn compare(runtime: &Runtime, runs: usize, submissions: usize) {
    println!("people a second, medians of {runs} alternating runs, argon2id with 19 MiB and two passes");
    for which in [Which::Memory, Which::Sqlite, Which::Postgres] {
        // Who shares the machine may have to wait for longer than a person would.
        let hashing = Hashing::new().patience(Duration::from_secs(60));
        let place = Arc::new(runtime.block_on(Place::new(which, hashing)));
        let (mut own, mut slow, mut raw) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..runs {
            raw.push(hashes(submissions));
            let (rate, slowest) = runtime.block_on(people(&place, submissions));
            own.push(rate);
            slow.push(slowest);
        }
        let (own, slow, raw) = (median(&mut own), median(&mut slow), median(&mut raw));
        let ratio = own / raw;
        println!("{which:?}: {own:.1}, p99 {slow:.0} ms; the hash alone {raw:.1}; ratio {ratio:.2}");
    }
}

/// Hashes a second, on all cores.
pub(crate) fn hashes(most: usize) -> f64 {
    let threads = std::thread::available_parallelism().unwrap().get();
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut raw = Raw::new();
                while next.fetch_add(1, Ordering::Relaxed) < most {
                    raw.hash();
                }
            });
        }
    });
    most as f64 / begun.elapsed().as_secs_f64()
}

/// People a second, and how many milliseconds 99 of 100 submissions take at most. Their flows are begun before.
async fn people(place: &Arc<Place>, most: usize) -> (f64, f64) {
    let mut pages = Vec::new();
    for _ in 0..most {
        pages.push(place.client().open().await);
    }
    let (pages, next) = (Arc::new(pages), Arc::new(AtomicUsize::new(0)));
    let begun = Instant::now();
    let mut submitting = JoinSet::new();
    for _ in 0..PEOPLE {
        let (place, pages, next) = (Arc::clone(place), Arc::clone(&pages), Arc::clone(&next));
        submitting.spawn(async move {
            let mut took = Vec::new();
            while let Some(page) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
                let begun = Instant::now();
                place.sign_up(page).await;
                took.push(begun.elapsed().as_secs_f64() * 1_000.0);
            }
            took
        });
    }
    let mut took = submitting.join_all().await.concat();
    (most as f64 / begun.elapsed().as_secs_f64(), of_hundred(&mut took, 99))
}
