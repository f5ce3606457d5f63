//! S4: nothing that somebody knew before a sign-up opens anything after it. Twenty scripts: the first half is about
//! sessions, the second about CSRF secrets, flows and pairs of codes.

use serde_json::{Value, json};
use time::Duration;
use tower_registration::testing::{Client, ClientKind, Reply};

use super::site::{Site, sign_up};

const COOKIE: &str = "ory_kratos_session";
const MADE_UP: &str = "ory_st_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const ADA: &str = "ada@example.org";

/// Signs the attacker up and hands over what opens the attacker's session.
async fn attackers_token(site: &Site) -> String {
    let mut mallory = site.native();
    let page = mallory.open().await;
    let done = mallory.submit(&page, sign_up("mallory@example.org")).await;
    done.at("/session_token").as_str().unwrap().to_owned()
}

async fn attackers_cookie(site: &Site) -> String {
    let mut mallory = site.spa();
    let page = mallory.open().await;
    let done = mallory.submit(&page, sign_up("mallory@example.org")).await;
    assert_eq!(done.status(), 200, "{done:?}");
    mallory.cookies()[COOKIE].clone()
}

/// Whose session somebody has who brings this header.
async fn whose(site: &Site, name: &'static str, value: &str) -> Value {
    let reply = site.native().with_header(name, value).get_json("/sessions/whoami").await;
    reply.at("/identity/traits/email")
}

/// Ada signs up with a client that may have been tampered with.
async fn ada_signs_up(mut client: Client) -> (Client, Reply) {
    let page = client.open().await;
    let done = client.submit(&page, sign_up(ADA)).await;
    (client, done)
}

fn already_signed_in(answer: &Reply) -> bool {
    answer.status() == 400 && answer.at("/error/id") == "session_already_available"
}

fn csrf_refused(answer: &Reply) -> bool {
    answer.status() == 403 && answer.at("/error/id") == "security_csrf_violation"
}

fn csrf_cookie(client: &mut Client) -> (String, String) {
    let found = client.cookies().iter().find(|(name, _)| name.starts_with("csrf_token_")).unwrap();
    (found.0.clone(), found.1.clone())
}

#[tokio::test]
async fn s4_01_a_made_up_token_header_is_not_taken_over() {
    let site = Site::new();

    let (_, done) = ada_signs_up(site.native().with_header("x-session-token", MADE_UP)).await;

    let token = done.at("/session_token").as_str().unwrap().to_owned();
    assert_ne!(token, MADE_UP);
    assert_eq!(whose(&site, "x-session-token", MADE_UP).await, Value::Null);
    assert_eq!(whose(&site, "x-session-token", &token).await, ADA);
}

#[tokio::test]
async fn s4_02_a_made_up_bearer_token_is_not_taken_over() {
    let site = Site::new();
    let bearer = format!("Bearer {MADE_UP}");

    let (_, done) = ada_signs_up(site.native().with_header("authorization", &bearer)).await;

    assert_ne!(done.at("/session_token"), MADE_UP);
    assert_eq!(whose(&site, "authorization", &bearer).await, Value::Null);
}

#[tokio::test]
async fn s4_03_an_expired_session_is_not_continued() {
    let site = Site::new();
    let old = attackers_token(&site).await;
    site.clock.advance(Duration::hours(24));

    let (_, done) = ada_signs_up(site.native().with_header("x-session-token", &old)).await;

    let token = done.at("/session_token").as_str().unwrap().to_owned();
    assert_ne!(token, old);
    assert_eq!(whose(&site, "x-session-token", &old).await, Value::Null);
    assert_eq!(whose(&site, "x-session-token", &token).await, ADA);
}

#[tokio::test]
async fn s4_04_with_somebody_elses_token_header_nobody_signs_up() {
    let site = Site::new();
    let token = attackers_token(&site).await;
    let mut ada = site.native();
    let page = ada.open().await;

    let answer = ada.with_header("x-session-token", &token).submit(&page, sign_up(ADA)).await;

    assert!(already_signed_in(&answer), "{answer:?}");
    assert_eq!(site.rows().identities, 1);
}

#[tokio::test]
async fn s4_05_with_somebody_elses_bearer_token_nobody_signs_up() {
    let site = Site::new();
    let token = attackers_token(&site).await;
    let mut ada = site.native();
    let page = ada.open().await;

    let answer = ada.with_header("authorization", &format!("Bearer {token}")).submit(&page, sign_up(ADA)).await;

    assert!(already_signed_in(&answer), "{answer:?}");
    assert_eq!(site.rows().identities, 1);
}

