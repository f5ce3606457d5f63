//! Every provider: where the browser is sent, what its token endpoint gets, and what its answers become. The answers are
//! written after the public documentation of the services.

mod plain;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::StatusCode;
use plain::plain;
use serde_json::{Value, json};
use tower_registration::host::{Fetch, FetchRequest, Fetched, Unfetched, UnfetchedKind};
use tower_registration::methods::Oidc;
use tower_registration::methods::oidc::{Claims, ClaimsSource, Mapped, Provider, ProviderKind, SubjectSource};
use tower_registration::testing::{App, IdentityProvider};
use url::Url;

/// Answers by URL, and keeps what it was asked.
#[derive(Clone, Default)]
struct Script {
    answers: Vec<(String, String)>,
    asked: Arc<Mutex<Vec<FetchRequest>>>,
}

#[async_trait]
impl Fetch for Script {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
        let url = request.url().to_string();
        self.asked.lock().unwrap().push(request);
        let found = self.answers.iter().find(|(start, _)| url.starts_with(start.as_str()));
        let (_, body) = found.ok_or_else(|| Unfetched::new(UnfetchedKind::Unreachable, url))?;
        Ok(Fetched::new(StatusCode::OK).with_body(body.clone()))
    }
}

/// What came of a journey.
struct Came {
    /// The page of the provider, without state, challenge and what is the same for all.
    page: String,
    params: Vec<(String, String)>,
    /// The token request: its URL, its fields, and how the service authenticated.
    token: String,
    fields: Vec<(String, String)>,
    authorization: String,
    /// Everything that was asked.
    asked: Vec<FetchRequest>,
    claims: Value,
}

impl Came {
    fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn asked_for(&self, start: &str) -> &FetchRequest {
        self.asked.iter().find(|request| request.url().as_str().starts_with(start)).unwrap()
    }
}

/// Goes to a provider and back, and shows what its mapper is given.
async fn travel(provider: Provider, answers: &[(&str, Value)]) -> Came {
    travel_with(provider, answers, "code=the-code").await
}

async fn travel_with(provider: Provider, answers: &[(&str, Value)], back: &str) -> Came {
    let claims = Arc::new(Mutex::new(Value::Null));
    let kept = Arc::clone(&claims);
    let provider = provider.client_secret_unless_apple().mapper(move |claims: &Claims| {
        *kept.lock().unwrap() = claims.to_json();
        Mapped::new(json!({ "email": "ada@example.org" }))
    });
    let text = |answer: &Value| answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
    let answers = answers.iter().map(|(start, answer)| ((*start).to_owned(), text(answer))).collect();
    let script = Script { answers, ..Script::default() };
    let app = App::with(|builder| builder.method(Oidc::new(script.clone()).provider(provider))).unwrap();
    let mut ada = app.browser();
    let page = ada.open().await;

    let leaves = ada.submit(&page, json!({ "provider": "it" })).await;
    let to = Url::parse(leaves.location()).unwrap_or_else(|_| panic!("{} {}", leaves.status(), leaves.location()));
    let params: Vec<(String, String)> = to.query_pairs().into_owned().collect();
    let value = |name: &str| params.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let mut target = match value("redirect_uri") {
        Some(uri) => Url::parse(&uri).unwrap(),
        // OAuth 1.0a says where it leads back to beforehand.
        None => callback_of(&script),
    };
    if let Some(state) = value("state") {
        target.query_pairs_mut().append_pair("state", &state);
    }
    let done = ada.follow(&format!("{target}&{back}")).await;
    let problem = match done.location_parameter("flow") {
        Some(flow) => ada.show(&flow).await.json().to_string(),
        None => done.location().to_owned(),
    };
    assert_eq!(done.location(), "https://app.example.org/welcome", "{problem}");

    let asked = script.asked.lock().unwrap().clone();
    let token = asked.iter().find(|request| request.method() == http::Method::POST).unwrap();
    let mut page = to.clone();
    page.set_query(None);
    Came {
        page: page.to_string(),
        params,
        token: token.url().to_string(),
        fields: form_urlencoded::parse(token.body()).into_owned().collect(),
        authorization: token
            .headers()
            .get("authorization")
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default(),
        claims: claims.lock().unwrap().clone(),
        asked,
    }
}

fn callback_of(script: &Script) -> Url {
    let asked = script.asked.lock().unwrap();
    let header = asked[0].headers()["authorization"].to_str().unwrap().to_owned();
    let callback = header.split(", ").find_map(|part| part.strip_prefix("oauth_callback=\"")).unwrap();
    let callback = callback.trim_end_matches('"');
    Url::parse(&percent_encoding::percent_decode_str(callback).decode_utf8().unwrap()).unwrap()
}

