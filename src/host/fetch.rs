//! How services elsewhere are called.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::HostError;

/// Calls services elsewhere: gateways for text messages, lists of leaked passwords.
///
/// The ready-made part is `fetch::Client` (with the features that need it). A host with an HTTP client of its
/// own, or with a proxy that everything must go through, implements it in a dozen lines.
#[async_trait]
pub trait Fetch: Send + Sync + 'static {
    /// Makes one request and reads the answer. An answer is no error, whatever its status.
    ///
    /// The implementation keeps to the request's limits of time and size. It follows no redirect and keeps no cookie: a
    /// redirect is an answer like any other. It tries once; whoever asks decides whether to ask again.
    ///
    /// # Errors
    ///
    /// [`Unfetched`] when there is no whole answer within the limits, or when the address is one that may not be called.
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Unfetched>;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<F: Fetch + ?Sized> Fetch for Arc<F> {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
        (**self).fetch(request).await
    }
}

/// One request to a service elsewhere, and how much the answer may cost.
#[derive(Clone)]
#[must_use]
pub struct FetchRequest {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    time_limit: Duration,
    size_limit: usize,
    status_only: bool,
}

impl FetchRequest {
    /// A request without headers and body. Its answer may take 10 seconds and 64 KiB.
    ///
    /// A user name and password in the URL become a header for basic authentication.
    pub fn new(method: Method, mut url: Url) -> Self {
        let login = login(&mut url);
        let request = Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            time_limit: Duration::from_secs(10),
            size_limit: 64 << 10,
            status_only: false,
        };
        match login {
            Some((user, password)) => request.with_basic_auth(&user, &password),
            None => request,
        }
    }

    /// A request that reads.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// A request that sends something.
    pub fn post(url: Url) -> Self {
        Self::new(Method::POST, url)
    }

    /// Sets a header in place of others of this name. A value that is secret should be marked
    /// [sensitive](HeaderValue::set_sensitive).
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets all headers.
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Authenticates with a name and a password.
    pub fn with_basic_auth(self, user: &str, password: &SecretString) -> Self {
        let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
        self.with_authorization(&format!("Basic {pair}"))
    }

    /// Authenticates with a token; one that cannot stand in a header is left out.
    pub fn with_bearer(self, token: &SecretString) -> Self {
        self.with_authorization(&format!("Bearer {}", token.expose_secret()))
    }

    fn with_authorization(self, value: &str) -> Self {
        let Ok(mut value) = HeaderValue::from_str(value) else { return self };
        value.set_sensitive(true);
        self.with_header(AUTHORIZATION, value)
    }

    /// Sets the body.
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a body in JSON, and says so unless the headers name another type.
    pub fn with_json(mut self, body: &Value) -> Self {
        self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        self.with_body(body.to_string())
    }

    /// Sets how long everything may take, from the first look-up of the name to the last byte of the answer.
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets how long the body of the answer may be, in bytes.
    pub fn with_size_limit(mut self, bytes: usize) -> Self {
        self.size_limit = bytes;
        self
    }

    /// Asks for the status alone: whatever becomes of the body of the answer is no error, and it may be left out.
    pub fn status_only(mut self) -> Self {
        self.status_only = true;
        self
    }

    /// The verb.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Where it goes, without user name and password.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// How long everything may take.
    #[must_use]
    pub fn time_limit(&self) -> Duration {
        self.time_limit
    }

    /// How long the body of the answer may be, in bytes.
    #[must_use]
    pub fn size_limit(&self) -> usize {
        self.size_limit
    }

    /// Whether only the status of the answer counts.
    #[must_use]
    pub fn is_status_only(&self) -> bool {
        self.status_only
    }
}

/// Takes user name and password out of a URL.
fn login(url: &mut Url) -> Option<(String, SecretString)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(url.username()), url.password().map(decoded));
    if user.is_empty() && password.is_none() {
        return None;
    }
    // Both fail only for URLs without a host, and those have no user name.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    Some((user, password.unwrap_or_default().into()))
}

/// Without path, query, headers and body: each of them may hold a secret.
impl fmt::Debug for FetchRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("FetchRequest");
        let origin = self.url.origin().ascii_serialization();
        out.field("method", &self.method).field("origin", &origin).finish_non_exhaustive()
    }
}

/// The answer of a service elsewhere.
#[derive(Clone)]
#[must_use]
pub struct Fetched {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Fetched {
    /// An answer without headers and body.
    pub fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Sets all headers.
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the body.
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

/// Without headers and body.
impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Fetched");
        out.field("status", &self.status).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// There is no whole answer.
#[derive(Debug)]
pub struct Unfetched {
    kind: UnfetchedKind,
    source: Box<dyn Error + Send + Sync>,
}

/// Why there is no whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnfetchedKind {
    /// The address may not be called: nothing was sent.
    Refused,
    /// It took too long: whether the request arrived is not known.
    TimedOut,
    /// The answer is too large; the request has arrived.
    TooLarge,
    /// There is no connection, or it broke.
    Unreachable,
}

impl Unfetched {
    /// No answer, for this reason. The source must hold no secret: it goes to the log.
    #[must_use]
    pub fn new(kind: UnfetchedKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: source.into() }
    }

    /// Why there is no answer.
    #[must_use]
    pub fn kind(&self) -> UnfetchedKind {
        self.kind
    }
}

impl fmt::Display for Unfetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            UnfetchedKind::Refused => "the address may not be called",
            UnfetchedKind::TimedOut => "the service did not answer in time",
            UnfetchedKind::TooLarge => "the answer of the service is too large",
            UnfetchedKind::Unreachable => "the service cannot be reached",
        })
    }
}

impl Error for Unfetched {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

impl From<Unfetched> for HostError {
    fn from(error: Unfetched) -> Self {
        Self::unavailable(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_login_in_the_url_becomes_a_header_that_is_not_shown() {
        let request = FetchRequest::get(url("https://ada:p%40ss@example.org/x?token=1"));

        assert_eq!(request.url().as_str(), "https://example.org/x?token=1");
        assert_eq!(request.headers()[AUTHORIZATION], "Basic YWRhOnBAc3M=");
        assert!(request.headers()[AUTHORIZATION].is_sensitive());
        assert_eq!(
            format!("{request:?}"),
            "FetchRequest { method: GET, origin: \"https://example.org\", .. }",
            "neither path nor query nor headers"
        );
    }

    #[test]
    fn json_keeps_a_type_that_was_chosen() {
        let own = HeaderValue::from_static("application/vnd.api+json");
        let plain = FetchRequest::post(url("https://example.org")).with_json(&serde_json::json!({ "a": 1 }));
        let chosen =
            FetchRequest::post(url("https://example.org")).with_header(CONTENT_TYPE, own).with_json(&Value::Null);

        assert_eq!(plain.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(plain.body().as_ref(), br#"{"a":1}"#);
        assert_eq!(chosen.headers()[CONTENT_TYPE], "application/vnd.api+json");
    }

    #[test]
    fn a_token_that_no_header_can_hold_is_left_out() {
        let request = FetchRequest::get(url("https://example.org")).with_bearer(&"a\r\nb".into());

        assert!(request.headers().is_empty());
    }
}
