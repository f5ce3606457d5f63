//! The services around the service, in-process: what the recordings were made with lies in `peers.py`.

use std::collections::BTreeMap;

#[cfg(any(feature = "oidc", feature = "webhooks"))]
use http::HeaderMap;
#[cfg(feature = "oidc")]
use http::{HeaderValue, header};
use serde_json::Value;
#[cfg(any(feature = "oidc", feature = "webhooks"))]
use serde_json::{Map, json};
#[cfg(any(feature = "oidc", feature = "webhooks"))]
use tower_registration::host::{Fetch, FetchRequest, Fetched, Unfetched};
#[cfg(feature = "oidc")]
use tower_registration::testing::IdentityProvider;

use crate::answer::Answer;
#[cfg(feature = "webhooks")]
use crate::receiver::Receiver;
#[cfg(any(feature = "oidc", feature = "webhooks"))]
use crate::variables::as_text;

/// Where the conversations expect them.
#[cfg(any(feature = "oidc", feature = "webhooks"))]
pub(crate) const ISSUER: &str = "http://127.0.0.1:4466";

/// Answers a request to the provider; nothing for one to somebody else.
#[cfg(feature = "oidc")]
pub(crate) fn provider(provider: &IdentityProvider, spec: &Map<String, Value>) -> Option<Answer> {
    let url = spec.get("url").map(as_text)?;
    let path = url.strip_prefix(ISSUER)?;
    let json = |body: &Value| Answer { status: 200, headers: HeaderMap::new(), body: body.to_string().into() };
    match path.split('?').next()? {
        "/claims" => {
            provider.set_claims(spec.get("json").cloned().unwrap_or_default());
            Some(Answer { status: 204, ..Answer::default() })
        }
        "/authorize" => {
            let back = HeaderValue::from_str(&provider.sign_in(&url)).ok()?;
            let headers = HeaderMap::from_iter([(header::LOCATION, back)]);
            Some(Answer { status: 302, headers, ..Answer::default() })
        }
        "/last" => {
            let (mut authorize, form) = provider.latest();
            // The recorded provider kept the claims among the parameters.
            authorize.push("claims".to_owned());
            authorize.sort();
            Some(json(&json!({ "authorize": authorize, "form": form })))
        }
        _ => None,
    }
}

/// Whoever is called by the service: the provider and the receiver of web hooks, at one place.
#[cfg(any(feature = "oidc", feature = "webhooks"))]
#[derive(Clone)]
pub(crate) struct Peers {
    #[cfg(feature = "oidc")]
    pub(crate) provider: IdentityProvider,
    #[cfg(feature = "webhooks")]
    pub(crate) receiver: Receiver,
}

#[cfg(any(feature = "oidc", feature = "webhooks"))]
#[async_trait::async_trait]
impl Fetch for Peers {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
        #[cfg(feature = "webhooks")]
        if request.url().path().starts_with("/hooks/") {
            return self.receiver.fetch(request).await;
        }
        #[cfg(feature = "oidc")]
        return self.provider.fetch(request).await;
        #[cfg(not(feature = "oidc"))]
        Err(Unfetched::new(tower_registration::host::UnfetchedKind::Unreachable, "nobody is there"))
    }
}

/// Answers a request about the web hooks; nothing for one to somebody else.
#[cfg(feature = "webhooks")]
pub(crate) fn receiver(receiver: &Receiver, spec: &Map<String, Value>) -> Option<Answer> {
    let url = spec.get("url").map(as_text)?;
    let path = url.strip_prefix(ISSUER).filter(|path| path.starts_with("/hooks/"))?;
    if spec.get("method").map(as_text).as_deref() == Some("PUT") {
        let says = spec.get("json").cloned().unwrap_or_default();
        let status = says["status"].as_u64().and_then(|status| u16::try_from(status).ok())?;
        receiver.answer(path, status, &says["body"]);
        return Some(Answer { status: 204, ..Answer::default() });
    }
    let heard = receiver.heard(path);
    let last = heard.last().map(|last| {
        let text = |value: &http::HeaderValue| Value::from(String::from_utf8_lossy(value.as_bytes()));
        let headers: Map<String, Value> =
            last.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        json!({ "headers": headers, "body": last.json() })
    });
    let body = json!({ "count": heard.len(), "last": last });
    Some(Answer { status: 200, headers: HeaderMap::new(), body: body.to_string().into() })
}

/// What of an answer is compared.
pub(crate) fn seen(answer: &Answer, see: &[String]) -> BTreeMap<String, Value> {
    let body = answer.json();
    see.iter().map(|pointer| (pointer.clone(), body.pointer(pointer).cloned().unwrap_or_default())).collect()
}
