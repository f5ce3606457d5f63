//! O1: ID tokens, forged in every way. Each case is a whole journey; what is refused creates nobody.

use std::sync::Arc;

use serde_json::{Value, json};
use tower_registration::methods::Oidc;
use tower_registration::methods::oidc::ClaimsSource;
use tower_registration::testing::{Endpoint, ProviderFault};

use super::{ISSUER, WELCOME, app, begin, entry, nobody, provider};

/// Changes the header and the claims of a token.
type Change = Arc<dyn Fn(&mut Value, &mut Value) + Send + Sync>;

/// What is done to a token before it is signed, and whether it counts afterwards.
struct Case {
    name: String,
    change: Change,
    counts: bool,
}

fn claim(name: &str, value: Value, counts: bool) -> Case {
    let (title, key) = (format!("{name} = {value}"), name.to_owned());
    Case { name: title, change: Arc::new(move |_, claims| set(claims, &key, &value)), counts }
}

fn claims(given: Value, counts: bool) -> Case {
    let title = given.to_string();
    let change = move |_: &mut Value, claims: &mut Value| {
        given.as_object().unwrap().iter().for_each(|(name, value)| set(claims, name, value));
    };
    Case { name: title, change: Arc::new(change), counts }
}

fn header(name: &str, value: Value, counts: bool) -> Case {
    let (title, key) = (format!("header {name} = {value}"), name.to_owned());
    Case { name: title, change: Arc::new(move |header, _| set(header, &key, &value)), counts }
}

/// Moves a time by so many seconds.
fn moved(name: &str, by: i64, counts: bool) -> Case {
    let (title, key) = (format!("{name} moved by {by}"), name.to_owned());
    let change = move |_: &mut Value, claims: &mut Value| {
        let at = claims["iat"].as_i64().unwrap() + by;
        claims[&key] = at.into();
    };
    Case { name: title, change: Arc::new(change), counts }
}

/// Null takes a member out; the text `"null"` stands for null itself.
fn set(members: &mut Value, name: &str, value: &Value) {
    let members = members.as_object_mut().unwrap();
    match value {
        Value::Null => drop(members.remove(name)),
        Value::String(text) if text == "null" => drop(members.insert(name.to_owned(), Value::Null)),
        other => drop(members.insert(name.to_owned(), other.clone())),
    }
}

fn of_claims() -> Vec<Case> {
    let own = "client-local";
    let mut all = vec![Case { name: "untouched".to_owned(), change: Arc::new(|_, _| {}), counts: true }];
    for value in [
        json!(null),
        json!("null"),
        json!(""),
        json!("https://evil.example.org"),
        json!(7),
        json!([ISSUER]),
        json!("https://id.example.org/"),
        json!("HTTPS://ID.EXAMPLE.ORG"),
        json!("https://id.example.org#x"),
    ] {
        all.push(claim("iss", value, false));
    }
    for value in [
        json!(null),
        json!("null"),
        json!(""),
        json!("client-other"),
        json!(7),
        json!([]),
        json!(["client-other"]),
        json!([own, 7]),
        json!({ "a": own }),
        json!("client-local "),
        json!([own, "client-other"]),
    ] {
        all.push(claim("aud", value, false));
    }
    all.push(claim("aud", json!([own]), true));
    all.push(claims(json!({ "aud": [own, "client-other"], "azp": own }), true));
    all.push(claims(json!({ "aud": [own, "client-other"], "azp": "client-other" }), false));
    for (value, counts) in [(json!(own), true), (json!("client-other"), false), (json!(7), false), (json!(""), false)] {
        all.push(claim("azp", value, counts));
    }
    for (by, counts) in [(0, true), (-30, true), (-61, false), (-600, false), (-86_400_000, false), (7_200, true)] {
        all.push(moved("exp", by, counts));
    }
    for value in [json!(null), json!("null"), json!("soon"), json!(-1), json!(0), json!(1e300), json!([9e9])] {
        all.push(claim("exp", value, false));
    }
    for (by, counts) in [(30, true), (61, false), (600, false), (-86_400, true)] {
        all.push(moved("nbf", by, counts));
    }
    for value in [json!("now"), json!(true), json!(1e300)] {
        all.push(claim("nbf", value, false));
    }
    for value in [json!(null), json!("yesterday"), json!(1e300), json!(99_999_999_999_i64)] {
        all.push(claim("iat", value, false));
    }
    for value in [json!(null), json!(""), json!(7), json!("null"), json!({ "a": 1 }), json!(["ada-1"])] {
        all.push(claim("sub", value, false));
    }
    all.push(claim("nonce", json!("of somebody else"), true));
    all.push(claim("email_verified", json!("true"), true));
    all
}

