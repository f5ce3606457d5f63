//! Leaked passwords: what a host's own client, many at once and people who leave cannot do; and what the log says.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower_registration::breach::RangeList;
use tower_registration::host::{BreachList, Fetch, FetchRequest, Fetched, HostErrorKind, Unfetched, UnfetchedKind};
use tower_registration::methods::{Password, WhenAway};
use tower_registration::testing::App;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// A client of a host that takes its time, whatever the limits say, and counts who waits.
#[derive(Clone, Default)]
struct Own {
    takes: Duration,
    at_once: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

/// Counts down when its request ends, or is given up.
struct Ended(Arc<AtomicUsize>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Fetch for Own {
    async fn fetch(&self, _: FetchRequest) -> Result<Fetched, Unfetched> {
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        let _ended = Ended(Arc::clone(&self.at_once));
        self.most.fetch_max(now, Ordering::SeqCst);
        sleep(self.takes).await;
        Ok(Fetched::new(StatusCode::OK))
    }
}

#[tokio::test]
async fn a_client_that_ignores_its_limits_is_given_up() {
    let own = Own { takes: Duration::from_secs(10), ..Own::default() };
    let list = RangeList::new(own.clone()).time_limit(Duration::from_millis(200));
    let begun = Instant::now();

    let counted = list.count(&"correct horse".into()).await;

    assert_eq!(counted.unwrap_err().kind(), HostErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(own.at_once.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn questions_at_once_are_bounded_and_all_are_answered() {
    let own = Own { takes: Duration::from_millis(5), ..Own::default() };
    let list = RangeList::new(own.clone()).time_limit(Duration::from_secs(20));
    let mut questions = JoinSet::new();
    for n in 0..200 {
        let list = list.clone();
        questions.spawn(async move { list.count(&format!("password {n}").into()).await });
    }

    while let Some(counted) = questions.join_next().await {
        assert_eq!(counted.unwrap().unwrap(), 0);
    }

    assert_eq!(own.most.load(Ordering::SeqCst), 32);
}

#[tokio::test]
async fn waiting_for_a_place_counts_as_waiting() {
    let own = Own { takes: Duration::from_secs(10), ..Own::default() };
    let list = RangeList::new(own).time_limit(Duration::from_millis(200));
    let mut questions = JoinSet::new();
    let begun = Instant::now();
    for n in 0..100 {
        let list = list.clone();
        questions.spawn(async move { list.count(&format!("password {n}").into()).await });
    }

    while let Some(counted) = questions.join_next().await {
        assert_eq!(counted.unwrap().unwrap_err().kind(), HostErrorKind::Unavailable);
    }

    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn people_who_leave_give_their_places_back() {
    let own = Own { takes: Duration::from_millis(20), ..Own::default() };
    let list = RangeList::new(own.clone());

    let password = "correct horse".into();

    for n in 0..200 {
        let _ = timeout(Duration::from_micros(n * 20), list.count(&password)).await;
    }

    assert_eq!(own.at_once.load(Ordering::SeqCst), 0);
    assert_eq!(list.count(&password).await.unwrap(), 0);
}

/// A client that fails, as it might be after all was said.
struct Away;

#[async_trait]
impl Fetch for Away {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
        Err(Unfetched::new(UnfetchedKind::TimedOut, format!("{request:?}")))
    }
}

/// Writes down everything that is logged, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0.lock().unwrap(), "{}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn the_log_tells_of_unchecked_passwords_and_nothing_about_them() {
    let log = Log::default();
    let _heard = tracing::subscriber::set_default(log.clone());

    for when_away in [WhenAway::Accept, WhenAway::Refuse] {
        let password = Password::new().breach_list(RangeList::new(Away), 0, when_away);
        let app = App::with(|builder| builder.method(password)).unwrap();
        let mut native = app.native();
        let page = native.open().await;
        let form =
            json!({ "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" } });
        let _ = native.submit(&page, form).await;
    }

    let log = log.0.lock().unwrap().to_lowercase();
    assert!(log.contains("event=\"breach_unchecked\"") && log.contains("the service did not answer in time"), "{log}");
    for secret in ["correct", "horse", "2f9e5", "3523b"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
