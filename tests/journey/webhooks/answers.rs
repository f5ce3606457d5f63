//! What an answer does: refuse, change, or nothing.

use serde_json::{Value, json};
use tower_registration::methods::{Code, Password};
use tower_registration::testing::{App, ClientKind, Reply};
use tower_registration::webhooks::{WebhookBuilder, Webhooks};

use super::receiver::{Receiver, json as answer};
use super::{ada, app, app_with, hook, refusal, sign_up};

/// What a native client hears, and the app, when a hook of this kind answers like this.
async fn heard(kind: fn(WebhookBuilder) -> WebhookBuilder, status: u16, body: Value) -> (Reply, App) {
    let receiver = Receiver::default();
    receiver.answer("/", status, &body);
    let app = app_with(kind(hook(&receiver, "/")));
    (sign_up(&app).await, app)
}

/// The same, of an answer that is sent as it stands.
async fn heard_raw(status: u16, body: &[u8]) -> Reply {
    let receiver = Receiver::default();
    receiver.say("/", [super::receiver::Says::Answer(status, body.to_vec(), http::HeaderMap::new())]);
    sign_up(&app_with(hook(&receiver, "/").can_change())).await
}

#[tokio::test]
async fn messages_stand_where_their_pointers_say() {
    let at = |pointer: &str, id: u32| json!({ "instance_ptr": pointer, "messages": [{ "id": id, "text": "t", "type": "error" }] });
    let body = json!({ "messages": [
        at("#/traits/email", 1), at("#/", 2), at("", 3), at("#/unknown/field", 4), at("#", 5), at("/traits/email", 6),
        at("traits.email", 7), at("#/traits/a~1b/c.d", 8), at("#/traits/%65mail", 9), at("#/traits/%zz", 10),
    ] });

    let (page, _) = heard(WebhookBuilder::can_refuse, 422, body).await;

    assert_eq!(page.status(), 400);
    assert_eq!(page.messages(), [2, 3, 10]);
    assert_eq!(page.messages_at("traits.email"), [1, 7, 9]);
    for (name, id) in [("unknown.field", 4), ("#", 5), ("/traits/email", 6), ("traits.a/b.c\\.d", 8)] {
        assert_eq!(page.messages_at(name), [id], "{name}");
        let field = page.field(name);
        assert_eq!((&field["group"], &field["attributes"]["type"]), (&json!("default"), &json!("text")));
    }
}

#[tokio::test]
async fn of_fields_with_one_name_the_first_on_the_page_has_the_message() {
    let receiver = Receiver::default();
    receiver.answer("/", 400, &refusal("#/method"));
    let hooks = Webhooks::new().after_method("password", hook(&receiver, "/").can_refuse().build().unwrap());
    let app = App::with(|builder| builder.method(Password::new()).method(Code::new()).hook(hooks)).unwrap();

    let page = sign_up(&app).await;

    assert_eq!((page.value_of("method"), page.messages_at("method")), (json!("code"), vec![1234]));
}

#[tokio::test]
async fn a_message_is_shown_as_it_came() {
    let messages = json!([
        { "id": 1, "text": "a {b}", "type": "error", "context": { "domain": "x.y", "n": [1] } },
        { "id": 2, "text": "b", "type": "success" },
        { "text": "c" },
        { "id": 3, "text": "d", "type": "error", "context": {} },
    ]);
    let body = json!({ "messages": [{ "instance_ptr": "#/", "messages": messages }] });

    let (page, _) = heard(WebhookBuilder::can_refuse, 400, body).await;

    let shown = json!([
        { "id": 1, "text": "a {b}", "type": "error", "context": { "domain": "x.y", "n": [1] } },
        { "id": 2, "text": "b", "type": "info" },
        { "id": 0, "text": "c", "type": "info" },
        { "id": 3, "text": "d", "type": "error", "context": {} },
    ]);
    assert_eq!(page.at("/ui/messages"), shown);
}

#[tokio::test]
async fn a_refusal_keeps_what_was_typed_and_stores_nothing() {
    let receiver = Receiver::default();
    receiver.say("/", [answer(400, &refusal("#/traits/email")), answer(204, &Value::Null)]);
    let app = app_with(hook(&receiver, "/").can_change());
    let mut browser = app.browser();
    let page = browser.open().await;

    let refused = browser.submit(&page, ada()).await;
    let shown = browser.page(refused).await;

    assert_eq!(shown.messages_at("traits.email"), [1234]);
    assert_eq!(shown.value_of("traits.email"), "ada@example.org");
    assert_eq!((app.identities().len(), app.registration().hashes_computed()), (0, 0));
    let done = browser.submit(&shown, ada()).await;
    assert_eq!((done.status(), app.identities().len()), (303, 1));
}

#[tokio::test]
async fn the_first_that_refuses_is_the_last_that_is_asked() {
    let receiver = Receiver::default();
    receiver.answer("/first", 400, &refusal("#/"));
    let deciding = |path: &str| hook(&receiver, path).can_refuse().build().unwrap();
    let hooks =
        Webhooks::new().after_method("password", deciding("/first")).after_method("password", deciding("/second"));
    let app = app(hooks.after_method("password", hook(&receiver, "/after").build().unwrap()));

    let page = sign_up(&app).await;

    assert_eq!(page.messages(), [1234]);
    assert!(receiver.heard("/second").is_empty() && receiver.heard("/after").is_empty());
}

