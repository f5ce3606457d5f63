//! The ready-made client: what it calls, how long it waits, how much it reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Method, StatusCode};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower_registration::fetch::Client;
use tower_registration::host::{Fetch, FetchRequest, Unfetched, UnfetchedKind};
use url::Url;

use crate::server::{Server, answer, drips, nobody, says};

/// A client that calls this machine too.
fn client() -> Client {
    Client::builder().allow_private(true).build().unwrap()
}

async fn refusal(client: &Client, url: &str) -> UnfetchedKind {
    client.fetch(FetchRequest::get(Url::parse(url).unwrap())).await.unwrap_err().kind()
}

#[tokio::test]
async fn a_request_arrives_as_it_was_made() {
    let server = Server::start(|_, _| answer(201, "made")).await;
    let request = FetchRequest::new(Method::PUT, server.at("/a%20b?c=d#e"))
        .with_basic_auth("ada", &"secret".into())
        .with_json(&serde_json::json!({ "n": 1 }));

    let fetched = client().fetch(request).await.unwrap();

    assert_eq!((fetched.status(), fetched.body().as_ref()), (StatusCode::CREATED, b"made".as_ref()));
    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("PUT", "/a%20b?c=d"));
    assert_eq!(asked.header("authorization"), "Basic YWRhOnNlY3JldA==");
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.header("host"), server.url.authority());
    assert_eq!(asked.header("user-agent"), "tower-registration");
    assert_eq!(asked.json(), serde_json::json!({ "n": 1 }));
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Server::start(|_, _| answer(200, "again")).await;
    let client = client();

    for _ in 0..5 {
        drop(client.fetch(FetchRequest::get(server.url.clone())).await.unwrap());
        drop(client.fetch(FetchRequest::get(server.url.clone()).status_only()).await.unwrap());
    }

    assert_eq!((server.asked().len(), server.connections()), (10, 1));
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let elsewhere = Server::start(|_, _| answer(200, "")).await;
    let to = HeaderValue::from_str(elsewhere.url.as_str()).unwrap();
    let server = Server::start(move |_, _| {
        let mut answer = answer(302, "");
        answer.headers_mut().insert("location", to.clone());
        answer
    })
    .await;

    let fetched = client().fetch(FetchRequest::get(server.url.clone())).await.unwrap();

    assert_eq!(fetched.status(), StatusCode::FOUND);
    assert_eq!(fetched.headers()["location"], elsewhere.url.as_str());
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn private_addresses_are_refused_in_every_spelling() {
    let server = Server::start(|_, _| answer(200, "")).await;
    let port = server.url.port().unwrap();
    let client = Client::new().unwrap();

    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "0.0.0.0", "[::]"] {
        assert_eq!(refusal(&client, &format!("http://{host}:{port}/")).await, UnfetchedKind::Refused, "{host}");
    }
    assert_eq!(refusal(&client, "http://169.254.169.254/latest/meta-data").await, UnfetchedKind::Refused);
    assert_eq!(refusal(&client, "https://10.0.0.1/").await, UnfetchedKind::Refused);
    assert_eq!(refusal(&client, "ftp://8.8.8.8/").await, UnfetchedKind::Refused);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_host_can_be_allowed_by_its_name_alone() {
    let server = Server::start(|_, _| answer(200, "")).await;
    let port = server.url.port().unwrap();
    let client = Client::builder().allow_private_host("Localhost").build().unwrap();

    let by_name = client.fetch(FetchRequest::get(Url::parse(&format!("http://localhost:{port}/")).unwrap())).await;

    assert_eq!(by_name.unwrap().status(), StatusCode::OK);
    assert_eq!(refusal(&client, server.url.as_str()).await, UnfetchedKind::Refused);
}

#[tokio::test]
async fn an_answer_has_a_limit_whether_it_tells_its_length_or_not() {
    let declared = Server::start(|_, _| answer(200, vec![b'x'; 2_000])).await;
    let endless = drips(b"HTTP/1.1 200 OK\r\n\r\nmuch too long", Duration::from_millis(1)).await;

    let kind = async |url: &Url, most| {
        let fetched = client().fetch(FetchRequest::get(url.clone()).with_size_limit(most)).await;
        fetched.map(|fetched| fetched.body().len()).map_err(|error| error.kind())
    };

    assert_eq!(kind(&declared.url, 2_000).await, Ok(2_000));
    assert_eq!(kind(&declared.url, 1_999).await, Err(UnfetchedKind::TooLarge));
    assert_eq!(kind(&endless, 100).await, Err(UnfetchedKind::TooLarge));
}

#[tokio::test]
async fn a_head_has_a_limit_too() {
    let endless = drips(&[b'x'; 200_000], Duration::from_millis(1)).await;

    assert_eq!(refusal(&client(), endless.as_str()).await, UnfetchedKind::Unreachable);
}

#[tokio::test]
async fn a_service_that_answers_slowly_is_left() {
    let limit = Duration::from_millis(300);
    let no_head = drips(b"", Duration::from_secs(60)).await;
    let slow_head = drips(b"HTTP/1.1 200 OK\r\nx-", Duration::from_millis(20)).await;
    let slow_body = drips(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", Duration::from_millis(20)).await;

    for url in [no_head, slow_head, slow_body] {
        let begun = Instant::now();
        let fetched = client().fetch(FetchRequest::get(url).with_time_limit(limit)).await;
        assert_eq!(fetched.unwrap_err().kind(), UnfetchedKind::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn where_the_status_counts_the_body_does_not() {
    let large = Server::start(|_, _| answer(202, vec![b'x'; 100_000])).await;
    let slow = drips(b"HTTP/1.1 202 Accepted\r\ncontent-length: 1000\r\n\r\n", Duration::from_millis(20)).await;

    for url in [large.url.clone(), slow] {
        let request = FetchRequest::get(url).with_size_limit(100).status_only();
        let fetched = client().fetch(request).await.unwrap();
        assert_eq!((fetched.status(), fetched.body().len()), (StatusCode::ACCEPTED, 0));
    }
}

#[tokio::test]
async fn a_service_that_is_away_or_breaks_off_is_unreachable() {
    let broken = says(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart of it").await;

    assert_eq!(refusal(&client(), nobody().await.as_str()).await, UnfetchedKind::Unreachable);
    assert_eq!(refusal(&client(), broken.as_str()).await, UnfetchedKind::Unreachable);
}

#[tokio::test]
async fn certificates_are_checked_against_the_roots() {
    let (url, authority) = tls_server().await;
    let builder = Client::builder().allow_private(true);

    let stranger = builder.clone().build().unwrap().fetch(FetchRequest::get(url.clone())).await;
    let known = builder.clone().root_certificates(&authority).build().unwrap();
    let known_name = known.fetch(FetchRequest::get(url.clone())).await;
    let mut address = url.clone();
    address.set_ip_host("127.0.0.1".parse().unwrap()).unwrap();
    let other_name = known.fetch(FetchRequest::get(address)).await;

    let unreachable = |error: Unfetched| error.kind() == UnfetchedKind::Unreachable;
    assert!(unreachable(stranger.unwrap_err()));
    assert_eq!(known_name.unwrap().body().as_ref(), b"safe");
    assert!(unreachable(other_name.unwrap_err()));
    let garbage = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----";
    assert!(builder.root_certificates(garbage).build().is_err());
}

/// A server for `localhost` with a certificate of an authority that nobody knows; gives the authority's certificate.
async fn tls_server() -> (Url, String) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![own.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsafe").await;
            });
        }
    });
    (Url::parse(&url).unwrap(), authority.pem())
}
