//! Leaked passwords, at a service that speaks the range protocol: what it is asked, what its answers mean.

use std::time::{Duration, Instant};

use axum::response::Response;
use serde_json::json;
use tower_registration::breach::RangeList;
use tower_registration::fetch::Client;
use tower_registration::methods::{Password, WhenAway};
use tower_registration::testing::{App, Reply};
use url::Url;

use crate::peer::{Part, Peer};
use crate::server::{Asked, Server, answer, nobody};

/// The digest of [`PASSWORD`].
const PREFIX: &str = "2F9E5";
const SUFFIX: &str = "3523B62ABC141A2B4D6019D23CBA835DBD0";
const PASSWORD: &str = "correct horse";

fn list(url: &Url) -> RangeList {
    let client = Client::builder().allow_private(true).build().unwrap();
    RangeList::new(client).base_url(url.clone()).time_limit(Duration::from_millis(800))
}

fn app(list: RangeList, most: u64, when_away: WhenAway) -> App {
    App::with(|builder| builder.method(Password::new().breach_list(list, most, when_away))).unwrap()
}

fn ada() -> serde_json::Value {
    json!({ "method": "password", "password": PASSWORD, "traits": { "email": "ada@example.org" } })
}

async fn sign_up(app: &App) -> Reply {
    let mut native = app.native();
    let page = native.open().await;
    native.submit(&page, ada()).await
}

/// A range in which the password was seen so often, among others and padding.
fn range(count: &str) -> String {
    format!("0018A45C4D1DEF81644B54AB7F969B88D65:21\r\n{SUFFIX}:{count}\r\n{}:0\r\n", "F".repeat(35))
}

/// A server that knows this answer for the password's range, and none for others.
async fn service(known: impl Into<String>) -> Server {
    let known = known.into();
    Server::start(move |_, asked| ranged(asked, &known)).await
}

fn ranged(asked: &Asked, known: &str) -> Response {
    if asked.path == format!("/range/{PREFIX}") { answer(200, known.to_owned()) } else { answer(404, "") }
}

#[tokio::test]
async fn a_leaked_password_is_refused_before_anything_is_hashed() {
    let server = service(range("1,234")).await;
    let app = app(list(&server.url), 0, WhenAway::Refuse);

    let reply = sign_up(&app).await;

    assert_eq!((reply.status(), reply.messages_at("password")), (400, vec![4_000_034]));
    let message = &reply.field("password")["messages"][0];
    assert_eq!(message["text"], "The password has been found in data breaches and must no longer be used.");
    assert_eq!(message["context"], json!({ "breaches": 1234 }));
    assert_eq!(app.registration().hashes_computed(), 0);
    assert!(app.identities().is_empty());
}

#[tokio::test]
async fn the_service_learns_five_digits_and_nothing_else() {
    let server = service(range("1")).await;
    let app = app(list(&server.at("/")), 0, WhenAway::Refuse);

    let _ = sign_up(&app).await;

    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/range/2F9E5"));
    assert_eq!(asked.header("add-padding"), "true");
    assert!(asked.body.is_empty());
    let mut names: Vec<_> = asked.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["add-padding", "host", "user-agent"]);
}

