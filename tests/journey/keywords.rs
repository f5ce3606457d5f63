//! Every keyword of a schema gives its message, at its field, with its context.

use serde_json::{Value, json};

use super::app_with_traits;

/// What the page says about trait `x`, which follows this schema, when this value is submitted as JSON.
async fn said(schema: Value, value: Value) -> Vec<Value> {
    said_at(schema, value, "traits.x").await
}

async fn said_at(schema: Value, value: Value, field: &str) -> Vec<Value> {
    let app = app_with_traits(json!({ "x": schema }));
    let mut native = app.native();
    let page = native.open().await;
    let traits = json!({ "email": "ada@example.org", "x": value });
    let answer =
        native.submit(&page, json!({ "method": "password", "password": "correct horse", "traits": traits })).await;
    assert_eq!(answer.status(), 400, "{}", answer.json());
    answer.field(field)["messages"].as_array().cloned().unwrap_or_default()
}

macro_rules! keywords {
    ($($name:ident: $schema:tt, $value:tt => $id:literal $text:literal $context:tt;)+) => {
        $(#[tokio::test]
        async fn $name() {
            let said = said(json!($schema), json!($value)).await;

            assert_eq!(said, [json!({ "id": $id, "type": "error", "text": $text, "context": $context })]);
        })+
    };
}

