//! An OAuth2 server that lets this service find out who somebody is.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use http::StatusCode;
use serde_json::{Map, Value};
use time::Duration;
use url::Url;
use uuid::Uuid;

use crate::identity::IdentityId;

/// An OAuth2 server that sends people here with a login challenge, and wants them back once they are known.
///
/// The ready-made part is `hydra` (feature of this name), for Ory Hydra and whatever speaks its admin API. Without an
/// OAuth2 server a login challenge is answered as a wrong configuration.
#[async_trait]
pub trait OAuth2Server: Send + Sync + 'static {
    /// What the server wants to know: who asks, and for what. It is asked anew whenever a page shows it.
    ///
    /// # Errors
    ///
    /// [`OAuth2Error::Refused`] when the server does not know the challenge, or not any more: the client is told so.
    /// [`OAuth2Error::Unusable`] when there is no answer that could be used.
    async fn login_request(&self, challenge: &str) -> Result<LoginRequest, OAuth2Error>;

    /// Says who it is. The answer is where the browser goes on: a page of the server's.
    ///
    /// Asked after the commit; it may be asked again with the same challenge when the first answer was lost.
    ///
    /// # Errors
    ///
    /// As for [`login_request`](OAuth2Server::login_request). The identity exists by then, and stays.
    async fn accept(&self, challenge: &str, login: &AcceptedLogin) -> Result<Url, OAuth2Error>;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: OAuth2Server + ?Sized> OAuth2Server for Arc<S> {
    async fn login_request(&self, challenge: &str) -> Result<LoginRequest, OAuth2Error> {
        (**self).login_request(challenge).await
    }

    async fn accept(&self, challenge: &str, login: &AcceptedLogin) -> Result<Url, OAuth2Error> {
        (**self).accept(challenge, login).await
    }
}

/// What is shown of a login request.
const SHOWN: [&str; 9] = [
    "challenge",
    "client",
    "oidc_context",
    "request_url",
    "requested_access_token_audience",
    "requested_scope",
    "session_id",
    "skip",
    "subject",
];
/// What a client object may hold and nobody is to see.
const SECRETS: [&str; 2] = ["client_secret", "registration_access_token"];

/// What an OAuth2 server wants to know, as pages show it in `oauth2_login_request`.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct LoginRequest(Map<String, Value>);

impl LoginRequest {
    /// Reads the document of a login request, as the server's API has it: `challenge`, `client`, `oidc_context`,
    /// `request_url`, `requested_access_token_audience`, `requested_scope`, `session_id`, `skip`, `subject`. Other members
    /// are left out, and so are the client's secrets. Nothing for what is no such document: an object with a switch
    /// `skip`.
    #[must_use]
    pub fn read(document: Value) -> Option<Self> {
        let Value::Object(mut members) = document else { return None };
        if !members.get("skip").is_some_and(Value::is_boolean) {
            return None;
        }
        members.retain(|name, _| SHOWN.contains(&name.as_str()));
        if let Some(client) = members.get_mut("client").and_then(Value::as_object_mut) {
            client.retain(|name, _| !SECRETS.contains(&name.as_str()));
        }
        Some(Self(members))
    }

    /// Whether the server knows this browser already, so that nobody has to be asked.
    #[must_use]
    pub fn skip(&self) -> bool {
        self.0.get("skip").and_then(Value::as_bool).unwrap_or(false)
    }

    /// The URL by which the client began, empty when there is none.
    #[must_use]
    pub fn request_url(&self) -> &str {
        self.0.get("request_url").and_then(Value::as_str).unwrap_or_default()
    }

    /// The document, as pages show it.
    #[must_use]
    pub fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }

    pub(crate) fn into_object(self) -> Map<String, Value> {
        self.0
    }
}

/// Who somebody is, for the OAuth2 server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptedLogin {
    /// The identity.
    pub subject: IdentityId,
    /// The id of the session that was opened for it here, which is no secret.
    pub session: Uuid,
    /// Whether the server may remember the person: as long as the session's cookie outlives the browser.
    pub remember: bool,
    /// For how long: as long as sessions last.
    pub remember_for: Duration,
    /// How the person was proved, by the words of the methods.
    pub amr: Vec<String>,
}

/// An OAuth2 server does not go along.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuth2Error {
    /// It answered, and its answer is no.
    #[error("the OAuth2 server answered with the status {}", status.as_u16())]
    #[non_exhaustive]
    Refused {
        /// The status, below 500; one of 500 and more counts as [`Unusable`](OAuth2Error::Unusable).
        status: StatusCode,
        /// What it says about the cause, for whoever writes the client. Clients see it.
        hint: Option<String>,
    },
    /// There is no answer, or none that could be used. The source goes to the log and must hold no secret.
    #[error("the OAuth2 server gave no answer that could be used")]
    Unusable(#[source] Box<dyn Error + Send + Sync>),
}

impl OAuth2Error {
    /// The server answered with a status that is no success.
    #[must_use]
    pub fn refused(status: StatusCode) -> Self {
        Self::Refused { status, hint: None }
    }

    /// Sets what the server says about the cause.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::Refused { status, .. } => Self::Refused { status, hint: Some(hint.into()) },
            other => other,
        }
    }

    /// The server gave no answer, or none that could be used.
    #[must_use]
    pub fn unusable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unusable(source.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_login_request_shows_what_the_contract_names_and_no_secret() {
        let request = LoginRequest::read(json!({
            "challenge": "c", "skip": true, "subject": "", "request_url": "https://id.example.org/oauth2/auth",
            "client": { "client_id": "one", "client_secret": "canary", "registration_access_token": "canary" },
            "internal": "canary"
        }));

        let request = request.unwrap();
        assert!(request.skip() && request.request_url() == "https://id.example.org/oauth2/auth");
        assert_eq!(request.as_object()["client"], json!({ "client_id": "one" }));
        assert!(!format!("{request:?}").contains("canary"));
    }

    #[test]
    fn what_does_not_say_whether_to_skip_is_no_login_request() {
        for document in [json!(null), json!([]), json!({}), json!({ "skip": "true" }), json!({ "error": "x" })] {
            assert_eq!(LoginRequest::read(document), None);
        }
    }
}
