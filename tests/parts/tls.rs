//! TLS: who is believed to be who.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower_registration::fetch::{Client, ClientBuilder};
use tower_registration::host::{Fetch, FetchRequest, UnfetchedKind};
use url::Url;

use crate::peer::{Part, Peer};

type Authority = CertifiedIssuer<'static, KeyPair>;

/// An authority that nobody knows yet.
fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server with a certificate of this authority.
struct Server {
    port: u16,
    handshakes: Arc<AtomicUsize>,
}

impl Server {
    async fn start(params: CertificateParams, authority: &Authority) -> Self {
        let key = KeyPair::generate().unwrap();
        let own = params.signed_by(&key, authority).unwrap();
        // The client has no use for a root; others between it and the root it needs to see.
        let acceptor = acceptor(vec![own.der().clone(), authority.der().clone()], &key);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), handshakes: Arc::default() };
        let handshakes = Arc::clone(&server.handshakes);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, handshakes) = (acceptor.clone(), Arc::clone(&handshakes));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    handshakes.fetch_add(1, Ordering::SeqCst);
                    while let Ok(1..) = stream.read(&mut [0; 4096]).await {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsafe").await;
                    }
                });
            }
        });
        server
    }

    fn at(&self, host: &str) -> Url {
        Url::parse(&format!("https://{host}:{}/", self.port)).unwrap()
    }
}

fn acceptor(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap()))
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn builder() -> ClientBuilder {
    Client::builder().allow_private(true)
}

async fn get(client: &Client, url: Url) -> Result<StatusCode, UnfetchedKind> {
    let fetched = client.fetch(FetchRequest::get(url)).await;
    fetched.map(|fetched| fetched.status()).map_err(|error| error.kind())
}

const OK: Result<StatusCode, UnfetchedKind> = Ok(StatusCode::OK);
const NO: Result<StatusCode, UnfetchedKind> = Err(UnfetchedKind::Unreachable);

#[tokio::test]
async fn a_certificate_counts_when_its_authority_is_trusted() {
    let authority = authority();
    let server = Server::start(params(&["localhost"]), &authority).await;
    let trusting = builder().root_certificates(authority.pem()).build().unwrap();
    let other = builder().root_certificates(self::authority().pem()).build().unwrap();
    let stranger = builder().build().unwrap();

    assert_eq!(get(&trusting, server.at("localhost")).await, OK);
    assert_eq!(get(&other, server.at("localhost")).await, NO);
    assert_eq!(get(&stranger, server.at("localhost")).await, NO);
}

#[tokio::test]
async fn a_certificate_counts_for_its_names_alone() {
    let authority = authority();
    let by_name = Server::start(params(&["localhost"]), &authority).await;
    let by_address = Server::start(params(&["127.0.0.1"]), &authority).await;
    let elsewhere = Server::start(params(&["example.org", "*.localhost"]), &authority).await;
    let client = builder().root_certificates(authority.pem()).build().unwrap();

    assert_eq!(get(&client, by_name.at("localhost")).await, OK);
    assert_eq!(get(&client, by_name.at("127.0.0.1")).await, NO);
    assert_eq!(get(&client, by_address.at("127.0.0.1")).await, OK);
    assert_eq!(get(&client, by_address.at("localhost")).await, NO);
    assert_eq!(get(&client, elsewhere.at("localhost")).await, NO);
}

#[tokio::test]
async fn a_certificate_counts_in_its_time() {
    let authority = authority();
    let client = builder().root_certificates(authority.pem()).build().unwrap();
    let (mut old, mut coming) = (params(&["localhost"]), params(&["localhost"]));
    (old.not_before, old.not_after) = (rcgen::date_time_ymd(2019, 1, 1), rcgen::date_time_ymd(2020, 1, 1));
    coming.not_before = rcgen::date_time_ymd(4000, 1, 1);

    for params in [old, coming] {
        let server = Server::start(params, &authority).await;
        assert_eq!(get(&client, server.at("localhost")).await, NO);
    }
}

#[tokio::test]
async fn a_certificate_that_is_no_authority_makes_no_others() {
    let authority = authority();
    let mut between = params(&["localhost"]);
    let leaf = CertifiedIssuer::signed_by(between.clone(), KeyPair::generate().unwrap(), &authority).unwrap();
    between.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::signed_by(between, KeyPair::generate().unwrap(), &authority).unwrap();
    let client = builder().root_certificates(authority.pem()).build().unwrap();

    let by_leaf = Server::start(params(&["localhost"]), &leaf).await;
    let by_issuer = Server::start(params(&["localhost"]), &issuer).await;

    assert_eq!(get(&client, by_leaf.at("localhost")).await, NO);
    assert_eq!(get(&client, by_issuer.at("localhost")).await, OK);
}

#[tokio::test]
async fn a_connection_is_used_again_and_nothing_is_sent_without_tls() {
    let authority = authority();
    let server = Server::start(params(&["localhost"]), &authority).await;
    let plain = Peer::start(Part::Says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    let client = builder().root_certificates(authority.pem()).build().unwrap();

    for _ in 0..5 {
        assert_eq!(get(&client, server.at("localhost")).await, OK);
    }
    let wait = std::time::Duration::from_millis(300);
    let request = FetchRequest::get(plain.tls_url()).with_time_limit(wait);

    assert_eq!(server.handshakes.load(Ordering::SeqCst), 1);
    assert!(client.fetch(request).await.is_err());
    assert_eq!(plain.written(), 0);
}

#[test]
fn roots_that_cannot_be_read_are_an_error() {
    let [first, second] = [authority().pem(), authority().pem()];

    let garbage = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----";
    assert!(builder().root_certificates(garbage).build().is_err());
    assert!(builder().root_certificates(no_certificate).build().is_err());
    assert!(builder().root_certificates("/etc/ssl/company.pem").root_certificates(&first).build().is_err());
    assert!(builder().root_certificates(first.trim_end()).root_certificates(second).build().is_ok());
}
