//! What a form says and what becomes of it: checkboxes, lists, numbers, empty fields, whole objects.

use serde_json::{Value, json};
use tower_registration::testing::Reply;

use super::app_with_traits;

/// What a browser's form with these fields leads to, beside an e-mail address and a password.
async fn sent(traits: Value, fields: &[(&str, &str)]) -> (Reply, Value) {
    let app = app_with_traits(traits);
    let mut browser = app.browser();
    let page = browser.open().await;
    let token = page.value_of("csrf_token");
    let own = [("csrf_token", token.as_str().unwrap()), ("method", "password"), ("password", "correct horse")];
    let all = own.iter().chain([("traits.email", "ada@example.org")].iter()).chain(fields);
    let all: Vec<(String, String)> = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let answer = browser.post_form(&format!("/self-service/registration?flow={}", page.flow_id().unwrap()), &all).await;
    let stored = app.identities().first().map(|identity| identity.traits().clone()).unwrap_or_default();
    (browser.page(answer).await, stored)
}

async fn stored(traits: Value, fields: &[(&str, &str)]) -> Value {
    let (reply, stored) = sent(traits, fields).await;
    assert!(stored.is_object(), "{} {}", reply.status(), reply.json());
    stored["x"].clone()
}

async fn refused(traits: Value, fields: &[(&str, &str)], field: &str) -> Vec<u64> {
    let (reply, stored) = sent(traits, fields).await;
    assert!(stored.is_null(), "{stored}");
    reply.messages_at(field)
}

#[tokio::test]
async fn of_a_checkbox_the_last_value_counts() {
    let x = json!({ "x": { "type": "boolean" } });

    assert_eq!(stored(x.clone(), &[("traits.x", "false"), ("traits.x", "true")]).await, json!(true));
    assert_eq!(stored(x.clone(), &[("traits.x", "F")]).await, json!(false));
    assert_eq!(stored(x.clone(), &[("traits.x", "")]).await, json!(null));
    assert_eq!(refused(x, &[("traits.x", "on")], "traits.x").await, [4000026]);
}

#[tokio::test]
async fn a_list_is_sent_by_repeating_its_name() {
    let texts = json!({ "x": { "type": "array", "items": { "type": "string" } } });
    let numbers = json!({ "x": { "type": "array", "items": { "type": "integer" } } });
    let flags = json!({ "x": { "type": "array", "items": { "type": "boolean" } } });

    assert_eq!(stored(texts.clone(), &[("traits.x", "a"), ("traits.x", "b")]).await, json!(["a", "b"]));
    assert_eq!(stored(texts, &[("traits.x", "")]).await, json!([""]));
    assert_eq!(stored(numbers.clone(), &[("traits.x", "1"), ("traits.x", "2.0")]).await, json!([1, 2]));
    assert_eq!(stored(flags, &[("traits.x", "t"), ("traits.x", "0")]).await, json!([true, false]));
    assert_eq!(refused(numbers, &[("traits.x", "1"), ("traits.x", "x")], "traits.x.1").await, [4000026]);
}

#[tokio::test]
async fn numbers_are_read_generously() {
    let number = json!({ "x": { "type": "number" } });
    let integer = json!({ "x": { "type": "integer" } });

    assert_eq!(stored(number.clone(), &[("traits.x", "+5")]).await, json!(5));
    assert_eq!(stored(number.clone(), &[("traits.x", "1_000.5")]).await, json!(1000.5));
    assert_eq!(stored(number.clone(), &[("traits.x", "1e3")]).await, json!(1000));
    assert_eq!(stored(integer.clone(), &[("traits.x", "5.0")]).await, json!(5));
    assert_eq!(stored(integer.clone(), &[("traits.x", "")]).await, json!(null));
    assert_eq!(refused(number.clone(), &[("traits.x", " 5")], "traits.x").await, [4000026]);
    assert_eq!(refused(number.clone(), &[("traits.x", "0x10")], "traits.x").await, [4000026]);
    assert_eq!(refused(number, &[("traits.x", "1e400")], "traits.x").await, [4000026]);
}

#[tokio::test]
async fn a_number_that_json_does_not_know_is_a_body_that_cannot_be_decoded() {
    let (reply, stored) = sent(json!({ "x": { "type": "number" } }), &[("traits.x", "NaN")]).await;

    assert!(stored.is_null());
    assert_eq!(reply.messages(), [4000001]);
    for (number, why) in [
        ("NaN", "invalid character 'N' looking for beginning of value"),
        ("+inf", "invalid character '+' looking for beginning of value"),
        ("Infinity", "invalid character '+' looking for beginning of value"),
        ("-Inf", "invalid character 'I' in numeric literal"),
    ] {
        let (reply, _) = sent(json!({ "x": { "type": "number" } }), &[("traits.x", number)]).await;
        assert_eq!(reply.at("/ui/messages/0/text"), format!("Unable to decode JSON payload: {why}"));
    }
}

