//! A thousand sign-ups with a slow hook that nobody waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tower_registration::host::SystemClock;
use tower_registration::methods::{Code, Password};
use tower_registration::testing::App;
use tower_registration::webhooks::Webhooks;

use super::hook;
use super::receiver::Receiver;

const PEOPLE: usize = 1000;
const AT_ONCE: usize = 16;

/// What the process holds, in MiB.
fn held() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() >> 10
}

/// Everybody signs up, a few at the same time.
async fn sign_up_everybody(app: &App) {
    let (mut crowd, next) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..8 {
        let (app, next) = (app.clone(), Arc::clone(&next));
        crowd.spawn(async move {
            while let number @ ..PEOPLE = next.fetch_add(1, Ordering::SeqCst) {
                let mut client = app.native();
                let page = client.open().await;
                let traits = json!({ "email": format!("{number}@example.org") });
                let answer = json!({ "method": "password", "password": "correct horse", "traits": traits });
                assert_eq!(client.submit(&page, answer).await.status(), 200);
            }
        });
    }
    while let Some(done) = crowd.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_sign_ups_end_in_bounded_memory_and_a_clean_shutdown() {
    let (receiver, url) = Receiver::start(Duration::from_secs(1)).await;
    let hooks = Webhooks::new().after(hook(&url).in_background().build().unwrap());
    let app = App::with(|builder| builder.method(Password::new()).hook(hooks)).unwrap();
    let dispatcher = app.registration().dispatcher().at_once(AT_ONCE);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (own, before) = (dispatcher.clone(), held());
    let running = tokio::spawn(async move { own.run_until(async { drop(stopped.await) }).await });

    sign_up_everybody(&app).await;
    stop.send(()).unwrap();
    let asked = Instant::now();
    running.await.unwrap();

    // Those on their way were waited for; the others wait in the outbox, and nowhere else.
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    let (state, left) = (receiver.state(), app.memory().outbox().len());
    assert_eq!((state.going, state.answered + left), (0, PEOPLE), "each call was answered, or waits");
    assert!(left > AT_ONCE && state.answered > 0, "{left} calls are left");
    let grown = held().saturating_sub(before);
    assert!(grown < 200, "{grown} MiB");

    // Whoever is started next makes the rest.
    receiver.hurry();
    app.clock().advance(time::Duration::minutes(5));
    dispatcher.flush().await.unwrap();
    let state = receiver.state();
    assert_eq!((state.triggers.len(), state.answered), (PEOPLE, PEOPLE), "each call once");
    assert!(state.most <= AT_ONCE, "{} at once", state.most);
}

#[tokio::test]
async fn a_slow_hook_holds_up_no_letter() {
    let (receiver, url) = Receiver::start(Duration::from_secs(5)).await;
    let hooks = Webhooks::new().before(hook(&url).in_background().build().unwrap());
    let app = App::with(|builder| builder.method(Code::new()).clock(SystemClock::new()).hook(hooks)).unwrap();
    let dispatcher = app.registration().dispatcher().at_once(2);
    let running = tokio::spawn(async move { dispatcher.run_until(std::future::pending()).await });

    let mut client = app.native();
    let mut page = client.open().await;
    for _ in 0..20 {
        page = client.open().await;
    }
    let begun = Instant::now();
    while receiver.state().most < 2 {
        assert!(begun.elapsed() < Duration::from_secs(4), "the hooks are not called");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let traits = json!({ "email": "ada@example.org" });
    assert_eq!(client.submit(&page, json!({ "method": "code", "traits": traits })).await.messages(), [1_040_005]);
    while app.mailbox().letters().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(4), "the letter waits for hooks");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    assert_eq!(receiver.state().most, 2);
    running.abort();
}
