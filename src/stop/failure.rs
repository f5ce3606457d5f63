//! Failures: what the contract answers when no page can show it.

use std::borrow::Cow;
use std::error::Error;

use serde_json::{Value, json};
use uuid::Uuid;

/// An answer outside of any page: an HTTP status, a stable id, and words.
///
/// A hook makes one with [`Failure::new`]; the service itself makes the contract's.
#[derive(Debug)]
#[must_use]
pub struct Failure(Box<Facts>);

#[derive(Debug)]
struct Facts {
    kind: FailureKind,
    status: u16,
    id: Cow<'static, str>,
    message: Cow<'static, str>,
    reason: Cow<'static, str>,
    details: Option<Value>,
    retry_after: Option<u32>,
    source: Option<Box<dyn Error + Send + Sync>>,
    /// Joins the answer to the log where the answer says nothing about the cause.
    reference: Option<Uuid>,
}

/// What a failure asks of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Answer it.
    Answer,
    /// An inner error: native clients get HTTP 400 around its code 500, as the contract has it.
    Internal,
    /// Somebody changed what this request was working on: begin again from the load.
    Conflict,
    /// Whether the unit was committed is not known: read the flow back.
    CommitUnknown,
}

const BAD_REQUEST: &str = "The request was malformed or contained invalid parameters";
const NOT_FOUND: &str = "The requested resource could not be found";
#[cfg(feature = "oidc")]
const FORBIDDEN: &str = "The requested action was forbidden";
const UNAUTHORIZED: &str = "The request could not be authorized";
const GONE: &str = "The requested resource is no longer available because it has expired or is otherwise invalid.";
const INTERNAL: &str = "An internal server error occurred, please contact the system administrator";
const UNAVAILABLE: &str = "The service is temporarily unavailable, please try again later";

impl Failure {
    /// A failure with this HTTP status and these words, which the client sees. With 429 and 503 it is told to come back
    /// in two seconds, unless [`with_retry_after`](Failure::with_retry_after) says otherwise.
    pub fn new(status: http::StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        let failure = Self::of(status.as_u16(), "", message, "");
        match status {
            // Whoever is told to come back is told when.
            http::StatusCode::SERVICE_UNAVAILABLE | http::StatusCode::TOO_MANY_REQUESTS => failure.with_retry_after(2),
            _ => failure,
        }
    }

    fn of(status: u16, id: &'static str, message: impl Into<Cow<'static, str>>, reason: &'static str) -> Self {
        Self(Box::new(Facts {
            kind: FailureKind::Answer,
            status,
            id: id.into(),
            message: message.into(),
            reason: reason.into(),
            details: None,
            retry_after: None,
            source: None,
            reference: None,
        }))
    }

    /// Sets the stable id that clients act on.
    pub fn with_id(mut self, id: impl Into<Cow<'static, str>>) -> Self {
        self.0.id = id.into();
        self
    }

    /// Sets the reason, in words for the person who writes the client.
    pub fn with_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.0.reason = reason.into();
        self
    }

    /// Sets members of `error.details`.
    pub fn with_details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// Sets after how many seconds a client may try again.
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds.max(1));
        self
    }

    /// Sets the cause, which goes to the log and never to the client.
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self.0.reference = Some(Uuid::new_v4());
        self
    }

    pub(crate) fn with_kind(mut self, kind: FailureKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The stable id, empty when there is none.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The words every client sees.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The reason, empty when there is none.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Members of `error.details`.
    #[must_use]
    pub fn details(&self) -> Option<&Value> {
        self.0.details.as_ref()
    }

    /// After how many seconds a client may try again.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.0.retry_after
    }

    pub(crate) fn kind(&self) -> FailureKind {
        self.0.kind
    }

    pub(crate) fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }

    pub(crate) fn reference(&self) -> Option<Uuid> {
        self.0.reference
    }
}

/// The failures of the contract, by the name of their id or reason.
impl Failure {
    pub(crate) fn session_already_available() -> Self {
        let reason = "A valid session was detected and thus registration is not possible.";
        Self::of(400, "session_already_available", "you are already logged in", reason)
    }

