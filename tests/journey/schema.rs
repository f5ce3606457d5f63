//! Schemas: what becomes a field, what names a person, which schema counts.

use serde_json::{Value, json};
use tower_registration::methods::Password;
use tower_registration::testing::{App, PERSON};
use tower_registration::{Schema, Style};

use super::{app_with_schema, app_with_traits};

/// The field of trait `x` with this schema; null when there is none.
async fn field(schema: Value) -> Value {
    app_with_traits(json!({ "x": schema })).native().open().await.field("traits.x")
}

async fn kind(schema: Value) -> Value {
    field(schema).await["attributes"]["type"].clone()
}

#[tokio::test]
async fn the_type_of_a_trait_is_the_type_of_its_field() {
    assert_eq!(kind(json!({ "type": "string" })).await, "text");
    assert_eq!(kind(json!({ "type": "integer" })).await, "number");
    assert_eq!(kind(json!({ "type": "boolean" })).await, "checkbox");
    assert_eq!(kind(json!({ "const": true })).await, "checkbox");
    assert_eq!(kind(json!({ "const": 5 })).await, "number");
    assert_eq!(kind(json!({ "type": "array", "items": { "type": "string" } })).await, "text");
    assert_eq!(kind(json!({ "type": "array" })).await, "text");
    assert_eq!(kind(json!({ "type": ["string", "null"], "default": "a" })).await, "text");
}

#[tokio::test]
async fn what_takes_no_single_value_has_no_field() {
    for schema in [
        json!({ "type": "object" }),
        json!({ "type": "array", "items": { "type": "object" } }),
        json!({ "type": ["string", "null"] }),
        json!({ "type": ["string", "null", "number"], "default": 1 }),
        json!({ "enum": ["a"] }),
        json!({ "const": null }),
        json!({ "type": "null" }),
        json!({}),
    ] {
        assert!(field(schema.clone()).await.is_null(), "{schema}");
    }
}

#[tokio::test]
async fn a_format_says_more_than_the_type() {
    for (format, expected, autocomplete) in [
        ("email", "email", json!("email")),
        ("tel", "tel", json!("tel")),
        ("date", "date", json!(null)),
        ("date-time", "datetime-local", json!(null)),
        ("uri", "url", json!("url")),
        ("time", "text", json!(null)),
    ] {
        let field = field(json!({ "type": "string", "format": format })).await;

        assert_eq!(
            (&field["attributes"]["type"], &field["attributes"]["autocomplete"]),
            (&json!(expected), &autocomplete)
        );
    }
}

#[tokio::test]
async fn choices_pattern_and_title_are_on_the_field() {
    let field = field(json!({ "type": "string", "title": "X", "enum": ["a", "b"], "pattern": "^.$" })).await;

    assert_eq!(field["attributes"]["options"], json!([{ "value": "a" }, { "value": "b" }]));
    assert_eq!(field["attributes"]["pattern"], "^.$");
    assert_eq!(field["meta"]["label"]["context"], json!({ "name": "traits.x", "title": "X" }));
}

#[tokio::test]
async fn of_several_definitions_the_last_wins_unless_an_earlier_one_has_a_default() {
    let stolen =
        field(json!({ "type": "string", "title": "S", "anyOf": [{ "type": "string", "minLength": 2 }] })).await;
    let kept = field(json!({ "type": "string", "title": "S", "default": "", "anyOf": [{ "type": "number" }] })).await;

    assert!(stolen["meta"]["label"].is_null());
    assert_eq!((&kept["attributes"]["type"], &kept["meta"]["label"]["text"]), (&json!("text"), &json!("S")));
}

