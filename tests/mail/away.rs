//! C8, one letter at a time: what a server can do to a letter, and what becomes of the letter then.

use std::sync::{Arc, Mutex};

use time::Duration;
use tower_registration::Verification;
use tower_registration::testing::App;
use tower_registration::upkeep::{Dispatcher, Flushed, GivenUp, Why};

use super::certificates::Certificates;
use super::office::{FROM, Noted, VERIFY_UI, ask, by_code, by_password, courier, sign_up};
use super::peer::{Mood, Offers, Peer};

const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";

fn counts(flushed: Flushed) -> (usize, usize, usize) {
    (flushed.delivered, flushed.postponed, flushed.given_up)
}

/// Whatever is done to it, one letter is tried again later, as the same letter with the same code.
async fn comes_again(app: &App, peer: &Peer, spoil: impl AsyncFn(), mend: impl AsyncFn()) {
    let _ = ask(app, ADA).await;

    spoil().await;
    assert_eq!(counts(app.deliver().await.unwrap()), (0, 1, 0));
    assert_eq!(counts(app.deliver().await.unwrap()), (0, 0, 0), "not before its time");
    mend().await;
    app.clock().advance(Duration::minutes(1));
    assert_eq!(counts(app.deliver().await.unwrap()), (1, 0, 0));

    let received = peer.received();
    let facts: Vec<_> =
        received.iter().map(|letter| (letter.email().header("Message-ID").to_owned(), letter)).collect();
    assert_eq!(received.iter().filter(|letter| letter.taken).count(), 1);
    assert!(facts.iter().all(|(id, letter)| *id == facts[0].0 && letter.email().code() == received[0].email().code()));
}

async fn survives(mood: Mood) {
    let peer = Peer::plain().await;
    let noted = Noted::new(courier(&peer).time_limit(Duration::seconds(1)).build().unwrap());
    let app = by_code(noted.clone(), |builder| builder);

    comes_again(&app, &peer, async || peer.becomes(mood.clone()), async || peer.becomes(Mood::Well)).await;

    let tries: Vec<_> = noted.tries().iter().map(|tried| tried.failed).collect();
    assert_eq!(tries, [Some(false), None], "{mood:?} {}", noted.tries()[0].why);
}

#[tokio::test]
async fn c8_a_server_that_hangs_up_or_hangs_gets_the_letter_later() {
    for mood in [Mood::Away, Mood::Silent, Mood::Drops, Mood::Slow(std::time::Duration::from_secs(1))] {
        survives(mood).await;
    }
}

#[tokio::test]
async fn c8_a_server_that_says_not_now_gets_the_letter_later() {
    for to in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        for answer in ["421 4.3.2 closing", "451 4.3.0 trouble", "452 4.2.2 full"] {
            survives(Mood::Says(to, answer)).await;
        }
    }
}

/// It is the server's trouble, or ours, and not the recipient's.
#[tokio::test]
async fn c8_a_server_that_says_never_without_meaning_the_recipient_gets_the_letter_later() {
    for (to, answer) in [
        ("CONNECT", "554 5.7.1 blocked"),
        ("EHLO", "550 no"),
        ("MAIL", "550 5.1.8 sender"),
        ("RCPT", "550 5.7.1 blocked"),
        ("RCPT", "530 5.7.0 sign in first"),
        ("RCPT", "552 5.2.2 full"),
        ("DATA", "554 no"),
        (".", "550 spam"),
        (".", "554 5.7.1 spam"),
    ] {
        survives(Mood::Says(to, answer)).await;
    }
}

#[tokio::test]
async fn c8_a_server_that_makes_no_sense_gets_the_letter_later() {
    for to in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        for answer in ["hello", "+OK", "999999", "250-  ", "22 a"] {
            survives(Mood::Says(to, answer)).await;
        }
    }
}

/// An answer to another question: taken for the right one it would make a letter delivered that was not.
#[tokio::test]
async fn c8_a_server_whose_answers_are_out_of_step_gets_the_letter_later() {
    for (to, answer) in [("MAIL", "354 go on"), ("RCPT", "354 go on"), ("DATA", "250 ok"), (".", "354 go on")] {
        survives(Mood::Says(to, answer)).await;
    }
}

#[tokio::test]
async fn c8_a_server_that_refuses_connections_gets_the_letter_later() {
    let peer = Peer::plain().await;
    let app = by_code(courier(&peer).build().unwrap(), |builder| builder);

    comes_again(&app, &peer, async || peer.leaves().await, async || peer.returns().await).await;
}

