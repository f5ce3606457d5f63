//! A client for services elsewhere.
//!
//! 1. `http` and `https`, HTTP/1.1. TLS is rustls with `ring`; the roots are Mozilla's, and those a host adds.
//! 2. Only addresses on the public internet are called, unless the URL is trusted with others. What counts is the address
//!    that the connection goes to, looked at right before it is opened; whether a URL is trusted is asked for every
//!    request, and connections of trusted URLs serve no others.
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
mod builder;
mod connect;
mod trust;

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
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use tokio::time::{Instant, timeout_at};

use crate::host::{Fetch, FetchRequest, Fetched, Unfetched, UnfetchedKind};
use connect::{Connector, Forbidden, Patient};
use trust::Trust;

pub use builder::{ClientBuilder, ClientError};

/// How long the rest of an answer is read whose status alone counts, so that its connection can be used again.
const COURTESY: Duration = Duration::from_millis(500);

/// The ready-made [`Fetch`].
#[derive(Clone)]
pub struct Client {
    /// Calls public addresses only.
    public: Pool,
    /// Calls every address. Apart: a connection that was opened for a trusted URL must not serve one that is not.
    any: Pool,
    trust: Arc<Trust>,
}

/// Connections, and those who wait for them.
type Pool = legacy::Client<Patient<HttpsConnector<Connector>>, Full<Bytes>>;

impl Client {
    /// A client that calls public addresses only. See [`Client::builder`] for other choices.
    ///
    /// # Errors
    ///
    /// [`ClientError`], as from [`ClientBuilder::build`].
    pub fn new() -> Result<Self, ClientError> {
        Self::builder().build()
    }

    /// Begins to build a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    async fn exchange(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
        let deadline = Instant::now() + request.time_limit();
        let (most, status_only) = (request.size_limit(), request.is_status_only());
        let pool = if self.trust.covers(request.url()) { &self.any } else { &self.public };
        let answer = timeout_at(deadline, pool.request(sendable(request)?)).await;
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
