//! C6: a dependency is down, whichever it is, while every endpoint is asked: nobody is let in for want of somebody to ask.
//!
//! What calls other services has tests of its own: social providers (`social::peers`), the OAuth2 server (`oauth2`), the list
//! of leaked passwords (`journey`, `parts`).

use tower_registration::host::{HostErrorKind, SystemRandom};
use tower_registration::testing::{Call, Fault, Faults, When};

use super::answers::{cases, prepare};
use super::site::Site;

/// The storage, its units, the identities and randomness. Counters of addresses are records of the storage.
const DOWN: [Call; 12] = [
    Call::Get,
    Call::Put,
    Call::Begin,
    Call::UnitPut,
    Call::Spend,
    Call::Post,
    Call::Commit,
    Call::Owner,
    Call::Create,
    Call::Identity,
    Call::Address,
    Call::Fill,
];
const HOW: [HostErrorKind; 2] = [HostErrorKind::Unavailable, HostErrorKind::Other];

#[tokio::test]
async fn c6_whatever_is_down_nobody_is_let_in_at_any_endpoint() {
    let (mut met, mut unmet) = (0, Vec::new());
    for call in DOWN {
        let mut here = 0;
        for kind in HOW {
            here += asked_while_down(call, kind).await;
        }
        met += here;
        unmet.extend((here == 0).then_some(call));
    }
    // No letter is written by this service, and nobody's address is asked for.
    assert_eq!(unmet, [Call::Post, Call::Address]);
    assert!(met > 150, "{met}");
}

/// Asks every endpoint while this call fails; says how many requests met that.
async fn asked_while_down(call: Call, kind: HostErrorKind) -> usize {
    let faults = Faults::new();
    let site = Site::with(|builder, memory| {
        let faulty = faults.around(memory.clone());
        builder.storage(faulty.clone()).identities(faulty).random(faults.around(SystemRandom::new()))
    });
    let prepared = prepare(&site).await;
    let mut met = 0;
    for case in cases(&prepared) {
        let before = site.rows();
        faults.set(&[(When::Always(call), Fault::Before(kind))]);
        let reply = prepared.send(&case).await;
        if !faults.fired() {
            continue;
        }
        met += 1;
        let place = format!("{}, {call} {kind:?}: {reply:?}", case.what);
        let rows = site.rows();
        assert_eq!(
            (rows.identities, rows.sessions, rows.spent),
            (before.identities, before.sessions, before.spent),
            "{place}"
        );
        assert!(reply.at("/session_token").is_null() && reply.at("/session").is_null(), "{place}");
        assert!(!reply.header("set-cookie").contains("session="), "{place}");
        // Whoever's session cannot be read may begin a flow as somebody who is signed out; that lets nobody in.
        let begins = case.path.contains("/browser") && matches!(reply.status(), 200 | 303);
        assert!(begins || reply.status() >= 303, "{place}");
    }
    met
}
