//! The services around the service, in-process: what the recordings were made with lies in `peers.py`.

use std::collections::BTreeMap;

#[cfg(feature = "oidc")]
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;
#[cfg(feature = "oidc")]
use serde_json::{Map, json};
#[cfg(feature = "oidc")]
use tower_registration::testing::IdentityProvider;

use crate::answer::Answer;
#[cfg(feature = "oidc")]
use crate::variables::as_text;

/// Where the conversations expect them.
#[cfg(feature = "oidc")]
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

/// What of an answer is compared.
pub(crate) fn seen(answer: &Answer, see: &[String]) -> BTreeMap<String, Value> {
    let body = answer.json();
    see.iter().map(|pointer| (pointer.clone(), body.pointer(pointer).cloned().unwrap_or_default())).collect()
}
