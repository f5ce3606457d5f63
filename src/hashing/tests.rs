use std::time::Instant;

use super::governor::{Busy, StartError};
use super::*;

fn cheap() -> Hashing {
    Hashing::new().cost(8, 1)
}

#[tokio::test]
async fn a_hash_verifies_its_password_and_no_other() {
    let governor = Governor::start(&cheap()).unwrap();

    let phc = governor.hash("correct horse".into(), [7; 16]).await.unwrap().unwrap();

    assert!(phc.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{phc}");
    assert_eq!(verify(&phc, &"correct horse".into()), Ok(true));
    assert_eq!(verify(&phc, &"Correct horse".into()), Ok(false));
}

#[tokio::test]
async fn a_full_queue_is_refused_at_once() {
    let slow = Hashing::new().cost(64 * 1024, 2).threads(1).patience(Duration::from_millis(1));
    let governor = Governor::start(&slow).unwrap();
    let begun = Instant::now();

    let all = (0..8).map(|_| governor.hash("x".into(), [7; 16]));
    let all: Vec<_> = futures_join(all).await;

    let refused: Vec<Busy> = all.iter().filter_map(|answer| answer.as_ref().err().copied()).collect();
    assert!((5..8).contains(&refused.len()), "{} of 8 were refused", refused.len());
    assert!(refused.iter().all(|busy| (1..=30).contains(&busy.retry_after)));
    assert_eq!(governor.computed(), 8 - refused.len(), "in {:?}", begun.elapsed());
}

#[tokio::test]
async fn work_whose_caller_has_gone_is_skipped() {
    let governor = Governor::start(&Hashing::new().cost(64 * 1024, 2).threads(1)).unwrap();
    let first = governor.hash("x".into(), [7; 16]);
    let mut first = Box::pin(first);
    let gone = tokio::time::timeout(Duration::from_millis(20), &mut first).await;
    assert!(gone.is_err(), "the first hash takes longer");
    {
        let waiting = governor.hash("y".into(), [7; 16]);
        let _ = tokio::time::timeout(Duration::from_millis(1), waiting).await;
    }

    first.await.unwrap().unwrap();
    governor.hash("z".into(), [7; 16]).await.unwrap().unwrap();

    assert_eq!(governor.computed(), 2);
}

#[test]
fn f12_a_stored_hash_cannot_ask_for_more_than_is_given() {
    let tail = "$c29tZXNhbHRzb21lc2FsdA$5Vfjg8vGzX6B3ZB5tDYuvJ0C0H6CF1m0jmlyKdQ7Z1k";
    for cost in ["m=4194304,t=1,p=1", "m=4294967295,t=1,p=1", "m=8,t=4294967295,p=1", "m=800000,t=1,p=99"] {
        let begun = Instant::now();

        let verdict = verify(&format!("$argon2id$v=19${cost}{tail}"), &"x".into());

        assert!(verdict.is_err(), "{cost}: {verdict:?}");
        assert!(begun.elapsed() < Duration::from_millis(50), "{cost}");
    }
}

#[test]
fn a_budget_bounds_the_threads() {
    let error = Governor::start(&Hashing::new().memory_budget(1024)).map(|_| ()).unwrap_err();

    assert!(matches!(error, StartError::Budget { budget: 1024, .. }));
}

#[test]
fn a_cost_below_the_floor_is_weak() {
    assert!(!Hashing::new().is_weak());
    assert!(!Hashing::new().cost(47_104, 1).is_weak());
    assert!(!Hashing::new().cost(12_288, 3).is_weak());
    assert!(Hashing::new().cost(12_288, 2).is_weak());
    assert!(Hashing::new().cost(8_192, 16).is_weak());
}

/// Polls all futures together; the first poll of each happens in order.
async fn futures_join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, output) in all.iter_mut().filter(|(_, output)| output.is_none()) {
            if let std::task::Poll::Ready(ready) = future.as_mut().poll(cx) {
                *output = Some(ready);
            }
        }
        match all.iter().all(|(_, output)| output.is_some()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    all.into_iter().filter_map(|(_, output)| output).collect()
}