#[tokio::test]
async fn c8_a_server_whose_tls_fails_gets_the_letter_later() {
    let certificates = Certificates::for_name("localhost");
    let peer = Peer::with(Offers { tls: Some(certificates.acceptor()), ..Offers::default() }).await;
    let uri = format!("smtp://{}/?server_name=localhost", peer.address);
    let courier = tower_registration::smtp::SmtpCourier::from_uri(&uri, FROM).unwrap();
    let app = by_code(courier.root_certificate(certificates.authority).build().unwrap(), |builder| builder);

    comes_again(&app, &peer, async || peer.becomes(Mood::NoTls), async || peer.becomes(Mood::Well)).await;
}

/// A dispatcher, and what it told of letters that it gave up.
fn telling(app: &App) -> (Dispatcher, Arc<Mutex<Vec<GivenUp>>>) {
    let told: Arc<Mutex<Vec<GivenUp>>> = Arc::default();
    let own = Arc::clone(&told);
    (app.registration().dispatcher().on_give_up(move |letter| own.lock().unwrap().push(letter.clone())), told)
}

#[tokio::test]
async fn c8_one_poisoned_letter_blocks_nobody_and_is_given_up_at_once() {
    let peer = Peer::plain().await;
    peer.refuses(ADA, "550 5.1.1 unknown");
    let app = by_code(courier(&peer).build().unwrap(), |builder| builder);
    let (dispatcher, told) = telling(&app);
    for address in [ADA, BOB, ADA, "carl@example.org"] {
        let _ = ask(&app, address).await;
    }

    let flushed = dispatcher.at_once(1).flush().await.unwrap();

    assert_eq!(counts(flushed), (2, 0, 2));
    let told = told.lock().unwrap();
    assert!(told.iter().all(|letter| letter.why == Why::Refused && letter.tries == 1), "{told:?}");
    assert!(told.iter().all(|letter| letter.letter.as_ref().unwrap().1.value() == ADA));
    assert!(app.memory().outbox().is_empty());
}

#[tokio::test]
async fn c8_a_letter_that_waits_for_its_next_try_blocks_nobody() {
    let peer = Peer::plain().await;
    peer.refuses(ADA, "450 4.2.0 greylisted");
    let app = by_code(courier(&peer).build().unwrap(), |builder| builder);
    for address in [ADA, BOB, ADA, BOB] {
        let _ = ask(&app, address).await;
    }

    assert_eq!(counts(app.deliver().await.unwrap()), (2, 1, 0));

    assert!(peer.received().iter().all(|letter| letter.recipients() == [format!("RCPT TO:<{BOB}>\r\n")]));
    assert_eq!(app.memory().outbox().len(), 2);
}

#[tokio::test]
async fn c8_an_expired_letter_is_not_sent_but_counted() {
    let peer = Peer::plain().await;
    let app = by_password(courier(&peer).build().unwrap(), "email", Verification::by_code(VERIFY_UI));
    let (dispatcher, told) = telling(&app);
    let _ = sign_up(&app, ADA).await;
    peer.becomes(Mood::Away);
    for _ in 0..3 {
        assert_eq!(counts(dispatcher.flush().await.unwrap()), (0, 1, 0));
        app.clock().advance(Duration::minutes(20));
    }

    peer.becomes(Mood::Well);
    assert_eq!(counts(dispatcher.flush().await.unwrap()), (0, 0, 1));

    assert!(peer.received().is_empty() && app.memory().outbox().is_empty());
    let told = told.lock().unwrap();
    assert_eq!((told.len(), told[0].why, told[0].tries), (1, Why::Expired, 3));
}

#[tokio::test]
async fn c8_letters_to_one_address_arrive_in_their_order() {
    let peer = Peer::plain().await;
    let app = by_code(courier(&peer).build().unwrap(), |builder| builder);
    peer.becomes(Mood::Away);
    let mut posted = Vec::new();
    for _ in 0..4 {
        let _ = ask(&app, ADA).await;
        let new = app.memory().outbox().into_iter().map(|row| row.id()).find(|id| !posted.contains(id));
        posted.push(new.unwrap());
        app.deliver().await.unwrap();
        app.clock().advance(Duration::seconds(1));
    }

    peer.becomes(Mood::Well);
    while !app.memory().outbox().is_empty() {
        app.clock().advance(Duration::minutes(1));
        app.deliver().await.unwrap();
    }

    let arrived: Vec<_> = peer.received().iter().map(|letter| letter.email().header("Message-ID").to_owned()).collect();
    assert_eq!(arrived, posted.iter().map(|id| format!("<{id}@example.org>")).collect::<Vec<_>>());
}
