//! Ory Hydra, or another OAuth2 server with its admin API: who registers here is signed in there.
//!
//! ```
//! use tower_registration::fetch::Client;
//! use tower_registration::hydra::Hydra;
//! # use tower_registration::testing::App;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hydra = Hydra::builder(Client::builder().allow_private(true).build()?, "http://hydra.internal:4445").build()?;
//! # let app = App::with(|builder| builder
//! #     .method(tower_registration::methods::Password::new())
//! .oauth2_server(hydra)
//! # )?;
//! # let _ = app; Ok(()) }
//! ```
//!
//! Hydra is told to send people here: `urls.registration` is `…/self-service/registration/browser` below the base URL. A
//! client asks for it by `prompt=registration`; without, Hydra sends them to `urls.login`, whose page links here with the
//! `login_challenge` it was given.
//!
//! 1. What Hydra wants to know is asked by `GET /admin/oauth2/auth/requests/login`, and who it is told by
//!    `PUT /admin/oauth2/auth/requests/login/accept`.
//! 2. A request has three seconds. One that gets no answer, or a status of 500 and more, is made three times.
//! 3. Redirects are not followed; an answer is at most 256 KiB.
//! 4. Errors say the status, and what Hydra calls a hint; nothing else of the answer.
//!
//! A challenge is no secret that opens anything here: whoever has somebody else's is led to Hydra with a verifier that Hydra
//! takes from the browser it gave the challenge to, and from no other.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{HeaderMap, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::host::{
    AcceptedLogin, Fetch, FetchRequest, Fetched, LoginRequest, OAuth2Error, OAuth2Server, UnfetchedKind,
};

const LOGIN: &str = "admin/oauth2/auth/requests/login";
const TIME_LIMIT: Duration = Duration::from_secs(3);
const LARGEST_ANSWER: usize = 256 << 10;
const TRIES: u32 = 3;
/// Before the second try; before the third it is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// How much of a hint is passed on, in characters.
const LONGEST_HINT: usize = 500;
/// Headers that the connection sets by itself.
const OF_THE_CONNECTION: [HeaderName; 4] = [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING];

/// The admin API of an OAuth2 server.
#[derive(Clone)]
pub struct Hydra {
    fetch: Arc<dyn Fetch>,
    url: Url,
    headers: HeaderMap,
}

/// Settings of [`Hydra`].
#[derive(Clone)]
#[must_use]
pub struct HydraBuilder {
    fetch: Arc<dyn Fetch>,
    url: String,
    headers: Vec<(String, SecretString)>,
}

impl Hydra {
    /// The server whose admin API is at this URL, by requests that this client makes.
    ///
    /// A user name and password in the URL become a header for basic authentication. An admin API is rarely on the public
    /// internet: the client must be allowed to call it.
    pub fn builder(fetch: impl Fetch, url: impl Into<String>) -> HydraBuilder {
        HydraBuilder { fetch: Arc::new(fetch), url: url.into(), headers: Vec::new() }
    }

    fn request(&self, method: Method, path: &str, challenge: &str) -> FetchRequest {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{path}", self.url.path().trim_end_matches('/')));
        url.query_pairs_mut().append_pair("login_challenge", challenge);
        let mut request = FetchRequest::new(method, url).with_time_limit(TIME_LIMIT).with_size_limit(LARGEST_ANSWER);
        request = request.with_header(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in &self.headers {
            request = request.with_header(name.clone(), value.clone());
        }
        request
    }

    /// Asks, and again where another answer may come.
    async fn ask(&self, request: FetchRequest) -> Result<Fetched, OAuth2Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.fetch.fetch(request.clone()).await {
                Ok(answer) if !answer.status().is_server_error() => return Ok(answer),
                Ok(answer) => OAuth2Error::unusable(format!("it answered {}", answer.status())),
                Err(error) if matches!(error.kind(), UnfetchedKind::TimedOut | UnfetchedKind::Unreachable) => {
                    OAuth2Error::unusable(error)
                }
                Err(error) => return Err(OAuth2Error::unusable(error)),
            };
            if tries == TRIES {
                return Err(error);
            }
            tokio::time::sleep(PAUSE * tries).await;
        }
    }
}

