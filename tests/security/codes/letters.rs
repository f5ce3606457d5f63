//! R6 with memory, E2, and what a letter must never hold.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tower_registration::host::{Courier, Rendered, Undelivered};
use tower_registration::identity::Channel;
use tower_registration::methods::Code;
use tower_registration::testing::App;

use super::{by_code, rounds};

/// Counts how often each letter arrives, and is sometimes slow.
#[derive(Clone, Default)]
struct Counting(Arc<Mutex<HashMap<uuid::Uuid, usize>>>);

#[async_trait]
impl Courier for Counting {
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered> {
        if letter.id().as_u128().is_multiple_of(7) {
            tokio::task::yield_now().await;
        }
        *self.0.lock().unwrap().entry(letter.id()).or_default() += 1;
        Ok(())
    }
}

/// `R6_LETTERS=100000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r6_eight_dispatchers_send_each_letter_once() {
    let letters = rounds("R6_LETTERS", 4_000);
    let arrived = Counting::default();
    let app = App::with(|builder| builder.method(Code::new()).courier(Channel::Email, arrived.clone())).unwrap();
    let mut client = app.native();
    for n in 0..letters {
        let page = client.open().await;
        let sent = client.submit(&page, by_code(&format!("ada{n}@example.org"))).await;
        assert_eq!(sent.messages(), [1040005]);
    }

    let mut going = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let dispatcher = app.registration().dispatcher();
        going.spawn(async move { dispatcher.flush().await.unwrap().delivered });
    }
    let delivered: usize = going.join_all().await.into_iter().sum();

    let arrived = arrived.0.lock().unwrap();
    assert_eq!((delivered, arrived.len()), (letters, letters));
    assert!(arrived.values().all(|times| *times == 1));
    assert!(app.memory().outbox().is_empty());
}

/// Codes as they are sent, not as they are made: each digit at each place is as likely as the others.
#[tokio::test]
async fn e2_codes_that_were_sent_are_uniform() {
    let letters = rounds("E2_LETTERS", 3_000);
    let app = App::with(|builder| builder.method(Code::new())).unwrap();
    let mut client = app.native();
    for n in 0..letters {
        let page = client.open().await;
        let _ = client.submit(&page, by_code(&format!("ada{n}@example.org"))).await;
    }
    app.deliver().await.unwrap();
    let mut seen = [[0_usize; 10]; 6];

    for letter in app.mailbox().letters() {
        let code = app.mailbox().latest_code(letter.to().value()).unwrap();
        code.bytes().enumerate().for_each(|(at, digit)| seen[at][usize::from(digit - b'0')] += 1);
    }

    let expected = letters as f64 / 10.0;
    for (at, counts) in seen.iter().enumerate() {
        let chi: f64 = counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum();
        // Nine degrees of freedom: exceeded once in a hundred thousand times.
        assert!(chi < 39.3, "place {at}: {chi} {counts:?}");
    }
}
