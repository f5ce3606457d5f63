//! What the service costs in process: `open`, `show`, `page` and `submit` with storage in memory; beside them a bare axum
//! handler that returns the same bytes, and the hash alone.
//!
//! ```sh
//! cargo bench --bench service
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on has failed"
)]

mod common {
    pub(crate) mod host;
    pub(crate) mod pages;
    pub(crate) mod raw;
}

use std::time::{Duration, Instant};

use axum::Router;
use bytes::Bytes;
use common::host::{flow_in, open, registration, submit};
use common::pages::{Page, answer};
use common::raw::Raw;
use criterion::{BatchSize, Criterion};
use http::Request;
use tokio::runtime::{Builder, Runtime};
use tower_registration::Hashing;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    pages(&mut criterion, &runtime);
    submissions(&mut criterion, &runtime);
    criterion.final_summary();
}

/// Groups `open`, `show` and `page`. Every sample has a host of its own: flows of a whole run would fill the memory, and what
/// is measured would change on the way.
fn pages(criterion: &mut Criterion, runtime: &Runtime) {
    for page in Page::ALL {
        let (group, client) = page.name();
        let mut group = criterion.benchmark_group(group);
        group.bench_function(client, |bencher| {
            bencher.iter_custom(|times| runtime.block_on(async { ask(page.own().await, times).await }));
        });
        group.bench_function(format!("{client}, bare handler"), |bencher| {
            bencher.iter_custom(|times| runtime.block_on(async { ask(page.bare().await, times).await }));
        });
        group.finish();
    }
}

/// How long it takes to be answered so many times.
async fn ask((mut app, requests): (Router, Vec<Request<Bytes>>), times: u64) -> Duration {
    let asked = requests.iter().cycle().zip(0..times);
    let begun = Instant::now();
    for (request, _) in asked {
        answer(&mut app, request.clone()).await;
    }
    begun.elapsed()
}

/// Group `submit`: one at a time, so this is how long a person waits. The flow is begun outside of what is measured.
fn submissions(criterion: &mut Criterion, runtime: &Runtime) {
    let service = registration(Hashing::new());
    let mut people = 0_u64;
    let mut group = criterion.benchmark_group("submit");
    group.bench_function("native", |bencher| {
        let begin = || {
            people += 1;
            let page = runtime.block_on(answer(service.clone(), open()));
            submit(&flow_in(page.body()), &format!("person-{people}@example.org"))
        };
        bencher.iter_batched(
            begin,
            |request| runtime.block_on(answer(service.clone(), request)),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("argon2id alone", |bencher| {
        let mut raw = Raw::new();
        bencher.iter(|| raw.hash());
    });
    group.finish();
}