#[tokio::test]
async fn a_required_trait_behind_a_reference_is_asked_for_but_not_marked() {
    let schema = json!({ "type": "object", "definitions": { "E": { "type": "string", "title": "E" } },
        "properties": { "traits": { "type": "object", "required": ["email", "x"], "properties": {
            "email": { "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } },
            "x": { "$ref": "#/definitions/E" } } } } });
    let app = app_with_schema(&schema.to_string());
    let mut native = app.native();
    let page = native.open().await;

    let answer = native.submit(&page, super::ada()).await;

    assert!(page.field("traits.x")["attributes"]["required"].is_null());
    assert_eq!(page.field("traits.x")["meta"]["label"]["text"], "E");
    assert_eq!(answer.messages_at("traits.x"), [4000002]);
}

#[tokio::test]
async fn a_marked_trait_behind_a_reference_names_the_person() {
    let schema = json!({ "type": "object", "definitions": {
            "E": { "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } } },
        "properties": { "traits": { "type": "object", "properties": { "email": { "$ref": "#/definitions/E" } } } } });
    let app = app_with_schema(&schema.to_string());
    let mut native = app.native();
    let page = native.open().await;

    let answer = native.submit(&page, super::ada()).await;

    assert_eq!(answer.status(), 200);
    let credentials = app.memory().credentials(app.identities()[0].id());
    assert_eq!(credentials[0].identifiers(), ["ada@example.org"]);
}

#[tokio::test]
async fn a_schema_that_names_nobody_cannot_register_anybody() {
    let schema =
        r#"{"type":"object","properties":{"traits":{"type":"object","properties":{"email":{"type":"string"}}}}}"#;
    let app = app_with_schema(schema);
    let mut native = app.native();
    let page = native.open().await;

    let answer = native.submit(&page, super::ada()).await;

    assert_eq!(answer.messages(), [4000009]);
}

#[tokio::test]
async fn every_kind_of_credential_that_the_schema_names_is_created() {
    let marks = json!({ "credentials": { "password": { "identifier": true }, "webauthn": { "identifier": true },
        "code": { "identifier": true, "via": "email" } }, "verification": { "via": "email" }, "recovery": { "via": "email" } });
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "email": { "type": "string", "format": "email", "ory.sh/kratos": marks } } } } });
    let app = app_with_schema(&schema.to_string());
    let mut native = app.native();
    let page = native.open().await;

    let answer = native
        .submit(
            &page,
            json!({ "method": "password", "password": "correct horse", "traits": { "email": "Ada@Example.org" } }),
        )
        .await;

    let identity = &app.identities()[0];
    let credentials = app.memory().credentials(identity.id());
    let kinds: Vec<&str> = credentials.iter().map(|credential| credential.kind().as_str()).collect();
    assert_eq!(kinds, ["code", "password", "webauthn"]);
    assert_eq!(
        credentials[0].config(),
        &json!({ "addresses": [{ "channel": "email", "address": "ada@example.org" }] })
    );
    assert!(credentials[1].config()["hashed_password"].as_str().unwrap().starts_with("$argon2id$"));
    assert_eq!(answer.at("/identity/traits/email"), "Ada@Example.org");
    assert_eq!(answer.at("/identity/verifiable_addresses/0/value"), "ada@example.org");
    assert!(answer.at("/identity/credentials").is_null());
}

#[tokio::test]
async fn a_phone_number_is_stored_in_one_spelling() {
    let marks = json!({ "credentials": { "password": { "identifier": true } }, "verification": { "via": "sms" } });
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "phone": { "type": "string", "format": "tel", "ory.sh/kratos": marks } } } } });
    let app = app_with_schema(&schema.to_string());
    let mut native = app.native();
    let page = native.open().await;
    let answer =
        json!({ "method": "password", "password": "correct horse", "traits": { "phone": "+49 176 671 11 638" } });

    let first = native.submit(&page, answer.clone()).await;
    let mut other = app.native();
    let page = other.open().await;
    let second = other.submit(&page, answer).await;

    assert_eq!(first.at("/identity/traits/phone"), "+4917667111638");
    assert_eq!(second.messages(), [4000007]);
    assert_eq!(second.value_of("traits.phone"), "+4917667111638");
}

#[tokio::test]
async fn several_addresses_stand_in_the_order_of_the_schema() {
    let mail =
        |via: &str| json!({ "type": "string", "format": "email", "ory.sh/kratos": { "verification": { "via": via } } });
    let mut z = mail("email");
    z["ory.sh/kratos"]["credentials"] = json!({ "password": { "identifier": true } });
    let schema = format!(
        r#"{{"type":"object","properties":{{"traits":{{"type":"object","properties":{{"z":{z},"a":{a}}}}}}}}}"#,
        a = mail("email")
    );
    let app = app_with_schema(&schema);
    let mut native = app.native();
    let page = native.open().await;
    let traits = json!({ "z": "zoe@example.org", "a": "ada@example.org" });

    let answer =
        native.submit(&page, json!({ "method": "password", "password": "correct horse", "traits": traits })).await;

    assert_eq!(answer.at("/identity/verifiable_addresses/0/value"), "zoe@example.org");
    assert_eq!(answer.at("/identity/verifiable_addresses/1/value"), "ada@example.org");
}

