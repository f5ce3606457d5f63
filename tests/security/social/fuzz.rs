//! F7 and F9: whatever is changed in a state, a cookie, a token, a set of keys or a description, what is accepted was made
//! by us, or is right by the judgement of another library.

use proptest::prelude::{Strategy, any};
use serde_json::{Value, json};
use tower_registration::testing::{Endpoint, ProviderFault};

use super::sealed_oracle::{self, Change, changed};
use super::token_oracle::{self, is_right, is_taken};
use super::{WELCOME, begin, nobody, parameter, plain_app, provider, with_parameter};
use crate::inputs::chance::{block_on, for_all};
use crate::kept;

/// How often: the given number, or what the environment says.
fn rounds(few: usize) -> usize {
    std::env::var("TOKENS").ok().and_then(|number| number.parse().ok()).unwrap_or(few)
}

fn change() -> impl Strategy<Value = Change> {
    (any::<usize>(), any::<u8>(), 0..5_u8).prop_map(|(at, letter, way)| Change { at, letter, way })
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

#[test]
fn f7_the_kept_inputs_come_to_what_their_names_say() {
    let mut harness = sealed_oracle::Harness::new();

    kept::play("sealed", |input| harness.play(input));
}

#[test]
fn f9_the_kept_inputs_come_to_what_their_names_say() {
    let mut harness = token_oracle::Harness::new();

    kept::play("id_token", |input| harness.play(input));
}
