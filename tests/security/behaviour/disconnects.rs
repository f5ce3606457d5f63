//! C5: a client goes away at every point at which the service waits, a hundred times each. What was not committed
//! never happened, what was is whole, and nothing is left running or waiting.
//!
//! Every call of the host yields before and after its effect, so that there are two points to wait at in each.

use std::task::Poll;
use std::time::Duration;

use serde_json::json;
use tower_registration::host::Kind;
use tower_registration::testing::{Client, ClientKind, Faults, Reply};
use tower_registration::{Hashing, Style};

use super::site::{Rows, Site, sign_up, working};

const ROUNDS: usize = 100;

/// Polls a future so often, then drops it; what it answered, if it was done by then.
async fn cut<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        let Some(rest) = left.checked_sub(1) else { return Poll::Ready(None) };
        left = rest;
        match future.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A service with one hashing thread and one place to wait for it.
fn site(style: Style) -> Site {
    let plan = Faults::new();
    plan.yield_at_points();
    Site::with(|builder, memory| {
        let faulty = plan.around(memory.clone());
        let hashing = Hashing::new().cost(8, 1).threads(1).patience(Duration::from_micros(1));
        builder.style(style).storage(faulty.clone()).identities(faulty).hashing(hashing)
    })
}

/// What clients saw who went away after so many polls.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// They waited long enough for an answer.
    answered: usize,
    /// They went away, and it had happened.
    committed: usize,
    /// They went away, and nothing had happened.
    nothing: usize,
}

#[tokio::test]
async fn c5_a_native_client_can_go_away_at_any_point_of_a_sign_up() {
    go_away_everywhere(ClientKind::Native).await;
}

#[tokio::test]
async fn c5_a_script_can_go_away_at_any_point_of_a_sign_up() {
    go_away_everywhere(ClientKind::Spa).await;
}

#[tokio::test]
async fn c5_a_browser_can_go_away_at_any_point_of_a_sign_up() {
    go_away_everywhere(ClientKind::Browser).await;
}

/// Goes away after no poll, after one, and so on until the answer comes every time.
async fn go_away_everywhere(kind: ClientKind) {
    let _working = working().await;
    let mut points = Seen::default();
    for polls in 0..200 {
        let seen = sign_ups_cut_short(kind, polls).await;
        points.committed += usize::from(seen.committed > 0);
        points.nothing += usize::from(seen.nothing > 0);
        if seen.answered == ROUNDS {
            assert!(points.nothing >= 12 && points.committed >= 1, "{kind:?} {points:?}");
            return;
        }
    }
    panic!("{kind:?}: two hundred polls were not enough");
}

async fn sign_ups_cut_short(kind: ClientKind, polls: usize) -> Seen {
    let site = site(Style::Unified);
    let mut seen = Seen::default();
    for round in 0..ROUNDS {
        let email = format!("ada-{round}@example.org");
        let mut client = site.client(kind);
        let page = client.open().await;
        let mut first = client.clone();
        let answer = cut(first.submit(&page, sign_up(&email)), polls).await;
        let rows = site.rows();
        assert!(rows.identities == rows.sessions && rows.identities == rows.spent, "{polls} polls: {rows:?}");
        let committed = rows.identities == round + 1;
        match answer {
            Some(reply) => {
                assert!(matches!(reply.status(), 200 | 303) && committed, "{polls} polls: {reply:?}");
                seen.answered += 1;
            }
            None => {
                *(if committed { &mut seen.committed } else { &mut seen.nothing }) += 1;
                try_again(&mut client, &page, &email, committed).await;
            }
        }
    }
    nothing_is_left(&site, ROUNDS).await;
    seen
}

/// The form is sent once more, by the client as it was: nothing is in its way.
async fn try_again(client: &mut Client, page: &Reply, email: &str, committed: bool) {
    let reply = client.submit(page, sign_up(email)).await;
    match committed {
        true => assert_eq!(client.page(reply).await.messages(), [4000007]),
        false => assert!(matches!(reply.status(), 200 | 303), "{reply:?}"),
    }
}

/// No row but those of what was committed, no task, no place in the queue.
async fn nothing_is_left(site: &Site, sign_ups: usize) {
    let Rows { identities, sessions, flows, spent, errors, .. } = site.rows();
    assert_eq!((identities, sessions, flows, spent, errors), (sign_ups, sign_ups, sign_ups, sign_ups, 0));
    assert_eq!(site.memory.count(Kind::Exchange), 0);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    let mut next = site.native();
    let page = next.open().await;
    let before = site.rows().hashes;
    let done = next.submit(&page, sign_up("next@example.org")).await;
    assert_eq!(done.status(), 200, "{done:?}");
    // At most the hash that was running for somebody who went away was finished in between.
    assert!((1..=2).contains(&(site.rows().hashes - before)), "{before} {}", site.rows().hashes);
}

#[tokio::test]
async fn c5_a_client_can_go_away_at_any_point_of_the_other_requests() {
    let _working = working().await;
    for polls in 0..60 {
        let site = site(Style::ProfileFirst);
        let mut answered = 0;
        for _ in 0..ROUNDS {
            answered += usize::from(others_cut_short(&site, polls).await);
        }
        let rows = site.rows();
        assert_eq!((rows.identities, rows.sessions, rows.spent, rows.hashes, rows.errors), (0, 0, 0, 0, 0));
        if answered == ROUNDS {
            return;
        }
    }
    panic!("sixty polls were not enough");
}

/// Opens a flow, takes its first step, shows it and asks who is signed in, each cut short, then again in full.
/// Says whether all of them were answered the first time.
async fn others_cut_short(site: &Site, polls: usize) -> bool {
    let mut client = site.spa();
    let flows = site.rows().flows;
    let opened = cut(client.open_with("return_to=/welcome"), polls).await;
    assert!(site.rows().flows - flows <= 1);
    let page = client.open().await;
    let flow = page.flow_id().unwrap();
    let step = json!({ "method": "profile", "traits": { "email": "ada@example.org" } });
    let moved = cut(client.submit(&page, step.clone()), polls).await;
    let shown = cut(client.show(&flow), polls).await;
    let asked = cut(client.get_json("/sessions/whoami"), polls).await;

    let again = client.submit(&page, step).await;

    assert_eq!((again.status(), again.messages()), (400, vec![1040009]), "{again:?}");
    assert_eq!(client.show(&flow).await.value_of("traits.email"), "ada@example.org");
    opened.is_some() && moved.is_some() && shown.is_some() && asked.is_some()
}

#[tokio::test]
async fn c5_passwords_of_clients_that_went_away_are_not_hashed() {
    let hashing = Hashing::new().cost(64 * 1024, 6).threads(1).patience(Duration::from_secs(60));
    let site = Site::with(|builder, _| builder.hashing(hashing));
    let mut native = site.native();
    let mut pages = Vec::new();
    for _ in 0..40 {
        pages.push(native.open().await);
    }

    for (number, page) in pages.iter().enumerate() {
        let mut client = native.clone();
        assert!(cut(client.submit(page, sign_up(&format!("ada-{number}@example.org"))), 1).await.is_none());
    }
    let page = native.open().await;
    let done = native.submit(&page, sign_up("eve@example.org")).await;

    assert_eq!(done.status(), 200);
    // One had begun, and one may begin between being queued and being given up.
    assert!(site.rows().hashes <= 4, "{} passwords were hashed", site.rows().hashes);
    assert_eq!(site.rows().identities, 1);
}