trait Secret {
    fn client_secret_unless_apple(self) -> Self;
}

impl Secret for Provider {
    fn client_secret_unless_apple(self) -> Self {
        if format!("{self:?}").contains("Apple") { self } else { self.client_secret("the-secret") }
    }
}

fn it(kind: ProviderKind) -> Provider {
    Provider::new(kind, "it", "the-client")
}

fn token() -> Value {
    json!({ "access_token": "the-access-token", "token_type": "bearer" })
}

/// Answers of a provider that signs ID tokens.
fn signing(issuer: &str, claims: &Value) -> (Vec<(String, Value)>, Value) {
    let provider = IdentityProvider::new(issuer);
    let base = issuer.trim_end_matches('/').to_owned();
    let metadata = json!({ "issuer": issuer, "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"), "userinfo_endpoint": format!("{base}/userinfo"),
        "jwks_uri": format!("{base}/jwks"), "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"] });
    let answers =
        vec![(format!("{base}/.well-known/openid-configuration"), metadata), (format!("{base}/jwks"), provider.keys())];
    let mut token = token();
    token["id_token"] = provider.id_token("the-client", claims).into();
    (answers, token)
}

/// A journey to a provider that signs ID tokens; it has other answers too.
async fn travel_signed(provider: Provider, issuer: &str, claims: Value, redeems: &str, more: &[(&str, Value)]) -> Came {
    let (answers, token) = signing(issuer, &claims);
    let mut all: Vec<(&str, Value)> = more.to_vec();
    all.push((redeems, token));
    all.extend(answers.iter().map(|(start, answer)| (start.as_str(), answer.clone())));
    travel(provider, &all).await
}

#[tokio::test]
async fn generic_is_what_it_says_about_itself() {
    let claims = json!({ "sub": "1", "email": "ada@example.org", "email_verified": true, "locale": "de" });

    let issuer = "https://id.example.org";
    let came = travel_signed(
        Provider::generic("it", issuer, "the-client"),
        issuer,
        claims,
        "https://id.example.org/token",
        &[],
    )
    .await;

    assert_eq!(came.page, "https://id.example.org/authorize");
    assert_eq!(came.param("scope"), Some("openid"));
    assert_eq!(came.param("response_type"), Some("code"));
    assert_eq!(came.param("redirect_uri"), Some("https://app.example.org/auth/self-service/methods/oidc/callback/it"));
    assert_eq!(came.param("code_challenge_method"), Some("S256"));
    assert_eq!(came.token, "https://id.example.org/token");
    assert_eq!((came.field("grant_type"), came.field("code")), (Some("authorization_code"), Some("the-code")));
    assert_eq!(came.field("code_verifier").unwrap().len(), 43);
    assert_eq!(came.authorization, "Basic dGhlLWNsaWVudDp0aGUtc2VjcmV0");
    assert_eq!(came.claims["email_verified"], true);
    assert_eq!(came.claims["raw_claims"]["aud"], "the-client");
}

#[tokio::test]
async fn generic_may_ask_for_the_person_apart() {
    let issuer = "https://id.example.org";
    let provider = Provider::generic("it", issuer, "the-client").claims_source(ClaimsSource::UserInfo);
    let person = json!({ "sub": "1", "email": "own@example.org", "groups": ["a"] });

    let more = [("https://id.example.org/userinfo", person)];
    let came =
        travel_signed(provider, issuer, json!({ "sub": "1", "email": "x" }), "https://id.example.org/token", &more)
            .await;

    assert_eq!(came.claims["email"], "own@example.org");
    assert_eq!(came.claims["iss"], issuer);
    assert_eq!(came.claims["raw_claims"]["groups"], json!(["a"]));
    assert_eq!(came.asked_for("https://id.example.org/userinfo").headers()["authorization"], "Bearer the-access-token");
}

#[tokio::test]
async fn google_turns_a_scope_into_a_parameter() {
    let provider = it(ProviderKind::Google).scope("email").scope("offline_access");
    let claims = json!({ "sub": "108", "iss": "accounts.google.com", "email": "a@b.c", "hd": "b.c" });

    let issuer = "https://accounts.google.com";
    let came = travel_signed(provider, issuer, claims, "https://accounts.google.com/token", &[]).await;

    assert_eq!((came.param("access_type"), came.param("scope")), (Some("offline"), Some("email openid")));
    assert_eq!((&came.claims["hd"], &came.claims["sub"]), (&json!("b.c"), &json!("108")));
}

