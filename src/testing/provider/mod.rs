//! A social provider in-process: discovery, the page where a person agrees, codes, tokens, keys.

mod faults;
mod keys;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

use crate::host::{Clock, Fetch, FetchRequest, Fetched, SystemClock, Unfetched, UnfetchedKind};
use crate::seal::sha256;
use keys::SigningKeys;

pub use faults::{Endpoint, ProviderFault};

/// An OpenID Connect provider in-process. It is a [`Fetch`] that answers for its issuer and for nobody else, so that it can
/// be given to [`Oidc`](crate::methods::Oidc) in place of a client; a test that has a server asks
/// [`answer`](IdentityProvider::answer).
///
/// ```
/// use serde_json::json;
/// use tower_registration::methods::oidc::Provider;
/// use tower_registration::methods::{Oidc, Password};
/// use tower_registration::testing::{App, IdentityProvider};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let provider = IdentityProvider::new("https://id.example.org");
/// let local = Provider::generic("local", provider.issuer(), "client").client_secret("secret");
/// let app = App::with(|builder| builder.method(Oidc::new(provider.clone()).provider(local)))?;
/// provider.set_claims(json!({ "sub": "ada", "email": "ada@example.org" }));
///
/// let mut ada = app.browser();
/// let page = ada.open().await;
/// let leaves = ada.submit(&page, json!({ "provider": "local" })).await;
/// let back = provider.sign_in(leaves.location());
/// ada.follow(&back).await;
///
/// assert_eq!(app.identities()[0].traits()["email"], "ada@example.org");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct IdentityProvider {
    inner: Arc<Inner>,
}

struct Inner {
    issuer: String,
    keys: Option<SigningKeys>,
    clock: Box<dyn Clock>,
    state: Mutex<State>,
}

type Change = Box<dyn Fn(&mut Value, &mut Value) + Send>;

#[derive(Default)]
struct State {
    claims: Map<String, Value>,
    /// What is answered in place of a code.
    refusal: Option<(String, String)>,
    client: Option<(String, String)>,
    grants: HashMap<String, Grant>,
    /// The claims that an access token opens.
    opened: HashMap<String, Map<String, Value>>,
    faults: HashMap<Endpoint, ProviderFault>,
    metadata: Map<String, Value>,
    change: Option<Change>,
    algorithm: Option<&'static str>,
    asked: Vec<Endpoint>,
    authorized: Vec<String>,
    redeemed: Vec<String>,
}

#[derive(Clone)]
struct Grant {
    asked: HashMap<String, String>,
    claims: Map<String, Value>,
}

impl IdentityProvider {
    /// A provider with this issuer. It lets `somebody` sign in, and signs with RS256.
    #[must_use]
    pub fn new(issuer: impl Into<String>) -> Self {
        Self::at(issuer, SystemClock::new())
    }

    /// A provider with a clock of its own.
    #[must_use]
    pub fn at(issuer: impl Into<String>, clock: impl Clock) -> Self {
        let claims = Map::from_iter([("sub".to_owned(), Value::from("somebody"))]);
        let state = Mutex::new(State { claims, ..State::default() });
        let (issuer, keys, clock) = (issuer.into(), SigningKeys::new(), Box::new(clock));
        Self { inner: Arc::new(Inner { issuer, keys, clock, state }) }
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.inner.issuer
    }

    /// Sets what is said about whoever signs in next. A member `error` makes them refuse.
    pub fn set_claims(&self, claims: Value) {
        let mut state = self.lock();
        let error = claims.get("error").and_then(Value::as_str);
        state.refusal = error.map(|error| (error.to_owned(), "The person refused.".to_owned()));
        state.claims = claims.as_object().cloned().unwrap_or_default();
    }

    /// Demands that codes are redeemed by this client.
    pub fn require_client(&self, id: &str, secret: &str) {
        self.lock().client = Some((id.to_owned(), secret.to_owned()));
    }

    /// Signs with this algorithm: `RS256`, `ES256`.
    pub fn sign_with(&self, algorithm: &'static str) {
        self.lock().algorithm = Some(algorithm);
    }

