//! Journeys with one-time codes: sent, typed, resent, too late, too often, for other traits.
//!
//! Recorded cases of the reference: `code-*`, `sms-*`.

use serde_json::{Value, json};
use time::Duration;
use tower_registration::host::Kind;
use tower_registration::identity::AddressState;
use tower_registration::methods::{Code, Password};
use tower_registration::testing::{App, Client, Reply};
use tower_registration::{AddressLimits, Schema, Style};

const ADA: &str = "ada@example.org";

fn app() -> App {
    App::with(|builder| builder.method(Code::new()).method(Password::new())).unwrap()
}

fn asked(more: Value) -> Value {
    let mut answer = json!({ "method": "code", "traits": { "email": ADA } });
    answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    answer
}

/// Asks for a code and reads it.
async fn sent(app: &App, client: &mut Client, page: &Reply) -> (Reply, String) {
    let answer = client.submit(page, asked(json!({}))).await;
    let page = client.page(answer).await;
    app.deliver().await.unwrap();
    (page, app.mailbox().latest_code(ADA).unwrap())
}

#[tokio::test]
async fn a_code_signs_up_and_proves_its_address() {
    for kind in [tower_registration::testing::ClientKind::Browser, tower_registration::testing::ClientKind::Native] {
        let app = app();
        let mut client = app.client(kind);
        let page = client.open().await;

        let (page, code) = sent(&app, &mut client, &page).await;
        let done = client.submit(&page, asked(json!({ "code": code }))).await;

        assert!([200, 303].contains(&done.status()), "{done:?}");
        let ada = app.identities().pop().unwrap();
        assert!(matches!(ada.verifiable_addresses()[0].state(), AddressState::Verified(_)));
        let letters = app.mailbox().letters();
        assert_eq!((letters.len(), letters[0].to().value()), (1, ADA), "a proved address needs no other letter");
    }
}

#[tokio::test]
async fn a_canonical_address_gets_the_letter_and_is_proved() {
    let app = app();
    let mut client = app.native();
    let page = client.open().await;
    let typed = json!({ "email": "Ada@Example.ORG" });

    let page = client.submit(&page, asked(json!({ "traits": typed }))).await;
    app.deliver().await.unwrap();
    let code = app.mailbox().latest_code(ADA).unwrap();
    let done = client.submit(&page, asked(json!({ "traits": typed, "code": code }))).await;

    assert_eq!(done.status(), 200, "{done:?}");
    assert_eq!(done.at("/identity/verifiable_addresses/0/status"), "completed");
}

#[tokio::test]
async fn the_screen_asks_for_a_code_and_nothing_else() {
    let app = app();
    let mut spa = app.spa();
    let page = spa.open().await;

    let page = spa.submit(&page, asked(json!({ "transient_payload": { "a": 1 } }))).await;

    assert_eq!((page.status(), page.at("/state"), page.at("/active")), (400, json!("sent_email"), json!("code")));
    let names =
        ["csrf_token", "traits.email", "traits.name.first", "traits.name.last", "method", "code", "method", "resend"];
    assert_eq!(page.field_names(), names);
    assert_eq!(page.messages(), [1040005]);
    assert_eq!(page.at("/transient_payload"), json!({ "a": 1 }));
    assert_eq!(page.value_of("code"), Value::Null);
}

#[tokio::test]
async fn a_wrong_code_is_refused_and_the_right_one_still_works() {
    let app = app();
    let mut client = app.native();
    let page = client.open().await;
    let (page, code) = sent(&app, &mut client, &page).await;

    for wrong in ["", "12345", "1234567", "абвгде", "      "] {
        let refused = client.submit(&page, asked(json!({ "code": wrong }))).await;
        match wrong {
            // A missing one does not count.
            "" => assert_eq!(refused.messages_at("code"), [4000002]),
            _ => assert_eq!(refused.messages(), [4040003], "{wrong}"),
        }
    }
    let fifth = client.submit(&page, asked(json!({ "code": code }))).await;

    assert_eq!(fifth.status(), 200, "{fifth:?}");
}

