//! The services around the service, in-process: what the recordings were made with lies in `peers.py`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::answer::Answer;

#[cfg(feature = "oidc")]
pub(crate) use with_network::Peers;

/// What of an answer is compared.
pub(crate) fn seen(answer: &Answer, see: &[String]) -> BTreeMap<String, Value> {
    let body = answer.json();
    see.iter().map(|pointer| (pointer.clone(), body.pointer(pointer).cloned().unwrap_or_default())).collect()
}

/// Those that the service calls.
#[cfg(feature = "oidc")]
mod with_network {
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use async_trait::async_trait;
    use http::{HeaderMap, HeaderValue, StatusCode, header};
    use serde_json::{Map, Value, json};
    use tower_registration::host::{Fetch, FetchRequest, Fetched, Unfetched};
    use tower_registration::testing::{IdentityProvider, TestClock};

    use crate::answer::Answer;
    use crate::variables::as_text;

    /// Where the conversations expect them.
    const ISSUER: &str = "http://127.0.0.1:4466";
    const LOGIN: &str = "/hydra/admin/oauth2/auth/requests/login";

    /// The social provider and the admin API of the OAuth2 server.
    #[derive(Clone, Debug)]
    pub(crate) struct Peers {
        provider: IdentityProvider,
        /// What the OAuth2 server was told last.
        accepted: Arc<Mutex<Value>>,
    }

    impl Peers {
        pub(crate) fn new(clock: TestClock) -> Self {
            Self { provider: IdentityProvider::at(ISSUER, clock), accepted: Arc::default() }
        }

        /// Answers a request of a conversation; nothing for one to somebody else.
        pub(crate) fn answer(&self, spec: &Map<String, Value>) -> Option<Answer> {
            let url = spec.get("url").map(as_text)?;
            let path = url.strip_prefix(ISSUER)?;
            let json = |body: &Value| Answer { status: 200, headers: HeaderMap::new(), body: body.to_string().into() };
            match path.split('?').next()? {
                "/claims" => {
                    self.provider.set_claims(spec.get("json").cloned().unwrap_or_default());
                    Some(Answer { status: 204, ..Answer::default() })
                }
                "/authorize" => {
                    let back = HeaderValue::from_str(&self.provider.sign_in(&url)).ok()?;
                    let headers = HeaderMap::from_iter([(header::LOCATION, back)]);
                    Some(Answer { status: 302, headers, ..Answer::default() })
                }
                "/last" => {
                    let (mut authorize, form) = self.provider.latest();
                    // The recorded provider kept the claims among the parameters.
                    authorize.push("claims".to_owned());
                    authorize.sort();
                    Some(json(&json!({ "authorize": authorize, "form": form })))
                }
                "/hydra/last" => Some(json(&self.accepted())),
                _ => None,
            }
        }

        fn accepted(&self) -> MutexGuard<'_, Value> {
            self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// The login request of a challenge; its name says what becomes of it.
        fn login_request(challenge: &str) -> Fetched {
            let broken = ["gone", "broken-get", "unknown"].iter().any(|word| challenge.starts_with(word));
            if broken {
                let status = match challenge {
                    "gone" => StatusCode::GONE,
                    "broken-get" => StatusCode::INTERNAL_SERVER_ERROR,
                    _ => StatusCode::NOT_FOUND,
                };
                return told(status, &json!({ "error": "not_found", "error_description": "No such login request." }));
            }
            told(
                StatusCode::OK,
                &json!({ "challenge": challenge, "skip": challenge.starts_with("skip"), "subject": "",
                    "client": { "client_id": "client-1", "client_name": "Client One", "logo_uri": "", "metadata": {} },
                    "request_url": format!("{ISSUER}/hydra/oauth2/auth?client_id=client-1"),
                    "requested_scope": ["openid"], "requested_access_token_audience": [],
                    "oidc_context": { "login_hint": "ada@example.org" }, "session_id": "hydra-session" }),
            )
        }

        fn accept(&self, challenge: &str, body: &[u8]) -> Fetched {
            let mut login: Value = serde_json::from_slice(body).unwrap_or_default();
            if let Some(members) = login.as_object_mut() {
                members.insert("challenge".to_owned(), challenge.into());
            }
            *self.accepted() = login;
            let to = format!("{ISSUER}/hydra/oauth2/auth?client_id=client-1&login_verifier=verifier");
            match challenge {
                "broken-accept" => told(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "server_error" })),
                _ => told(StatusCode::OK, &json!({ "redirect_to": to })),
            }
        }
    }

    #[async_trait]
    impl Fetch for Peers {
        async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
            let challenge = request.url().query_pairs().find(|(name, _)| name == "login_challenge");
            let challenge = challenge.map(|(_, value)| value.into_owned()).unwrap_or_default();
            match request.url().path().strip_prefix(LOGIN) {
                Some("") => Ok(Self::login_request(&challenge)),
                Some("/accept") => Ok(self.accept(&challenge, request.body())),
                _ => self.provider.fetch(request).await,
            }
        }
    }

    fn told(status: StatusCode, body: &Value) -> Fetched {
        Fetched::new(status).with_body(body.to_string())
    }
}