#[tokio::test]
async fn apple_gets_a_signed_secret_and_answers_by_a_form() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let provider = it(ProviderKind::Apple).scope("name").scope("email").apple_key("TEAM", "KEY", key.serialize_pem());
    let (answers, token) =
        signing("https://appleid.apple.com", &json!({ "sub": "001", "email": "a@b.c", "email_verified": "true" }));
    let mut all = vec![("https://appleid.apple.com/auth/token", token)];
    all.extend(answers.iter().map(|(start, answer)| (start.as_str(), answer.clone())));

    let user = "%7B%22name%22%3A%7B%22firstName%22%3A%22Ada%22%2C%22lastName%22%3A%22Lovelace%22%7D%2C%22email%22%3A%22x%40y.z%22%7D";
    let came = travel_with(provider, &all, &format!("code=the-code&user={user}")).await;

    assert_eq!(came.page, "https://appleid.apple.com/auth/authorize");
    assert_eq!((came.param("response_mode"), came.param("scope")), (Some("form_post"), Some("name email openid")));
    assert_eq!(came.authorization, "");
    assert_eq!(came.field("client_id"), Some("the-client"));
    let secret = came.field("client_secret").unwrap();
    let claims = secret.split('.').nth(1).unwrap();
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["iss"], "TEAM");
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("the-client"), &json!("https://appleid.apple.com")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    assert_eq!((&came.claims["given_name"], &came.claims["family_name"]), (&json!("Ada"), &json!("Lovelace")));
    assert_eq!((&came.claims["email"], &came.claims["email_verified"]), (&json!("a@b.c"), &json!(true)));
}

const TENANT: &str = "9122040d-6c67-4c5b-b112-36a304b66dad";

async fn microsoft(source: SubjectSource, more: &[(&str, Value)]) -> Came {
    let provider = it(ProviderKind::Microsoft).microsoft_tenant("common").subject_source(source);
    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let claims = json!({ "sub": "the-sub", "oid": "the-oid", "tid": TENANT, "email": "a@b.c" });
    let redeems = "https://login.microsoftonline.com/common/oauth2/v2.0/token";
    travel_signed(provider, &issuer, claims, redeems, more).await
}

#[tokio::test]
async fn microsoft_has_an_issuer_for_each_tenant() {
    let own = microsoft(SubjectSource::UserInfo, &[]).await;
    let by_id = microsoft(SubjectSource::ObjectId, &[]).await;
    let by_graph =
        microsoft(SubjectSource::Me, &[("https://graph.microsoft.com/v1.0/me", json!({ "id": "the-id" }))]).await;

    assert_eq!(own.page, "https://login.microsoftonline.com/common/oauth2/v2.0/authorize");
    assert_eq!(own.claims["sub"], "the-sub");
    assert_eq!(own.claims["iss"], format!("https://login.microsoftonline.com/{TENANT}/v2.0"));
    assert_eq!((&by_id.claims["sub"], &by_graph.claims["sub"]), (&json!("the-oid"), &json!("the-id")));
}

#[tokio::test]
async fn line_and_linkedin_are_discovered() {
    let claims = json!({ "sub": "1", "name": "Ada" });
    let line = travel_signed(
        it(ProviderKind::Line),
        "https://access.line.me",
        claims.clone(),
        "https://access.line.me/token",
        &[],
    )
    .await;
    let person = json!({ "sub": "1", "email": "a@b.c", "locale": { "country": "US", "language": "en" } });
    let more = [("https://www.linkedin.com/oauth/userinfo", person)];
    let linkedin = travel_signed(
        it(ProviderKind::LinkedInV2),
        "https://www.linkedin.com/oauth",
        claims,
        "https://www.linkedin.com/oauth/token",
        &more,
    )
    .await;

    assert_eq!(line.field("id_token_key_type"), Some("JWK"));
    assert_eq!(linkedin.claims["locale"], "en-US");
    assert_eq!(linkedin.claims["email"], "a@b.c");
}

#[tokio::test]
async fn netid_is_known_by_its_token_and_tells_the_rest_apart() {
    let person = json!({ "sub": "other", "given_name": "Ada", "email": "a@b.c" });
    let more = [("https://broker.netid.de/userinfo", person)];

    let came = travel_signed(
        it(ProviderKind::NetId),
        "https://broker.netid.de/",
        json!({ "sub": "1" }),
        "https://broker.netid.de/token",
        &more,
    )
    .await;

    assert_eq!(came.page, "https://broker.netid.de/authorize");
    assert_eq!((&came.claims["sub"], &came.claims["given_name"]), (&json!("1"), &json!("Ada")));
    assert_eq!(came.claims["iss"], "https://broker.netid.de/");
}