fn of_headers() -> Vec<Case> {
    let mut all = Vec::new();
    for name in [
        "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "rs256", "RS256 ", "RS384", "RS512", "PS256",
        "ES384", "ES512", "EdDSA", "RSA-OAEP", "dir", "ES256K", "null",
    ] {
        all.push(header("alg", json!(name), false));
    }
    for value in [json!(null), json!(7), json!(["RS256"]), json!({})] {
        all.push(header("alg", value, false));
    }
    for (value, counts) in [
        (json!(null), true),
        (json!("unknown"), false),
        (json!(""), false),
        (json!(7), false),
        (json!("null"), false),
        (json!("../../etc/passwd"), false),
    ] {
        all.push(header("kid", value, counts));
    }
    for value in [json!(["exp"]), json!([]), json!("b64")] {
        all.push(header("crit", value, false));
    }
    // Keys that a token brings along are not looked at.
    all.push(header("jwk", json!({ "kty": "oct", "k": "c2VjcmV0" }), true));
    all.push(header("jku", json!("https://evil.example.org/jwks"), true));
    all.push(header("x5u", json!("https://evil.example.org/cert"), true));
    all.push(header("typ", json!("JWT"), true));
    all
}

/// Goes through a journey with a changed token, and says whether somebody came of it.
async fn counts(algorithm: &'static str, source: ClaimsSource, case: &Case) -> bool {
    let provider = provider();
    provider.sign_with(algorithm);
    let change = Arc::clone(&case.change);
    provider.change_tokens(move |header, claims| change(header, claims));
    let app = app(Oidc::new(provider.clone()).provider(entry("local", ISSUER).claims_source(source)));
    let mut ada = app.browser();
    let back = begin(&mut ada, &provider, "local").await;

    let done = ada.follow(&back).await;

    let came = done.location() == WELCOME;
    assert_eq!(came, !nobody(&app), "{}", case.name);
    if !came && case.name.starts_with("sub ") {
        // Who names nobody is no provider: that is not the person's to mend.
        assert!(done.location().contains("/sorry?id="), "{}: {}", case.name, done.location());
    } else if !came {
        let page = ada.page(done).await;
        assert_eq!(page.messages(), [4000001], "{}: {:?}", case.name, page.json());
    }
    came
}

async fn judge(algorithm: &'static str, source: ClaimsSource) -> usize {
    let cases: Vec<Case> = of_claims().into_iter().chain(of_headers()).collect();
    for case in &cases {
        // With the other kind of key the header names a key that does not fit.
        let fits = !(algorithm == "ES256" && case.name.starts_with("header alg"));
        let expected = case.counts && fits;
        assert_eq!(counts(algorithm, source, case).await, expected, "{algorithm} {source:?}: {}", case.name);
    }
    cases.len()
}

#[tokio::test]
async fn o1_tokens_signed_with_rsa() {
    assert_eq!(judge("RS256", ClaimsSource::IdToken).await, 97);
}

#[tokio::test]
async fn o1_tokens_signed_on_a_curve() {
    assert_eq!(judge("ES256", ClaimsSource::IdToken).await, 97);
}

#[tokio::test]
async fn o1_tokens_beside_an_answer_about_the_person() {
    assert_eq!(judge("RS256", ClaimsSource::UserInfo).await, 97);
}

