//! A client for services elsewhere.
//!
//! 1. `http` and `https`, HTTP/1.1. TLS is rustls with `ring`; the roots are Mozilla's, and those a host adds.
//! 2. Only addresses on the public internet are called, unless a host or all private addresses are allowed. What counts
//!    is the address that the connection goes to, looked at right before it is opened.
//! 3. Each request has a limit for the time of everything and for the size of the answer. An answer that grows beyond its
//!    limit is dropped in the middle.
//! 4. Redirects are not followed, cookies are not kept, proxies of the environment are not used.
//! 5. Connections are kept for the next request.
//!
//! ```
//! use tower_registration::fetch::Client;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder().allow_private_host("sms.internal").build()?;
//! # let _ = client; Ok(()) }
//! ```
//!
//! Clones share their connections: one client is enough for all parts. It runs on the host's Tokio runtime.

mod address;
mod connect;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http::header::{HeaderValue, USER_AGENT};
use http_body::Body as _;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::{Instant, timeout_at};

use crate::host::{Fetch, FetchRequest, Fetched, Unfetched, UnfetchedKind};
use connect::{Connector, Forbidden, Rules};

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// How many unused connections to one service are kept.
const MOST_IDLE: usize = 8;
/// How long the head of an answer may be, in bytes.
const LONGEST_HEAD: usize = 64 << 10;
/// How long the rest of an answer is read whose status alone counts, so that its connection can be used again.
const COURTESY: Duration = Duration::from_millis(500);

/// The ready-made [`Fetch`].
#[derive(Clone)]
pub struct Client {
    inner: legacy::Client<HttpsConnector<Connector>, Full<Bytes>>,
}

impl Client {
    /// A client that calls public addresses only. See [`Client::builder`] for other choices.
    ///
    /// # Errors
    ///
    /// None today: [`ClientError`] is what [`ClientBuilder::build`] gives.
    pub fn new() -> Result<Self, ClientError> {
        Self::builder().build()
    }

    /// Begins to build a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder { rules: Rules::default(), roots: Vec::new(), patience: Duration::from_secs(5) }
    }

    async fn exchange(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
        let deadline = Instant::now() + request.time_limit();
        let (most, status_only) = (request.size_limit(), request.is_status_only());
        let answer = timeout_at(deadline, self.inner.request(sendable(request)?)).await;
        let answer = answer.map_err(|late| Unfetched::new(UnfetchedKind::TimedOut, late))?.map_err(unfetched)?;
        let (head, body) = answer.into_parts();
        let fetched = Fetched::new(head.status).with_headers(head.headers);
        if status_only {
            let deadline = deadline.min(Instant::now() + COURTESY);
            return Ok(match timeout_at(deadline, read(body, most)).await {
                Ok(Ok(body)) => fetched.with_body(body),
                Ok(Err(_)) | Err(_) => fetched,
            });
        }
        let body = timeout_at(deadline, read(body, most)).await;
        let body = body.map_err(|late| Unfetched::new(UnfetchedKind::TimedOut, late))??;
        Ok(fetched.with_body(body))
    }
}

#[async_trait]
impl Fetch for Client {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
        self.exchange(request).await
    }
}

fn sendable(request: FetchRequest) -> Result<Request<Full<Bytes>>, Unfetched> {
    if !matches!(request.url().scheme(), "http" | "https") {
        return Err(Unfetched::new(UnfetchedKind::Refused, "neither http nor https"));
    }
    let mut url = request.url().clone();
    url.set_fragment(None);
    let sent = Request::builder().method(request.method()).uri(url.as_str()).body(Full::new(request.body().clone()));
    let mut sent = sent.map_err(|error| Unfetched::new(UnfetchedKind::Refused, error))?;
    *sent.headers_mut() = request.headers().clone();
    // Some services answer nobody who does not say what they are.
    sent.headers_mut().entry(USER_AGENT).or_insert(HeaderValue::from_static("tower-registration"));
    Ok(sent)
}

async fn read(body: Incoming, most: usize) -> Result<Bytes, Unfetched> {
    let too_large = || Unfetched::new(UnfetchedKind::TooLarge, format!("more than {most} bytes"));
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    match Limited::new(body, most).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(Unfetched::new(UnfetchedKind::Unreachable, error)),
    }
}

fn unfetched(error: legacy::Error) -> Unfetched {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if inner.is::<Forbidden>() {
            return Unfetched::new(UnfetchedKind::Refused, Forbidden);
        }
        cause = inner.source();
    }
    Unfetched::new(UnfetchedKind::Unreachable, error)
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Builds a [`Client`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder {
    rules: Rules,
    roots: Vec<u8>,
    patience: Duration,
}

impl ClientBuilder {
    /// Allows addresses of this host that are not on the public internet: a name or an address, as it stands in the URL,
    /// without a port.
    pub fn allow_private_host(mut self, host: &str) -> Self {
        self.rules.hosts.insert(host.trim_matches(['[', ']']).to_ascii_lowercase());
        self
    }

    /// Sets whether every address may be called; otherwise public ones only.
    ///
    /// # Weakens
    ///
    /// Whoever can choose a URL that is called, or what its name means, reaches services that only this machine and its
    /// network should reach.
    pub fn allow_private(mut self, allowed: bool) -> Self {
        self.rules.private = allowed;
        self
    }

    /// Trusts the certificates of these authorities too: a text in PEM, such as a company's bundle.
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots.extend_from_slice(pem.as_ref());
        self.roots.push(b'\n');
        self
    }

    /// Sets how long opening a connection may take; 5 seconds otherwise. The limit of the request counts besides.
    pub fn connect_time_limit(mut self, limit: Duration) -> Self {
        self.patience = limit;
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`ClientError`] when a certificate cannot be read.
    pub fn build(self) -> Result<Client, ClientError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in CertificateDer::pem_slice_iter(&self.roots) {
            let certificate = certificate.map_err(|error| ClientError(Box::new(error)))?;
            roots.add(certificate).map_err(|error| ClientError(Box::new(error)))?;
        }
        // Given, not looked up: a host may have another one for the whole process.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(|error| ClientError(Box::new(error)))?;
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector::new(self.rules, self.patience));
        let inner = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .http1_max_buf_size(LONGEST_HEAD)
            .build(connector);
        Ok(Client { inner })
    }
}

/// A client cannot be built like this.
#[derive(Debug, thiserror::Error)]
#[error("`.root_certificates(…)` holds a certificate that cannot be read")]
pub struct ClientError(#[source] Box<dyn Error + Send + Sync>);
