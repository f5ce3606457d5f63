//! L5: the kept cookie headers of a browser that answers its flow with its token.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use super::corpus::{Ledger, bytes, cases, quickest};
use super::door::{Answer, Door, JSON, Opened, QUICK, submit_path};

const COOKIES: &str = include_str!("../corpus/cookies.json");

#[tokio::test]
async fn l5_every_kept_cookie_header_gets_its_verdict() {
    let door = Door::default_app();

    let ledger = play_all(&door, &cases(COOKIES)).await;

    ledger.close(300);
    assert_eq!((door.hashes(), door.stored().identities), (0, 0));
}

/// Answers a flow beside each header, and notes what is not as it should be.
async fn play_all(door: &Door, cases: &[Value]) -> Ledger {
    let other = door.open_browser("").await;
    let mut ledger = Ledger::default();
    for case in cases {
        let (took, (answer, untouched)) = quickest(QUICK, async || play(door, case, &other).await).await;
        let right = is_told(&case["verdict"], &answer) && (untouched || case["verdict"] == "ours");
        ledger.note(right, || format!("{case}: {}", answer.brief()));
        ledger.note_time(QUICK, took, || case.to_string());
    }
    ledger
}

/// Answers a fresh flow, and says whether that left it as it was.
async fn play(door: &Door, case: &Value, other: &Opened) -> (Duration, (Answer, bool)) {
    let own = door.open_browser("").await;
    let answer = submit(door, case, &own, other).await;
    (answer.took, (answer, door.version_of(&own.flow).await == 1))
}

/// Answers the flow with its token, a password that is too short, and the cookie lines of the case.
async fn submit(door: &Door, case: &Value, own: &Opened, other: &Opened) -> Answer {
    let (name, value) = own.cookie.split_once('=').unwrap();
    let foreign = other.cookie.split_once('=').unwrap().1;
    let mut request = Request::builder().method(Method::POST).uri(submit_path(&own.flow));
    request = request.header("accept", JSON).header("content-type", JSON);
    for line in case["lines"].as_array().unwrap() {
        let line = String::from_utf8(bytes(line)).unwrap();
        let line = line.replace("{name}", name).replace("{value}", value).replace("{other}", foreign);
        request = request.header("cookie", line.as_bytes());
    }
    let answer = json!({
        "method": "password", "password": "short", "traits": { "email": "ada@example.org" }, "csrf_token": own.token
    });
    door.send(request.body(Full::new(Bytes::from(answer.to_string()))).unwrap()).await
}

fn is_told(verdict: &Value, answer: &Answer) -> bool {
    let fields: Vec<String> = answer.field_messages().into_iter().map(|(name, _)| name).collect();
    match verdict.as_str().unwrap() {
        "ours" => answer.status == 400 && answer.page_messages().is_empty() && fields == ["password"],
        "csrf" => (answer.status, answer.error_id().as_str()) == (403, "security_csrf_violation"),
        "too many" => answer.status == 400 && answer.is_clear_refusal() && answer.body.get("ui").is_none(),
        _ => false,
    }
}
