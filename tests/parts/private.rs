//! Addresses that are not on the public internet: refused in every spelling, unless the URL is trusted.

use http::StatusCode;
use tower_registration::fetch::Client;
use tower_registration::host::{Fetch, FetchRequest, UnfetchedKind};
use url::Url;

use crate::peer::{Part, Peer};

async fn get(client: &Client, url: &str) -> Result<StatusCode, UnfetchedKind> {
    let fetched = client.fetch(FetchRequest::get(Url::parse(url).unwrap())).await;
    fetched.map(|fetched| fetched.status()).map_err(|error| error.kind())
}

fn empty_answers() -> Peer {
    Peer::start(Part::Says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"))
}

#[tokio::test]
async fn private_addresses_are_refused_in_every_spelling() {
    let peer = empty_answers();
    let client = Client::new().unwrap();
    let spellings = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0x7f000001",
        "0x7f.1",
        "0X7F.0x0.0.0x1",
        "017700000001",
        "0177.0.0.1",
        "2130706433",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "127.255.255.254",
        "0.0.0.0",
        "0",
        "localhost",
        "LOCALHOST",
        "loc%61lhost",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "10.0.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "0xa9fea9fe",
        "172.31.0.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
    ];

    for host in spellings {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{}/", peer.port());
            assert_eq!(get(&client, &url).await, Err(UnfetchedKind::Refused), "{url}");
        }
    }
    // What the system makes of these differs; that nobody is called does not.
    for host in ["localhost.", "x.localhost", "localhost.localdomain"] {
        assert!(get(&client, &format!("http://{host}:{}/", peer.port())).await.is_err(), "{host}");
    }
    assert_eq!(peer.begun(), 0);
}

#[tokio::test]
async fn only_the_web_is_called() {
    let client = Client::builder().allow_private(true).build().unwrap();

    for url in
        ["ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "unix:/run/x", "data:,x", "ws://127.0.0.1/"]
    {
        assert_eq!(get(&client, url).await, Err(UnfetchedKind::Refused), "{url}");
    }
}

#[tokio::test]
async fn a_host_is_allowed_by_its_own_name_alone() {
    let peer = empty_answers();
    let client = Client::builder().allow_private_host("Localhost").build().unwrap();
    let at = |host: &str| format!("http://{host}:{}/", peer.port());

    assert_eq!(get(&client, &at("localhost")).await, Ok(StatusCode::OK));
    for other in ["127.0.0.1", "[::1]", "localhost@127.0.0.1"] {
        assert_eq!(get(&client, &at(other)).await, Err(UnfetchedKind::Refused), "{other}");
    }
    assert!(get(&client, &at("localhost.")).await.is_err() && get(&client, &at("x.localhost")).await.is_err());
    assert_eq!(peer.begun(), 1);
}

#[tokio::test]
async fn an_address_is_allowed_in_every_spelling_of_it() {
    let peer = empty_answers();
    let client = Client::builder().allow_private_host("127.1").build().unwrap();
    let at = |host: &str| format!("http://{host}:{}/", peer.port());

    assert_eq!(get(&client, &at("0x7f000001")).await, Ok(StatusCode::OK));
    assert_eq!(get(&client, &at("127.0.0.2")).await, Err(UnfetchedKind::Refused));
    assert_eq!(get(&client, &at("localhost")).await, Err(UnfetchedKind::Refused));
}

#[tokio::test]
async fn a_kept_connection_of_a_trusted_url_serves_no_other() {
    let peer = empty_answers();
    let client = Client::builder().allow_private_where(|url| url.path() == "/hook").build().unwrap();
    let at = |path: &str| format!("http://127.0.0.1:{}{path}", peer.port());

    for _ in 0..3 {
        assert_eq!(get(&client, &at("/hook?x")).await, Ok(StatusCode::OK));
        assert_eq!(get(&client, &at("/other")).await, Err(UnfetchedKind::Refused));
    }
    assert_eq!(peer.begun(), 1);
}
