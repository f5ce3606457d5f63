//! X1 beside the matrix: origins that only look listed, and what gives a browser away to the guard of native flows.

use serde_json::json;
use tower_registration::Builder;
use tower_registration::methods::Password;
use tower_registration::testing::App;

use super::door::{Answer, Door, JSON};

/// Outcomes of a submission in which everything but the head is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Registered,
    Csrf,
    NativeGuard,
    Other(u16),
}

#[tokio::test]
async fn x1_the_origins_of_the_pages_are_listed() {
    let door = door_with_pages();
    let origins = [
        "https://app.example.org",
        "https://ui.example.net",
        "https://sorry.example.com:8443",
        "https://spa.example.net",
    ];

    let outcomes = submit_from(&door, &origins).await;

    assert_eq!(outcomes, [Outcome::Registered; 4]);
}

#[tokio::test]
async fn x1_an_origin_is_listed_to_the_letter() {
    let door = door_with_pages();
    let twins = [
        "http://app.example.org",
        "https://app.example.org:8443",
        "https://app.example.org.evil.com",
        "https://evil-app.example.org",
        "https://sub.app.example.org",
        "https://example.org",
        "https://app.example.org/",
        "https://app.example.org@evil.com",
        "https://user@app.example.org",
        "https://app.example.org, https://evil.com",
        "https://spa.example.net.evil.com",
        "https://sorry.example.com",
        "app.example.org",
        "*",
    ];

    let outcomes = submit_from(&door, &twins).await;

    assert_eq!((outcomes, door.hashes()), (vec![Outcome::Csrf; twins.len()], 0));
}

/// TH-X5: a cookie is a sign of a browser, unless a proxy set it.
#[tokio::test]
async fn x1_a_native_flow_is_refused_beside_any_cookie_but_a_proxys() {
    let door = Door::default_app();
    let of_a_browser: [&[u8]; 4] = [b"name=bar", b"lonely", b"_CF_x=1", b"__cfduid=1; name=bar"];
    let of_a_proxy: [&[u8]; 3] = [b"__cf_bm=1", b"_cfuvid=1; cf_clearance=x", b"cf_x"];

    let refused = submit_beside(&door, &of_a_browser).await;
    let let_in = submit_beside(&door, &of_a_proxy).await;

    assert_eq!((refused, let_in), (vec![Outcome::NativeGuard; 4], vec![Outcome::Registered; 3]));
}

/// TH-X5: browsers send what pages wrote into a cookie, in any letters.
#[tokio::test]
async fn x1_a_native_flow_is_refused_beside_a_cookie_in_letters_outside_of_ascii() {
    let door = Door::default_app();
    let of_a_browser: [&[u8]; 3] = ["größe=ü".as_bytes(), b"name=\xff\xfe", "name=bar; größe=ü".as_bytes()];

    let outcomes = submit_beside(&door, &of_a_browser).await;

    assert_eq!(outcomes, [Outcome::NativeGuard; 3]);
}

/// Pages on three more hosts.
fn door_with_pages() -> Door {
    let pages = |builder: Builder| {
        let builder =
            builder.registration_ui("https://ui.example.net/sign-up").error_ui("https://sorry.example.com:8443/");
        builder.cors_origin("https://spa.example.net").method(Password::new())
    };
    Door::of(&App::with(pages).unwrap())
}

/// Answers a browser's flow from each of these origins, on another site.
async fn submit_from(door: &Door, origins: &[&str]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for (at, origin) in origins.iter().enumerate() {
        let opened = door.open_browser("").await;
        let head = [
            ("accept", JSON.as_bytes()),
            ("content-type", JSON.as_bytes()),
            ("cookie", opened.cookie.as_bytes()),
            ("origin", origin.as_bytes()),
            ("sec-fetch-site", b"cross-site"),
        ];
        outcomes.push(outcome(&door.submit(&opened.flow, &head, answer(at, &opened.token)).await));
    }
    outcomes
}

/// Answers a native flow beside each of these values of `Cookie`.
async fn submit_beside(door: &Door, cookies: &[&[u8]]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for (at, cookie) in cookies.iter().enumerate() {
        let opened = door.open_native().await;
        let head = [("accept", JSON.as_bytes()), ("content-type", JSON.as_bytes()), ("cookie", *cookie)];
        outcomes.push(outcome(&door.submit(&opened.flow, &head, answer(at + 10 * door.hashes(), "")).await));
    }
    outcomes
}

fn answer(person: usize, token: &str) -> String {
    let email = format!("person-{person}@example.org");
    let answer = json!({
        "method": "password", "password": "correct horse", "traits": { "email": email }, "csrf_token": token
    });
    answer.to_string()
}

fn outcome(answer: &Answer) -> Outcome {
    let guarded = |(number, text): &(u64, String)| *number == 4_000_001 && text.starts_with("The HTTP Request Header ");
    match (answer.status, answer.error_id().as_str()) {
        (200, _) if answer.body.get("identity").is_some() => Outcome::Registered,
        (403, "security_csrf_violation") => Outcome::Csrf,
        (400, _) if answer.page_messages().iter().all(guarded) && !answer.page_messages().is_empty() => {
            Outcome::NativeGuard
        }
        (status, _) => Outcome::Other(status),
    }
}
