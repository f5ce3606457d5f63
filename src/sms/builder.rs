//! What a courier is made from.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::HttpCourier;
use super::body::{self, Body, Encoding, Own};
use crate::host::{Fetch, FetchRequest, Rendered};

/// Headers that the connection sets by itself.
const OF_THE_CONNECTION: [HeaderName; 6] = [CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE];

/// Settings of an [`HttpCourier`].
#[derive(Clone)]
#[must_use]
pub struct HttpBuilder {
    fetch: Arc<dyn Fetch>,
    url: String,
    method: Method,
    headers: Vec<(String, SecretString)>,
    auth: Auth,
    body: Arc<dyn Body>,
    time_limit: Duration,
}

#[derive(Clone)]
enum Auth {
    Nothing,
    Basic(String, SecretString),
    Bearer(SecretString),
    Header(String, SecretString),
    Cookie(String, SecretString),
}

impl HttpBuilder {
    pub(super) fn new(fetch: Arc<dyn Fetch>, url: String) -> Self {
        Self {
            fetch,
            url,
            method: Method::POST,
            headers: Vec::new(),
            auth: Auth::Nothing,
            body: Arc::new(Own(body::default)),
            time_limit: Duration::from_secs(10),
        }
    }

    /// Sets the verb; `POST` otherwise.
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Adds a header to every request, in place of another of this name.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Authenticates with a name and a password, in place of another authentication.
    pub fn basic_auth(mut self, user: impl Into<String>, password: impl Into<SecretString>) -> Self {
        self.auth = Auth::Basic(user.into(), password.into());
        self
    }

    /// Authenticates with a token, in place of another authentication.
    pub fn bearer(mut self, token: impl Into<SecretString>) -> Self {
        self.auth = Auth::Bearer(token.into());
        self
    }

    /// Authenticates with a key in this header, in place of another authentication.
    pub fn api_key_header(mut self, name: impl Into<String>, key: impl Into<SecretString>) -> Self {
        self.auth = Auth::Header(name.into(), key.into());
        self
    }

    /// Authenticates with a key in this cookie, in place of another authentication.
    pub fn api_key_cookie(mut self, name: impl Into<String>, key: impl Into<SecretString>) -> Self {
        self.auth = Auth::Cookie(name.into(), key.into());
        self
    }

    /// Sets what the gateway is told of a letter, in place of Kratos' default.
    pub fn body(self, body: impl Fn(&Rendered) -> Value + Send + Sync + 'static) -> Self {
        self.body_by(Own(body))
    }

    /// Sets who makes the body.
    pub(crate) fn body_by(mut self, body: impl Body) -> Self {
        self.body = Arc::new(body);
        self
    }

