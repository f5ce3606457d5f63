//! F7 and F9: whatever is changed in a state, a cookie, a token, a set of keys or a description, what is accepted was made
//! by us, or is right by the judgement of another library.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use proptest::prelude::{Strategy, any};
use serde_json::{Value, json};
use tower_registration::testing::{Endpoint, ProviderFault};

use super::{WELCOME, begin, nobody, parameter, plain_app, provider, with_parameter};
use crate::inputs::chance::{block_on, for_all};

/// How often: the given number, or what the environment says.
fn rounds(few: usize) -> usize {
    std::env::var("TOKENS").ok().and_then(|number| number.parse().ok()).unwrap_or(few)
}

/// A change of a text: at a place, by a letter, in a way.
#[derive(Clone, Copy, Debug)]
struct Change {
    at: usize,
    letter: u8,
    way: u8,
}

fn change() -> impl Strategy<Value = Change> {
    (any::<usize>(), any::<u8>(), 0..5_u8).prop_map(|(at, letter, way)| Change { at, letter, way })
}

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

fn changed(text: &str, change: Change) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = change.at % bytes.len().max(1);
    let letter = LETTERS[usize::from(change.letter) % LETTERS.len()];
    match change.way {
        0 => bytes[at] = letter,
        1 => drop(bytes.remove(at)),
        2 => bytes.insert(at, letter),
        3 => bytes.truncate(at),
        _ => bytes.rotate_left(at),
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn f7_a_state_or_a_cookie_that_is_accepted_was_made_by_us() {
    for_all((change(), any::<bool>()), |(change, cookie)| {
        let provider = provider();
        let app = plain_app(&provider);
        let (was, came) = block_on(async {
            let mut ada = app.browser();
            let back = begin(&mut ada, &provider, "local").await;
            let state = parameter(&back, "state");
            let own = ada.cookies()["ory_kratos_continuity"].clone();
            let (is, target) = match cookie {
                true => (changed(&own, change), back.clone()),
                false => (own.clone(), with_parameter(&back, "state", &changed(&state, change))),
            };
            let same = is == own && parameter(&target, "state") == state;
            ada.cookies().insert("ory_kratos_continuity".to_owned(), is);
            (same, ada.follow(&target).await.location() == WELCOME)
        });

        proptest::prop_assert_eq!(came, was);
        proptest::prop_assert_eq!(nobody(&app), !was);
        Ok(())
    });
}

/// The judgement of another library on a token.
fn is_right(token: &str, keys: &Value) -> bool {
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys.clone()).unwrap();
    let Ok(header) = jsonwebtoken::decode_header(token) else { return false };
    keys.keys.iter().any(|key| {
        let algorithm = if key.common.key_id.as_deref() == Some("ec") { Algorithm::ES256 } else { Algorithm::RS256 };
        let mut rules = Validation::new(algorithm);
        rules.set_issuer(&[super::ISSUER]);
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
async fn is_taken(token: &str) -> bool {
    let provider = provider();
    let app = plain_app(&provider);
    let mut ada = app.browser();
    let back = begin(&mut ada, &provider, "local").await;
    let answer = json!({ "access_token": "a", "token_type": "Bearer", "id_token": token });
    provider.fail(Endpoint::Token, ProviderFault::Says(answer.to_string()));
    let came = ada.follow(&back).await.location() == WELCOME;
    // Its curve key is another one each time: the token is signed with the one that never changes.
    assert_eq!(came, !nobody(&app));
    came
}

#[tokio::test]
async fn f9_tokens_that_are_changed_by_a_letter_are_refused_as_another_library_does() {
    let provider = provider();
    let token = provider.id_token("client-local", &json!({ "sub": "ada-1", "email": "ada@example.org" }));
    let rsa = json!({ "keys": [provider.keys()["keys"][0]] });
    assert!(is_taken(&token).await && is_right(&token, &rsa));
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let mut taken = 0;
    for round in 0..rounds(2_000) {
        // A walk over places, letters and ways that needs no randomness: a failure names its round.
        let mix = (seed + round as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let change = Change { at: (mix >> 20) as usize, letter: (mix >> 8) as u8, way: (mix % 5) as u8 };
        let other = changed(&token, change);

        let ours = is_taken(&other).await;

        taken += usize::from(ours);
        assert!(!ours || is_right(&other, &rsa), "round {round}: {other}");
        assert!(!ours || other == token, "round {round}: a signed token was changed and taken");
    }
    assert!(taken < 50, "hardly any change leaves a token as it was: {taken}");
}

#[test]
fn f9_keys_and_descriptions_that_are_changed_are_refused_or_mean_the_same() {
    let own = provider();
    let (keys, token) =
        (own.keys().to_string(), own.id_token("client-local", &json!({ "sub": "ada-1", "email": "ada@example.org" })));
    for_all((change(), any::<bool>()), |(change, of_keys)| {
        let provider = provider();
        let app = plain_app(&provider);
        let altered = changed(&keys, change);
        let came = block_on(async {
            let mut ada = app.browser();
            match of_keys {
                true => provider.fail(Endpoint::Keys, ProviderFault::Says(altered.clone())),
                false => provider.fail(Endpoint::Discovery, ProviderFault::Says(altered.clone())),
            }
            let page = ada.open().await;
            let leaves = ada.submit(&page, json!({ "provider": "local" })).await;
            if !leaves.location().starts_with(super::ISSUER) {
                return false;
            }
            let back = provider.sign_in(leaves.location());
            let answer = json!({ "access_token": "a", "id_token": token });
            provider.fail(Endpoint::Token, ProviderFault::Says(answer.to_string()));
            ada.follow(&back).await.location() == WELCOME
        });

        // Only a change that leaves the key as it was can be taken.
        let rsa = |text: &str| {
            serde_json::from_str::<Value>(text).ok().and_then(|set| {
                let keys = set["keys"].as_array()?.clone();
                keys.into_iter()
                    .find(|key| key["kid"] == "rsa")
                    .map(|key| (key["n"].clone(), key["e"].clone(), key["kty"].clone()))
            })
        };
        proptest::prop_assert!(!came || of_keys && rsa(&altered) == rsa(&keys), "{}", altered);
        Ok(())
    });
}