#[tokio::test]
async fn a_sixth_code_is_not_judged_and_another_code_does_not_help() {
    let app = App::with(|builder| builder.method(Code::new())).unwrap();
    let mut client = app.native();
    let page = client.open().await;
    let (page, code) = sent(&app, &mut client, &page).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };

    for _ in 0..5 {
        assert_eq!(client.submit(&page, asked(json!({ "code": wrong }))).await.messages(), [4040003]);
    }
    let right = client.submit(&page, asked(json!({ "code": code }))).await;
    let again = client.submit(&page, asked(json!({ "resend": "code" }))).await;
    app.deliver().await.unwrap();
    let code = app.mailbox().latest_code(ADA).unwrap();
    let fresh = client.submit(&again, asked(json!({ "code": code }))).await;

    for refused in [right, fresh] {
        let text = refused.at("/ui/messages/0/text");
        assert_eq!(text, "The request was submitted too often. Please request another code.");
    }
    assert!(app.identities().is_empty());
}

#[tokio::test]
async fn wrong_codes_count_for_the_address_over_all_flows() {
    let limits = AddressLimits::new().wrong_codes(7, 100).letters(50, 50);
    let app = App::with(|builder| builder.method(Code::new()).address_limits(limits)).unwrap();
    let mut client = app.native();
    let mut judged = 0;

    for _ in 0..3 {
        let page = client.open().await;
        let (page, code) = sent(&app, &mut client, &page).await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            let refused = client.submit(&page, asked(json!({ "code": wrong }))).await;
            judged += usize::from(refused.messages() == [4040003]);
        }
    }
    assert_eq!(judged, 7);

    app.clock().advance(Duration::minutes(61));
    let page = client.open().await;
    let (page, code) = sent(&app, &mut client, &page).await;
    assert_eq!(client.submit(&page, asked(json!({ "code": code }))).await.status(), 200);
}

#[tokio::test]
async fn another_code_ends_the_one_before() {
    let app = app();
    let mut client = app.spa();
    let page = client.open().await;
    let (page, old) = sent(&app, &mut client, &page).await;

    let page = client.submit(&page, asked(json!({ "resend": "code" }))).await;
    app.deliver().await.unwrap();
    let new = app.mailbox().latest_code(ADA).unwrap();

    assert_eq!((page.messages(), app.mailbox().letters().len()), (vec![1040005], 2));
    if old != new {
        assert_eq!(client.submit(&page, asked(json!({ "code": old }))).await.messages(), [4040003]);
    }
    assert_eq!(client.submit(&page, asked(json!({ "code": new }))).await.status(), 200);
}

#[tokio::test]
async fn resend_knows_one_word() {
    let app = app();
    let mut client = app.spa();
    let page = client.open().await;

    let refused = client.submit(&page, asked(json!({ "resend": "sms" }))).await;

    assert_eq!(refused.messages_at("resend"), [4000001]);
    assert_eq!(refused.field("resend")["messages"][0]["text"], "value must be \"code\"");
    assert_eq!(app.deliver().await.unwrap().delivered, 0);
}

#[tokio::test]
async fn a_wrong_word_for_resend_is_told_together_with_the_other_mistakes() {
    let app = app();
    let mut client = app.native();
    let page = client.open().await;

    let refused = client.submit(&page, asked(json!({ "traits": {}, "resend": "sms" }))).await;

    assert_eq!((refused.messages_at("resend"), refused.messages_at("traits.email")), (vec![4000001], vec![4000002]));
}

#[tokio::test]
async fn traits_are_judged_before_a_code_is_missed() {
    let app = app();
    let mut client = app.native();
    let page = client.open().await;
    let (page, _) = sent(&app, &mut client, &page).await;

    let refused = client.submit(&page, asked(json!({ "traits": {} }))).await;
    let missed = client.submit(&page, asked(json!({ "code": "" }))).await;

    assert_eq!((refused.messages_at("traits.email"), refused.messages_at("code")), (vec![4000002], vec![]));
    assert_eq!(missed.messages_at("code"), [4000002]);
}

