//! How much work it is to judge a value, counted before it is done.
//!
//! The validator has no bound: a list of hundreds of items against a hundred alternatives is a product, references that
//! branch are a power. What is counted here is how often a part of the schema is put to a part of the value.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Keywords whose schemas are put to the same value.
const ALL_OF_LIST: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const ONE: [&str; 4] = ["not", "if", "then", "else"];
/// Keywords whose schema is put to every member of an object.
const EVERY_MEMBER: [&str; 2] = ["additionalProperties", "propertyNames"];
/// Keywords whose schema is put to every item of a list.
const EVERY_ITEM: [&str; 2] = ["additionalItems", "contains"];

/// Whether judging the value takes at most this many steps.
pub(super) fn is_bounded(document: &Value, instance: &Value, most: usize) -> bool {
    let mut open = vec![(document, instance)];
    let mut done = 0;
    while let Some((schema, value)) = open.pop() {
        let Some(members) = schema.as_object() else { continue };
        done += 1 + length(members, "required") + length(members, "enum");
        in_place(document, members, value, &mut open);
        match value {
            Value::Object(parts) => members_of(members, parts, &mut open),
            Value::Array(items) => items_of(members, items, &mut open),
            _ => {}
        }
        if done + open.len() > most {
            return false;
        }
    }
    true
}

type Open<'v> = Vec<(&'v Value, &'v Value)>;

fn length(schema: &Map<String, Value>, keyword: &str) -> usize {
    schema.get(keyword).and_then(Value::as_array).map_or(0, Vec::len)
}

fn in_place<'v>(document: &'v Value, schema: &'v Map<String, Value>, value: &'v Value, open: &mut Open<'v>) {
    open.extend(schema.get("$ref").and_then(Value::as_str).and_then(|to| target(document, to)).map(|to| (to, value)));
    open.extend(ONE.iter().filter_map(|keyword| schema.get(*keyword)).map(|part| (part, value)));
    let lists = ALL_OF_LIST.iter().filter_map(|keyword| schema.get(*keyword)?.as_array());
    open.extend(lists.flatten().map(|part| (part, value)));
    let dependencies = schema.get("dependencies").and_then(Value::as_object);
    open.extend(dependencies.into_iter().flat_map(Map::values).map(|part| (part, value)));
}

fn members_of<'v>(schema: &'v Map<String, Value>, parts: &'v Map<String, Value>, open: &mut Open<'v>) {
    let named = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    open.extend(named.filter_map(|(name, part)| Some((part, parts.get(name)?))));
    let patterns = schema.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let every = EVERY_MEMBER.iter().filter_map(|keyword| schema.get(*keyword));
    for part in patterns.chain(every) {
        open.extend(parts.values().map(|value| (part, value)));
    }
}

fn items_of<'v>(schema: &'v Map<String, Value>, items: &'v [Value], open: &mut Open<'v>) {
    let list = schema.get("items");
    if let Some(tuple) = list.and_then(Value::as_array) {
        open.extend(tuple.iter().zip(items));
    }
    let every = EVERY_ITEM.iter().filter_map(|keyword| schema.get(*keyword));
    for part in every.chain(list.filter(|list| !list.is_array())) {
        open.extend(items.iter().map(|value| (part, value)));
    }
}

/// What a reference leads to: a place in the document, or in the part with the `$id` in front of the `#`.
fn target<'d>(document: &'d Value, reference: &str) -> Option<&'d Value> {
    let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let base = if base.is_empty() { document } else { named(document, base).unwrap_or(document) };
    base.pointer(&percent_decode_str(fragment).decode_utf8_lossy())
}

fn named<'d>(document: &'d Value, id: &str) -> Option<&'d Value> {
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        let own = value.get("$id").and_then(Value::as_str);
        if own.is_some_and(|own| own.trim_end_matches('#').ends_with(id)) {
            return Some(value);
        }
        match value {
            Value::Object(members) => open.extend(members.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_product_and_a_power_are_seen_before_they_are_computed() {
        let alternatives: Vec<Value> = (0..100).map(|n| json!({ "const": n })).collect();
        let product = json!({ "items": { "anyOf": alternatives } });
        let twice = json!({ "$ref": "#/definitions/tree" });
        let power = json!({ "definitions": { "tree": { "items": { "allOf": [twice, twice] } } }, "$ref": "#/definitions/tree" });
        let deep = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));

        assert!(is_bounded(&product, &json!([1, 2, 3]), 1_000));
        assert!(!is_bounded(&product, &Value::from(vec![1; 900]), 1_000));
        assert!(is_bounded(&power, &deep(3), 1_000));
        assert!(!is_bounded(&power, &deep(30), 1_000));
    }

    #[test]
    fn a_reference_in_a_circle_ends() {
        let circle = json!({ "definitions": { "a": { "$ref": "#/definitions/a" } }, "$ref": "#/definitions/a" });

        assert!(!is_bounded(&circle, &json!(1), 1_000));
    }
}
