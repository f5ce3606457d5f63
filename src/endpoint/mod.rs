//! A service elsewhere that takes requests, as the host sets it up: URL, verb, headers, and who calls. What is the same
//! for every request to it is judged once.

mod encoding;

use http::Method;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::host::FetchRequest;
pub(crate) use encoding::Encoding;

/// Headers that the connection sets by itself.
const OF_THE_CONNECTION: [HeaderName; 6] = [CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE];

/// Where requests go, and what they have in common.
#[derive(Clone)]
pub(crate) struct Endpoint {
    url: String,
    method: Method,
    headers: Vec<(String, SecretString)>,
    auth: Auth,
}

/// Who calls.
#[derive(Clone)]
pub(crate) enum Auth {
    Nothing,
    Basic(String, SecretString),
    Bearer(SecretString),
    Header(String, SecretString),
    Cookie(String, SecretString),
}

impl Endpoint {
    /// An endpoint that is called with `POST`, by nobody in particular.
    pub(crate) fn new(url: String) -> Self {
        Self { url, method: Method::POST, headers: Vec::new(), auth: Auth::Nothing }
    }

    pub(crate) fn set_method(&mut self, method: Method) {
        self.method = method;
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// Adds a header, in place of another of this name.
    pub(crate) fn add_header(&mut self, name: String, value: SecretString) {
        self.headers.push((name, value));
    }

    pub(crate) fn set_auth(&mut self, auth: Auth) {
        self.auth = auth;
    }

    /// A request without a body, and how its body is to be written.
    pub(crate) fn build(&self) -> Result<(FetchRequest, Encoding), EndpointError> {
        let url = Url::parse(&self.url).map_err(|error| EndpointError::Url(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EndpointError::Url("it begins with neither http:// nor https://".to_owned()));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let fault = || EndpointError::Header { name: name.clone() };
            let (name, value) = header(name, value).ok_or_else(fault)?;
            headers.insert(name, value);
        }
        let content_type = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
        let encoding = Encoding::of(content_type.unwrap_or("application/json")).ok_or(EndpointError::ContentType)?;
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        let mut request = FetchRequest::new(self.method.clone(), url);
        for (name, value) in &headers {
            request = request.with_header(name.clone(), value.clone());
        }
        Ok((self.auth.on(request)?, encoding))
    }
}

impl Auth {
    fn on(&self, request: FetchRequest) -> Result<FetchRequest, EndpointError> {
        let header = match self {
            Self::Nothing => return Ok(request),
            Self::Basic(user, password) => return Ok(request.with_basic_auth(user, password)),
            Self::Bearer(token) => header("authorization", &format!("Bearer {}", token.expose_secret()).into()),
            Self::Header(name, key) => header(name, key),
            Self::Cookie(name, key) => cookie(name, key).and_then(|pair| header("cookie", &pair)),
        };
        let (name, value) = header.ok_or(EndpointError::Auth)?;
        Ok(request.with_header(name, value))
    }
}

/// A header that a request may set, never shown.
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

/// Requests cannot be made like this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The URL is none.
    #[error("the URL cannot be used: {0}")]
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