keywords! {
    min_length: { "type": "string", "minLength": 3 }, "äö"
        => 4000003 "length must be >= 3, but got 2" { "min_length": 3, "actual_length": 2 };
    max_length: { "type": "string", "maxLength": 1 }, "äö"
        => 4000017 "length must be <= 1, but got 2" { "max_length": 1, "actual_length": 2 };
    pattern: { "type": "string", "pattern": "^\\d$" }, "x"
        => 4000004 "does not match pattern \"^\\\\d$\"" { "pattern": "^\\d$" };
    minimum: { "type": "number", "minimum": 1000000 }, 3
        => 4000018 "must be >= 1e+06 but found 3" { "minimum": 1000000, "actual": 3 };
    whole_bounds_have_no_fraction: { "type": "number", "minimum": 18.0 }, 5.0
        => 4000018 "must be >= 18 but found 5" { "minimum": 18, "actual": 5 };
    exclusive_minimum: { "type": "number", "exclusiveMinimum": 3 }, 3
        => 4000019 "must be > 3 but found 3" { "minimum": 3, "actual": 3 };
    maximum: { "type": "number", "maximum": 0.25 }, 0.5
        => 4000020 "must be <= 0.25 but found 0.5" { "maximum": 0.25, "actual": 0.5 };
    exclusive_maximum: { "type": "number", "exclusiveMaximum": 3 }, 1234567
        => 4000021 "must be < 3 but found 1.234567e+06" { "maximum": 3, "actual": 1234567 };
    multiple_of: { "type": "number", "multipleOf": 0.25 }, 1.1
        => 4000022 "1.1 not multipleOf 0.25" { "base": 0.25, "actual": 1.1 };
    max_items: { "type": "array", "maxItems": 1 }, [1, 2]
        => 4000023 "maximum 1 items allowed, but found 2 items" { "max_items": 1, "actual_items": 2 };
    min_items: { "type": "array", "minItems": 1 }, []
        => 4000024 "minimum 1 items allowed, but found 0 items" { "min_items": 1, "actual_items": 0 };
    unique_items: { "type": "array", "uniqueItems": true }, [1, 2, 1]
        => 4000025 "items at index 0 and 2 are equal" { "index_a": 0, "index_b": 2 };
    one_type: { "type": "string" }, 5
        => 4000026 "expected string, but got number" { "allowed_types": ["string"], "actual_type": "number" };
    two_types: { "type": ["string", "null"] }, true
        => 4000026 "expected string or null, but got boolean" { "allowed_types": ["string", "null"], "actual_type": "boolean" };
    a_fraction_is_no_integer: { "type": "integer" }, 1.0
        => 4000026 "expected integer, but got number" { "allowed_types": ["integer"], "actual_type": "number" };
    a_wrong_type_is_told_alone: { "type": "string", "minLength": 3, "enum": ["abc"] }, 5
        => 4000026 "expected string, but got number" { "allowed_types": ["string"], "actual_type": "number" };
    constant_text: { "const": "foo" }, "bar"
        => 4000029 "must be equal to constant \"foo\"" { "expected": "\"foo\"" };
    constant_number: { "const": 5.5 }, 5
        => 4000029 "must be equal to constant \"5.5\"" { "expected": "\"5.5\"" };
    constant_boolean: { "type": "boolean", "const": true }, false
        => 4000029 "must be equal to constant true" { "expected": "true" };
    choice_of_several: { "type": "string", "enum": ["a", "b"] }, "c"
        => 4000001 "value must be one of \"a\", \"b\"" { "reason": "value must be one of \"a\", \"b\"" };
    choice_of_one: { "type": "string", "enum": ["a"] }, "c"
        => 4000001 "value must be \"a\"" { "reason": "value must be \"a\"" };
    choice_of_scalars: { "enum": [1, true, null] }, "c"
        => 4000001 "value must be one of \"1\", true, <nil>" { "reason": "value must be one of \"1\", true, <nil>" };
    choice_with_an_object: { "enum": [{}] }, "c"
        => 4000001 "enum failed" { "reason": "enum failed" };
    format_email: { "type": "string", "format": "email" }, "a\"b"
        => 4000040 "Enter a valid email address" { "value": "b" };
    format_email_of_a_number: { "format": "email" }, 5
        => 4000040 "Enter a valid email address" { "value": "5" };
    format_email_empty: { "type": "string", "format": "email" }, ""
        => 4000001 "\"\" is not valid \"email\"" { "reason": "\"\" is not valid \"email\"" };
    format_tel: { "type": "string", "format": "tel" }, "12"
        => 4000041 "Enter a valid phone number" { "value": "12" };
    format_date: { "type": "string", "format": "date" }, "2020-02-30"
        => 4000001 "\"2020-02-30\" is not valid \"date\"" { "reason": "\"2020-02-30\" is not valid \"date\"" };
    format_date_time_needs_a_zone: { "type": "string", "format": "date-time" }, "2020-01-01T10:00"
        => 4000001 "\"2020-01-01T10:00\" is not valid \"date-time\"" { "reason": "\"2020-01-01T10:00\" is not valid \"date-time\"" };
    format_uri: { "type": "string", "format": "uri" }, "a\\b"
        => 4000001 "\"a\\\\b\" is not valid \"uri\"" { "reason": "\"a\\\\b\" is not valid \"uri\"" };
    additional_properties: { "type": "object", "additionalProperties": false }, { "b": 1, "c": 2 }
        => 4000001 "additionalProperties \"b\", \"c\" not allowed" { "reason": "additionalProperties \"b\", \"c\" not allowed" };
    additional_items: { "type": "array", "items": [{}], "additionalItems": false }, [1, 2]
        => 4000001 "only 1 items are allowed, but found 2 items" { "reason": "only 1 items are allowed, but found 2 items" };
    dependencies: { "type": "object", "dependencies": { "a": ["b"] } }, { "a": 1 }
        => 4000001 "property \"b\" is required, if \"a\" property exists" { "reason": "property \"b\" is required, if \"a\" property exists" };
    min_properties: { "type": "object", "minProperties": 1 }, {}
        => 4000001 "minimum 1 properties allowed, but found 0 properties" { "reason": "minimum 1 properties allowed, but found 0 properties" };
    max_properties: { "type": "object", "maxProperties": 0 }, { "a": 1 }
        => 4000001 "maximum 0 properties allowed, but found 1 properties" { "reason": "maximum 0 properties allowed, but found 1 properties" };
    one_of_several_valid: { "oneOf": [{ "type": "number" }, { "minimum": 1 }] }, 5
        => 4000001 "valid against schemas at indexes 0 and 1" { "reason": "valid against schemas at indexes 0 and 1" };
    not: { "not": { "type": "string" } }, "x"
        => 4000001 "not failed" { "reason": "not failed" };
    then: { "if": { "type": "string" }, "then": { "minLength": 3 } }, "x"
        => 4000003 "length must be >= 3, but got 1" { "min_length": 3, "actual_length": 1 };
    all_of: { "allOf": [{ "minimum": 3 }] }, 1
        => 4000018 "must be >= 3 but found 1" { "minimum": 3, "actual": 1 };
}

