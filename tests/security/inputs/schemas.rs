//! F10, L6: hostile identity schemas are refused when the service starts, or stay harmless whatever they are shown.
//!
//! Each case runs on a thread of its own, so that one that never ends is told and not waited for.

use std::sync::mpsc;
use std::time::Duration;

use proptest::prelude::{any, prop};
use proptest::prop_assert;
use proptest::sample::{Index, select};
use serde_json::Value;
use tower_registration::Schema;

use super::chance::{Held, block_on, for_all};
use super::corpus::{Ledger, bytes, cases, quickest};
use super::door::Door;
use super::schema_oracle::{JUDGED, START, Schemas, app, quickest_read, show};
use crate::kept;

const SCHEMAS: &str = include_str!("../corpus/schemas.json");

/// When one step of a case counts as one that does not end.
const NEVER: Duration = Duration::from_secs(10);

#[test]
fn l6_every_hostile_schema_is_refused_or_harmless() {
    let hostile: Vec<Value> = cases(SCHEMAS).into_iter().filter(|case| case["hostile"] == true).collect();

    let ledger = judge_all(&hostile);

    assert!(hostile.len() >= 60, "{}", hostile.len());
    ledger.close(hostile.len());
}

#[test]
fn l5_every_plain_schema_starts() {
    let plain: Vec<Value> = cases(SCHEMAS).into_iter().filter(|case| case["hostile"] == false).collect();

    let ledger = judge_all(&plain);

    assert!(plain.len() >= 10, "{}", plain.len());
    ledger.close(plain.len());
}

/// Schemas with pieces of others in them: read or refused, and soon.
#[test]
fn f10_no_text_makes_the_reader_of_schemas_fail() {
    let short = cases(SCHEMAS).into_iter().map(|case| text(&case["schema"])).filter(|schema| schema.len() < 2_000);
    let schemas: Vec<String> = short.collect();
    let tokens = vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "{}",
        "[]",
        "1",
        "-1",
        "1e400",
        "null",
        "true",
        "\"$ref\":\"#\"",
        "\"$ref\":\"\"",
        "\"$ref\":\"#/properties/traits\"",
        "\"$id\":\"x\"",
        "\"type\":[]",
        "\"pattern\":\"(\"",
        "\"ory.sh/kratos\":{}",
        "\\ud800",
    ];
    let edits = prop::collection::vec((any::<Index>(), any::<Index>(), select(tokens)), 0..5);

    for_all((select(schemas), edits), |(schema, edits)| is_read_or_refused(&edited(schema, &edits)));
}

#[test]
fn f10_the_kept_inputs_come_to_what_their_names_say() {
    let mut harness = Schemas::new();

    kept::play("schema", |input| harness.play(input));
}

fn judge_all(cases: &[Value]) -> Ledger {
    let common: Vec<String> = document()["values"].as_array().unwrap().iter().map(text).collect();
    let mut ledger = Ledger::default();
    for case in cases {
        let fault = judge_apart(case, &common);
        ledger.note(fault.is_none(), || format!("{}: {}", case["name"], fault.unwrap_or_default()));
    }
    ledger
}

/// What a case's thread tells.
enum Told {
    /// The schema was read, or a value was judged.
    OneMore,
    /// It is through; what is wrong, if anything is.
    Through(Option<String>),
}

/// What is wrong with a case, judged on a thread of its own.
fn judge_apart(case: &Value, common: &[String]) -> Option<String> {
    let (tell, told) = mpsc::channel();
    let (case, common) = (case.clone(), common.to_vec());
    std::thread::spawn(move || {
        let fault = judge(&case, &common, &tell);
        tell.send(Told::Through(fault))
    });
    let mut steps = 0;
    loop {
        match told.recv_timeout(NEVER) {
            Ok(Told::Through(fault)) => return fault,
            Ok(Told::OneMore) => steps += 1,
            Err(_) => return Some(format!("step {steps} does not end, or it panics")),
        }
    }
}

fn judge(case: &Value, common: &[String], tell: &mpsc::Sender<Told>) -> Option<String> {
    let schema = text(&case["schema"]);
    let (took, read) = quickest_read(&schema);
    if took > START {
        return Some(format!("reading it took {took:?}"));
    }
    match (read, case["start"] == "starts") {
        (Err(_), false) => None,
        (Ok(schema), true) => {
            let own = case["values"].as_array().into_iter().flatten().map(text);
            let values: Vec<String> = own.chain(common.iter().cloned()).collect();
            block_on(show_all(schema, &values, tell))
        }
        (Ok(_), false) => Some("it starts".to_owned()),
        (Err(why), true) => Some(format!("it is refused: {why}")),
    }
}

/// Shows the values to a service with this schema, as the trait `t`; the first that is slow or answered in another way
/// than by a clear refusal. The password is too short, so that nothing can come of it.
async fn show_all(schema: Schema, values: &[String], tell: &mpsc::Sender<Told>) -> Option<String> {
    let door = Door::of(&app(schema).unwrap());
    for value in values {
        tell.send(Told::OneMore).ok()?;
        let (took, answer) = quickest(JUDGED, async || show(&door, value).await).await;
        if took > JUDGED || !answer.is_clear_refusal() || answer.status != 400 {
            return Some(format!("{took:?} for {value:.80}: {:.300}", answer.brief()));
        }
    }
    None
}

fn edited(schema: String, edits: &[(Index, Index, &str)]) -> String {
    edits.iter().fold(schema, |text, (from, size, token)| {
        let letters: Vec<char> = text.chars().collect();
        let from = from.index(letters.len() + 1);
        let to = letters.len().min(from + size.index(8));
        letters[..from].iter().copied().chain(token.chars()).chain(letters[to..].iter().copied()).collect()
    })
}

fn is_read_or_refused(schema: &str) -> Held {
    let (took, _) = quickest_read(schema);
    prop_assert!(took <= START, "{took:?} for {schema}");
    Ok(())
}

fn document() -> Value {
    serde_json::from_str(SCHEMAS).unwrap()
}

fn text(value: &Value) -> String {
    String::from_utf8(bytes(value)).unwrap()
}
