//! F9: a token, a set of keys and a description that lead somebody in are right by the judgement of another library.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower_registration::testing::{Endpoint, IdentityProvider, ProviderFault};

use super::journey::{ISSUER, WELCOME, begin, nobody, plain_app, provider};

/// Plays an input of the fuzz target `id_token`: a letter for what is given, and that. `t` stands for header and claims of
/// a token, a line each, which is signed as the header says; `r` for a token, in which `${token}` is a right one; `k` for
/// a set of keys, in which `${n}` is the modulus of the right one; `d` for the description of the provider.
pub(crate) struct Harness {
    runtime: Runtime,
    provider: IdentityProvider,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, provider: provider() }
    }

    /// Whether it leads somebody in.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        let Some((kind, text)) = input.split_first() else { return false };
        let Ok(text) = std::str::from_utf8(text) else { return false };
        let right = self.provider.id_token("client-local", &json!({ "sub": "ada-1", "email": "ada@example.org" }));
        match kind {
            b't' => {
                let (header, claims) = text.split_once('\n').unwrap_or((text, "{}"));
                let (Ok(header), Ok(claims)) = (serde_json::from_str(header), serde_json::from_str(claims)) else {
                    return false;
                };
                self.token(&self.provider.sign(&header, &claims))
            }
            b'r' => self.token(&text.replace("${token}", &right)),
            b'k' => {
                let keys = self.provider.keys();
                let text = text.replace("${n}", keys["keys"][0]["n"].as_str().unwrap());
                let came = self.says(Endpoint::Keys, &text, &right);
                assert!(!came || has_key(&text, &keys["keys"][0]), "{text}");
                came
            }
            b'd' => {
                let came = self.says(Endpoint::Discovery, text, &right);
                assert!(
                    !came || serde_json::from_str::<Value>(text).is_ok_and(|says| says["issuer"] == ISSUER),
                    "{text}"
                );
                came
            }
            _ => false,
        }
    }

    fn token(&self, token: &str) -> bool {
        let came = self.runtime.block_on(is_taken_from(&self.provider, token));
        assert!(!came || is_right(token, &self.provider.keys()), "{token}");
        came
    }

    /// Whether somebody comes in while an endpoint says this.
    fn says(&self, endpoint: Endpoint, text: &str, token: &str) -> bool {
        self.provider.mend();
        self.provider.fail(endpoint, ProviderFault::Says(text.to_owned()));
        self.runtime.block_on(async {
            let app = plain_app(&self.provider);
            let mut ada = app.browser();
            let page = ada.open().await;
            let leaves = ada.submit(&page, json!({ "provider": "local" })).await;
            let back = self.provider.sign_in(leaves.location());
            let answer = json!({ "access_token": "a", "id_token": token });
            self.provider.fail(Endpoint::Token, ProviderFault::Says(answer.to_string()));
            let came = ada.follow(&back).await.location() == WELCOME;
            assert_eq!(came, !nobody(&app));
            came
        })
    }
}

/// Whether a set of keys has this one, however it is spelled.
fn has_key(text: &str, key: &Value) -> bool {
    let number = |key: &Value, name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(key[name].as_str()?.trim_end_matches('=')).ok()?;
        Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<_>>())
    };
    let same = |other: &Value| ["n", "e"].iter().all(|name| number(other, name) == number(key, name));
    serde_json::from_str::<Value>(text)
        .is_ok_and(|set| set["keys"].as_array().is_some_and(|keys| keys.iter().any(same)))
}

/// The judgement of another library on a token.
pub(super) fn is_right(token: &str, keys: &Value) -> bool {
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys.clone()).unwrap();
    let Ok(header) = jsonwebtoken::decode_header(token) else { return false };
    keys.keys.iter().any(|key| {
        let algorithm = if key.common.key_id.as_deref() == Some("ec") { Algorithm::ES256 } else { Algorithm::RS256 };
        let mut rules = Validation::new(algorithm);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&["client-local"]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let named = header.kid.is_none() || header.kid == key.common.key_id;
        let key = DecodingKey::from_jwk(key).unwrap();
        named
            && decode::<Value>(token, &key, &rules)
                .is_ok_and(|token| token.claims["sub"].as_str().is_some_and(|sub| !sub.is_empty()))
    })
}

/// Whether a journey succeeds in which the provider gives this token.
pub(super) async fn is_taken(token: &str) -> bool {
    // Its curve key is another one each time: the token is signed with the one that never changes.
    is_taken_from(&provider(), token).await
}

/// Whether a journey succeeds in which this provider gives this token.
async fn is_taken_from(provider: &IdentityProvider, token: &str) -> bool {
    provider.mend();
    let app = plain_app(provider);
    let mut ada = app.browser();
    let back = begin(&mut ada, provider, "local").await;
    let answer = json!({ "access_token": "a", "token_type": "Bearer", "id_token": token });
    provider.fail(Endpoint::Token, ProviderFault::Says(answer.to_string()));
    let came = ada.follow(&back).await.location() == WELCOME;
    assert_eq!(came, !nobody(&app));
    came
}
