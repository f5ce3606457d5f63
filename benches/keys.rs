//! What a ceremony costs in process, with storage in memory: a page that asks for a key, and the key that comes back. What
//! the software authenticator does stands outside of what is measured.
//!
//! ```sh
//! cargo bench --all-features --bench keys
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on has failed"
)]

use criterion::{BatchSize, Criterion};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tower_registration::methods::{Passkey, RelyingParty, SecurityKey};
use tower_registration::testing::{App, Authenticator, Client, Flaw, Reply, UI};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    pages(&mut criterion, &runtime);
    ceremonies(&mut criterion, &runtime);
    criterion.final_summary();
}

fn app() -> App {
    let party = || RelyingParty::new("app.example.org", "Example").origin(UI);
    App::with(|builder| builder.method(Passkey::new(party())).method(SecurityKey::new(party()))).unwrap()
}

/// Group `key page`: a flow is begun and its page written, with one kind of key for apps and two for pages.
fn pages(criterion: &mut Criterion, runtime: &Runtime) {
    let mut group = criterion.benchmark_group("key page");
    for (name, client) in [("native", App::native as fn(&App) -> Client), ("single-page", App::spa)] {
        group.bench_function(name, |bencher| {
            let app = app();
            bencher.iter_batched(
                || client(&app),
                |mut client| runtime.block_on(async move { client.open().await }),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// Group `key`: an answer is judged; a right one becomes an identity with a session.
fn ceremonies(criterion: &mut Criterion, runtime: &Runtime) {
    let kinds = [
        ("without attestation", Authenticator::new(), 200),
        ("signed by itself", Authenticator::new().attests_itself(), 200),
        ("refused", Authenticator::new().attests_itself().flaw(Flaw::Attestation), 400),
    ];
    let mut group = criterion.benchmark_group("key");
    for (name, authenticator, status) in kinds {
        let app = app();
        let mut people = 0_u64;
        let mut begin = || {
            people += 1;
            let mut client = app.native();
            let page = runtime.block_on(client.open());
            let made = authenticator.passkey(&page, UI).unwrap();
            (client, page, json!({ "passkey_register": made, "traits": { "email": format!("p{people}@example.org") } }))
        };
        let submit = |(mut client, page, answer): (Client, Reply, Value)| {
            let answer = runtime.block_on(client.submit(&page, answer));
            assert_eq!(answer.status(), status, "{name}: {:?}", answer.json());
        };
        group.bench_function(name, |bencher| bencher.iter_batched(&mut begin, submit, BatchSize::PerIteration));
    }
    group.finish();
}
