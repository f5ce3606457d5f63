//! Apple: the client secret is a token that the service signs, and the name of the person comes with the first callback.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::claims::Claims;
use crate::form::Submission;
use crate::stop::{Failure, Stop};

/// How long a client secret is good for, in seconds.
const LIFE: i64 = 300;

/// The key that signs the client secrets for Apple.
#[derive(Clone)]
pub(super) struct AppleKey {
    pub(super) team: String,
    pub(super) id: String,
    pub(super) pem: SecretString,
}

/// Says what keeps the key from signing.
pub(super) fn check(key: &AppleKey) -> Result<(), String> {
    pair(key).map(drop).ok_or_else(|| "the key for Apple is no elliptic-curve key in PEM (PKCS#8)".to_owned())
}

/// A client secret for the next minutes.
pub(super) fn client_secret(key: &AppleKey, client_id: &str, now: OffsetDateTime) -> Result<SecretString, Stop> {
    let (at, team) = (now.unix_timestamp(), key.team.as_str());
    let header = json!({ "alg": "ES256", "kid": key.id });
    let claims =
        json!({ "iss": team, "sub": client_id, "aud": "https://appleid.apple.com", "iat": at, "exp": at + LIFE });
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let pair = pair(key).ok_or_else(|| Failure::internal("the key for Apple cannot be read"))?;
    let signed = pair.sign(&SystemRandom::new(), message.as_bytes());
    let signed = signed.map_err(|_| Failure::internal("the key for Apple does not sign"))?;
    Ok(SecretString::from(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signed.as_ref()))))
}

/// Parameters that depend on the scopes: what is more than the ID token holds comes by a form.
pub(super) fn params(scopes: &[String]) -> Option<(&'static str, &'static str)> {
    let more = scopes.iter().any(|scope| scope == "email" || scope == "name");
    more.then_some(("response_mode", "form_post"))
}

/// Fills in the name that stands beside the code, at the first sign-up only. It came through the browser, so it is as good
/// as a name that is typed.
pub(super) fn take_name(claims: &mut Claims, answer: &Submission) {
    let user = answer.text("user").filter(|user| user.len() <= 4_096);
    let user: Option<Value> = user.and_then(|user| serde_json::from_str(&user).ok());
    let Some(name) = user.as_ref().and_then(|user| user.get("name")) else { return };
    for (claim, part) in [("given_name", "firstName"), ("last_name", "lastName"), ("family_name", "lastName")] {
        let text = name.get(part).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let (Some(text), None) = (text, claims.text(claim)) {
            claims.set(claim, text);
        }
    }
}

fn pair(key: &AppleKey) -> Option<EcdsaKeyPair> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(key.pem.expose_secret().as_bytes()).ok()?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der(), &SystemRandom::new()).ok()
}
