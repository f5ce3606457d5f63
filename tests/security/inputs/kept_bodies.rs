//! L5: the kept bodies of native clients — JSON, forms, and JSON with every kind of e-mail address.
//!
//! Each case is sent on a flow of its own. The password is always too short, so that an answer that speaks of nothing
//! else says that everything else was right, nobody is ever registered, and nothing is ever hashed.

use std::time::Duration;

use serde_json::{Value, json};

use super::corpus::{Ledger, bytes, cases, quickest};
use super::door::{Answer, Door, JSON, QUICK};

const EMAILS: &str = include_str!("../corpus/emails.json");
const JSON_BODIES: &str = include_str!("../corpus/json_bodies.json");
const FORM_BODIES: &str = include_str!("../corpus/form_bodies.json");

#[tokio::test]
async fn l5_every_kept_email_address_gets_its_verdict() {
    let door = Door::default_app();

    let ledger = play_all(&door, cases(EMAILS).iter().map(as_email)).await;

    ledger.close(3_000);
    assert_eq!((door.hashes(), door.stored().identities), (0, 0));
}

#[tokio::test]
async fn l5_every_kept_json_body_gets_its_verdict() {
    let door = Door::default_app();

    let ledger = play_all(&door, cases(JSON_BODIES).iter().map(as_body)).await;

    ledger.close(800);
    assert_eq!((door.hashes(), door.stored().identities), (0, 0));
}

#[tokio::test]
async fn l5_every_kept_form_body_gets_its_verdict() {
    let door = Door::default_app();

    let ledger = play_all(&door, cases(FORM_BODIES).iter().map(as_body)).await;

    ledger.close(500);
    assert_eq!((door.hashes(), door.stored().identities), (0, 0));
}

/// A body to be sent and what it must be answered.
pub(super) struct Sent {
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
    pub(super) verdict: String,
    pub(super) about: String,
}

fn as_body(case: &Value) -> Sent {
    let text = |name: &str| case[name].as_str().unwrap().to_owned();
    Sent { content_type: text("type"), body: bytes(&case["body"]), verdict: text("verdict"), about: case.to_string() }
}

fn as_email(case: &Value) -> Sent {
    let email = String::from_utf8(bytes(&case["email"])).unwrap();
    let answer = json!({ "method": "password", "password": "short", "traits": { "email": email } });
    let verdict = if case["verdict"] == "refused" { "traits" } else { "accepted" };
    Sent {
        content_type: JSON.to_owned(),
        body: answer.to_string().into_bytes(),
        verdict: verdict.to_owned(),
        about: case.to_string(),
    }
}

/// Sends all of them and notes what is not as it should be.
pub(super) async fn play_all(door: &Door, all: impl Iterator<Item = Sent>) -> Ledger {
    let mut ledger = Ledger::default();
    for sent in all {
        let before = door.stored();
        let (took, answer) = quickest(QUICK, async || submit(door, &sent).await).await;
        let after = door.stored();
        let nothing_came_of_it = (before.sessions, before.identities) == (after.sessions, after.identities);
        let right = is_told(&sent.verdict, &answer) && nothing_came_of_it;
        ledger.note(right, || format!("{}: {}", sent.about, answer.brief()));
        ledger.note_time(QUICK, took, || sent.about.clone());
    }
    ledger
}

/// Answers a fresh flow.
async fn submit(door: &Door, sent: &Sent) -> (Duration, Answer) {
    let opened = door.open_native().await;
    let answer = door.submit_native(&opened.flow, &sent.content_type, sent.body.clone()).await;
    (answer.took, answer)
}

/// Whether an answer says what a verdict of the corpus means.
pub(super) fn is_told(verdict: &str, answer: &Answer) -> bool {
    let page: Vec<u64> = answer.page_messages().iter().map(|(number, _)| *number).collect();
    let fields: Vec<String> = answer.field_messages().into_iter().map(|(name, _)| name).collect();
    let any_at = |start: &str| fields.iter().any(|name| name.starts_with(start));
    let on_the_flow = answer.status == 400 && answer.body.get("ui").is_some();
    let accepted = on_the_flow && page.is_empty() && fields == ["password"];
    let undecodable = on_the_flow && fields.is_empty() && page == [4_000_001] && speaks_of_decoding(answer);
    match verdict {
        "accepted" | "followed" => accepted,
        "traits" => on_the_flow && page.is_empty() && any_at("traits"),
        "transient" => on_the_flow && page.is_empty() && any_at("transient_payload"),
        "unclaimed" => on_the_flow && fields.is_empty() && page == [4_010_003],
        "undecodable" => undecodable,
        "disabled" => answer.status == 404 && answer.is_clear_refusal(),
        "too large" => answer.status == 413 && answer.is_clear_refusal(),
        "refused" => answer.is_clear_refusal() && !accepted,
        "harmless" => accepted || undecodable,
        _ => false,
    }
}

fn speaks_of_decoding(answer: &Answer) -> bool {
    let starts =
        ["Unable to decode ", "Expected JSON sent in request body ", "HTTP POST Request used unknown HTTP Header "];
    answer.page_messages().iter().any(|(_, text)| starts.iter().any(|start| text.starts_with(start)))
}
