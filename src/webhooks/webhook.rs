//! One web hook: who is called, with what, and what its answer may do.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use secrecy::SecretString;
use serde_json::Value;

use super::call::Call;
use crate::endpoint::{Auth, Encoding, Endpoint, EndpointError};
use crate::host::{Fetch, FetchRequest};

/// A service elsewhere that is called, to be added to [`Webhooks`](super::Webhooks).
#[derive(Clone)]
#[must_use]
pub struct Webhook {
    pub(super) fetch: Arc<dyn Fetch>,
    /// The request of every attempt, but for its body.
    pub(super) request: FetchRequest,
    pub(super) encoding: Encoding,
    pub(super) body: Option<Arc<dyn Body>>,
    pub(super) says: Says,
    pub(super) sends_ids: bool,
    pub(super) name: Option<String>,
}

/// What an answer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// Yes or no.
    Yes,
    /// Nothing: nobody waits for it.
    Nothing,
    /// Refuse with messages.
    Refusal,
    /// Refuse with messages, or change the identity.
    Change,
}

impl Says {
    /// Whether it is called while a registration can still be refused.
    pub(super) fn is_asked_before(self) -> bool {
        matches!(self, Self::Refusal | Self::Change)
    }
}

impl Webhook {
    /// Begins to set up a hook at this URL, called by requests that this client makes.
    ///
    /// A user name and password in the URL become a header for basic authentication.
    pub fn builder(fetch: impl Fetch, url: impl Into<String>) -> WebhookBuilder {
        Self::builder_at(Arc::new(fetch), Endpoint::new(url.into()))
    }

    pub(crate) fn builder_at(fetch: Arc<dyn Fetch>, endpoint: Endpoint) -> WebhookBuilder {
        WebhookBuilder {
            fetch,
            endpoint,
            body: Some(Arc::new(Own(|call: &Call| Some(call.as_json().clone())))),
            says: Says::Yes,
            time_limit: Duration::from_secs(30),
            size_limit: 5 << 20,
            sends_ids: true,
            name: None,
        }
    }

    /// What the log calls it.
    pub(super) fn shown(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.request.url().origin().ascii_serialization())
    }
}

/// Without path, query, headers and body: they hold keys.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Webhook");
        out.field("request", &self.request).field("says", &self.says).finish_non_exhaustive()
    }
}

/// Settings of a [`Webhook`].
#[derive(Clone)]
#[must_use]
pub struct WebhookBuilder {
    fetch: Arc<dyn Fetch>,
    endpoint: Endpoint,
    body: Option<Arc<dyn Body>>,
    says: Says,
    time_limit: Duration,
    size_limit: usize,
    sends_ids: bool,
    name: Option<String>,
}

impl WebhookBuilder {
    /// Sets what the log calls it; the origin of its URL otherwise.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
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

    /// Sets what the service is told, in place of everything that a call knows. Nothing cancels the call.
    pub fn body(self, body: impl Fn(&Call) -> Option<Value> + Send + Sync + 'static) -> Self {
        self.body_by(Own(body))
    }

    /// Sets who makes the body.
    pub(crate) fn body_by(mut self, body: impl Body) -> Self {
        self.body = Some(Arc::new(body));
        self
    }

    /// Sends requests without a body.
    pub fn without_body(mut self) -> Self {
        self.body = None;
        self
    }

    /// Lets the service refuse with messages that the person reads.
    pub fn can_refuse(self) -> Self {
        Self { says: Says::Refusal, ..self }
    }

    /// Lets the service refuse with messages that the person reads, or change the identity that is about to be created.
    pub fn can_change(self) -> Self {
        Self { says: Says::Change, ..self }
    }

    /// Waits for no answer: the [dispatcher](crate::Registration::dispatcher) makes the call, and tries again for a day.
    pub fn in_background(self) -> Self {
        Self { says: Says::Nothing, ..self }
    }

    /// Sets how long one attempt may take; 30 seconds otherwise.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets how long an answer may be that is read, in bytes; 5 MiB otherwise.
    pub fn size_limit(mut self, bytes: usize) -> Self {
        self.size_limit = bytes;
        self
    }

    /// Leaves out the headers that tell calls and attempts apart.
    pub fn without_ids(mut self) -> Self {
        self.sends_ids = false;
        self
    }

    /// Builds the hook. Nobody is called.
    ///
    /// # Errors
    ///
    /// [`WebhookError`](super::WebhookError) says which setting cannot be, never its value.
    pub fn build(self) -> Result<Webhook, EndpointError> {
        let (request, encoding) = self.endpoint.build()?;
        let request = request.with_time_limit(self.time_limit).with_size_limit(self.size_limit);
        // Only messages and changes are read.
        let request = if self.says.is_asked_before() { request } else { request.status_only() };
        let Self { fetch, body, says, sends_ids, name, .. } = self;
        Ok(Webhook { fetch, request, encoding, body, says, sends_ids, name })
    }
}

/// Without the URL, headers and keys.
impl fmt::Debug for WebhookBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("WebhookBuilder");
        out.field("method", self.endpoint.method()).field("says", &self.says).finish_non_exhaustive()
    }
}

/// Why there is no body. Says nothing of the person: it goes to the log.
pub(crate) type BodyError = Box<dyn Error + Send + Sync>;

/// Makes the body of a request from a call.
#[async_trait]
pub(crate) trait Body: Send + Sync + 'static {
    /// The body; nothing cancels the call.
    async fn write(&self, call: &Call) -> Result<Option<Value>, BodyError>;
}

/// A body as the host makes it.
struct Own<F>(F);

#[async_trait]
impl<F: Fn(&Call) -> Option<Value> + Send + Sync + 'static> Body for Own<F> {
    async fn write(&self, call: &Call) -> Result<Option<Value>, BodyError> {
        Ok((self.0)(call))
    }
}