    /// Sets how long a letter may take; 10 seconds otherwise. One that takes longer may have arrived, and is tried again.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Builds the courier. Nobody is called.
    ///
    /// # Errors
    ///
    /// [`HttpCourierError`] says which setting cannot be, never its value.
    pub fn build(self) -> Result<HttpCourier, HttpCourierError> {
        let url = Url::parse(&self.url).map_err(|error| HttpCourierError::Url(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(HttpCourierError::Url("it begins with neither http:// nor https://".to_owned()));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let fault = || HttpCourierError::Header { name: name.clone() };
            let (name, value) = header(name, value).ok_or_else(fault)?;
            headers.insert(name, value);
        }
        let content_type = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
        let encoding = Encoding::of(content_type.unwrap_or("application/json")).ok_or(HttpCourierError::ContentType)?;
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        let mut request = FetchRequest::new(self.method, url).with_time_limit(self.time_limit).status_only();
        for (name, value) in &headers {
            request = request.with_header(name.clone(), value.clone());
        }
        let request = self.auth.on(request)?;
        Ok(HttpCourier { fetch: self.fetch, request, encoding, body: self.body })
    }
}

impl Auth {
    fn on(&self, request: FetchRequest) -> Result<FetchRequest, HttpCourierError> {
        let header = match self {
            Self::Nothing => return Ok(request),
            Self::Basic(user, password) => return Ok(request.with_basic_auth(user, password)),
            Self::Bearer(token) => header("authorization", &format!("Bearer {}", token.expose_secret()).into()),
            Self::Header(name, key) => header(name, key),
            Self::Cookie(name, key) => cookie(name, key).and_then(|pair| header("cookie", &pair)),
        };
        let (name, value) = header.ok_or(HttpCourierError::Auth)?;
        Ok(request.with_header(name, value))
    }
}

/// A header that a courier may set, never shown.
fn header(name: &str, value: &SecretString) -> Option<(HeaderName, HeaderValue)> {
    let name: HeaderName = name.parse().ok()?;
    let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
    value.set_sensitive(true);
    (!OF_THE_CONNECTION.contains(&name)).then_some((name, value))
}

/// A cookie as a header holds it; nothing when the name or the key has letters that would end it.
fn cookie(name: &str, key: &SecretString) -> Option<SecretString> {
    let key = key.expose_secret();
    let is_name = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    let is_value = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    let fits = !name.is_empty() && name.bytes().all(is_name) && key.bytes().all(is_value);
    fits.then(|| format!("{name}={key}").into())
}

/// Without the URL, headers and keys.
impl std::fmt::Debug for HttpBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpBuilder").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A courier cannot be built like this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpCourierError {
    /// The URL is none.
    #[error("the URL of the gateway cannot be used: {0}")]
    Url(String),
    /// A header cannot be sent, or is the connection's own.
    #[error("the header `{name}` cannot be set")]
    #[non_exhaustive]
    Header {
        /// Its name.
        name: String,
    },
    /// A body of this type cannot be made.
    #[error("the header `Content-Type` must say JSON or `application/x-www-form-urlencoded`")]
    ContentType,
    /// A header or cookie cannot hold the name or the key.
    #[error("the authentication cannot be sent: its name or its key has letters that no header can hold")]
    Auth,
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::host::{Fetched, Unfetched};

    struct Nobody;

    #[async_trait]
    impl Fetch for Nobody {
        async fn fetch(&self, _: FetchRequest) -> Result<Fetched, Unfetched> {
            Ok(Fetched::new(http::StatusCode::OK))
        }
    }

    fn builder(url: &str) -> HttpBuilder {
        HttpCourier::builder(Nobody, url)
    }

    fn fault(builder: HttpBuilder) -> String {
        builder.build().unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_sent_is_refused_and_not_repeated() {
        let fine = || builder("https://sms.example.org/");

        assert!(fault(builder("sms.example.org")).contains("URL"));
        assert!(fault(builder("ftp://sms.example.org/")).contains("neither http"));
        let faults = [
            fault(fine().header("x-key", "canary\r\nx: y")),
            fault(fine().header("x key", "canary")),
            fault(fine().header("Content-Length", "canary")),
            fault(fine().header("content-type", "text/canary")),
            fault(fine().bearer("canary\n")),
            fault(fine().api_key_header("", "canary")),
            fault(fine().api_key_header("host", "canary")),
            fault(fine().api_key_cookie("key", "canary; other=1")),
            fault(fine().api_key_cookie("k=y", "canary")),
        ];
        assert!(faults.iter().all(|fault| !fault.contains("canary")), "{faults:?}");
    }

    #[test]
    fn nothing_shows_keys() {
        let builder = builder("https://ada:canary@sms.example.org/canary?token=canary").header("x-key", "canary");
        let builder = builder.api_key_cookie("canary", "canary");

        assert!(!format!("{builder:?}").contains("canary"));
        let courier = builder.build().unwrap();
        assert!(!format!("{courier:?}").contains("canary"), "{courier:?}");
        assert!(format!("{courier:?}").contains("https://sms.example.org"));
        let shown = courier.request.headers().iter().filter(|(_, value)| !value.is_sensitive());
        assert_eq!(shown.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["content-type"]);
    }
}
