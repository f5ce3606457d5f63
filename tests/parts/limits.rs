//! What an answer may cost: its size and its time. Whoever asks too much of the client is hung up on.

use std::time::{Duration, Instant};

use tower_registration::fetch::Client;
use tower_registration::host::{Fetch, FetchRequest, UnfetchedKind};
use url::Url;

use crate::peer::{Part, Peer};

fn client() -> Client {
    Client::builder().allow_private(true).build().unwrap()
}

const NO_PAUSE: Duration = Duration::from_micros(10);
const PIECE: &[u8] = &[b'x'; 1 << 10];
const CHUNK: &[u8] = b"20\r\n0123456789abcdef0123456789abcdef\r\n";

#[tokio::test]
async fn a_body_is_dropped_in_the_middle_however_its_length_is_told() {
    let endless = [
        Part::Repeats(b"HTTP/1.1 200 OK\r\n\r\n", PIECE, NO_PAUSE),
        Part::Repeats(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", PIECE, NO_PAUSE),
        Part::Repeats(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", CHUNK, NO_PAUSE),
        Part::Repeats(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n", PIECE, NO_PAUSE),
    ];

    for part in endless {
        let peer = Peer::start(part);
        let fetched = client().fetch(FetchRequest::get(peer.url()).with_size_limit(1_000)).await;
        assert_eq!(fetched.unwrap_err().kind(), UnfetchedKind::TooLarge);
        assert!(peer.is_left().await, "the connection was kept");
        // What the buffers of the system took, at most.
        assert!(peer.written() < 16 << 20, "{} bytes", peer.written());
    }
}

#[tokio::test]
async fn chunks_count_without_what_is_around_them() {
    let exact = Part::Says(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1;name=value\r\n!\r\n0\r\n\r\n",
    );
    let peer = Peer::start(exact);
    let body = async |most| {
        let fetched = client().fetch(FetchRequest::get(peer.url()).with_size_limit(most)).await;
        fetched.map(|fetched| fetched.body().clone()).map_err(|error| error.kind())
    };

    assert_eq!(body(6).await.unwrap().as_ref(), b"hello!");
    assert_eq!(body(5).await, Err(UnfetchedKind::TooLarge));
}

#[tokio::test]
async fn heads_that_do_not_end_are_left() {
    let endless = [
        Part::Repeats(b"HTTP/1.1 200 OK\r\n", b"x-filler: 0123456789abcdef0123456789abcdef\r\n", NO_PAUSE),
        Part::Repeats(b"HTTP/1.1 200 OK\r\nx-filler: ", PIECE, NO_PAUSE),
        Part::Repeats(b"", PIECE, NO_PAUSE),
    ];

    for part in endless {
        let peer = Peer::start(part);
        let fetched = client().fetch(FetchRequest::get(peer.url())).await;
        assert_eq!(fetched.unwrap_err().kind(), UnfetchedKind::Unreachable);
        assert!(peer.is_left().await, "the connection was kept");
        assert!(peer.written() < 16 << 20, "{} bytes", peer.written());
    }
}

/// The kind of the fault of a request with a limit of 300 ms; it must come soon behind the limit, and not before.
async fn late(client: &Client, url: Url) -> UnfetchedKind {
    let limit = Duration::from_millis(300);
    let begun = Instant::now();
    let fetched = client.fetch(FetchRequest::get(url).with_time_limit(limit).with_size_limit(1 << 30)).await;
    let took = begun.elapsed();
    assert!(took >= limit && took < Duration::from_secs(3), "{took:?}");
    fetched.unwrap_err().kind()
}

#[tokio::test]
async fn one_limit_counts_for_everything_from_the_handshake_to_the_last_byte() {
    let pause = Duration::from_millis(20);
    let early = b"HTTP/1.1 103 Early Hints\r\n\r\n";
    let slow = [
        Part::Silent,
        Part::Repeats(b"HTTP/1.1 200 OK\r\nx-", b"x", pause),
        Part::Repeats(b"", early, pause),
        Part::Repeats(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b"x", pause),
        Part::Repeats(b"HTTP/1.1 200 OK\r\n\r\n", b"x", pause),
        Part::Repeats(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n", pause),
        Part::Repeats(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"x-trailer: x\r\n", pause),
    ];

    for part in slow {
        let peer = Peer::start(part);
        assert_eq!(late(&client(), peer.url()).await, UnfetchedKind::TimedOut);
        assert!(peer.is_left().await, "the connection was kept");
    }
    let handshake = Peer::start(Part::Silent);
    assert_eq!(late(&client(), handshake.tls_url()).await, UnfetchedKind::TimedOut);
    assert!(handshake.is_left().await, "the connection was kept");
}

#[tokio::test]
async fn opening_a_connection_has_a_limit_of_its_own() {
    let peer = Peer::start(Part::Silent);
    let patience = Duration::from_millis(200);
    let client = Client::builder().allow_private(true).connect_time_limit(patience).build().unwrap();
    let begun = Instant::now();

    let handshake = client.fetch(FetchRequest::get(peer.tls_url())).await;

    assert_eq!(handshake.unwrap_err().kind(), UnfetchedKind::Unreachable);
    assert!(begun.elapsed() >= patience && begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(peer.is_left().await, "the connection was kept");
}
