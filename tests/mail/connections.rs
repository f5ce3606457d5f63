//! Connections: used again, replaced when they are dead, closed when nobody knows what state they are in.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tower_registration::host::Courier;
use tower_registration::smtp::SmtpCourier;

use super::office::{courier, letter, letters, told};
use super::peer::{Mood, Peer};

/// How many connections are open once the closed ones are noticed.
async fn open(peer: &Peer, expected: usize) -> usize {
    let begun = Instant::now();
    while peer.open() != expected && begun.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    peer.open()
}

#[tokio::test]
async fn letters_go_one_after_the_other_over_one_connection() {
    let peer = Peer::plain().await;
    let courier = courier(&peer).build().unwrap();
    let letters = letters(&["ada@example.org", "bob@example.org", "eve@example.org"]).await;

    for letter in &letters {
        courier.clone().deliver(letter).await.unwrap();
    }

    let recipients: Vec<_> = peer.received().iter().map(|received| received.recipients().concat()).collect();
    let expected = ["ada", "bob", "eve"].map(|name| format!("RCPT TO:<{name}@example.org>\r\n"));
    assert_eq!((recipients, peer.sessions()), (expected.to_vec(), 1));
}

#[tokio::test]
async fn a_refused_letter_leaves_the_connection_to_the_next() {
    let peer = Peer::plain().await;
    peer.refuses("ada@example.org", "550 5.1.1 unknown");
    let courier = courier(&peer).build().unwrap();
    let letters = letters(&["ada@example.org", "bob@example.org"]).await;

    assert!(courier.deliver(&letters[0]).await.unwrap_err().is_for_good());
    courier.deliver(&letters[1]).await.unwrap();

    let received = peer.received();
    assert_eq!((received.len(), peer.sessions()), (1, 1));
    let last: Vec<_> = received[0].commands.iter().rev().take(4).rev().map(String::as_str).collect();
    assert_eq!(last[0], "RSET\r\n", "what was begun is forgotten before the next letter");
    assert_eq!(last[2], "RCPT TO:<bob@example.org>\r\n");
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_waited_is_replaced() {
    let peer = Peer::plain().await;
    let courier = courier(&peer).build().unwrap();
    let letter = letter().await;

    courier.deliver(&letter).await.unwrap();
    peer.hangs_up();
    assert_eq!(open(&peer, 0).await, 0);
    courier.deliver(&letter).await.unwrap();

    assert_eq!((peer.received().len(), peer.sessions()), (2, 2));
}

#[tokio::test]
async fn a_server_that_left_and_came_back_is_found_again() {
    let peer = Peer::plain().await;
    let courier = courier(&peer).build().unwrap();
    let letter = letter().await;

    courier.deliver(&letter).await.unwrap();
    peer.leaves().await;
    let gone = courier.deliver(&letter).await.unwrap_err();
    peer.returns().await;
    courier.deliver(&letter).await.unwrap();

    assert!(!gone.is_for_good() && told(&gone).contains("no connection"), "{}", told(&gone));
    assert_eq!(peer.received().len(), 2);
}

#[tokio::test]
async fn a_letter_without_an_answer_is_tried_again_with_the_same_id() {
    let peer = Peer::plain().await;
    let courier = courier(&peer).build().unwrap();
    let letter = letter().await;

    peer.becomes(Mood::Drops);
    let lost = courier.deliver(&letter).await.unwrap_err();
    peer.becomes(Mood::Well);
    courier.deliver(&letter).await.unwrap();

    assert!(!lost.is_for_good());
    let received = peer.received();
    let ids: Vec<_> = received.iter().map(|received| received.email().header("Message-ID").to_owned()).collect();
    assert_eq!(ids, vec![format!("<{}@example.org>", letter.id()); 2]);
    assert_eq!(received.iter().map(|received| received.taken).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn a_server_that_hangs_costs_no_more_than_the_time_limit() {
    for (mood, prepare) in [(Mood::Silent, true), (Mood::Silent, false), (Mood::Slow(Duration::from_secs(1)), false)] {
        let peer = Peer::plain().await;
        let courier = courier(&peer).time_limit(time::Duration::seconds(1)).build().unwrap();
        let letter = letter().await;
        if prepare {
            courier.deliver(&letter).await.unwrap();
        }
        peer.becomes(mood.clone());

        let begun = Instant::now();
        let error = courier.deliver(&letter).await.unwrap_err();

        assert!(begun.elapsed() < Duration::from_secs(4), "{mood:?} {:?}", begun.elapsed());
        assert!(!error.is_for_good() && told(&error).contains("too long"), "{mood:?} {}", told(&error));
        assert_eq!(open(&peer, 0).await, 0, "{mood:?}: what was half-way is closed");
    }
}

#[tokio::test]
async fn a_slow_server_gets_its_letter_within_the_time_limit() {
    let peer = Peer::plain().await;
    peer.becomes(Mood::Slow(Duration::from_millis(1)));

    courier(&peer).build().unwrap().deliver(&letter().await).await.unwrap();

    assert!(peer.received()[0].taken);
}

/// One whose letter was dropped half-way would read the next letter as the rest of the last.
#[tokio::test]
async fn a_connection_whose_letter_was_dropped_is_never_used_again() {
    let peer = Peer::plain().await;
    let courier = courier(&peer).build().unwrap();
    let letters = letters(&["ada@example.org", "bob@example.org"]).await;
    courier.deliver(&letters[0]).await.unwrap();
    peer.becomes(Mood::Silent);

    let dropped = tokio::time::timeout(Duration::from_millis(500), courier.deliver(&letters[0])).await;
    peer.becomes(Mood::Well);
    courier.deliver(&letters[1]).await.unwrap();

    assert!(dropped.is_err());
    let received = peer.received();
    let taken: Vec<_> = received.iter().map(|received| (received.session, received.taken)).collect();
    assert_eq!(taken, [(1, true), (1, false), (2, true)]);
    assert_eq!(received[2].recipients(), ["RCPT TO:<bob@example.org>\r\n"]);
}

/// The server said that it closes, or something that nobody understands.
#[tokio::test]
async fn a_connection_whose_conversation_went_wrong_is_never_used_again() {
    for (to, answer) in [("RCPT", "421 4.3.2 closing"), ("RCPT", "354 go on"), ("DATA", "250 ok"), ("MAIL", "hello")] {
        let peer = Peer::plain().await;
        let courier = courier(&peer).build().unwrap();
        let letter = letter().await;
        peer.becomes(Mood::Says(to, answer));

        assert!(courier.deliver(&letter).await.is_err());
        peer.becomes(Mood::Well);
        courier.deliver(&letter).await.unwrap();

        assert_eq!((peer.received().len(), peer.sessions()), (1, 2), "{to} {answer}");
    }
}

/// Delivers so many letters at once.
async fn at_once(courier: &SmtpCourier, letters: usize) {
    let letter = letter().await;
    let mut going = JoinSet::new();
    for _ in 0..letters {
        let (courier, letter) = (courier.clone(), letter.clone());
        going.spawn(async move { courier.deliver(&letter).await.unwrap() });
    }
    going.join_all().await;
}

#[tokio::test]
async fn no_more_connections_wait_than_was_chosen() {
    for (chosen, waiting) in [(0, 0), (2, 2), (8, 8)] {
        let peer = Peer::plain().await;
        let courier = courier(&peer).pool_size(chosen).build().unwrap();

        at_once(&courier, 8).await;

        assert_eq!(open(&peer, waiting).await, waiting);
        assert_eq!((peer.received().len(), peer.sessions()), (8, 8));
    }
}

#[tokio::test]
async fn a_connection_is_not_used_for_ever() {
    let peer = Peer::plain().await;
    let courier = courier(&peer).build().unwrap();
    let letter = letter().await;

    for _ in 0..120 {
        courier.deliver(&letter).await.unwrap();
    }

    let mut times = [0; 3];
    peer.received().iter().for_each(|received| times[received.session - 1] += 1);
    assert_eq!(times, [50, 50, 20]);
}

#[tokio::test]
async fn a_connection_that_waits_for_too_long_is_closed_with_a_goodbye() {
    let peer = Peer::plain().await;
    let courier = courier(&peer).build().unwrap();
    courier.deliver(&letter().await).await.unwrap();
    assert_eq!(peer.open(), 1);
    tokio::task::yield_now().await;

    for _ in 0..4 {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(15)).await;
        tokio::time::resume();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    assert_eq!(open(&peer, 0).await, 0);
    assert_eq!(peer.said().last().map(String::as_str), Some("QUIT\r\n"));
}

#[tokio::test]
async fn a_courier_that_is_dropped_leaves_no_connection_behind() {
    let peer = Peer::plain().await;
    let courier = courier(&peer).build().unwrap();
    courier.deliver(&letter().await).await.unwrap();

    drop(courier);

    assert_eq!(open(&peer, 0).await, 0);
}
