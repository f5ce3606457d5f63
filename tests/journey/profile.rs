//! Journeys through the two steps: there and back, mistakes in each, and what the client must bring again.
//!
//! Recorded cases of the reference: `steps-*`.

use serde_json::json;
use tower_registration::methods::Password;
use tower_registration::testing::{App, Reply};
use tower_registration::{Style, testing::Client};

fn app() -> App {
    App::with(|builder| builder.method(Password::new()).style(Style::ProfileFirst)).unwrap()
}

fn ada(more: serde_json::Value) -> serde_json::Value {
    let mut answer = json!({ "traits": { "email": "ada@example.org", "name": { "first": "Ada" } } });
    answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    answer
}

async fn to_credentials(client: &mut Client, page: &Reply) -> Reply {
    let answer = client.submit(page, ada(json!({ "method": "profile" }))).await;
    client.page(answer).await
}

#[tokio::test]
async fn the_first_step_asks_for_traits_only() {
    let app = app();

    let page = app.spa().open().await;

    let names = ["csrf_token", "traits.email", "traits.name.first", "traits.name.last", "method"];
    assert_eq!(page.field_names(), names);
    assert_eq!(page.value_of("method"), "profile");
}

#[tokio::test]
async fn the_second_step_carries_the_traits_unseen() {
    let app = app();
    let mut browser = app.browser();
    let page = browser.open().await;

    let second = to_credentials(&mut browser, &page).await;

    let names = ["csrf_token", "traits.email", "password", "traits.name.first", "traits.name.last", "method", "screen"];
    assert_eq!(second.field_names(), names);
    assert_eq!(second.field("traits.email")["attributes"]["type"], "hidden");
    assert_eq!(second.value_of("traits.name.first"), "Ada");
    assert_eq!(second.messages(), [1040009]);
}

#[tokio::test]
async fn the_way_back_shows_the_traits_again_and_the_way_forth_still_works() {
    let app = app();
    let mut browser = app.browser();
    let page = browser.open().await;
    let second = to_credentials(&mut browser, &page).await;

    let back = browser.submit(&second, ada(json!({ "screen": "previous" }))).await;
    let first = browser.page(back).await;
    let second = to_credentials(&mut browser, &first).await;
    let done = browser.submit(&second, ada(json!({ "method": "password", "password": "correct horse" }))).await;

    assert_eq!(first.field("traits.email")["attributes"]["type"], "email");
    assert_eq!(first.value_of("traits.email"), "ada@example.org");
    assert_eq!((first.messages(), first.value_of("method")), (vec![], json!("profile")));
    assert_eq!(done.location(), "https://app.example.org/welcome");
}

#[tokio::test]
async fn the_older_word_for_back_works_too() {
    let app = app();
    let mut spa = app.spa();
    let page = spa.open().await;
    let second = to_credentials(&mut spa, &page).await;

    let first = spa.submit(&second, ada(json!({ "method": "profile:back" }))).await;

    assert_eq!(first.value_of("method"), "profile");
    assert!(first.at("/transient_payload").is_null());
}

#[tokio::test]
async fn a_named_screen_counts_more_than_the_method() {
    let app = app();
    let mut spa = app.spa();
    let page = spa.open().await;

    let second = spa.submit(&page, ada(json!({ "method": "password", "screen": "credential-selection" }))).await;

    assert_eq!(second.messages(), [1040009]);
    assert!(app.identities().is_empty());
}

#[tokio::test]
async fn going_back_needs_traits_that_are_right() {
    let app = app();
    let mut spa = app.spa();
    let page = spa.open().await;
    let second = to_credentials(&mut spa, &page).await;

    let refused = spa.submit(&second, json!({ "screen": "previous", "traits": { "email": "x" } })).await;

    assert_eq!(refused.messages_at("traits.email"), [4000040]);
    assert_eq!(refused.field("traits.email")["attributes"]["type"], "hidden");
    assert_eq!(refused.value_of("screen"), "previous");
}

#[tokio::test]
async fn a_screen_nobody_knows_is_told_together_with_the_other_mistakes() {
    let app = app();
    let mut spa = app.spa();
    let page = spa.open().await;

    let refused = spa.submit(&page, json!({ "screen": "nowhere", "traits": { "email": "x" } })).await;

    assert_eq!(refused.messages_at("screen"), [4000001]);
    assert_eq!(refused.messages_at("traits.email"), [4000040]);
}

#[tokio::test]
async fn the_second_step_needs_the_traits_again() {
    let app = app();
    let mut spa = app.spa();
    let page = spa.open().await;
    let second = to_credentials(&mut spa, &page).await;

    let refused = spa.submit(&second, json!({ "method": "password", "password": "correct horse" })).await;

    assert_eq!(refused.messages_at("traits.email"), [4000002]);
    assert_eq!(refused.value_of("traits.email"), "ada@example.org");
}

#[tokio::test]
async fn a_credential_refused_on_the_first_step_still_shows_its_message() {
    let app = app();
    let mut spa = app.spa();
    let page = spa.open().await;

    let refused = spa.submit(&page, ada(json!({ "method": "password", "password": "short" }))).await;

    assert_eq!(refused.messages_at("password"), [4000032]);
    assert_eq!(refused.field("password")["group"], "default");
    assert_eq!(refused.value_of("method"), "profile");
}

#[tokio::test]
async fn one_step_knows_no_profile_submission() {
    let app = App::new().unwrap();
    let mut spa = app.spa();
    let page = spa.open().await;

    let refused = spa.submit(&page, ada(json!({ "method": "profile" }))).await;

    assert_eq!((refused.status(), refused.messages()), (400, vec![4010003]));
}

#[tokio::test]
async fn a_native_client_that_does_not_ask_for_json_is_led_to_the_page() {
    let app = app();
    let mut native = app.native();
    let page = native.open().await;
    let path = format!("/self-service/registration?flow={}", page.flow_id().unwrap());
    let form = [("method", "profile"), ("traits.email", "ada@example.org")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();

    let answer =
        native.send(http::Method::POST, &path, Some(("application/x-www-form-urlencoded", body)), "text/html").await;

    assert_eq!(answer.status(), 303);
    assert!(answer.location().starts_with("https://app.example.org/sign-up?flow="));
}

#[tokio::test]
async fn what_the_schema_does_not_draw_survives_a_step_as_a_bare_field() {
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "email": { "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } },
        "tags": { "type": "array", "items": { "type": "string" } } } } } });
    let schema = tower_registration::Schema::parse("person", &schema.to_string()).unwrap();
    let app = App::bare(|builder| builder.schema(schema).method(Password::new())).unwrap();
    let mut spa = app.spa();
    let page = spa.open().await;

    let answer = json!({ "method": "profile", "traits": { "email": "ada@example.org", "tags": ["a", "b"] } });
    let second = spa.submit(&page, answer).await;

    let names =
        ["csrf_token", "traits.email", "password", "traits.tags", "traits.tags.0", "traits.tags.1", "method", "screen"];
    assert_eq!(second.field_names(), names);
    assert_eq!(second.value_of("traits.tags.1"), "b");
}