    pub(crate) fn flow_disabled() -> Self {
        let reason = "Registration is not allowed because it was disabled.";
        Self::of(400, "self_service_flow_disabled", "registration flow disabled", reason)
    }

    pub(crate) fn verification_disabled() -> Self {
        Self::of(400, "", BAD_REQUEST, "Verification is not allowed because it was disabled.")
    }

    pub(crate) fn verification_unknown() -> Self {
        let reason = "The verification request could not be found. Please restart the flow.";
        Self::of(404, "", NOT_FOUND, reason)
    }

    /// A flow that proves an address has expired; `details` say where a new one is begun.
    pub(crate) fn verification_gone(reason: &'static str, details: Value) -> Self {
        Self::of(410, "", GONE, reason).with_details(details)
    }

    /// A flow that proves an address was replaced by another.
    pub(crate) fn verification_replaced(reason: &'static str) -> Self {
        Self::of(410, "self_service_flow_replaced", "self-service flow replaced", reason)
    }

    pub(crate) fn flow_missing() -> Self {
        Self::of(400, "", BAD_REQUEST, "The flow query parameter is missing or malformed.")
    }

    pub(crate) fn flow_unknown() -> Self {
        Self::of(404, "", "Unable to locate the resource", "")
    }

    /// The flow that was asked for has expired; `details` say where a new one is begun.
    pub(crate) fn flow_gone(reason: &'static str, details: Value) -> Self {
        Self::of(410, "self_service_flow_expired", GONE, reason).with_details(details)
    }

    /// The flow that was submitted expired this many minutes ago.
    pub(crate) fn flow_expired(minutes: f64) -> Self {
        let reason = format!("The self-service flow expired {minutes:.2} minutes ago, initialize a new one.");
        Self::of(410, "self_service_flow_expired", "self-service flow expired", "").with_reason(reason)
    }

    pub(crate) fn bad_request(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::of(400, "", BAD_REQUEST, "").with_reason(reason)
    }

    pub(crate) fn return_to_forbidden(url: &str) -> Self {
        let reason = format!("Requested return_to URL \"{url}\" is not allowed.");
        Self::of(400, "self_service_flow_return_to_forbidden", BAD_REQUEST, "").with_reason(reason)
    }

    pub(crate) fn method_disabled() -> Self {
        let reason = "This endpoint was disabled by system administrator. Please check your url or contact the system \
                      administrator to enable it.";
        Self::of(404, "", NOT_FOUND, reason)
    }

    pub(crate) fn csrf(details: Value) -> Self {
        let reason = "Please retry the flow and optionally clear your cookies. The request was rejected to protect you \
                      from Cross-Site-Request-Forgery (CSRF) which could cause account takeover, leaking personal \
                      information, and other serious security issues.";
        let message = "the request was rejected to protect you from Cross-Site-Request-Forgery";
        Self::of(403, "security_csrf_violation", message, reason).with_details(details)
    }

    pub(crate) fn signed_out() -> Self {
        Self::of(401, "", UNAUTHORIZED, "No valid session credentials found in the request.")
    }

    pub(crate) fn schema_unknown(id: &str) -> Self {
        Self::of(404, "", NOT_FOUND, "").with_reason(format!("Identity schema `{id}` could not be found."))
    }

    pub(crate) fn exchange_incomplete() -> Self {
        Self::bad_request("\"init_code\" and \"return_to_code\" query params must be set")
    }

    pub(crate) fn exchange_unknown() -> Self {
        Self::of(404, "", NOT_FOUND, "no session yet for this \"code\"")
    }

    /// The browser must go somewhere else first. This is no failure, but the contract tells it as one.
    pub(crate) fn location_change(to: &str) -> Self {
        let reason = format!("In order to complete this flow please redirect the browser to: {to}");
        Self::of(422, "browser_location_change_required", "browser location change required", "").with_reason(reason)
    }

    /// A browser came back without what it took along.
    pub(crate) fn state_missing() -> Self {
        Self::bad_request(
            "Unable to complete OpenID Connect flow because the OpenID Provider did not return the state query \
             parameter.",
        )
    }

    /// What a browser took along is not what it brings back.
    pub(crate) fn state_invalid() -> Self {
        Self::bad_request("Unable to complete OpenID Connect flow because the state parameter is invalid.")
    }