#[tokio::test]
async fn s4_06_with_somebody_elses_token_no_native_flow_begins() {
    let site = Site::new();
    let token = attackers_token(&site).await;
    let before = site.rows();

    let answer = site.native().with_header("x-session-token", &token).open().await;

    assert!(already_signed_in(&answer), "{answer:?}");
    assert_eq!(site.rows(), before);
}

#[tokio::test]
async fn s4_07_a_planted_session_cookie_that_says_nothing_is_replaced() {
    let site = Site::new();
    let mut ada = site.browser();
    ada.cookies().insert(COOKIE.to_owned(), "planted".to_owned());

    let (mut ada, done) = ada_signs_up(ada).await;

    assert_eq!(done.status(), 303);
    assert_ne!(ada.cookies()[COOKIE], "planted");
    assert_eq!(whose(&site, "cookie", &format!("{COOKIE}=planted")).await, Value::Null);
    assert_eq!(ada.whoami().await.unwrap()["identity"]["traits"]["email"], ADA);
}

#[tokio::test]
async fn s4_08_with_somebody_elses_session_cookie_a_browser_is_sent_away() {
    let site = Site::new();
    let cookie = attackers_cookie(&site).await;
    let mut ada = site.browser();
    let page = ada.open().await;
    ada.cookies().insert(COOKIE.to_owned(), cookie);

    let answer = ada.submit(&page, sign_up(ADA)).await;

    assert_eq!((answer.status(), answer.location()), (302, "https://app.example.org/welcome"));
    assert_eq!(site.rows().identities, 1);
}

#[tokio::test]
async fn s4_09_with_somebody_elses_session_cookie_a_script_is_refused() {
    let site = Site::new();
    let cookie = attackers_cookie(&site).await;
    let mut ada = site.spa();
    let page = ada.open().await;
    ada.cookies().insert(COOKIE.to_owned(), cookie);

    let answer = ada.submit(&page, sign_up(ADA)).await;

    assert!(already_signed_in(&answer), "{answer:?}");
    assert_eq!(site.rows().identities, 1);
}

#[tokio::test]
async fn s4_10_an_expired_session_cookie_is_replaced() {
    let site = Site::new();
    let old = attackers_cookie(&site).await;
    site.clock.advance(Duration::hours(24));
    let mut ada = site.spa();
    ada.cookies().insert(COOKIE.to_owned(), old.clone());

    let (mut ada, done) = ada_signs_up(ada).await;

    assert_eq!(done.status(), 200);
    assert_ne!(ada.cookies()[COOKIE], old);
    assert_eq!(whose(&site, "cookie", &format!("{COOKIE}={old}")).await, Value::Null);
}

#[tokio::test]
async fn s4_11_a_planted_cookie_beside_a_made_up_one_still_counts_as_signed_in() {
    let site = Site::new();
    let cookie = attackers_cookie(&site).await;
    let mut ada = site.spa();
    let page = ada.open().await;
    ada.cookies().insert(COOKIE.to_owned(), format!("made-up; {COOKIE}={cookie}"));

    let answer = ada.submit(&page, sign_up(ADA)).await;

    assert!(already_signed_in(&answer), "{answer:?}");
    assert_eq!(site.rows().identities, 1);
}

#[tokio::test]
async fn s4_12_a_session_token_planted_as_a_cookie_is_replaced() {
    let site = Site::new();
    let token = attackers_token(&site).await;
    let mut ada = site.spa();
    ada.cookies().insert(COOKIE.to_owned(), token.clone());

    let (mut ada, done) = ada_signs_up(ada).await;

    assert_eq!(done.status(), 200);
    assert_ne!(ada.cookies()[COOKIE], token);
    assert_eq!(ada.whoami().await.unwrap()["identity"]["traits"]["email"], ADA);
}

#[tokio::test]
async fn s4_13_two_sign_ups_of_one_client_have_two_tokens() {
    let site = Site::new();
    let mut native = site.native();
    let (first, second) = (native.open().await, native.open().await);

    let first = native.submit(&first, sign_up(ADA)).await.at("/session_token");
    let second = native.submit(&second, sign_up("eve@example.org")).await.at("/session_token");

    assert_ne!(first, second);
    assert_eq!(whose(&site, "x-session-token", first.as_str().unwrap()).await, ADA);
    assert_eq!(whose(&site, "x-session-token", second.as_str().unwrap()).await, "eve@example.org");
}

#[tokio::test]
async fn s4_14_a_planted_csrf_cookie_is_replaced_when_a_browser_signs_up() {
    secret_is_rotated(ClientKind::Browser).await;
}

#[tokio::test]
async fn s4_15_a_planted_csrf_cookie_is_replaced_when_a_script_signs_up() {
    secret_is_rotated(ClientKind::Spa).await;
}

