//! What a registration sends to its database, and what it takes of the processor.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_registration::Hashing;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::place::{Place, Which};
use crate::server::server;

/// The statements that were sent, as the driver tells them.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Subscriber for Told {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        struct Summary(String);
        impl Visit for Summary {
            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "summary" {
                    self.0 = value.to_owned();
                }
            }

            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "summary" {
                    self.0 = format!("{value:?}").trim_matches('"').to_owned();
                }
            }
        }
        let mut summary = Summary(String::new());
        event.record(&mut summary);
        self.0.lock().unwrap().push(summary.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Lists the statements of one registration, asserts that it is one commit, and says what many take of the processor.
pub(crate) async fn statements(registrations: usize) {
    let told = Told::default();
    // Once for the process: what a subscriber of one thread hears depends on who does the work.
    let alone = tracing::subscriber::set_global_default(told.clone()).is_ok();
    assert!(alone, "somebody else listens");
    for which in [Which::Sqlite, Which::Postgres] {
        let place = Place::new(which, Hashing::new().cost(8, 1)).await;
        let mut client = place.client();
        place.sign_up(&client.open().await).await;
        settled().await;
        told.0.lock().unwrap().clear();
        let before = place.commits.load(Ordering::Relaxed);

        let page = client.open().await;
        settled().await;
        let opened = std::mem::take(&mut *told.0.lock().unwrap());
        let between = place.commits.load(Ordering::Relaxed);
        place.sign_up(&page).await;
        settled().await;
        let submitted = std::mem::take(&mut *told.0.lock().unwrap());
        let after = place.commits.load(Ordering::Relaxed);

        println!("{which:?}: open sends {} statements, submit {}:", opened.len(), submitted.len());
        for statement in &submitted {
            println!("  {statement}");
        }
        match which {
            // SQLite's own hook: its driver does not tell of commits.
            Which::Sqlite => {
                assert_eq!((between - before, after - between), (1, 1), "one commit to open, one to register");
            }
            _ => {
                let commits = submitted.iter().filter(|statement| *statement == "COMMIT").count();
                assert_eq!(commits, 1, "one commit to register: {submitted:?}");
            }
        }
        processor(which, registrations).await;
    }
}

/// Connections go back to their pool by themselves.
async fn settled() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Processor time of whole registrations, with the hash as cheap as it can be and as it is by default.
async fn processor(which: Which, registrations: usize) {
    for (name, hashing) in [("without the hash", Hashing::new().cost(8, 1)), ("with it", Hashing::new())] {
        let place = Place::new(which, hashing).await;
        let mut client = place.client();
        place.sign_up(&client.open().await).await;
        let (own, theirs) = (spent(&["self".to_owned()]), spent(&backends(which)));
        for _ in 0..registrations {
            let page = client.open().await;
            place.sign_up(&page).await;
        }
        let (own, theirs) = (spent(&["self".to_owned()]) - own, spent(&backends(which)) - theirs);
        let each = |seconds: f64| seconds * 1_000.0 / registrations as f64;
        println!(
            "  processor time of open and submit, {name}: {:.2} ms, PostgreSQL's {:.2} ms",
            each(own),
            each(theirs)
        );
    }
}

/// PostgreSQL's processes.
fn backends(which: Which) -> Vec<String> {
    if which != Which::Postgres {
        return Vec::new();
    }
    let file = std::fs::read_to_string(server().folder().join("data/postmaster.pid")).unwrap_or_default();
    let postmaster = file.lines().next().unwrap_or_default().to_owned();
    let children = std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"));
    children.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// The processor time of these processes so far, in seconds; 0 where the system does not tell.
fn spent(processes: &[String]) -> f64 {
    let ticks = processes.iter().map(|process| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
        let fields = fields.split_whitespace().skip(11).take(2);
        fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>()
    });
    ticks.sum::<f64>() / 100.0
}