#[tokio::test]
async fn providers_without_id_tokens_are_asked_about_the_person() {
    for case in plain() {
        let name = format!("{:?}", case.provider);

        let came = travel(case.provider, &case.answers).await;

        assert_eq!((came.page.as_str(), came.token.as_str()), (case.page, case.token), "{name}");
        assert_eq!(came.claims, case.claims, "{name}");
    }
}

#[tokio::test]
async fn the_ways_to_show_a_token_differ() {
    let cases = plain();
    let find = |kind: &str| cases.iter().find(|case| format!("{:?}", case.provider).contains(kind)).unwrap();
    let dingtalk = travel(find("DingTalk").provider.clone(), &find("DingTalk").answers).await;
    let amazon = travel(find("Amazon").provider.clone(), &find("Amazon").answers).await;
    let lark = travel(find("Lark").provider.clone(), &find("Lark").answers).await;

    let me = dingtalk.asked_for("https://api.dingtalk.com/v1.0/contact");
    assert_eq!(me.headers()["x-acs-dingtalk-access-token"], "the-access-token");
    let sent: Value = serde_json::from_slice(dingtalk.asked[0].body()).unwrap();
    assert_eq!(
        sent,
        json!({ "clientId": "the-client", "clientSecret": "the-secret", "code": "the-code", "grantType": "authorization_code" })
    );
    assert_eq!(dingtalk.param("prompt"), Some("consent"));
    assert_eq!(amazon.asked_for("https://api.amazon.com/user").headers()["x-amz-access-token"], "the-access-token");
    assert_eq!((lark.field("client_secret"), lark.authorization.as_str()), (Some("the-secret"), ""));
}

#[tokio::test]
async fn facebook_wants_the_token_proved() {
    let (answers, _) = signing("https://www.facebook.com", &json!({ "sub": "x" }));
    let person = json!({ "id": "10", "name": "Ada L", "first_name": "Ada", "last_name": "L", "email": "a@b.c",
        "picture": { "data": { "url": "https://f/p" } }, "birthday": "01/02/1990", "gender": "female" });
    let mut all =
        vec![("https://graph.facebook.com/oauth/access_token", token()), ("https://graph.facebook.com/me?", person)];
    all.extend(answers.iter().map(|(start, answer)| (start.as_str(), answer.clone())));

    let came = travel(it(ProviderKind::Facebook).scope("email"), &all).await;

    let asked = came.asked_for("https://graph.facebook.com/me").url().to_string();
    let proof = "95f103a26ae3fb1ec99438bab8c2766d59778ce6f389d7c9ad3208a7b7646497";
    assert!(asked.ends_with(&format!("&appsecret_proof={proof}")), "{asked}");
    assert_eq!(came.page, "https://facebook.com/dialog/oauth");
    assert_eq!(
        came.claims,
        json!({ "iss": "https://graph.facebook.com/me", "sub": "10", "name": "Ada L", "given_name": "Ada",
        "family_name": "L", "nickname": "Ada L", "preferred_username": "Ada L", "picture": "https://f/p", "email": "a@b.c",
        "email_verified": true, "birthdate": "01/02/1990", "gender": "female" })
    );
}

#[tokio::test]
async fn those_below_an_issuer_write_dates() {
    let issuer = "https://tenant.auth0.com";
    let (answers, _) = signing(issuer, &json!({ "sub": "x" }));
    let person = json!({ "sub": "auth0|1", "email": "a@b.c", "updated_at": "2023-01-02T03:04:05Z" });
    let mut all = vec![
        ("https://tenant.auth0.com/oauth/token", token()),
        ("https://tenant.auth0.com/userinfo", person.clone()),
        ("https://tenant.auth0.com/services/oauth2/token", token()),
        ("https://tenant.auth0.com/services/oauth2/userinfo", person),
    ];
    all.extend(answers.iter().map(|(start, answer)| (start.as_str(), answer.clone())));

    let auth0 = travel(it(ProviderKind::Auth0).issuer_url(issuer), &all).await;
    let salesforce = travel(it(ProviderKind::Salesforce).issuer_url(issuer), &all).await;

    let claims = json!({ "iss": issuer, "sub": "auth0|1", "email": "a@b.c", "updated_at": 1_672_628_645 });
    assert_eq!((auth0.claims, salesforce.claims), (claims.clone(), claims));
    assert_eq!(auth0.page, "https://tenant.auth0.com/authorize");
    assert_eq!(salesforce.page, "https://tenant.auth0.com/services/oauth2/authorize");
}

