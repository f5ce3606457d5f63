//! B1, B3: guessing codes and flooding a mailbox do not pay, however many flows are begun.

use time::Duration;
use tower_registration::methods::Code;
use tower_registration::testing::App;
use tower_registration::{AddressLimits, Verification};

use super::{ADA, by_code, rounds, with};

/// `B1_GUESSES=1000000` plays the full size.
#[tokio::test]
async fn b1_guesses_over_many_flows_are_few() {
    let guesses = rounds("B1_GUESSES", 6_000);
    let app = App::with(|builder| builder.method(Code::new()).lifespan(Duration::days(31))).unwrap();
    let pause = Duration::days(30) / i32::try_from(guesses / 5).unwrap();
    let mut judged = 0;

    for flow in 0..guesses / 5 {
        let mut eve = app.native();
        let page = eve.open().await;
        let page = eve.submit(&page, by_code(ADA)).await;
        for guess in 0..5 {
            let code = format!("{:06}", (flow * 5 + guess) % 1_000_000);
            let answer = eve.submit(&page, with(by_code(ADA), "code", &code)).await;
            assert_ne!(answer.status(), 200, "a guess was right: once in ten thousand runs");
            judged += usize::from(answer.messages() == [4040003]);
        }
        app.clock().advance(pause);
    }

    assert!((90..=100).contains(&judged), "{judged} of {guesses} were judged");
}

#[tokio::test]
async fn b1_verification_counts_the_same_way() {
    let app = App::with(|builder| {
        let limits = AddressLimits::new().letters(1_000, 1_000);
        builder.method(Code::new()).verification(Verification::by_code("/verify")).address_limits(limits)
    })
    .unwrap();
    let mut judged = 0;

    for flow in 0..40 {
        let mut eve = app.native();
        let page = eve.open_verification("").await;
        let page = eve.submit_verification(&page, with(by_code(ADA), "email", ADA)).await;
        for guess in 0..5 {
            let code = format!("{:06}", flow * 5 + guess);
            let answer = eve.submit_verification(&page, with(by_code(ADA), "code", &code)).await;
            judged += usize::from(answer.messages() == [4070006]);
        }
    }

    assert_eq!(judged, 10, "within an hour");
}

/// `B3_REQUESTS=100000` plays the full size.
#[tokio::test]
async fn b3_a_mailbox_is_not_flooded() {
    let requests = rounds("B3_REQUESTS", 3_000);
    let app = App::with(|builder| {
        builder.method(Code::new()).verification(Verification::by_code("/verify")).lifespan(Duration::days(2))
    })
    .unwrap();
    let pause = Duration::hours(24) / i32::try_from(requests).unwrap();
    let mut eve = app.native();
    let (mut page, mut other) = (eve.open().await, eve.open_verification("").await);

    for request in 0..requests {
        match request % 7 {
            0 => {
                let fresh = eve.open().await;
                page = eve.submit(&fresh, by_code("Ada@Example.ORG")).await;
            }
            1 => {
                let fresh = eve.open_verification("").await;
                other = eve.submit_verification(&fresh, with(by_code(ADA), "email", "ADA@example.org")).await;
            }
            2 | 3 => drop(eve.submit_verification(&other, with(by_code(ADA), "email", ADA)).await),
            _ => {
                let resent = eve.submit(&page, with(by_code(ADA), "resend", "code")).await;
                assert_eq!(resent.messages(), [1040005], "the surplus looks the same");
            }
        }
        app.clock().advance(pause);
        if request % 50 == 0 {
            app.deliver().await.unwrap();
        }
    }
    app.deliver().await.unwrap();

    let letters = app.mailbox().letters();
    assert!((5..=10).contains(&letters.len()), "{} letters", letters.len());
    assert!(letters.iter().all(|letter| letter.to().value() == ADA));
}
