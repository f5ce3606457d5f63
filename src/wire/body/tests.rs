use proptest::prelude::*;
use serde_json::json;

use super::*;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn reason(content_type: &str, body: &str) -> String {
    read(content_type, body.as_bytes()).unwrap_err()
}

#[test]
fn what_is_no_object_is_named() {
    for (body, kind) in [("1", "Number"), ("\"x\"", "String"), ("true", "True"), ("null", "Null"), ("[]", "JSON")] {
        assert!(reason(JSON, body).ends_with(&format!("but got: {kind}")), "{body}");
    }
}

#[test]
fn only_the_first_json_value_is_read() {
    assert_eq!(read(JSON, b"{}}"), Ok(Form::Json(serde_json::Map::new())));
}

#[test]
fn a_doubled_key_must_not_mean_two_things() {
    assert!(read(JSON, br#"{"method":"password","method":"password"}"#).is_ok());
    assert_eq!(reason(JSON, r#"{"method":"password","method":"code"}"#), NOT_JSON);
}

#[test]
fn bounds_hold_on_both_sides() {
    let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let listed = |values: usize| json!({ "a": vec![1; values] }).to_string();
    let fields = |count: usize| (0..count).map(|n| format!("f{n}=x")).collect::<Vec<_>>().join("&");
    let good =
        [nested(32), listed(998), json!({ "a": "x".repeat(4096), "id_token": "x".repeat(32 * 1024) }).to_string()];
    let bad = [nested(33), listed(999), json!({ "a": "x".repeat(4097) }).to_string(), nested(5000)];
    for body in good {
        assert!(read(JSON, body.as_bytes()).is_ok());
    }
    for body in bad {
        assert_eq!(reason(JSON, &body), NOT_JSON);
    }
    assert!(read(FORM, fields(200).as_bytes()).is_ok());
    assert_eq!(reason(FORM, &fields(201)), NOT_JSON);
    assert_eq!(reason(FORM, &format!("{}=1", "a.".repeat(16) + "a")), NOT_JSON);
}

#[test]
fn a_broken_form_says_where() {
    assert!(reason(FORM, "a=%zz").ends_with("invalid URL escape \"%zz\""));
    assert!(reason(FORM, "a=1;b=2").ends_with("invalid semicolon separator in query"));
    assert!(reason(FORM, "a=%zz&b=1;c").ends_with("invalid semicolon separator in query"));
    assert!(reason(FORM, "a=%ff").ends_with("invalid UTF-8"));
}

#[test]
fn content_types_are_read_without_their_parameters() {
    assert!(read("Application/JSON; charset=utf-8", b"{}").is_ok());
    assert_eq!(read("multipart/form-data; boundary=x", b"--x"), Ok(Form::empty()));
    for kind in ["", "text/plain", "application/json; charset"] {
        assert!(reason(kind, "{}").contains(&format!("\"Content-Type: {kind}\"")));
    }
}

proptest! {
    #[test]
    fn f1_what_a_form_says_is_what_is_read(fields in prop::collection::vec(("[a-z.]{1,12}", "[^\u{fffd}]{0,40}"), 0..40)) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();

        prop_assert_eq!(read(FORM, body.as_bytes()), Ok(Form::Pairs(fields)));
    }

    #[test]
    fn f1_no_bytes_make_the_form_reader_fail(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(FORM, &bytes);
    }

    #[test]
    fn f2_the_json_reader_agrees_with_another_one(text in r#"[\[\]{}",:a-c01.eE+\\u-]{0,60}"#) {
        let ours = read(JSON, text.as_bytes());
        let theirs = serde_json::Deserializer::from_str(&text).into_iter::<Value>().next();

        match (ours, theirs) {
            (Ok(Form::Json(members)), Some(Ok(value))) => prop_assert_eq!(Value::Object(members), value),
            (Ok(_), other) => prop_assert!(false, "only ours reads {text:?}: {other:?}"),
            // Bounds and doubled keys are ours alone.
            (Err(_), _) => {}
        }
    }

    #[test]
    fn f2_no_bytes_make_the_json_reader_fail(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(JSON, &bytes);
    }
}
