//! What differs between two values.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// What stands for a value that is not there.
const ABSENT: &str = "(absent)";

/// One place where an answer is not the recorded one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The step and the pointer into its answer.
    pub(crate) path: String,
    pub(crate) recorded: Value,
    pub(crate) ours: Value,
}

/// All differences, the topmost of each branch.
pub(crate) fn differences(recorded: &Value, ours: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(Some(recorded), Some(ours), String::new(), &mut found);
    found
}

/// The paths of a value and of all its parts.
pub(crate) fn places(value: &Value, path: &str, seen: &mut Vec<String>) {
    seen.push(path.to_owned());
    match value {
        Value::Object(members) => members.iter().for_each(|(key, part)| places(part, &format!("{path}/{key}"), seen)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, part)| places(part, &format!("{path}/{at}"), seen));
        }
        _ => {}
    }
}

fn walk(recorded: Option<&Value>, ours: Option<&Value>, path: String, found: &mut Vec<Difference>) {
    match (recorded, ours) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                walk(one.get(key), other.get(key), format!("{path}/{key}"), found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for at in 0..one.len().max(other.len()) {
                walk(one.get(at), other.get(at), format!("{path}/{at}"), found);
            }
        }
        (one, other) if one == other => {}
        (one, other) => {
            let shown = |value: Option<&Value>| value.cloned().unwrap_or_else(|| ABSENT.into());
            found.push(Difference { path, recorded: shown(one), ours: shown(other) });
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = |value: &Value| value.to_string().chars().take(220).collect::<String>();
        write!(f, "{}: {} -> {}", self.path, start(&self.recorded), start(&self.ours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whole_and_decimal_numbers_differ() {
        let found = differences(&json!([{ "a": 1 }]), &json!([{ "a": 1.0 }]));

        assert_eq!(found[0].to_string(), "/0/a: 1 -> 1.0");
    }

    #[test]
    fn what_is_missing_and_what_is_new_is_absent_on_the_other_side() {
        let found = differences(&json!({ "a": [1, 2], "b": null }), &json!({ "a": [1], "c": true }));

        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(shown, [r#"/a/1: 2 -> "(absent)""#, r#"/b: null -> "(absent)""#, r#"/c: "(absent)" -> true"#]);
    }
}