#[tokio::test]
async fn a_constant_that_is_an_object_has_no_context() {
    let said = said(json!({ "const": { "a": 1 } }), json!({ "a": 2 })).await;

    assert_eq!(said, [json!({ "id": 4000030, "type": "error", "text": "const failed" })]);
}

#[tokio::test]
async fn a_choice_of_schemas_tells_the_mistakes_of_all_branches() {
    let said = said(json!({ "oneOf": [{ "type": "number" }, { "type": "boolean" }] }), json!("x")).await;

    assert_eq!(said.iter().map(|message| &message["id"]).collect::<Vec<_>>(), [4000026, 4000026]);
}

#[tokio::test]
async fn any_of_tells_each_missing_property_at_its_own_field() {
    let schema = json!({ "type": "object", "anyOf": [{ "required": ["a"] }, { "required": ["b"] }] });

    let a = said_at(schema.clone(), json!({}), "traits.x.a").await;
    let b = said_at(schema, json!({}), "traits.x.b").await;

    assert_eq!(a[0]["text"], "Property a is missing.");
    assert_eq!(b[0]["text"], "Property b is missing.");
}

#[tokio::test]
async fn contains_tells_the_mistake_of_each_item() {
    let schema = json!({ "type": "array", "contains": { "const": "a" } });

    let first = said_at(schema.clone(), json!(["b", "c"]), "traits.x.0").await;
    let second = said_at(schema, json!(["b", "c"]), "traits.x.1").await;

    assert_eq!((&first[0]["id"], &second[0]["id"]), (&json!(4000029), &json!(4000029)));
}

#[tokio::test]
async fn property_names_tell_their_mistake_at_the_property() {
    let schema = json!({ "type": "object", "propertyNames": { "maxLength": 2 } });

    let said = said_at(schema, json!({ "abc": 1 }), "traits.x.abc").await;

    assert_eq!(said[0]["id"], 4000017);
}

#[tokio::test]
async fn several_mistakes_of_one_field_are_all_told() {
    let said = said(json!({ "type": "string", "format": "email", "minLength": 5 }), json!("x")).await;

    let mut ids: Vec<u64> = said.iter().map(|message| message["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [4000003, 4000040]);
}

#[tokio::test]
async fn a_multiple_is_exact_in_decimals() {
    let app = app_with_traits(json!({ "x": { "type": "number", "multipleOf": 0.01 } }));
    let mut native = app.native();
    let page = native.open().await;
    let traits = json!({ "email": "ada@example.org", "x": 1.7 });

    let answer =
        native.submit(&page, json!({ "method": "password", "password": "correct horse", "traits": traits })).await;

    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_missing_property_is_named_as_it_stands_in_a_pointer() {
    let schema = json!({ "type": "object", "required": ["größe 1/2"] });

    let said = said_at(schema, json!({}), "traits.x.größe 1/2").await;

    assert_eq!(said[0]["text"], "Property gr%C3%B6%C3%9Fe%201~12 is missing.");
    assert_eq!(said[0]["context"], json!({ "property": "gr%C3%B6%C3%9Fe%201~12" }));
}
