//! G4: hooks that panic. Everybody gets an answer that tells nothing, what was under way is undone, and the next sign-up is
//! not disturbed.

use async_trait::async_trait;
use tower_registration::host::Hook;
use tower_registration::testing::{Call, ClientKind, Fault, Faults, Reply, When};

use super::site::{Site, sign_up};

const CALLS: [Call; 5] = [Call::BeforeOpen, Call::BeforeCreate, Call::InCommit, Call::Errands, Call::AfterCommit];
const FAULTS: [Fault; 2] = [Fault::PanicBefore, Fault::PanicAfter];
/// Rounds of every call, fault and kind of client: 510 panics.
const ROUNDS: usize = 17;

/// Does nothing; it panics where a test says so.
struct Idle;

#[async_trait]
impl Hook for Idle {}

/// Somebody signs up, and hears of the first trouble.
async fn signs_up(site: &Site, kind: ClientKind, email: &str) -> Reply {
    let mut client = site.client(kind);
    let page = client.open().await;
    if page.at("/id").is_null() {
        return page;
    }
    client.submit(&page, sign_up(email)).await
}

/// An inner error, and nothing else: on the error page for a browser that navigates.
async fn is_generic(site: &Site, reply: &Reply, place: &str) {
    let error = match reply.location_parameter("id") {
        Some(id) => site.native().get_json(&format!("/self-service/errors?id={id}")).await.at("/error"),
        None => reply.at("/error"),
    };
    assert!(matches!(reply.status(), 303 | 400 | 500), "{place}: {reply:?}");
    assert_eq!(error["code"], 500, "{place}: {reply:?} {error}");
    assert!(!error.to_string().contains("panic"), "{place}: {error}");
}

#[tokio::test]
async fn g4_five_hundred_hooks_that_panic_end_nobody_elses_sign_up() {
    let faults = Faults::new();
    let site = Site::with(|builder, _| builder.hook(faults.around(Idle)));
    let mut people = 0;
    let mut panics = 0;
    for round in 0..ROUNDS {
        for (call, fault) in CALLS.iter().flat_map(|call| FAULTS.map(|fault| (*call, fault))) {
            for kind in [ClientKind::Native, ClientKind::Spa, ClientKind::Browser] {
                let place = format!("{kind:?} {fault:?} {call} {round}");
                let email = format!("{panics}@example.org");
                faults.set(&[(When::Always(call), fault)]);
                let heard = signs_up(&site, kind, &email).await;
                faults.set(&[]);
                panics += 1;

                is_generic(&site, &heard, &place).await;
                // What is committed stays; everything else is undone.
                people += usize::from(call == Call::AfterCommit);
                let rows = site.rows();
                assert_eq!([rows.identities, rows.sessions, rows.spent], [people; 3], "{place}");
            }
        }
        let well = signs_up(&site, ClientKind::Native, &format!("well-{round}@example.org")).await;
        people += 1;
        assert_eq!(well.status(), 200, "{round}: {well:?}");
    }
    assert!(panics >= 500, "{panics}");
}