#[tokio::test]
async fn uae_pass_always_binds_its_codes() {
    let person = json!({ "sub": "UAEPASS/1", "fullnameEN": "Ada Lovelace", "firstnameEN": "Ada", "lastnameEN": "Lovelace", "idn": "784" });
    let answers = [("https://id.uaepass.ae/idshub/token", token()), ("https://id.uaepass.ae/idshub/userinfo", person)];

    let came = travel(it(ProviderKind::UaePass).scope("urn:uae:digitalid:profile:general"), &answers).await;

    assert_eq!(came.page, "https://id.uaepass.ae/idshub/authorize");
    assert_eq!(came.param("redirect_uri"), Some("https://app.example.org/auth/self-service/methods/oidc/callback"));
    assert_eq!(came.param("acr_values"), Some("urn:safelayer:tws:policies:authentication:level:low"));
    assert!(came.field("code_verifier").is_some());
    assert_eq!((&came.claims["name"], &came.claims["last_name"]), (&json!("Ada Lovelace"), &json!("Lovelace")));
    assert_eq!(came.claims["iss"], "https://id.uaepass.ae");
    assert_eq!(came.claims["raw_claims"]["idn"], "784");
}

#[tokio::test]
async fn x_signs_every_request() {
    let answers = [
        (
            "https://api.twitter.com/oauth/request_token",
            "oauth_token=temporary&oauth_token_secret=s1&oauth_callback_confirmed=true".into(),
        ),
        ("https://api.twitter.com/oauth/access_token", "oauth_token=access&oauth_token_secret=s2&user_id=7".into()),
        (
            "https://api.twitter.com/1.1/account/verify_credentials.json?include_email=true",
            json!({ "id_str": "7", "name": "Ada", "screen_name": "ada", "url": "https://ada.example", "email": "a@b.c" }),
        ),
    ];

    let back = "oauth_token=temporary&oauth_verifier=v";
    let came = travel_with(it(ProviderKind::X).scope("email"), &answers, back).await;

    assert_eq!(came.page, "https://api.twitter.com/oauth/authenticate");
    assert_eq!(came.param("oauth_token"), Some("temporary"));
    assert_eq!(
        came.claims,
        json!({ "iss": "https://api.twitter.com/1.1/account/verify_credentials.json", "sub": "7", "name": "Ada",
        "nickname": "ada", "preferred_username": "ada", "website": "https://ada.example", "email": "a@b.c" })
    );
    let signed = came
        .asked
        .iter()
        .all(|request| request.headers()["authorization"].to_str().unwrap().contains("oauth_signature="));
    assert!(signed && came.asked.len() == 3);
}

#[tokio::test]
async fn a_permission_that_is_left_out_is_asked_for_again() {
    let mut granted = token();
    granted["scope"] = "read:user".into();
    let script = Script { answers: vec![("https://github.com".to_owned(), granted.to_string())], ..Script::default() };
    let provider = it(ProviderKind::GitHub).scope("user:email").client_secret("s");
    let app = App::with(|builder| builder.method(Oidc::new(script).provider(provider))).unwrap();
    let mut ada = app.browser();
    let page = ada.open().await;
    let leaves = ada.submit(&page, json!({ "provider": "it" })).await;
    let state = leaves.location_parameter("state").unwrap();

    let refused = ada.follow(&format!("/auth/self-service/methods/oidc/callback/it?code=x&state={state}")).await;
    let page = ada.page(refused).await;

    assert!(page.at("/ui/messages/0/text").as_str().unwrap().contains("one or more permissions were not granted"));
}

#[test]
fn a_provider_that_cannot_work_is_refused_when_the_service_is_built() {
    let refused = |provider: Provider| {
        App::with(|builder| builder.method(Oidc::new(Script::default()).provider(provider)))
            .map(drop)
            .unwrap_err()
            .to_string()
    };

    let cases = [
        (it(ProviderKind::Generic), "issuer_url"),
        (it(ProviderKind::Microsoft), "tenant"),
        (it(ProviderKind::Google).microsoft_tenant("common"), "tenant"),
        (it(ProviderKind::Apple), "key"),
        (it(ProviderKind::Apple).apple_key("T", "K", "no key"), "PKCS#8"),
        (it(ProviderKind::Amazon).scope("email"), "scopes"),
        (Provider::new(ProviderKind::Google, "a/b", "c"), "id"),
        (Provider::new(ProviderKind::Google, "a", ""), "client id"),
        (Provider::generic("a", "ftp://x", "c"), "issuer"),
    ];
    for (provider, word) in cases {
        let name = format!("{provider:?}");
        let why = refused(provider);
        assert!(why.contains(word), "{name}: {why}");
    }
}
