//! C2, for social sign-up: whatever call of the host fails or hangs, somebody is registered as a whole or not at all, and
//! trying again ends well.

use serde_json::json;
use tower_registration::host::{HostErrorKind, Kind};
use tower_registration::memory::Memory;
use tower_registration::methods::Oidc;
use tower_registration::testing::{App, Call, ClientKind, Fault, Faults, When};

use super::{ISSUER, WELCOME, begin, entry, provider};

const FAULTS: [Fault; 6] = [
    Fault::Before(HostErrorKind::Unavailable),
    Fault::After(HostErrorKind::Unavailable),
    Fault::Before(HostErrorKind::Other),
    Fault::After(HostErrorKind::CommitUnknown),
    Fault::HangBefore,
    Fault::HangAfter,
];

/// A journey in which the call with this number goes wrong, and another one after it. Says whether a call did.
async fn journey(kind: ClientKind, known: bool, number: usize, fault: Fault) -> bool {
    let (provider, memory, plan) = (provider(), Memory::new(), Faults::new());
    let faulty = plan.around(memory.clone());
    let method = Oidc::new(provider.clone()).provider(entry("local", ISSUER));
    let app = App::with(|builder| builder.method(method).storage(faulty.clone()).identities(faulty)).unwrap();
    if known {
        let mut first = app.browser();
        let back = begin(&mut first, &provider, "local").await;
        assert_eq!(first.follow(&back).await.location(), WELCOME);
    }
    let before = memory.count(Kind::Session);
    let mut client = app.client(kind);
    let page = client.open().await;
    plan.set(&[(When::Nth(number), fault)]);
    let met = tokio::select! {
        () = async {
            let leaves = client.submit(&page, json!({ "provider": "local" })).await;
            let to = leaves.at("/redirect_browser_to").as_str().map_or_else(|| leaves.location().to_owned(), str::to_owned);
            if to.starts_with(ISSUER) {
                let _ = client.follow(&provider.sign_in(&to)).await;
            }
        } => plan.fired(),
        () = plan.hung() => true,
    };
    plan.set(&[]);
    let place = format!("{kind:?} known: {known} {fault:?} at {} ({number})", plan.victim().map_or("", Call::as_str));
    let (people, sessions) = (memory.all_identities().len(), memory.count(Kind::Session) - before);
    assert!(people <= 1 && sessions <= 1 && (known || people == sessions), "{place}: {people} {sessions}");

    // Whoever begins anew gets in, as the same person.
    let mut again = app.browser();
    let back = begin(&mut again, &provider, "local").await;
    assert_eq!(again.follow(&back).await.location(), WELCOME, "{place}");
    assert!(again.whoami().await.is_some(), "{place}");
    assert_eq!(memory.all_identities().len(), 1, "{place}");
    met
}

async fn play(kind: ClientKind, known: bool) -> usize {
    let mut played = 0;
    for fault in FAULTS {
        for number in 1..60 {
            if !journey(kind, known, number, fault).await {
                assert!(number > 8, "{number} calls are too few");
                break;
            }
            played += 1;
        }
    }
    played
}

#[tokio::test]
async fn c2_a_browsers_journey_survives_every_fault() {
    assert!(play(ClientKind::Browser, false).await > 60);
}

#[tokio::test]
async fn c2_a_scripts_journey_survives_every_fault() {
    assert!(play(ClientKind::Spa, false).await > 60);
}

#[tokio::test]
async fn c2_signing_in_survives_every_fault() {
    assert!(play(ClientKind::Browser, true).await > 50);
}

#[tokio::test]
async fn c5_a_return_that_is_dropped_at_any_point_leaves_all_or_nothing() {
    for dropped_at in 1..60 {
        let (provider, memory) = (provider(), Memory::new());
        let plan = Faults::new();
        plan.yield_at_points();
        let faulty = plan.around(memory.clone());
        let method = Oidc::new(provider.clone()).provider(entry("local", ISSUER));
        let app = App::with(|builder| builder.method(method).storage(faulty.clone()).identities(faulty)).unwrap();
        let mut ada = app.browser();
        let back = begin(&mut ada, &provider, "local").await;
        let mut twin = ada.clone();
        let task = tokio::spawn(async move { twin.follow(&back).await });
        for _ in 0..dropped_at {
            tokio::task::yield_now().await;
        }
        let finished = task.is_finished();
        task.abort();
        let _ = task.await;

        let (people, sessions) = (memory.all_identities().len(), memory.count(Kind::Session));
        assert!(people == sessions && people <= 1, "{dropped_at}: {people} {sessions}");
        if finished {
            assert!(dropped_at > 5);
            return;
        }
    }
    panic!("the journey did not end");
}