    /// Changes the header and the claims of ID tokens before they are signed.
    pub fn change_tokens(&self, change: impl Fn(&mut Value, &mut Value) + Send + 'static) {
        self.lock().change = Some(Box::new(change));
    }

    /// Says something else about itself: a member that is null is left out.
    pub fn change_metadata(&self, members: Value) {
        self.lock().metadata.extend(members.as_object().cloned().unwrap_or_default());
    }

    /// Makes an endpoint fail, until it is [mended](IdentityProvider::mend).
    pub fn fail(&self, at: Endpoint, how: ProviderFault) {
        self.lock().faults.insert(at, how);
    }

    /// Ends all faults.
    pub fn mend(&self) {
        self.lock().faults.clear();
    }

    /// What has been asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Endpoint> {
        self.lock().asked.clone()
    }

    /// The names of the parameters of the latest authorization URL, and of the fields of the latest token request, sorted.
    #[must_use]
    pub fn latest(&self) -> (Vec<String>, Vec<String>) {
        let state = self.lock();
        (state.authorized.clone(), state.redeemed.clone())
    }

    /// The person visits the page that they were sent to and agrees, or refuses. Where the browser is led back to; nothing
    /// for a URL that is not the page.
    #[must_use]
    pub fn sign_in(&self, url: &str) -> String {
        let Ok(url) = Url::parse(url) else { return String::new() };
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let Some(Ok(mut back)) = asked.get("redirect_uri").map(|uri| Url::parse(uri)) else { return String::new() };
        let mut state = self.lock();
        state.authorized = sorted(asked.keys());
        {
            let mut query = back.query_pairs_mut();
            query.append_pair("state", asked.get("state").map(String::as_str).unwrap_or_default());
            match &state.refusal {
                Some((error, description)) => {
                    query.append_pair("error", error).append_pair("error_description", description);
                }
                None => {
                    let code = Uuid::new_v4().simple().to_string();
                    query.append_pair("code", &code);
                    let claims = state.claims.clone();
                    state.grants.insert(code, Grant { asked, claims });
                }
            }
        }
        back.into()
    }

    /// An ID token with these claims beside those that every token has.
    #[must_use]
    pub fn id_token(&self, client_id: &str, claims: &Value) -> String {
        let claims = claims.as_object().cloned().unwrap_or_default();
        self.signed(&self.lock(), client_id, None, &claims)
    }

    /// A token with exactly this header and these claims. See the header for how it is signed: `RS256`, `ES256`; `HS256`
    /// with the public key for a secret; without a signature otherwise.
    #[must_use]
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.inner.keys.as_ref().map(|keys| keys.sign(header, claims)).unwrap_or_default()
    }

    /// The public keys.
    #[must_use]
    pub fn keys(&self) -> Value {
        self.inner.keys.as_ref().map(SigningKeys::set).unwrap_or_default()
    }

    /// Answers a request, whatever its host.
    pub fn answer(&self, request: &FetchRequest) -> Fetched {
        let Some(endpoint) = Endpoint::of(request.url().path()) else { return Fetched::new(StatusCode::NOT_FOUND) };
        let mut state = self.lock();
        state.asked.push(endpoint);
        match endpoint {
            Endpoint::Discovery => json_answer(StatusCode::OK, &self.metadata(&state)),
            Endpoint::Keys => json_answer(StatusCode::OK, &self.keys()),
            Endpoint::UserInfo => {
                let bearer = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
                let claims = bearer.and_then(|value| state.opened.get(value.strip_prefix("Bearer ")?));
                match claims {
                    Some(claims) => json_answer(StatusCode::OK, &Value::Object(claims.clone())),
                    None => json_answer(StatusCode::UNAUTHORIZED, &json!({ "error": "invalid_token" })),
                }
            }
            Endpoint::Token => match self.redeem(&mut state, request) {
                Ok(tokens) => json_answer(StatusCode::OK, &tokens),
                Err((status, error)) => json_answer(status, &json!({ "error": error })),
            },
        }
    }

    fn metadata(&self, state: &State) -> Value {
        let issuer = self.inner.issuer.trim_end_matches('/');
        let mut document = json!({
            "issuer": self.inner.issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "email", "profile"],
        });
        if let Some(members) = document.as_object_mut() {
            members.extend(state.metadata.clone());
            members.retain(|_, value| !value.is_null());
        }
        document
    }

    fn redeem(&self, state: &mut State, request: &FetchRequest) -> Result<Value, (StatusCode, &'static str)> {
        let form: HashMap<String, String> = form_urlencoded::parse(request.body()).into_owned().collect();
        state.redeemed = sorted(form.keys());
        let text = |name: &str| form.get(name).map(String::as_str);
        if state.client.as_ref().is_some_and(|client| !is_from(client, request, &form)) {
            return Err((StatusCode::UNAUTHORIZED, "invalid_client"));
        }
        let invalid = (StatusCode::BAD_REQUEST, "invalid_grant");
        let grant = text("code").and_then(|code| state.grants.remove(code)).ok_or(invalid)?;
        let asked = |name: &str| grant.asked.get(name).map(String::as_str);
        if asked("redirect_uri") != text("redirect_uri") || text("grant_type") != Some("authorization_code") {
            return Err(invalid);
        }
        if let Some(challenge) = asked("code_challenge") {
            let verifier = text("code_verifier").unwrap_or_default();
            if URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())) != challenge {
                return Err(invalid);
            }
        }
        let access = Uuid::new_v4().simple().to_string();
        state.opened.insert(access.clone(), grant.claims.clone());
        let id_token = self.signed(state, asked("client_id").unwrap_or_default(), asked("nonce"), &grant.claims);
        Ok(json!({ "access_token": access, "token_type": "Bearer", "expires_in": 3600, "id_token": id_token,
            "refresh_token": "r", "scope": asked("scope") }))
    }

    fn signed(&self, state: &State, client_id: &str, nonce: Option<&str>, own: &Map<String, Value>) -> String {
        let at = self.inner.clock.now().unix_timestamp();
        let algorithm = state.algorithm.unwrap_or("RS256");
        let key = if algorithm == "ES256" { "ec" } else { "rsa" };
        let mut header = json!({ "alg": algorithm, "typ": "JWT", "kid": key });
        let mut claims = json!({ "iss": self.inner.issuer, "aud": client_id, "iat": at, "exp": at + 3600 });
        if let Some(members) = claims.as_object_mut() {
            members.extend(nonce.map(|nonce| ("nonce".to_owned(), nonce.into())));
            members.extend(own.clone());
        }
        if let Some(change) = &state.change {
            change(&mut header, &mut claims);
        }
        self.sign(&header, &claims)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Fetch for IdentityProvider {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
        let own = Url::parse(&self.inner.issuer).map(|issuer| issuer.origin());
        if own.ok() != Some(request.url().origin()) {
            return Err(Unfetched::new(UnfetchedKind::Unreachable, "another host"));
        }
        let endpoint = Endpoint::of(request.url().path());
        let fault = endpoint.and_then(|endpoint| self.lock().faults.get(&endpoint).cloned());
        match fault {
            Some(fault) => {
                self.lock().asked.extend(endpoint);
                fault.happen(&request).await
            }
            None => Ok(self.answer(&request)),
        }
    }
}

impl std::fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityProvider").field("issuer", &self.inner.issuer).finish_non_exhaustive()
    }
}

fn sorted<'n>(names: impl Iterator<Item = &'n String>) -> Vec<String> {
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names
}

fn json_answer(status: StatusCode, body: &Value) -> Fetched {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    Fetched::new(status).with_headers(headers).with_body(body.to_string())
}

/// Whether the request names the client, by its header or by its form.
fn is_from((id, secret): &(String, String), request: &FetchRequest, form: &HashMap<String, String>) -> bool {
    use base64::engine::general_purpose::STANDARD;
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let header = header.and_then(|value| STANDARD.decode(value.strip_prefix("Basic ")?).ok());
    let by_header = header.is_some_and(|pair| pair == format!("{id}:{secret}").into_bytes());
    by_header || form.get("client_id") == Some(id) && form.get("client_secret") == Some(secret)
}
