//! F11, L6: traits against twelve sound schemas: hostile values get their verdict, and none takes long.

use std::collections::BTreeMap;

use proptest::prelude::{Just, Strategy, any, prop};
use proptest::sample::select;
use proptest::{prop_assert, prop_oneof};
use serde_json::{Value, json};

use super::chance::{Held, block_on, for_all};
use super::corpus::{Ledger, bytes, cases, quickest};
use super::door::Door;
use super::kept_bodies::is_told;
use super::schema_oracle::{JUDGED, TRAITS, Traits, doors, show};
use crate::kept;

#[tokio::test]
async fn l6_every_hostile_value_gets_its_verdict_at_once() {
    let kept = cases(TRAITS);

    let ledger = show_all(&doors(), &kept).await;

    assert!(kept.len() >= 40, "{}", kept.len());
    ledger.close(kept.len());
}

#[test]
fn f11_no_value_takes_long_to_judge() {
    let doors = doors();
    let names: Vec<String> = doors.keys().cloned().collect();

    assert_eq!(names.len(), 12);
    for_all((select(names), values()), |(name, value)| block_on(is_judged_soon(&doors[&name], &value)));
}

#[test]
fn f11_the_kept_inputs_come_to_what_their_names_say() {
    let mut harness = Traits::new();

    kept::play("traits", |input| harness.play(input));
}

/// Shows each value to the service with its schema, and notes what is not as it should be.
async fn show_all(doors: &BTreeMap<String, Door>, kept: &[Value]) -> Ledger {
    let mut ledger = Ledger::default();
    for case in kept {
        let door = &doors[case["schema"].as_str().unwrap()];
        let value = String::from_utf8(bytes(&case["value"])).unwrap();
        let (took, answer) = quickest(JUDGED, async || show(door, &value).await).await;
        let verdict = if case["verdict"] == "refused" { "traits" } else { case["verdict"].as_str().unwrap() };
        ledger.note(is_told(verdict, &answer), || format!("{}: {:.300}", case["about"], answer.brief()));
        ledger.note_time(JUDGED, took, || case["about"].to_string());
    }
    ledger
}

/// JSON of every shape, with what schemas ask for among it.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no such number", |number| number.is_finite()).prop_map(Value::from),
        "\\PC{0,60}".prop_map(Value::from),
        (select(vec!["a", "1", "(", "é", ":", ".", "a."]), 0..2_000_usize)
            .prop_map(|(part, times)| json!(part.repeat(times))),
        select(vec!["ada@example.org", "https://example.org/", "2024-02-29", "choice 3"]).prop_map(Value::from),
    ];
    let name =
        || prop_oneof![select(vec!["a", "b", "c", "n", "x", "date", "regex"]).prop_map(str::to_owned), "[a-z0-9]{0,6}"];
    leaf.prop_recursive(6, 120, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
            prop::collection::btree_map(name(), inner.clone(), 0..8).prop_map(|members| members.into_iter().collect()),
            (inner, 1..60_usize).prop_map(|(item, times)| Value::from(vec![item; times])),
        ]
    })
}

async fn is_judged_soon(door: &Door, value: &Value) -> Held {
    let (took, answer) = quickest(JUDGED, async || show(door, &value.to_string()).await).await;
    prop_assert!(answer.is_clear_refusal(), "{}", answer.brief());
    prop_assert!(took <= JUDGED, "{took:?}: {}", answer.brief());
    Ok(())
}
