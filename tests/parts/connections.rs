//! Connections: used again, cut, shared by many requests, left when nobody waits any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower_registration::fetch::Client;
use tower_registration::host::{Fetch, FetchRequest, UnfetchedKind};
use url::Url;

use crate::peer::{Part, Peer};

fn client() -> Client {
    Client::builder().allow_private(true).build().unwrap()
}

async fn get(client: &Client, url: Url) -> Result<StatusCode, UnfetchedKind> {
    let fetched = client.fetch(FetchRequest::get(url)).await;
    fetched.map(|fetched| fetched.status()).map_err(|error| error.kind())
}

#[tokio::test]
async fn an_answer_that_is_cut_is_no_answer() {
    let cut: [&[u8]; 6] = [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart of it",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ];

    for words in cut {
        let peer = Peer::start(Part::HangsUp(words));
        assert_eq!(get(&client(), peer.url()).await, Err(UnfetchedKind::Unreachable), "{words:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_of_http_is_no_answer() {
    let nonsense: [&[u8]; 5] = [
        b"220 mail.example.org ESMTP\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    ];

    for words in nonsense {
        let peer = Peer::start(Part::HangsUp(words));
        let got = get(&client(), peer.url()).await;
        assert_eq!(got, Err(UnfetchedKind::Unreachable), "{}", String::from_utf8_lossy(words));
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_service_closed_is_replaced() {
    let peer = Peer::start(Part::HangsUp(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
    let client = client();

    for _ in 0..10 {
        assert_eq!(get(&client, peer.url()).await, Ok(StatusCode::OK));
        assert!(peer.is_left().await);
    }

    assert_eq!(peer.begun(), 10);
}

#[tokio::test]
async fn what_comes_behind_an_answer_is_not_taken_for_the_next_one() {
    let two = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 418 Teapot\r\ncontent-length: 0\r\n\r\n";
    let peer = Peer::start(Part::Says(two));
    let client = client();

    for _ in 0..5 {
        assert_eq!(get(&client, peer.url()).await, Ok(StatusCode::OK));
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_get_their_own_answers() {
    let server = crate::server::Server::start(|_, asked| crate::server::answer(200, asked.path.clone())).await;
    let client = client();
    let mut requests = JoinSet::new();
    for n in 0..200 {
        let (client, url) = (client.clone(), server.at(&format!("/{n}")));
        requests.spawn(async move {
            let fetched = client.fetch(FetchRequest::get(url)).await.unwrap();
            assert_eq!(fetched.body().as_ref(), format!("/{n}").as_bytes());
        });
    }

    while let Some(done) = requests.join_next().await {
        done.unwrap();
    }

    assert_eq!(server.asked().len(), 200);
}

#[tokio::test]
async fn a_slow_service_does_not_hold_up_another() {
    let slow = Peer::start(Part::Silent);
    let quick = Peer::start(Part::Says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    let client = client();
    let mut waiting = JoinSet::new();
    for _ in 0..50 {
        let (client, url) = (client.clone(), slow.url());
        waiting.spawn(async move { get(&client, url).await });
    }
    while slow.begun() < 50 {
        sleep(Duration::from_millis(5)).await;
    }

    let begun = Instant::now();
    assert_eq!(get(&client, quick.url()).await, Ok(StatusCode::OK));

    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

/// Waits until no task of the test's runtime is left; says how many are, after five seconds.
async fn tasks_left() -> usize {
    let metrics = tokio::runtime::Handle::current().metrics();
    let none = async {
        while metrics.num_alive_tasks() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let _ = timeout(Duration::from_secs(5), none).await;
    metrics.num_alive_tasks()
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_leaves_nothing_behind() {
    let peers = [
        Peer::start(Part::Silent),
        Peer::start(Part::Repeats(b"HTTP/1.1 200 OK\r\nx-", b"x", Duration::from_millis(5))),
        Peer::start(Part::Repeats(b"HTTP/1.1 200 OK\r\n\r\n", b"x", Duration::from_millis(5))),
    ];
    let handshake = Peer::start(Part::Silent);
    let urls = peers.iter().map(Peer::url).chain([handshake.tls_url()]);
    let client = client();

    for url in urls {
        // From before the connection to the middle of the answer.
        for micros in (0..60_000).step_by(3_000) {
            let fetched = client.fetch(FetchRequest::get(url.clone()));
            assert!(timeout(Duration::from_micros(micros), fetched).await.is_err());
        }
    }

    assert_eq!(tasks_left().await, 0);
    for peer in peers.iter().chain([&handshake]) {
        assert!(peer.begun() > 0 && peer.is_left().await, "a connection was kept");
    }
}

#[tokio::test]
async fn a_client_that_is_dropped_leaves_its_kept_connections() {
    let peer = Peer::start(Part::Says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    let client = Arc::new(client());

    assert_eq!(get(&client, peer.url()).await, Ok(StatusCode::OK));
    drop(client);

    assert!(peer.is_left().await, "a connection was kept");
}
