//! Presents everything as everything.

use std::collections::BTreeSet;

use serde_json::json;
use tower_registration::hashing;
use tower_registration::testing::{Client, ClientKind};

use super::journeys::Journeys;

/// What can be reached, in this order.
pub(crate) const WAYS: [&str; 7] = [
    "a session by its token",
    "a session by its cookie",
    "an address by its code",
    "an address by its link",
    "somebody by a code",
    "a browser's flow",
    "somebody by a password",
];

/// Which of these candidates open what. `hashes` are what passwords are checked by.
pub(crate) async fn attack(
    journeys: &Journeys,
    candidates: &BTreeSet<String>,
    hashes: &[String],
) -> Vec<(&'static str, String)> {
    let mut opened = Vec::new();
    for way in WAYS {
        for candidate in candidates.iter().filter(|text| is_shaped_for(way, text)) {
            if opens(journeys, hashes, way, candidate).await {
                opened.push((way, candidate.clone()));
            }
        }
    }
    opened
}

/// Codes are tried by writing into a flow: only what could be one.
fn is_shaped_for(way: &str, text: &str) -> bool {
    let header = text.bytes().all(|byte| byte.is_ascii_graphic() && !b";,\"\\".contains(&byte));
    match way {
        "an address by its code" | "somebody by a code" => text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()),
        "an address by its link" => text.len() >= 16 && text.bytes().all(|b| b.is_ascii_alphanumeric()),
        "somebody by a password" => text.len() < 200,
        _ => header && text.len() < 1_000,
    }
}

async fn opens(journeys: &Journeys, hashes: &[String], way: &str, text: &str) -> bool {
    let client = |kind| Client::new(journeys.codes.clone(), "/auth", kind);
    match way {
        "a session by its token" => {
            let bearer = format!("Bearer {text}");
            let mut by_header = client(ClientKind::Native).with_header("x-session-token", text);
            let mut by_bearer = client(ClientKind::Native).with_header("authorization", &bearer);
            by_header.whoami().await.is_some() || by_bearer.whoami().await.is_some()
        }
        "a session by its cookie" => {
            let mut browser = client(ClientKind::Spa);
            browser.cookies().insert(journeys.session_cookie.clone(), text.to_owned());
            browser.whoami().await.is_some()
        }
        "an address by its code" => {
            let answer = json!({ "method": "code", "code": text });
            let reply = client(ClientKind::Native).submit_verification(&journeys.by_code, answer).await;
            reply.at("/state") == "passed_challenge"
        }
        "an address by its link" => by_link(journeys, text).await,
        "somebody by a code" => {
            let mut answer = journeys.waits_for.clone();
            answer["code"] = text.into();
            client(ClientKind::Native).submit(&journeys.waiting, answer).await.status() == 200
        }
        "a browser's flow" => in_a_browser(journeys, text).await,
        _ => hashes.iter().any(|hash| hashing::verify(hash, &text.to_owned().into()).unwrap()),
    }
}

async fn by_link(journeys: &Journeys, token: &str) -> bool {
    let mut browser = Client::new(journeys.links.clone(), "/auth", ClientKind::Browser);
    let opened = browser.get(&format!("{}token={token}", journeys.by_link)).await;
    let page = browser.verification_page(opened).await;
    let held = page.value_of("token");
    if held.is_null() {
        return false;
    }
    let done = browser.submit_verification(&page, json!({ "method": "link", "token": held })).await;
    browser.verification_page(done).await.at("/state") == "passed_challenge"
}

/// Shows the candidate as the browser's secret, with a token that the service makes for it.
async fn in_a_browser(journeys: &Journeys, secret: &str) -> bool {
    let mut browser = Client::new(journeys.codes.clone(), "/auth", ClientKind::Spa);
    browser.cookies().insert(journeys.cookie.clone(), secret.to_owned());
    let shown = browser.show(&journeys.browsers.flow_id().unwrap()).await;
    shown.status() == 200
}