#[tokio::test]
async fn o1_a_token_of_another_key_or_another_purpose_does_not_count() {
    let own = provider().keys();
    let (rsa, ec) = (own["keys"][0].clone(), own["keys"][1].clone());
    let with = |mut key: Value, name: &str, value: Value| {
        set(&mut key, name, &value);
        key
    };
    let sets = [
        (json!({ "keys": [rsa.clone()] }), true),
        (json!({ "keys": [with(rsa.clone(), "kid", json!(null))] }), false),
        (json!({ "keys": [ec.clone(), rsa.clone()] }), true),
        (json!({ "keys": [with(rsa.clone(), "alg", json!(null)), 7, null, "x", {}] }), true),
        (json!({ "keys": [] }), false),
        (json!({ "keys": [with(rsa.clone(), "use", json!("enc"))] }), false),
        (json!({ "keys": [with(rsa.clone(), "alg", json!("RS512"))] }), false),
        (json!({ "keys": [with(rsa.clone(), "alg", json!("HS256"))] }), false),
        (json!({ "keys": [with(rsa.clone(), "kty", json!("oct"))] }), false),
        (json!({ "keys": [with(rsa.clone(), "n", json!("AQAB"))] }), false),
        (json!({ "keys": [with(rsa.clone(), "e", json!("AA"))] }), false),
        (json!({ "keys": [with(rsa.clone(), "n", json!("no base64!"))] }), false),
        (json!({ "keys": [with(ec.clone(), "kid", json!("rsa"))] }), false),
        (json!({ "keys": [{ "kty": "oct", "kid": "rsa", "k": rsa["n"], "alg": "HS256" }] }), false),
    ];
    for (set, counts) in sets {
        let provider = provider();
        provider.fail(Endpoint::Keys, ProviderFault::Says(set.to_string()));
        let app = super::plain_app(&provider);
        let mut ada = app.browser();
        let back = begin(&mut ada, &provider, "local").await;

        let done = ada.follow(&back).await;

        assert_eq!(done.location() == WELCOME, counts, "{set}");
        assert_eq!(nobody(&app), !counts, "{set}");
    }
}

#[tokio::test]
async fn o1_only_algorithms_that_the_provider_names_count_and_never_a_secret_one() {
    for (named, counts) in [
        (json!(["RS256"]), true),
        (json!(null), true),
        (json!(["ES256"]), false),
        (json!(["none"]), false),
        (json!(["HS256", "none"]), false),
        (json!([]), false),
    ] {
        let provider = provider();
        provider.change_metadata(json!({ "id_token_signing_alg_values_supported": named }));
        let app = super::plain_app(&provider);
        let mut ada = app.browser();
        let back = begin(&mut ada, &provider, "local").await;

        assert_eq!(ada.follow(&back).await.location() == WELCOME, counts, "{named}");
    }
    // A provider that claims to sign with a secret: the public key is no secret.
    let provider = provider();
    provider.change_metadata(json!({ "id_token_signing_alg_values_supported": ["HS256", "RS256"] }));
    provider.change_tokens(|header, _| header["alg"] = "HS256".into());
    let app = super::plain_app(&provider);
    let mut ada = app.browser();
    let back = begin(&mut ada, &provider, "local").await;

    assert_ne!(ada.follow(&back).await.location(), WELCOME);
    assert!(nobody(&app));
}

#[tokio::test]
async fn o1_a_nonce_that_was_sent_must_come_back() {
    for (nonce, counts) in [(json!("other"), false), (json!(null), false), (json!(7), false)] {
        let provider = provider();
        let app = app(Oidc::new(provider.clone()).provider(entry("local", ISSUER)).send_nonce());
        let told = nonce.to_string();
        provider.change_tokens(move |_, claims| set(claims, "nonce", &nonce));
        let mut ada = app.browser();
        let back = begin(&mut ada, &provider, "local").await;

        assert_eq!(ada.follow(&back).await.location() == WELCOME, counts, "{told}");
    }
}
