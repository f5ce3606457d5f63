//! G5: configurations that somebody may well write, that do not do what they seem to, and that must not be accepted
//! without a word: refused, or warned about.

use time::Duration;
use tower_registration::memory::Memory;
use tower_registration::methods::Password;
use tower_registration::testing::{BASE_URL, Client, ClientKind, UI};
use tower_registration::{Builder, CookieSettings, Hashing, Registration, Schema, Secret, SessionSettings};

use super::site::{choices, sign_up};

fn complete(base_url: &str, method: Password) -> Builder {
    let memory = Memory::new();
    let builder = choices(base_url).method(method).storage(memory.clone()).identities(memory);
    builder.hashing(Hashing::new().threads(1))
}

fn good() -> Builder {
    complete(BASE_URL, Password::new())
}

/// Whether somebody who builds this hears that something is wrong.
fn is_told(builder: Builder) -> bool {
    builder.build().map_or(true, |built| !built.warnings().is_empty())
}

#[test]
fn g5_what_is_good_is_accepted_without_a_word() {
    assert!(!is_told(good()));
}

#[test]
fn g5_blanks_around_the_base_url_are_not_taken_over_into_every_url() {
    for base in [" https://app.example.org/auth", "https://app.example.org/auth ", "https://app.example.org/auth\n"] {
        let told = is_told(complete(base, Password::new()));

        assert!(told, "{base:?}");
    }
}

#[test]
fn g5_cookies_for_another_path_than_the_services_are_told() {
    assert!(is_told(good().cookies(CookieSettings::new().path("/elsewhere"))));
    assert!(is_told(good().cookies(CookieSettings::new().path("auth"))));
}

#[test]
fn g5_a_cookie_path_that_holds_attributes_is_told() {
    assert!(is_told(good().cookies(CookieSettings::new().path("/; Domain=example.org"))));
    assert!(is_told(good().cookies(CookieSettings::new().path("/\n"))));
}

#[test]
fn g5_a_prefixed_cookie_name_that_browsers_would_refuse_is_told() {
    let host = || SessionSettings::new().cookie_name("__Host-session");

    assert!(!is_told(good().session(host())));
    assert!(is_told(good().session(host().cookie_domain("example.org"))));
    assert!(is_told(good().session(host().cookie_path("/auth"))));
    assert!(is_told(good().session(host().insecure_over_http())));
}

#[test]
fn g5_cookies_for_tls_alone_on_plain_http_are_told() {
    let plain = || complete("http://app.example.org/auth", Password::new()).insecure_http();

    assert!(is_told(plain()), "browsers do not keep a `Secure` cookie that came over plain HTTP");
}

#[test]
fn g5_a_password_length_that_nobody_can_reach_is_told() {
    assert!(is_told(complete(BASE_URL, Password::new().min_length(1_025))));
}

#[test]
fn g5_a_password_length_below_eight_is_told() {
    assert!(is_told(complete(BASE_URL, Password::new().min_length(0))));
    assert!(is_told(complete(BASE_URL, Password::new().min_length(5))));
}

#[test]
fn g5_passwords_for_a_schema_that_names_nobody_are_told() {
    let nameless = r#"{ "type": "object", "properties": { "traits": { "type": "object",
        "properties": { "email": { "type": "string", "format": "email" } } } } }"#;
    let schema = Schema::parse("nameless", nameless).unwrap();

    assert!(is_told(good().schema(schema).default_schema("nameless")));
}

#[test]
fn g5_a_query_in_a_listed_return_url_is_told_since_it_is_not_looked_at() {
    assert!(is_told(good().allow_return_url(format!("{UI}/leave?to=home"))));
}

#[test]
fn g5_the_secret_of_the_documentation_is_told() {
    let secret = Secret::new("keep me for as long as sessions are to live").unwrap();
    let builder = Registration::builder(BASE_URL).secret(secret).hashing(Hashing::new().threads(1));
    let (memory, schema) = (Memory::new(), Schema::parse("person", tower_registration::testing::PERSON).unwrap());
    let builder = builder.schema(schema).method(Password::new()).storage(memory.clone()).identities(memory);
    let builder = builder.registration_ui("/sign-up").error_ui("/sorry").default_return_url(UI);

    assert!(is_told(builder));
}

/// Signs up at a service that may have been refused already; says what `whoami` answers.
async fn sign_up_at(builder: Builder) -> Option<u16> {
    let service = builder.hashing(Hashing::new().cost(8, 1)).build().ok()?;
    let mut native = Client::new(service, "/auth", ClientKind::Native);
    let page = native.open().await;
    let done = native.submit(&page, sign_up("ada@example.org")).await;
    let token = done.at("/session_token").as_str().unwrap_or_default().to_owned();
    Some(native.with_header("x-session-token", &token).get_json("/sessions/whoami").await.status())
}

#[tokio::test]
async fn g5_flows_that_live_for_ever_do_not_end_in_a_panic() {
    let answered = tokio::spawn(sign_up_at(good().lifespan(Duration::MAX))).await;

    assert!(matches!(answered, Ok(None | Some(200))), "{answered:?}");
}

#[tokio::test]
async fn g5_sessions_that_live_for_ever_do_not_end_in_a_panic() {
    let answered = tokio::spawn(sign_up_at(good().session(SessionSettings::new().lifespan(Duration::MAX)))).await;

    assert!(matches!(answered, Ok(None | Some(200))), "{answered:?}");
}