#[tokio::test]
async fn what_the_schema_does_not_draw_is_not_shown_beside_the_code_unless_a_step_showed_it() {
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "email": { "type": "string", "ory.sh/kratos": { "credentials": { "code": { "identifier": true, "via": "email" } } } },
        "tags": { "type": "array", "items": { "type": "string" } } } } } });
    let traits = json!({ "email": ADA, "tags": ["a"] });
    for (style, drawn) in [(Style::Unified, json!(null)), (Style::ProfileFirst, json!("hidden"))] {
        let schema = Schema::parse("person", &schema.to_string()).unwrap();
        let app = App::bare(|builder| builder.schema(schema).method(Code::new()).style(style)).unwrap();
        let mut client = app.native();
        let mut page = client.open().await;
        if style == Style::ProfileFirst {
            page = client.submit(&page, json!({ "method": "profile", "traits": traits })).await;
            assert_eq!(page.field("traits.tags.0")["attributes"]["type"], "text");
        }

        let page = client.submit(&page, asked(json!({ "traits": traits }))).await;
        app.deliver().await.unwrap();
        let code = app.mailbox().latest_code(ADA).unwrap();
        let done = client.submit(&page, asked(json!({ "traits": traits, "code": code }))).await;

        assert_eq!(page.field("traits.tags.0")["attributes"]["type"], drawn, "{style:?}");
        assert_eq!((done.status(), done.at("/identity/traits")), (200, traits.clone()));
    }
}

#[tokio::test]
async fn beyond_the_bound_no_letter_is_sent_and_the_last_code_stays_good() {
    let app =
        App::with(|builder| builder.method(Code::new()).address_limits(AddressLimits::new().letters(2, 10))).unwrap();
    let mut client = app.native();
    let page = client.open().await;
    let _ = sent(&app, &mut client, &page).await;

    let mut last = page;
    for _ in 0..4 {
        last = client.submit(&last, asked(json!({ "resend": "code" }))).await;
        assert_eq!(last.messages(), [1040005], "the surplus looks the same");
    }
    app.deliver().await.unwrap();

    assert_eq!(app.mailbox().letters().len(), 2);
    let code = app.mailbox().latest_code(ADA).unwrap();
    assert_eq!(client.submit(&last, asked(json!({ "code": code }))).await.status(), 200);
}

#[tokio::test]
async fn a_code_ends() {
    let app = App::with(|builder| builder.method(Code::new().lifespan(Duration::minutes(10)))).unwrap();
    let mut client = app.native();
    let page = client.open().await;
    let (page, code) = sent(&app, &mut client, &page).await;

    app.clock().advance(Duration::minutes(10));

    assert_eq!(client.submit(&page, asked(json!({ "code": code }))).await.messages(), [4040003]);
}

#[tokio::test]
async fn a_code_is_good_for_the_traits_it_was_sent_for() {
    let app = app();
    let mut client = app.native();
    let page = client.open().await;
    let (page, code) = sent(&app, &mut client, &page).await;
    let other = |traits: Value| json!({ "method": "code", "code": code, "traits": traits });

    // Repeating the other traits does not make them right.
    for _ in 0..2 {
        for traits in [json!({ "email": "eve@example.org" }), json!({ "email": ADA, "name": { "first": "Eve" } })] {
            let refused = client.submit(&page, other(traits)).await;
            assert_eq!(refused.messages(), [4000036]);
        }
    }
    assert_eq!(client.submit(&page, asked(json!({ "code": code }))).await.status(), 200);
}

#[tokio::test]
async fn a_code_without_one_sent_sends_one() {
    let app = app();
    let mut client = app.native();
    let page = client.open().await;

    let answer = client.submit(&page, asked(json!({ "code": "123456" }))).await;

    assert_eq!((answer.messages(), answer.at("/state")), (vec![1040005], json!("sent_email")));
}

#[tokio::test]
async fn a_code_is_used_once_whoever_types_it() {
    let app = app();
    let mut client = app.native();
    let page = client.open().await;
    let (page, code) = sent(&app, &mut client, &page).await;

    let first = client.submit(&page, asked(json!({ "code": code }))).await;
    let second = client.submit(&page, asked(json!({ "code": code }))).await;

    assert_eq!((first.status(), second.status()), (200, 400));
    assert_eq!(second.messages(), [4000007]);
    assert_eq!(app.identities().len(), 1);
}

#[tokio::test]
async fn a_taken_address_is_told_after_the_code_and_the_code_stays_good() {
    let app = app();
    let mut client = app.native();
    let page = client.open().await;
    let (page, code) = sent(&app, &mut client, &page).await;
    let mut other = app.native();
    let theirs = other.open().await;
    assert_eq!(other.submit(&theirs, super::ada()).await.status(), 200);

    for _ in 0..2 {
        let refused = client.submit(&page, asked(json!({ "code": code }))).await;
        assert_eq!(refused.messages(), [4000007]);
    }
}