/// The attacker plants a cookie and keeps a token for it: both are dead in Ada's client once she signed up.
async fn secret_is_rotated(kind: ClientKind) {
    let site = Site::new();
    let mut mallory = site.spa();
    let token = mallory.open().await.value_of("csrf_token");
    let (name, planted) = csrf_cookie(&mut mallory);
    let mut ada = site.client(kind);
    ada.cookies().insert(name.clone(), planted.clone());

    let (mut ada, done) = ada_signs_up(ada).await;

    assert!(matches!(done.status(), 200 | 303), "{done:?}");
    assert_ne!(csrf_cookie(&mut ada).1, planted);
    ada.cookies().remove(COOKIE).unwrap();
    let page = ada.open().await;
    let path = format!("/self-service/registration?flow={}", page.flow_id().unwrap());
    let mut forged = sign_up("forged@example.org");
    forged["csrf_token"] = token;
    assert!(csrf_refused(&ada.post_json(&path, &forged).await));
}

#[tokio::test]
async fn s4_16_a_csrf_cookie_planted_after_the_page_was_opened_is_refused() {
    let site = Site::new();
    let mut mallory = site.spa();
    let token = mallory.open().await.value_of("csrf_token");
    let (name, planted) = csrf_cookie(&mut mallory);
    let mut ada = site.spa();
    let page = ada.open().await;
    ada.cookies().insert(name, planted);
    let mut answer = sign_up(ADA);
    answer["csrf_token"] = token;

    let answer = ada.submit(&page, answer).await;

    assert!(csrf_refused(&answer), "{answer:?}");
    assert_eq!(site.rows().identities, 0);
}

#[tokio::test]
async fn s4_17_a_second_csrf_cookie_is_refused_whichever_comes_first() {
    let site = Site::new();
    let mut mallory = site.spa();
    let _ = mallory.open().await;
    let (name, planted) = csrf_cookie(&mut mallory);
    let mut ada = site.spa();
    let page = ada.open().await;
    let own = csrf_cookie(&mut ada).1;

    ada.cookies().insert(name.clone(), format!("{planted}; {name}={own}"));
    let before = ada.clone().submit(&page, sign_up(ADA)).await;
    ada.cookies().insert(name.clone(), format!("{own}; {name}={planted}"));
    let behind = ada.submit(&page, sign_up(ADA)).await;

    assert!(csrf_refused(&before) && csrf_refused(&behind), "{before:?} {behind:?}");
    assert_eq!(site.rows().identities, 0);
}

#[tokio::test]
async fn s4_18_a_flow_begun_under_a_planted_secret_is_closed_by_the_sign_up() {
    let site = Site::new();
    let mut mallory = site.spa();
    let prepared = mallory.open().await.flow_id().unwrap();
    let (name, planted) = csrf_cookie(&mut mallory);
    let mut ada = site.spa();
    ada.cookies().insert(name, planted);

    let (mut ada, done) = ada_signs_up(ada).await;

    assert_eq!(done.status(), 200);
    assert!(csrf_refused(&ada.show(&prepared).await));
}

#[tokio::test]
async fn s4_19_a_native_flow_that_somebody_prepared_tells_them_nothing_of_the_session() {
    let site = Site::new();
    let mut mallory = site.native();
    let prepared = mallory.open().await;

    let done = site.native().submit(&prepared, sign_up(ADA)).await;
    let seen = mallory.show(&prepared.flow_id().unwrap()).await;
    let again = mallory.submit(&prepared, sign_up(ADA)).await;

    let token = done.at("/session_token").as_str().unwrap().to_owned();
    assert_eq!(whose(&site, "x-session-token", &token).await, ADA);
    for told in [seen, again] {
        assert!(!String::from_utf8_lossy(told.body()).contains("ory_st_"), "{told:?}");
    }
    assert_eq!(site.rows().sessions, 1);
}

#[tokio::test]
async fn s4_20_half_a_pair_that_somebody_kept_is_worth_nothing_after_the_sign_up() {
    let site = Site::new();
    let mut mallory = site.native();
    let prepared = mallory.open_with("return_session_token_exchange_code=true").await;
    let code = prepared.at("/session_token_exchange_code").as_str().unwrap().to_owned();

    let done = site.native().submit(&prepared, sign_up(ADA)).await;

    assert_eq!(done.status(), 200);
    for half in [&code, &"A".repeat(64), MADE_UP] {
        let path = format!("/sessions/token-exchange?init_code={code}&return_to_code={half}");
        assert_eq!(mallory.get_json(&path).await.status(), 404, "{half}");
    }
    assert_eq!(whose(&site, "x-session-token", &code).await, Value::Null);
    assert_eq!(site.rows().sessions, 1);
    assert_eq!(
        mallory.get_json(&format!("/sessions/token-exchange?init_code={code}")).await.at("/error/code"),
        json!(400)
    );
}