#[tokio::test]
async fn a_refusal_without_messages_is_an_internal_error() {
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"{}",
        b"[]",
        br#"{"messages":[]}"#,
        br#"{"messages":"x"}"#,
        br#"{"messages":[1]}"#,
        br#"{"messages":[{"messages":[{"id":"x"}]}]}"#,
        br#"{"messages":[{"messages":[{"id":1,"context":1}]}]}"#,
    ];
    for body in bodies {
        let heard = heard_raw(400, body).await;

        assert_eq!((heard.status(), heard.at("/error/code")), (400, json!(500)), "{}", String::from_utf8_lossy(body));
        assert_eq!(heard.at("/ui"), Value::Null);
    }
}

#[tokio::test]
async fn a_group_without_messages_refuses_silently() {
    let heard = heard_raw(400, br##"{"messages":[{"instance_ptr":"#/traits/email"}]}"##).await;

    assert_eq!((heard.status(), heard.messages().len(), heard.at("/error")), (400, 0, Value::Null));
}

#[tokio::test]
async fn before_a_flow_no_page_can_carry_messages() {
    let receiver = Receiver::default();
    receiver.answer("/", 400, &refusal("#/"));
    let app = app(Webhooks::new().before(hook(&receiver, "/").can_change().build().unwrap()));

    let native = app.native().open().await;
    let browser = app.browser().open().await;

    assert_eq!((native.status(), native.at("/error/code")), (500, json!(500)));
    assert_eq!(browser.status(), 303);
    assert!(browser.location().starts_with("https://app.example.org/sorry?id="));
}

#[tokio::test]
async fn before_a_flow_there_is_nothing_to_change() {
    let receiver = Receiver::default();
    receiver.answer("/", 200, &json!({ "identity": { "traits": { "email": "eve@example.org" } } }));
    let app = app(Webhooks::new().before(hook(&receiver, "/").can_change().build().unwrap()));

    let done = sign_up(&app).await;

    assert_eq!(done.at("/identity/traits/email"), "ada@example.org");
}

#[tokio::test]
async fn each_member_replaces_what_was() {
    let change = json!({ "identity": {
        "traits": { "email": "Grace@example.org", "name": { "first": "Grace" } },
        "state": "active", "schema_id": "person", "external_id": "crm-1", "unknown": 1,
        "metadata_public": { "plan": "pro" }, "metadata_admin": { "score": 1 },
        "verifiable_addresses": [
            { "value": "grace@example.org", "via": "email", "verified": true, "status": "completed", "verified_at": "2024-01-01T00:00:00Z" },
            { "value": "other@example.org", "via": "email", "verified": true },
            { "value": "x", "via": "pigeon" },
        ],
        "recovery_addresses": [{ "value": "other@example.org", "via": "email" }],
    } });

    let (done, app) = heard(WebhookBuilder::can_change, 200, change).await;

    assert_eq!(done.at("/identity/traits/name/first"), "Grace");
    assert_eq!(
        (done.at("/identity/external_id"), done.at("/identity/metadata_public/plan")),
        (json!("crm-1"), json!("pro"))
    );
    assert_eq!(done.at("/identity/verifiable_addresses/0/verified_at"), "2024-01-01T00:00:00Z");
    assert_eq!(done.at("/identity/verifiable_addresses/1"), Value::Null);
    assert_eq!(done.at("/identity/recovery_addresses/0/value"), "grace@example.org");
    assert_eq!(done.at("/identity/recovery_addresses/1"), Value::Null);
    let credentials = app.memory().credentials(app.identities()[0].id());
    assert_eq!(credentials[0].identifiers(), ["grace@example.org"]);
}

#[tokio::test]
async fn an_answer_without_a_change_changes_nothing() {
    for body in [json!({}), json!({ "identity": null }), json!({ "identity": {} }), json!({ "messages": [] })] {
        let (done, _) = heard(WebhookBuilder::can_change, 200, body).await;

        assert_eq!((done.status(), done.at("/identity/traits/email")), (200, json!("ada@example.org")));
    }
    for status in [201, 204, 302] {
        let change = json!({ "identity": { "external_id": "x" } });
        let (done, _) = heard(WebhookBuilder::can_change, status, change).await;

        assert_eq!((done.status(), done.at("/identity/external_id")), (200, Value::Null));
    }
}

#[tokio::test]
async fn who_may_only_refuse_changes_nothing() {
    let (done, _) = heard(WebhookBuilder::can_refuse, 200, json!({ "identity": { "external_id": "x" } })).await;

    assert_eq!((done.status(), done.at("/identity/external_id")), (200, Value::Null));
}

#[tokio::test]
async fn a_change_that_cannot_be_read_is_an_internal_error() {
    let bodies: [&[u8]; 7] = [
        b"",
        b"{",
        br#""x""#,
        b"[]",
        br#"{"identity":1}"#,
        br#"{"identity":{"state":1}}"#,
        br#"{"identity":{"verifiable_addresses":[{"via":"email","value":"a@b.c","verified_at":"soon"}]}}"#,
    ];
    for body in bodies {
        let heard = heard_raw(200, body).await;

        assert_eq!((heard.status(), heard.at("/error/code")), (400, json!(500)), "{}", String::from_utf8_lossy(body));
    }
}

#[tokio::test]
async fn changed_traits_are_judged_and_not_shown() {
    let (page, app) =
        heard(WebhookBuilder::can_change, 200, json!({ "identity": { "traits": { "email": "nope" } } })).await;

    assert_eq!(page.messages_at("traits.email"), [4000040]);
    assert_eq!(page.value_of("traits.email"), Value::Null);
    assert!(app.identities().is_empty());
}

#[tokio::test]
async fn a_schema_that_nobody_knows_is_a_message() {
    let (page, app) = heard(WebhookBuilder::can_change, 200, json!({ "identity": { "schema_id": "nope" } })).await;

    assert_eq!(page.messages(), [4000001]);
    assert_eq!(page.at("/ui/messages/0/text"), "Unable to find JSON Schema ID: nope");
    assert!(app.identities().is_empty());
}

#[tokio::test]
async fn an_external_id_belongs_to_one_identity() {
    let receiver = Receiver::default();
    receiver.answer("/", 200, &json!({ "identity": { "external_id": "crm-1" } }));
    let app = app_with(hook(&receiver, "/").can_change());
    assert_eq!(sign_up(&app).await.status(), 200);
    let mut other = app.native();
    let page = other.open().await;
    let mut eve = ada();
    eve["traits"]["email"] = "eve@example.org".into();

    let taken = other.submit(&page, eve).await;

    assert_eq!((taken.messages(), app.identities().len()), (vec![4000007], 1));
}

#[tokio::test]
async fn somebody_who_is_disabled_is_stored_and_nobody_hears_of_it() {
    let receiver = Receiver::default();
    receiver.answer("/", 200, &json!({ "identity": { "state": "inactive" } }));
    let deciding = hook(&receiver, "/").can_change().build().unwrap();
    let hooks = Webhooks::new().after_method("password", deciding);
    let app = app(hooks.after_method("password", hook(&receiver, "/after").in_background().build().unwrap()));

    let page = sign_up(&app).await;
    app.deliver().await.unwrap();

    assert_eq!((page.messages(), app.identities().len()), (vec![4010011], 1));
    assert!(receiver.heard("/after").is_empty());
}

// DIFFERENCE: a state that nobody knows is refused before anything is stored, so that nobody is half registered.
#[tokio::test]
async fn a_state_that_nobody_knows_is_refused_before_anything_is_stored() {
    let (page, app) = heard(WebhookBuilder::can_change, 200, json!({ "identity": { "state": "banana" } })).await;

    assert_eq!((page.messages(), app.identities().len()), (vec![4010011], 0));
}

#[tokio::test]
async fn each_hook_sees_what_the_one_before_changed() {
    let receiver = Receiver::default();
    receiver.answer(
        "/first",
        200,
        &json!({ "identity": { "metadata_public": { "by": "first" }, "external_id": "x" } }),
    );
    receiver.answer("/second", 200, &json!({ "identity": { "external_id": "" } }));
    let changing = |path: &str| hook(&receiver, path).can_change().build().unwrap();
    let app =
        app(Webhooks::new().after_method("password", changing("/first")).after_method("password", changing("/second")));

    let done = sign_up(&app).await;

    let second = receiver.heard("/second")[0].json();
    assert_eq!(
        (&second["identity"]["metadata_public"]["by"], &second["identity"]["external_id"]),
        (&json!("first"), &json!("x"))
    );
    assert_eq!(
        (done.at("/identity/metadata_public/by"), done.at("/identity/external_id")),
        (json!("first"), Value::Null)
    );
}

#[tokio::test]
async fn a_hook_that_may_not_decide_and_refuses_is_told_with_its_status() {
    let receiver = Receiver::default();
    receiver.answer("/", 403, &refusal("#/"));
    let hooks = Webhooks::new().after_method("password", hook(&receiver, "/").build().unwrap());
    let app = app(hooks.after_method("password", hook(&receiver, "/behind").build().unwrap()));
    let mut spa = app.client(ClientKind::Spa);
    let page = spa.open().await;

    let answer = spa.submit(&page, ada()).await;

    assert_eq!((answer.status(), answer.at("/error/message")), (502, json!("webhook failed with status code 403")));
    assert_eq!(
        answer.at("/error/reason"),
        "A third-party upstream service responded improperly. Please try again later."
    );
    assert_eq!((app.identities().len(), receiver.heard("/behind").len()), (1, 0));
    assert!(spa.whoami().await.is_none(), "whoever is told of a failure is not signed in");
    assert!(app.memory().outbox().is_empty(), "what was answered is over, and so is what would have followed");
    let page = spa.open().await;
    assert_eq!(spa.submit(&page, ada()).await.messages(), [4000007]);
}
