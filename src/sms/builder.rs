//! What a courier is made from.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use secrecy::SecretString;
use serde_json::Value;

use super::HttpCourier;
use super::body::{self, Body, Own};
use crate::endpoint::{Auth, Endpoint, EndpointError};
use crate::host::{Fetch, Rendered};

/// Settings of an [`HttpCourier`].
#[derive(Clone)]
#[must_use]
pub struct HttpBuilder {
    fetch: Arc<dyn Fetch>,
    endpoint: Endpoint,
    body: Arc<dyn Body>,
    time_limit: Duration,
}

impl HttpBuilder {
    pub(super) fn new(fetch: Arc<dyn Fetch>, endpoint: Endpoint) -> Self {
        Self { fetch, endpoint, body: Arc::new(Own(body::default)), time_limit: Duration::from_secs(10) }
    }

    /// Sets the verb; `POST` otherwise.
    pub fn method(mut self, method: Method) -> Self {
        self.endpoint.set_method(method);
        self
    }

    /// Adds a header to every request, in place of another of this name.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.endpoint.add_header(name.into(), value.into());
        self
    }

    /// Authenticates with a name and a password, in place of another authentication.
    pub fn basic_auth(self, user: impl Into<String>, password: impl Into<SecretString>) -> Self {
        self.auth(Auth::Basic(user.into(), password.into()))
    }

    /// Authenticates with a token, in place of another authentication.
    pub fn bearer(self, token: impl Into<SecretString>) -> Self {
        self.auth(Auth::Bearer(token.into()))
    }

    /// Authenticates with a key in this header, in place of another authentication.
    pub fn api_key_header(self, name: impl Into<String>, key: impl Into<SecretString>) -> Self {
        self.auth(Auth::Header(name.into(), key.into()))
    }

    /// Authenticates with a key in this cookie, in place of another authentication.
    pub fn api_key_cookie(self, name: impl Into<String>, key: impl Into<SecretString>) -> Self {
        self.auth(Auth::Cookie(name.into(), key.into()))
    }

    fn auth(mut self, auth: Auth) -> Self {
        self.endpoint.set_auth(auth);
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
    /// [`HttpCourierError`](super::HttpCourierError) says which setting cannot be, never its value.
    pub fn build(self) -> Result<HttpCourier, EndpointError> {
        let (request, encoding) = self.endpoint.build()?;
        let request = request.with_time_limit(self.time_limit).status_only();
        Ok(HttpCourier { fetch: self.fetch, request, encoding, body: self.body })
    }
}

/// Without the URL, headers and keys.
impl std::fmt::Debug for HttpBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpBuilder").field("method", self.endpoint.method()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::host::{FetchRequest, Fetched, Unfetched};

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