    /// A browser came back to the path of another provider than it left for.
    pub(crate) fn errand_mismatch() -> Self {
        Self::bad_request("Unable to complete OpenID Connect flow: provider mismatch between internal state and URL.")
    }

    /// The state belongs to another pair of codes.
    pub(crate) fn state_of_another_pair() -> Self {
        Self::bad_request(
            "Unable to complete OpenID Connect flow because the query state parameter does not match the state \
             parameter from the code.",
        )
    }

    /// The state belongs to another departure.
    pub(crate) fn state_of_another_trip() -> Self {
        Self::bad_request(
            "Unable to complete OpenID Connect flow because the query state parameter does not match the state \
             parameter from the session cookie.",
        )
    }

    /// Nobody left who could come back here, or not from this browser.
    pub(crate) fn nobody_left() -> Self {
        let reason = "The browser does not contain the necessary cookie to resume the session. This is a security \
                      violation and was blocked. Please clear your browser's cookies and cache and try again!";
        Self::of(400, "", "no resumable session found", reason)
    }

    /// A part that the host set up cannot work like this.
    #[cfg(feature = "oidc")]
    pub(crate) fn misconfigured(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::of(500, "invalid_configuration", "Invalid configuration", "").with_reason(reason)
    }

    /// A part that the host wrote gave what cannot be used.
    #[cfg(all(feature = "kratos", feature = "oidc"))]
    pub(crate) fn faulty(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::of(500, "", INTERNAL, "").with_reason(reason)
    }

    /// There is no provider of this name.
    #[cfg(feature = "oidc")]
    pub(crate) fn provider_unknown(id: &str) -> Self {
        let shown: String = id.chars().take(100).collect();
        let reason = format!("OpenID Connect Provider \"{shown}\" is unknown or has not been configured");
        Self::of(404, "", NOT_FOUND, "").with_reason(reason)
    }

    /// An ID token that a client submitted does not count.
    #[cfg(feature = "oidc")]
    pub(crate) fn id_token_refused(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of(403, "", FORBIDDEN, "Could not verify id_token").with_source(why)
    }

    pub(crate) fn no_oauth2_server() -> Self {
        let reason =
            "refusing to parse login_challenge query parameter because oauth2_provider.url is invalid or unset";
        Self::of(500, "invalid_configuration", "Invalid configuration", reason)
    }

    /// The OAuth2 server gave no answer, or not the one that is needed.
    pub(crate) fn oauth2(reason: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of(500, "", INTERNAL, reason).with_source(source)
    }

    pub(crate) fn upstream(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::of(502, "upstream_error", "Upstream error", "").with_reason(reason)
    }

    /// A service elsewhere, without whose word the registration does not go on, gave none.
    pub(crate) fn unreachable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let reason = "A third-party upstream service could not be reached. Please try again later.";
        Self::of(502, "", "the service gave no answer in time", reason).with_source(source)
    }

    /// The body is larger than the service reads.
    pub(crate) fn too_large(limit: usize) -> Self {
        let message = "The request body is too large";
        Self::of(413, "", message, "").with_details(json!({ "limit": limit }))
    }

    /// The body is compressed, which the service does not read.
    pub(crate) fn encoded_body() -> Self {
        Self::of(415, "", "The content encoding is not supported", "Send the body without Content-Encoding.")
    }

    /// The client went away, or sent a body that breaks the rules of HTTP.
    pub(crate) fn broken_body() -> Self {
        Self::bad_request("The request body could not be read.")
    }

    /// Something inside failed; the client learns nothing but a reference.
    pub(crate) fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of(500, "", INTERNAL, "").with_kind(FailureKind::Internal).with_source(source)
    }

    /// There is more work than the service takes on; try again after this many seconds.
    pub(crate) fn busy(seconds: u32) -> Self {
        Self::of(503, "", UNAVAILABLE, "").with_retry_after(seconds)
    }

    /// Somebody else was faster: the chapter runs again, and if that does not help the client comes back.
    pub(crate) fn conflict() -> Self {
        Self::busy(1).with_kind(FailureKind::Conflict)
    }

    /// A part of the host is away.
    pub(crate) fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::busy(2).with_source(source)
    }
}
