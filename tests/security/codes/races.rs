//! R3, R4: a code succeeds once, and no more than the tries that are allowed are judged, whatever comes at once.

use std::sync::Arc;

use tokio::task::JoinSet;
use tower_registration::methods::Code;
use tower_registration::testing::{App, Client, Reply};
use tower_registration::{AddressLimits, Verification};

use super::{by_code, rounds, sent, with};

/// Sends the same answer from many clients at once.
async fn at_once(clients: usize, client: &Client, page: &Reply, answer: serde_json::Value) -> Vec<Reply> {
    let (page, answer) = (Arc::new(page.clone()), Arc::new(answer));
    let mut going = JoinSet::new();
    for _ in 0..clients {
        let (mut own, page, answer) = (client.clone(), Arc::clone(&page), Arc::clone(&answer));
        going.spawn(async move { own.submit(&page, (*answer).clone()).await });
    }
    going.join_all().await
}

/// `R3_CODES=10000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r3_sixteen_right_answers_at_once_make_one_identity() {
    let app = App::with(|builder| builder.method(Code::new()).verification(Verification::by_code("/verify"))).unwrap();
    let codes = rounds("R3_CODES", 500);

    for round in 0..codes {
        let email = format!("ada{round}@example.org");
        let mut client = app.native();
        let (page, code) = sent(&app, &mut client, &email).await;

        let answers = at_once(16, &client, &page, with(by_code(&email), "code", &code)).await;

        let won = answers.iter().filter(|answer| answer.status() == 200).count();
        assert_eq!(won, 1, "round {round}");
        let told = answers.iter().all(|answer| [200, 400, 503].contains(&answer.status()));
        assert!(told, "round {round}: {:?}", answers.iter().map(Reply::status).collect::<Vec<_>>());
    }

    assert_eq!(app.identities().len(), codes);
}

/// `R4_ROUNDS=10000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r4_sixty_four_wrong_answers_at_once_get_five_verdicts() {
    let limits = AddressLimits::new().letters(1_000, 1_000).wrong_codes(1_000, 1_000);
    let app = App::with(|builder| builder.method(Code::new()).address_limits(limits)).unwrap();

    for round in 0..rounds("R4_ROUNDS", 100) {
        let email = format!("ada{round}@example.org");
        let mut client = app.native();
        let (page, code) = sent(&app, &mut client, &email).await;
        let wrong = if code == "000000" { "000001" } else { "000000" };

        let answers = at_once(64, &client, &page, with(by_code(&email), "code", wrong)).await;
        let mut verdicts = answers.iter().filter(|answer| answer.messages() == [4040003]).count();
        // Those that were sent away come again, one by one.
        for _ in 0..8 {
            let answer = client.submit(&page, with(by_code(&email), "code", wrong)).await;
            verdicts += usize::from(answer.messages() == [4040003]);
        }

        assert_eq!(verdicts, 5, "round {round}: never more, and none is lost");
        let late = client.submit(&page, with(by_code(&email), "code", &code)).await;
        assert_eq!(late.messages(), [4000001], "round {round}: not even the right one counts now");
    }
}