#[tokio::test]
async fn padding_and_other_passwords_are_no_leak() {
    for known in [range("0"), range("7").replace(SUFFIX, &"A".repeat(35)), String::new()] {
        let server = service(known).await;
        let app = app(list(&server.url), 0, WhenAway::Refuse);
        assert_eq!(sign_up(&app).await.status(), 200);
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn how_many_leaks_are_too_many_is_configured() {
    let server = service(range("12")).await;

    let enough = sign_up(&app(list(&server.url), 12, WhenAway::Refuse)).await;
    let too_many = sign_up(&app(list(&server.url), 11, WhenAway::Refuse)).await;

    assert_eq!((enough.status(), too_many.status()), (200, 400));
    assert_eq!(too_many.messages_at("password"), [4_000_034]);
}

#[tokio::test]
async fn a_password_that_is_refused_anyway_is_not_asked_about() {
    let server = service(range("12")).await;
    let app = app(list(&server.url), 0, WhenAway::Refuse);
    let mut native = app.native();
    let page = native.open().await;

    for password in ["short", "ada@example.org", ""] {
        let mut form = ada();
        form["password"] = password.into();
        assert_eq!(native.submit(&page, form).await.status(), 400);
    }

    assert!(server.asked().is_empty());
}

/// Signs up under both policies: accepted under the one, 502 and nothing stored under the other.
async fn both_policies_hold(url: &Url) {
    let lenient = app(list(url), 0, WhenAway::Accept);
    let strict = app(list(url), 0, WhenAway::Refuse);
    let mut native = strict.native();
    let page = native.open().await;

    let accepted = sign_up(&lenient).await;
    let refused = native.submit(&page, ada()).await;

    assert_eq!((accepted.status(), lenient.identities().len()), (200, 1));
    assert_eq!((refused.status(), refused.at("/error/id")), (502, json!("upstream_error")));
    assert_eq!(refused.at("/error/status"), "Bad Gateway");
    let reason = "Unable to check if password has been leaked because an unexpected network error occurred";
    assert_eq!(refused.at("/error/reason"), reason);
    assert!(strict.identities().is_empty());
    assert_eq!(strict.registration().hashes_computed(), 0);
    let shown = native.show(&page.flow_id().unwrap()).await;
    assert!(shown.messages().is_empty() && shown.messages_at("password").is_empty());
}

#[tokio::test]
async fn without_an_answer_the_password_is_treated_as_configured() {
    both_policies_hold(&nobody().await).await;
    for status in [204, 301, 302, 404, 429, 500, 503] {
        let server = Server::start(move |_, _| answer(status, range("5"))).await;
        both_policies_hold(&server.url).await;
    }
    let cut = Peer::start(Part::HangsUp(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n0018A45C4"));
    both_policies_hold(&cut.url()).await;
    let large = Server::start(|_, _| answer(200, format!("{}:1\r\n", "A".repeat(35)).repeat(10_000))).await;
    both_policies_hold(&large.url).await;
}

#[tokio::test]
async fn a_browser_is_led_to_the_error_page() {
    let app = app(list(&nobody().await), 0, WhenAway::Refuse);
    let mut browser = app.browser();
    let page = browser.open().await;

    let reply = browser.submit(&page, ada()).await;

    assert_eq!(reply.status(), 303);
    assert!(reply.location().starts_with("https://app.example.org/sorry?id="), "{}", reply.location());
}

#[tokio::test]
async fn an_answer_that_is_no_list_is_an_error_under_both_policies() {
    for body in ["<html>Sign in to this network</html>".to_owned(), range("abc"), range("1\r\n:")] {
        let server = service(body).await;
        for when_away in [WhenAway::Accept, WhenAway::Refuse] {
            let app = app(list(&server.url), 0, when_away);
            let reply = sign_up(&app).await;
            assert_eq!((reply.status(), reply.at("/error/id")), (502, json!("upstream_error")));
            assert!(!reply.at("/error").to_string().contains("abc"), "what others say is not repeated");
            assert!(app.identities().is_empty());
        }
    }
}

#[tokio::test]
async fn a_service_that_stumbles_is_asked_once_more() {
    let server = Server::start(|n, asked| if n == 0 { answer(503, "") } else { ranged(asked, &range("3")) }).await;
    let app = app(list(&server.url), 0, WhenAway::Accept);

    assert_eq!(sign_up(&app).await.messages_at("password"), [4_000_034]);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_service_that_says_no_or_stays_away_is_left_alone() {
    let no = Server::start(|_, _| answer(404, "")).await;
    let away = Server::start(|_, _| answer(500, "")).await;

    let _ = sign_up(&app(list(&no.url), 0, WhenAway::Accept)).await;
    let _ = sign_up(&app(list(&away.url), 0, WhenAway::Accept)).await;

    assert_eq!((no.asked().len(), away.asked().len()), (1, 2));
}

#[tokio::test]
async fn a_flow_goes_on_when_the_service_is_back() {
    let server = Server::start(|n, asked| if n < 2 { answer(503, "") } else { ranged(asked, &range("0")) }).await;
    let app = app(list(&server.url), 0, WhenAway::Refuse);
    let mut native = app.native();
    let page = native.open().await;

    let first = native.submit(&page, ada()).await;
    let second = native.submit(&page, ada()).await;

    assert_eq!((first.status(), second.status()), (502, 200));
}

#[tokio::test]
async fn a_slow_service_holds_nobody_longer_than_the_limit() {
    let pause = Duration::from_millis(20);
    let slow = [
        Part::Silent,
        Part::Repeats(b"HTTP/1.1 200 OK\r\nx-", b"x", pause),
        Part::Repeats(b"HTTP/1.1 200 OK\r\n\r\n", b"0", pause),
        // The second try begins before the limit and must not outlast it.
        Part::HangsUp(b""),
    ];

    for part in slow {
        let peer = Peer::start(part);
        let list = list(&peer.url()).time_limit(Duration::from_millis(400));
        let (lenient, strict) = (app(list.clone(), 0, WhenAway::Accept), app(list, 0, WhenAway::Refuse));
        let begun = Instant::now();
        assert_eq!(sign_up(&lenient).await.status(), 200);
        assert_eq!(sign_up(&strict).await.status(), 502);
        assert!(begun.elapsed() < Duration::from_millis(2 * 400 + 1_000), "{:?}", begun.elapsed());
        assert!(peer.begun() > 0 && peer.is_left().await);
    }
}

#[tokio::test]
async fn questions_share_a_connection() {
    let server = service(range("0")).await;
    let app = app(list(&server.url), 0, WhenAway::Refuse);

    for n in 0..5 {
        let mut native = app.native();
        let page = native.open().await;
        let mut form = ada();
        form["traits"]["email"] = format!("ada{n}@example.org").into();
        assert_eq!(native.submit(&page, form).await.status(), 200);
    }

    assert_eq!((server.asked().len(), server.connections()), (5, 1));
}