#[tokio::test]
async fn an_object_may_be_sent_as_json_and_is_there_even_when_it_is_left_out() {
    let x =
        json!({ "x": { "type": "object", "properties": { "a": { "type": "integer" }, "o": { "type": "object" } } } });

    assert_eq!(stored(x.clone(), &[("traits.x", "{\"a\":1}")]).await, json!({ "a": 1, "o": {} }));
    assert_eq!(stored(x.clone(), &[("traits.x", "{\"o\":{}}"), ("traits.x.a", "2")]).await, json!({ "a": 2, "o": {} }));
    assert_eq!(stored(x.clone(), &[]).await, json!({ "o": {} }));
    let (reply, _) = sent(x, &[("traits.x", "{bad")]).await;
    assert_eq!(reply.messages(), [4000001]);
}

#[tokio::test]
async fn a_list_of_objects_that_is_left_out_stays_left_out() {
    let x = json!({ "x": { "type": "array", "items": { "type": "object" } } });

    assert_eq!(stored(x.clone(), &[]).await, json!(null));
    assert_eq!(refused(x, &[("traits.x", "{}")], "traits.x.0").await, [4000026]);
}

#[tokio::test]
async fn names_the_schema_does_not_know_are_dropped() {
    let x = json!({ "x": { "type": "string" } });

    let (_, stored) = sent(x, &[("traits.admin", "true"), ("traits[x]", "a"), ("traits.x[]", "b"), ("x", "c")]).await;

    assert_eq!(stored, json!({ "email": "ada@example.org" }));
}

#[tokio::test]
async fn a_field_that_was_emptied_is_empty_after_a_mistake_and_one_left_out_keeps_its_value() {
    let app = app_with_traits(json!({ "x": { "type": "string" }, "y": { "type": "string" } }));
    let mut browser = app.browser();
    let page = browser.open().await;
    let traits = json!({ "email": "nope", "x": "first", "y": "second" });
    let _ = browser.submit(&page, json!({ "method": "password", "traits": traits })).await;

    let again = browser.submit(&page, json!({ "method": "password", "traits": { "email": "nope", "x": "" } })).await;
    let page = browser.page(again).await;

    assert!(page.value_of("traits.x").is_null());
    assert_eq!(page.value_of("traits.y"), "second");
}

#[tokio::test]
async fn flattened_names_work_in_json_too_and_beside_an_object() {
    let app = app_with_traits(json!({ "x": { "type": "integer" } }));
    let mut native = app.native();
    let page = native.open().await;
    let answer = json!({ "method": "password", "password": 1234567890, "traits.x": "5",
        "traits": { "email": "ada@example.org" }, "transient_payload": "{\"a\":1}" });

    let reply = native.submit(&page, answer).await;

    assert_eq!(reply.status(), 200, "{}", reply.json());
    assert_eq!(reply.at("/identity/traits"), json!({ "email": "ada@example.org", "x": 5 }));
}

#[tokio::test]
async fn a_payload_for_hooks_must_be_an_object() {
    let app = app_with_traits(json!({}));
    let mut native = app.native();
    let page = native.open().await;
    let mut answer = super::ada();
    answer["transient_payload"] = json!([1]);

    let reply = native.submit(&page, answer).await;

    assert_eq!(reply.messages_at("transient_payload"), [4000026]);
}

#[tokio::test]
async fn traits_that_are_no_object_are_told_on_the_form() {
    let app = app_with_traits(json!({}));
    let mut native = app.native();
    let page = native.open().await;
    let with = |traits: Value| json!({ "method": "password", "password": "correct horse", "traits": traits });

    let text = native.submit(&page, with(json!("x"))).await;
    let list = native.submit(&page, with(json!([1]))).await;
    let none = native.submit(&page, with(json!(null))).await;

    assert_eq!((text.status(), text.messages()), (400, vec![4000001]));
    assert_eq!((list.status(), list.messages_at("traits")), (400, vec![4000026]));
    assert_eq!((none.status(), none.messages_at("traits.email")), (400, vec![4000002]));
}

#[tokio::test]
async fn traits_that_are_a_number_or_a_boolean_count_as_none_and_beside_them_flattened_names_work() {
    let app = app_with_traits(json!({ "x": { "type": "integer" } }));
    for traits in [json!(5), json!(true)] {
        let mut native = app.native();
        let page = native.open().await;
        let missing = json!({ "method": "password", "password": "correct horse", "traits": traits });
        let refused = native.submit(&page, missing.clone()).await;
        let mut whole = missing;
        whole["traits.email"] = json!(format!("ada-{traits}@example.org"));
        let done = native.submit(&page, whole).await;

        assert_eq!((refused.status(), refused.messages_at("traits.email")), (400, vec![4_000_002]), "{traits}");
        assert_eq!(done.status(), 200, "{traits}: {done:?}");
    }
}