#[async_trait]
impl OAuth2Server for Hydra {
    async fn login_request(&self, challenge: &str) -> Result<LoginRequest, OAuth2Error> {
        let answer = self.ask(self.request(Method::GET, LOGIN, challenge)).await?;
        match answer.status() {
            StatusCode::OK => LoginRequest::read(document(&answer))
                .ok_or_else(|| OAuth2Error::unusable("it answered with something that is no login request")),
            // Says where to go on instead, and is no error document.
            StatusCode::GONE => Err(OAuth2Error::refused(StatusCode::GONE)),
            _ => Err(refusal(&answer)),
        }
    }

    async fn accept(&self, challenge: &str, login: &AcceptedLogin) -> Result<Url, OAuth2Error> {
        let body = json!({
            "subject": login.subject.to_string(),
            "identity_provider_session_id": login.session,
            "remember": login.remember,
            "remember_for": login.remember_for.whole_seconds(),
            "amr": login.amr,
        });
        let path = format!("{LOGIN}/accept");
        let answer = self.ask(self.request(Method::PUT, &path, challenge).with_json(&body)).await?;
        if answer.status() != StatusCode::OK {
            return Err(refusal(&answer));
        }
        let to = document(&answer).get("redirect_to").and_then(Value::as_str).and_then(|to| Url::parse(to).ok());
        to.ok_or_else(|| OAuth2Error::unusable("it accepted, and did not say where to go on"))
    }
}

/// The body of an answer; null where it is no JSON.
fn document(answer: &Fetched) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_default()
}

/// An answer that is a no, with the hint of its error document.
fn refusal(answer: &Fetched) -> OAuth2Error {
    let refused = OAuth2Error::refused(answer.status());
    let document = document(answer);
    if !document.is_object() {
        return refused;
    }
    let hint = document.get("error_hint").and_then(Value::as_str).unwrap_or_default();
    refused.with_hint(hint.chars().take(LONGEST_HINT).collect::<String>())
}

impl HydraBuilder {
    /// Adds a header to every request, in place of another of this name.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Builds the part. Nobody is called.
    ///
    /// # Errors
    ///
    /// [`HydraError`] says which setting cannot be, never its value.
    pub fn build(self) -> Result<Hydra, HydraError> {
        let url = Url::parse(&self.url).map_err(|error| HydraError::Url(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(HydraError::Url("it begins with neither http:// nor https://".to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(HydraError::Url("it has a query or a fragment".to_owned()));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let fault = || HydraError::Header { name: name.clone() };
            let parsed = name.parse::<HeaderName>().ok().filter(|name| !OF_THE_CONNECTION.contains(name));
            let parsed = parsed.filter(|name| *name != CONTENT_TYPE).ok_or_else(fault)?;
            let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| fault())?;
            value.set_sensitive(true);
            headers.insert(parsed, value);
        }
        Ok(Hydra { fetch: self.fetch, url, headers })
    }
}

/// Without path, login and headers: they may hold secrets.
impl std::fmt::Debug for Hydra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hydra").field("origin", &self.url.origin().ascii_serialization()).finish_non_exhaustive()
    }
}

/// Without the URL and the headers.
impl std::fmt::Debug for HydraBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HydraBuilder").finish_non_exhaustive()
    }
}

/// [`Hydra`] cannot be built like this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HydraError {
    /// The URL is none.
    #[error("the URL of the OAuth2 server's admin API cannot be used: {0}")]
    Url(String),
    /// A header cannot be sent, or is the connection's own.
    #[error("the header `{name}` cannot be set")]
    #[non_exhaustive]
    Header {
        /// Its name.
        name: String,
    },
}

#[cfg(test)]
mod tests;