fn two_schemas() -> App {
    let person = Schema::parse("person", PERSON).unwrap();
    let customer = PERSON.replace("\"First name\"", "\"Given name\"").replace("[\"email\"]", "[\"email\", \"name\"]");
    let customer = Schema::parse("customer", &customer).unwrap().selectable();
    let hidden = Schema::parse("hidden", PERSON).unwrap();
    App::bare(|builder| {
        builder.schema(person).schema(customer).schema(hidden).method(Password::new()).style(Style::Unified)
    })
    .unwrap()
}

#[tokio::test]
async fn a_client_may_choose_among_the_schemas_that_are_offered() {
    let app = two_schemas();
    let mut native = app.native();

    let chosen = native.open_with("identity_schema=customer").await;
    let default = native.open_with("identity_schema=person").await;
    let hidden = native.open_with("identity_schema=hidden").await;
    let unknown = native.open_with("identity_schema=nobody").await;

    assert_eq!(chosen.at("/identity_schema"), "customer");
    assert_eq!(chosen.field("traits.name.first")["meta"]["label"]["text"], "Given name");
    assert_eq!(default.at("/identity_schema"), "person");
    assert_eq!(
        hidden.at("/error/reason"),
        "Requested identity schema \"hidden\" is not enabled for self-service flows."
    );
    assert_eq!(unknown.at("/error/reason"), "Requested identity schema \"nobody\" does not exist.");
}

#[tokio::test]
async fn the_chosen_schema_governs_the_flow_and_its_replacement() {
    let app = two_schemas();
    let mut native = app.native();
    let page = native.open_with("identity_schema=customer").await;
    app.clock().advance(time::Duration::hours(2));

    let gone = native.submit(&page, super::ada()).await;
    let new = native.show(gone.at("/use_flow_id").as_str().unwrap()).await;
    let refused = native.submit(&new, super::ada()).await;
    let mut answer = super::ada();
    answer["traits"]["name"] = json!({ "first": "Ada" });
    let done = native.submit(&new, answer).await;

    assert_eq!(new.field("traits.name.first")["meta"]["label"]["text"], "Given name");
    assert_eq!(refused.status(), 200, "an object that is left out counts as given");
    assert_eq!(done.status(), 400);
}

#[tokio::test]
async fn schemas_are_public_by_name_and_by_encoded_name() {
    let app = two_schemas();
    let mut native = app.native();

    let by_name = native.get("/schemas/customer").await;
    let encoded = native.get("/schemas/Y3VzdG9tZXI").await;
    let list = native.get("/schemas?per_page=2&page=2").await;

    assert_eq!(by_name.at("/title"), "Person");
    assert_eq!(by_name.json(), encoded.json());
    assert_eq!(list.at("/0/id"), "hidden");
    assert_eq!(list.header("x-total-count"), "3");
    assert!(list.header("link").contains("page=1&per_page=2>; rel=\"prev\""));
}

#[tokio::test]
async fn an_address_of_another_format_is_stored_as_it_is_looked_up() {
    let app = app_with_traits(json!({ "x": { "type": "string", "format": "no-validate",
        "ory.sh/kratos": { "verification": { "via": "email" } } } }));
    let mut native = app.native();
    let page = native.open().await;
    let traits = json!({ "email": "ada@example.org", "x": " Ada Lovelace@Office " });

    let done =
        native.submit(&page, json!({ "method": "password", "password": "correct horse", "traits": traits })).await;

    assert_eq!(done.at("/identity/verifiable_addresses/0/value"), "ada lovelace@office");
    assert_eq!(done.at("/identity/traits/x"), " Ada Lovelace@Office ");
}

#[tokio::test]
async fn an_address_that_runs_both_ways_names_a_person_and_gets_no_letters() {
    let plain = app_with_traits(json!({}));
    let proved = app_with_traits(json!({ "x": { "type": "string", "format": "email",
        "ory.sh/kratos": { "verification": { "via": "email" } } } }));
    let address = "שרה@example.org";
    let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": address } });
    let mut native = plain.native();
    let page = native.open().await;
    assert_eq!(native.submit(&page, answer.clone()).await.status(), 200);

    let mut native = proved.native();
    let page = native.open().await;
    let mut answer = answer;
    answer["traits"]["x"] = json!(address);
    let refused = native.submit(&page, answer).await;

    assert_eq!(refused.messages_at("traits.x"), [4000001]);
    let reason = format!("\"{address}\" can not be normalized for format \"email\"");
    assert_eq!(refused.field("traits.x")["messages"][0]["text"], reason);
}