#[tokio::test]
async fn in_two_steps_there_is_a_way_back_from_the_code() {
    let app =
        App::with(|builder| builder.method(Code::new()).method(Password::new()).style(Style::ProfileFirst)).unwrap();
    let mut spa = app.spa();
    let page = spa.open().await;
    let traits = json!({ "traits": { "email": ADA } });
    let second = spa.submit(&page, json!({ "method": "profile", "traits": traits["traits"] })).await;
    let (sent, code) = sent(&app, &mut spa, &second).await;
    assert_eq!(sent.value_of("screen"), "credential-selection");

    let back = spa.submit(&sent, json!({ "screen": "credential-selection", "traits": traits["traits"] })).await;
    assert_eq!((back.at("/state"), back.at("/active")), (json!("choose_method"), Value::Null));
    // On this screen a code is asked for anew.
    let again = spa.submit(&back, asked(json!({ "code": code }))).await;
    assert_eq!(again.messages(), [1040005]);

    let profile = spa.submit(&again, json!({ "screen": "previous", "traits": traits["traits"] })).await;
    assert_eq!((profile.at("/state"), profile.value_of("method")), (json!("sent_email"), json!("profile")));
    app.deliver().await.unwrap();
    let code = app.mailbox().latest_code(ADA).unwrap();
    assert_eq!(spa.submit(&profile, asked(json!({ "code": code }))).await.status(), 200, "a code works there too");
}

#[tokio::test]
async fn traits_without_an_address_get_no_code() {
    let schema = r#"{ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "email": { "type": "string", "format": "email", "ory.sh/kratos": {
            "credentials": { "code": { "identifier": true, "via": "email" } } } },
        "name": { "type": "string" } } } } }"#;
    let schema = Schema::parse("person", schema).unwrap();
    let app = App::bare(|builder| builder.schema(schema).style(Style::Unified).method(Code::new())).unwrap();
    let mut client = app.native();
    let page = client.open().await;

    let refused = client.submit(&page, json!({ "method": "code", "traits": { "name": "Ada" } })).await;

    assert_eq!(refused.messages(), [4000009]);
}

#[cfg(feature = "phone")]
#[tokio::test]
async fn every_address_gets_a_code_of_its_own_and_proves_itself() {
    let schema = r#"{ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "email": { "type": "string", "format": "email", "ory.sh/kratos": {
            "credentials": { "code": { "identifier": true, "via": "email" } }, "verification": { "via": "email" } } },
        "phone": { "type": "string", "format": "tel", "ory.sh/kratos": {
            "credentials": { "code": { "identifier": true, "via": "sms" } }, "verification": { "via": "sms" } } } } } } }"#;
    let schema = Schema::parse("person", schema).unwrap();
    let app = App::bare(|builder| builder.schema(schema).style(Style::Unified).method(Code::new())).unwrap();
    let mut client = app.native();
    let traits = json!({ "email": ADA, "phone": "+49 1512 3456789" });
    let page = client.open().await;
    let answer = json!({ "method": "code", "traits": traits });

    let page = client.submit(&page, answer).await;
    app.deliver().await.unwrap();
    let codes = [ADA, "+4915123456789"].map(|to| app.mailbox().latest_code(to).unwrap());
    let done = client.submit(&page, json!({ "method": "code", "traits": traits, "code": codes[1] })).await;

    assert_eq!(done.status(), 200, "{done:?}");
    let states: Vec<_> = app.identities()[0].verifiable_addresses().iter().map(|row| row.state().as_str()).collect();
    assert_eq!(states, ["pending", "completed"]);
    let text = app.mailbox().latest("+4915123456789").unwrap();
    assert!(text.text().ends_with(&format!("@app.example.org #{}\n", codes[1])), "{}", text.text());
}

#[tokio::test]
async fn no_code_lies_in_the_storage() {
    let app = app();
    let mut client = app.native();
    let page = client.open().await;
    let (_, code) = sent(&app, &mut client, &page).await;
    let _ = client.submit(&page, asked(json!({ "resend": "code" }))).await;

    let outbox = app.memory().outbox();
    let rows = outbox.iter().map(|row| row.body().to_vec());
    let records = app.memory().all_records(Kind::Flow).into_iter().map(|record| record.body().to_vec());
    for body in rows.chain(records) {
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(!text.contains(&code), "{text}");
    }
    assert_eq!(outbox.len(), 1);
    assert!(!String::from_utf8_lossy(outbox[0].body()).contains(ADA), "a waiting letter is sealed");
}
