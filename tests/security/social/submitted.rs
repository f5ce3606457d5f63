//! O1, for ID tokens that native clients submit: audience, nonce, and once.

use async_trait::async_trait;
use http::StatusCode;
use serde_json::{Value, json};
use tower_registration::host::{Fetch, FetchRequest, Fetched, Kind, Unfetched};
use tower_registration::methods::Oidc;
use tower_registration::methods::oidc::{Claims, Mapped, Provider, ProviderKind};
use tower_registration::testing::{App, IdentityProvider, Reply};

use super::{app, nobody};

const GOOGLE: &str = "https://accounts.google.com";
const APPLE: &str = "https://appleid.apple.com";

/// The places where both have their keys.
struct Keys(IdentityProvider);

#[async_trait]
impl Fetch for Keys {
    async fn fetch(&self, _: FetchRequest) -> Result<Fetched, Unfetched> {
        Ok(Fetched::new(StatusCode::OK).with_body(self.0.keys().to_string()))
    }
}

fn built(kind: ProviderKind, provider: &IdentityProvider) -> App {
    let mut entry = Provider::new(kind, "it", "client").additional_audience("client-android");
    if kind == ProviderKind::Apple {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        entry = entry.apple_key("T", "K", key.serialize_pem());
    }
    let entry = entry.mapper(|claims: &Claims| Mapped::new(json!({ "email": claims.text("email") })));
    app(Oidc::new(Keys(provider.clone())).provider(entry))
}

async fn submit(app: &App, token: &str, more: Value) -> Reply {
    let mut native = app.native();
    let page = native.open().await;
    let mut form = json!({ "method": "oidc", "provider": "it", "id_token": token });
    form.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    native.submit(&page, form).await
}

#[tokio::test]
async fn o1_a_token_of_the_sdk_signs_up_and_signs_in_and_works_once() {
    let google = IdentityProvider::new(GOOGLE);
    let app = built(ProviderKind::Google, &google);
    let token =
        |n: u8| google.id_token("client", &json!({ "sub": "1", "email": "a@example.org", "nonce": "n", "jti": n }));

    let created = submit(&app, &token(1), json!({ "id_token_nonce": "n" })).await;
    let replayed = submit(&app, &token(1), json!({ "id_token_nonce": "n" })).await;
    let again = submit(&app, &token(2), json!({ "id_token_nonce": "n" })).await;

    assert_eq!(created.status(), 200, "{}", created.json());
    assert_eq!(created.at("/identity/traits/email"), "a@example.org");
    assert!(created.at("/session_token").as_str().unwrap().starts_with("ory_st_"));
    assert_eq!((replayed.status(), replayed.at("/error/reason")), (403, "Could not verify id_token".into()));
    assert_eq!((again.status(), again.at("/identity"), again.at("/continue_with")), (200, Value::Null, Value::Null));
    assert_eq!((app.identities().len(), app.memory().count(Kind::Session)), (1, 2));
}

#[tokio::test]
async fn o1_a_refused_form_does_not_use_the_token_up() {
    let google = IdentityProvider::new(GOOGLE);
    let app = built(ProviderKind::Google, &google);
    let token = google.id_token("client", &json!({ "sub": "1" }));

    let refused = submit(&app, &token, json!({})).await;
    let done = submit(&app, &token, json!({ "traits": { "email": "own@example.org" } })).await;

    assert_eq!((refused.status(), refused.messages_at("traits.email")), (400, vec![4000002]));
    assert_eq!(done.status(), 200, "{}", done.json());
}

#[tokio::test]
async fn o1_audience_and_nonce_of_submitted_tokens() {
    let (no, forbidden) = (502, 403);
    let cases = [
        (json!({}), json!({}), 200),
        (json!({ "aud": "client-android" }), json!({}), 200),
        (json!({ "aud": "client", "azp": "client-android" }), json!({}), 200),
        (json!({ "aud": "client", "azp": "evil" }), json!({}), forbidden),
        (json!({ "aud": "evil" }), json!({}), forbidden),
        (json!({ "iss": "https://evil.example.org" }), json!({}), forbidden),
        (json!({ "exp": 1 }), json!({}), forbidden),
        (json!({ "sub": "" }), json!({}), forbidden),
        (json!({ "exp": 9_999_999_999_i64 }), json!({}), forbidden),
        (json!({ "nonce": "n" }), json!({ "id_token_nonce": "n" }), 200),
        (json!({ "nonce": "n" }), json!({}), no),
        (json!({ "nonce": "n" }), json!({ "id_token_nonce": "m" }), no),
        (json!({ "nonce": "n" }), json!({ "id_token_nonce": "" }), no),
        (json!({}), json!({ "id_token_nonce": "n" }), 200),
    ];
    for (claims, form, status) in cases {
        let google = IdentityProvider::new(GOOGLE);
        let app = built(ProviderKind::Google, &google);
        let mut own = json!({ "sub": "1", "email": "a@example.org" });
        own.as_object_mut().unwrap().extend(claims.as_object().cloned().unwrap());

        let reply = submit(&app, &google.id_token("client", &own), form.clone()).await;

        assert_eq!(reply.status(), status, "{claims} {form}: {}", reply.json());
        assert_eq!(nobody(&app), status != 200, "{claims} {form}");
    }
}

