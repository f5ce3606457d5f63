//! What stands on a page.

use serde_json::json;
use tower_registration::Style;

use super::document::{attribute, options, words};
use super::{app, app_with_codes, app_with_traits, send, visit};

#[tokio::test]
async fn a_visit_without_a_flow_begins_one() {
    let app = app(|builder| builder);
    let mut browser = app.browser();

    let begun = browser.get("/registration?return_to=https%3A%2F%2Fapp.example.org%2Fcart").await;
    let page = visit(&mut browser, "/registration").await;

    let begin = "https://app.example.org/auth/self-service/registration/browser";
    assert_eq!(begun.status(), 303);
    assert_eq!(begun.location(), format!("{begin}?return_to=https%3A%2F%2Fapp.example.org%2Fcart"));
    assert_eq!(page.status, 200);
    assert_eq!(page.only("h1"), "Create your account");
    assert_eq!(page.only("title"), "Create your account – Bakery");
    assert_eq!(page.names(), ["traits.email", "traits.name.first", "traits.name.last", "password", "method"]);
    assert_eq!(page.label("traits.email"), "E-Mail");
    assert_eq!(page.label("traits.name.first"), "First name (optional)");
}

#[tokio::test]
async fn mistakes_are_summed_up_and_said_at_their_fields_and_what_was_typed_stays() {
    let app = app(|builder| builder);
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;

    let typed = [("traits.email", "ada"), ("traits.name.first", "A"), ("password", "hunter2 hunter2")];
    let page = send(&mut browser, &page, &typed, ("method", "password")).await;

    assert_eq!(page.only("title"), "Error: Create your account – Bakery");
    let summary = &page.class("mistakes")[0];
    assert_eq!(attribute(summary, "role").as_deref(), Some("alert"));
    assert!(attribute(summary, "autofocus").is_some() && attribute(summary, "tabindex").as_deref() == Some("-1"));
    let listed: Vec<String> = page.tags("li").iter().map(words).collect();
    let first = "First name: Please use at least 2 characters (you have 1).";
    assert_eq!(listed, ["E-Mail: Please enter a valid email address.", first]);
    assert_eq!(page.said_of("traits.email"), "Please enter a valid email address.");
    assert_eq!(attribute(&page.field("traits.email"), "aria-invalid").as_deref(), Some("true"));
    assert_eq!(attribute(&page.field("traits.email"), "value").as_deref(), Some("ada"));
    assert_eq!(attribute(&page.field("password"), "value"), None);
    assert!(!page.text.contains("hunter2"));
}

#[tokio::test]
async fn every_kind_of_field_is_drawn_and_understood() {
    let traits = json!({
        "age": { "type": "integer", "title": "Age" },
        "born": { "type": "string", "format": "date", "title": "Born" },
        "colour": { "type": "string", "enum": ["red", "green"], "title": "Colour" },
        "news": { "type": "boolean", "title": "News" },
        "seen": { "type": "string", "format": "date-time", "title": "Seen" },
        "site": { "type": "string", "format": "uri", "title": "Site" },
        "user_name": { "type": "string" } });
    let app = app_with_traits(traits, Style::Unified);
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;

    let kind = |name: &str| attribute(&page.field(name), "type").unwrap_or_default();
    assert_eq!(kind("traits.age"), "number");
    assert_eq!(kind("traits.born"), "date");
    assert_eq!(kind("traits.news"), "checkbox");
    assert_eq!(kind("traits.site"), "url");
    assert_eq!(kind("traits.seen"), "text");
    assert!(page.said_of("traits.seen").contains("time zone"));
    assert_eq!(page.label("traits.user_name"), "user name (optional)");
    assert_eq!(attribute(&page.field("traits.user_name"), "autocomplete").as_deref(), Some("username"));
    let choices: Vec<String> = options(&page.field("traits.colour")).iter().map(words).collect();
    assert_eq!(choices, ["Please choose", "red", "green"]);

    let typed = [
        ("traits.email", "ada@example.org"),
        ("traits.age", "36"),
        ("traits.born", "1815-12-10"),
        ("traits.colour", "green"),
        ("traits.news", "on"),
        ("traits.seen", "2026-01-31T18:30:00Z"),
        ("traits.site", "https://example.org"),
        ("password", "x"),
    ];
    let again = send(&mut browser, &page, &typed, ("method", "password")).await;
    assert!(attribute(&again.field("traits.news"), "checked").is_some());
    let chosen = options(&again.field("traits.colour")).into_iter().find(|node| attribute(node, "selected").is_some());
    assert_eq!(chosen.and_then(|node| attribute(&node, "value")).as_deref(), Some("green"));
    let done = send(&mut browser, &again, &[("password", "correct horse")], ("method", "password")).await;

    assert_eq!(done.only("h1"), "You are signed up");
    let expected = json!({ "email": "ada@example.org", "age": 36, "born": "1815-12-10", "colour": "green", "news": true,
        "seen": "2026-01-31T18:30:00Z", "site": "https://example.org" });
    assert_eq!(app.identities()[0].traits(), &expected);
}

#[tokio::test]
async fn enter_presses_the_button_beside_the_password_and_not_the_one_for_a_code() {
    let app = app_with_codes();
    let mut browser = app.browser();

    let page = visit(&mut browser, "/registration").await;

    let buttons: Vec<_> = page.tags("button").iter().map(|node| attribute(node, "value").unwrap()).collect();
    assert_eq!(buttons, ["password", "code"]);
    assert_eq!(page.said("or"), ["or"]);
}

#[tokio::test]
async fn the_second_step_carries_the_traits_and_a_name_for_the_password_manager() {
    let app =
        app_with_traits(json!({ "tags": { "type": "array", "items": { "type": "string" } } }), Style::ProfileFirst);
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;
    assert_eq!(page.names(), ["traits.email", "traits.tags", "method"]);

    let typed = [("traits.email", "ada@example.org"), ("traits.tags", "a")];
    let second = send(&mut browser, &page, &typed, ("method", "profile")).await;

    assert_eq!(second.only("h1"), "Choose how you will sign in");
    assert_eq!(second.said("note"), ["Please choose how you will sign in."]);
    assert_eq!(second.names(), ["password", "method", "screen"]);
    let manager = second.all(|node| attribute(node, "autocomplete").as_deref() == Some("username"));
    assert_eq!(attribute(&manager[0], "value").as_deref(), Some("ada@example.org"));
    assert_eq!(attribute(&second.field("password"), "autocomplete").as_deref(), Some("new-password"));

    let done = send(&mut browser, &second, &[("password", "correct horse")], ("method", "password")).await;
    assert_eq!(done.only("h1"), "You are signed up");
    assert_eq!(app.identities()[0].traits(), &json!({ "email": "ada@example.org", "tags": ["a"] }));
}

#[tokio::test]
async fn a_mistake_that_has_no_field_stands_in_the_summary() {
    let traits = json!({ "a": { "type": "string" }, "b": { "type": "string" } });
    let app = app_with_traits(traits, Style::Unified);
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;

    let mut pairs = page.filled(&[("traits.email", "ada@example.org"), ("password", "x")], ("method", "password"));
    pairs.push(("screen".to_owned(), "nowhere".to_owned()));
    pairs.iter_mut().filter(|(name, _)| name == "method").for_each(|(_, value)| *value = "nobody".to_owned());
    let reply = browser.post_form(super::below(&page.action()), &pairs).await;
    let again = super::follow(&mut browser, reply).await;

    let listed: Vec<String> = again.tags("li").iter().map(words).collect();
    assert_eq!(listed, ["This form could not be understood. Did you fill it in completely?"]);
}