#[tokio::test]
async fn o1_apple_may_leave_the_nonce_out_only_where_it_cannot_have_one() {
    for (claims, form, status) in [
        (json!({ "nonce_supported": true }), json!({}), 502),
        (json!({}), json!({}), 200),
        (json!({ "nonce_supported": true, "nonce": "n" }), json!({ "id_token_nonce": "n" }), 200),
        (json!({ "nonce": "n" }), json!({}), 502),
    ] {
        let apple = IdentityProvider::new(APPLE);
        let app = built(ProviderKind::Apple, &apple);
        let mut own = json!({ "sub": "1", "email": "a@example.org" });
        own.as_object_mut().unwrap().extend(claims.as_object().cloned().unwrap());

        let reply = submit(&app, &apple.id_token("client", &own), form).await;

        assert_eq!(reply.status(), status, "{claims}: {}", reply.json());
    }
}

#[tokio::test]
async fn o1_forged_submissions() {
    let google = IdentityProvider::new(GOOGLE);
    let app = built(ProviderKind::Google, &google);
    let at = time::OffsetDateTime::now_utc().unix_timestamp();
    let claims =
        json!({ "iss": GOOGLE, "aud": "client", "sub": "1", "email": "a@example.org", "iat": at, "exp": at + 600 });
    let good = google.sign(&json!({ "alg": "RS256", "kid": "rsa" }), &claims);
    let (head, signed) = good.rsplit_once('.').unwrap();
    let forged = [
        google.sign(&json!({ "alg": "none" }), &claims),
        google.sign(&json!({ "alg": "HS256", "kid": "rsa" }), &claims),
        format!("{head}."),
        head.to_owned(),
        format!("{head}.{}", &signed[4..]),
        format!("{good}.x"),
        format!("{good}="),
        "a.b.c".to_owned(),
        "..".to_owned(),
        "x".repeat(30_000),
    ];
    for token in forged {
        let reply = submit(&app, &token, json!({})).await;
        let shown: String = token.chars().take(60).collect();

        assert_eq!((reply.status(), reply.at("/error/reason")), (403, "Could not verify id_token".into()), "{shown}");
    }
    assert!(nobody(&app));
    assert_eq!(submit(&app, &good, json!({})).await.status(), 200);
}

#[tokio::test]
async fn o1_one_token_at_once_from_two_clients_makes_one_session() {
    for _ in 0..30 {
        let google = IdentityProvider::new(GOOGLE);
        let app = built(ProviderKind::Google, &google);
        let token = google.id_token("client", &json!({ "sub": "1", "email": "a@example.org" }));

        let (one, other) = tokio::join!(submit(&app, &token, json!({})), submit(&app, &token, json!({})));

        let good = [one.status(), other.status()].iter().filter(|status| **status == 200).count();
        assert_eq!((good, app.memory().count(Kind::Session)), (1, 1), "{} {}", one.json(), other.json());
    }
}

#[tokio::test]
async fn the_provider_of_an_organization_is_named_in_the_session() {
    let google = IdentityProvider::new(GOOGLE);
    let id = uuid::Uuid::new_v4();
    let entry = Provider::new(ProviderKind::Google, "it", "client").organization(id);
    let entry = entry.mapper(|claims: &Claims| Mapped::new(json!({ "email": claims.text("email") })));
    let app = app(Oidc::new(Keys(google.clone())).provider(entry));
    let token = google.id_token("client", &json!({ "sub": "1", "email": "a@example.org" }));

    let done = submit(&app, &token, json!({})).await;
    let session = done.at("/session_token").as_str().unwrap().to_owned();
    let known = app.native().with_header("x-session-token", &session).whoami().await.unwrap();

    for methods in [done.at("/session/authentication_methods"), known["authentication_methods"].clone()] {
        assert_eq!((methods[0]["provider"].clone(), methods[0]["organization"].clone()), (json!("it"), json!(id)));
    }
    assert!(done.at("/identity/organization_id").is_null(), "the person belongs to nobody yet");
}
