//! Journeys through the method `password`.
//!
//! Recorded cases of the reference: `password-*`, `steps-password-*`, `signed-in-*`, `expired-*`.

use serde_json::json;
use time::Duration;
use tower_registration::breach::KnownPasswords;
use tower_registration::host::{BreachList, HostError};
use tower_registration::methods::{Password, WhenAway};
use tower_registration::testing::App;

use super::ada;

#[tokio::test]
async fn a_browser_signs_up_and_is_signed_in() {
    let app = App::new().unwrap();
    let mut browser = app.browser();
    let page = browser.open().await;

    let answer = browser.submit(&page, ada()).await;

    assert_eq!((answer.status(), answer.location()), (303, "https://app.example.org/welcome"));
    assert_eq!(browser.whoami().await.unwrap()["identity"]["traits"]["email"], "ada@example.org");
}

#[tokio::test]
async fn a_native_client_signs_up_and_gets_a_token_that_works() {
    let app = App::new().unwrap();
    let mut native = app.native();
    let page = native.open().await;

    let answer = native.submit(&page, ada()).await;

    let token = answer.at("/session_token");
    assert_eq!(answer.at("/continue_with/0/ory_session_token"), token);
    let mut bearer = app.native().with_header("authorization", &format!("Bearer {}", token.as_str().unwrap()));
    assert!(bearer.whoami().await.is_some());
}

#[tokio::test]
async fn a_short_password_shows_the_form_again_and_creates_nobody() {
    let app = App::new().unwrap();
    let mut native = app.native();
    let page = native.open().await;

    let answer = native
        .submit(&page, json!({ "method": "password", "password": "tigers", "traits": { "email": "ada@example.org" } }))
        .await;

    assert_eq!((answer.status(), answer.messages_at("password")), (400, vec![4000032]));
    assert_eq!(answer.value_of("traits.email"), "ada@example.org");
    assert!(answer.value_of("password").is_null());
    assert!(app.identities().is_empty());
}

#[tokio::test]
async fn a_password_is_counted_in_characters() {
    let app = App::new().unwrap();
    let mut native = app.native();
    let page = native.open().await;
    let with = |password: &str| json!({ "method": "password", "password": password, "traits": { "email": "ada@example.org" } });

    let seven = native.submit(&page, with("äöüäöüß")).await;
    let too_many = native.submit(&page, with(&"ü".repeat(1025))).await;
    let most = native.submit(&page, with(&"ü".repeat(1024))).await;

    assert_eq!(seven.messages_at("password"), [4000032]);
    assert_eq!(seven.field("password")["messages"][0]["context"], json!({ "min_length": 8, "actual_length": 7 }));
    assert_eq!(too_many.messages_at("password"), [4000033]);
    assert_eq!(most.status(), 200);
}

#[tokio::test]
async fn one_mistake_after_another_is_shown_alone_until_it_is_right() {
    let app = App::new().unwrap();
    let mut browser = app.browser();
    let page = browser.open().await;

    let no_password =
        browser.submit(&page, json!({ "method": "password", "traits": { "email": "ada@example.org" } })).await;
    let no_password = browser.page(no_password).await;
    let similar = browser
        .submit(
            &page,
            json!({ "method": "password", "password": "ada@example", "traits": { "email": "ada@example.org" } }),
        )
        .await;
    let similar = browser.page(similar).await;
    let right = browser.submit(&page, ada()).await;

    assert_eq!(no_password.messages_at("password"), [4000002]);
    assert_eq!(similar.messages_at("password"), [4000031]);
    assert_eq!(right.location(), "https://app.example.org/welcome");
}

#[tokio::test]
async fn a_leaked_password_is_refused_with_its_count() {
    let list = KnownPasswords::from_lines("hunter2hunter2\ncorrect horse\n");
    let app = App::with(|builder| builder.method(Password::new().breach_list(list, 0, WhenAway::Refuse))).unwrap();
    let mut native = app.native();
    let page = native.open().await;

    let answer = native.submit(&page, ada()).await;

    assert_eq!(answer.messages_at("password"), [4000034]);
    assert_eq!(answer.field("password")["messages"][0]["context"], json!({ "breaches": 1 }));
    assert_eq!(app.registration().hashes_computed(), 0);
}

/// A list that nobody can ask.
struct Away;

#[async_trait::async_trait]
impl BreachList for Away {
    async fn count(&self, _: &secrecy::SecretString) -> Result<u64, HostError> {
        Err(HostError::unavailable("away"))
    }
}

#[tokio::test]
async fn what_happens_without_an_answer_about_leaks_is_the_hosts_choice() {
    let strict = App::with(|builder| builder.method(Password::new().breach_list(Away, 0, WhenAway::Refuse))).unwrap();
    let lenient = App::with(|builder| builder.method(Password::new().breach_list(Away, 0, WhenAway::Accept))).unwrap();
    let (mut refused, mut accepted) = (strict.native(), lenient.native());
    let (refused_page, accepted_page) = (refused.open().await, accepted.open().await);

    let refused = refused.submit(&refused_page, ada()).await;
    let accepted = accepted.submit(&accepted_page, ada()).await;

    assert_eq!((refused.status(), refused.at("/error/id")), (502, json!("upstream_error")));
    assert!(strict.identities().is_empty());
    assert_eq!(accepted.status(), 200);
}

#[tokio::test]
async fn a_taken_address_is_refused_in_every_spelling_and_never_hashed() {
    let app = App::new().unwrap();
    let mut first = app.native();
    let page = first.open().await;
    let _ = first.submit(&page, ada()).await;
    let hashed = app.registration().hashes_computed();
    let mut second = app.spa();
    let page = second.open().await;

    let answer = second
        .submit(
            &page,
            json!({ "method": "password", "password": "another horse", "traits": { "email": "ADA@Example.org" } }),
        )
        .await;

    assert_eq!((answer.status(), answer.messages()), (400, vec![4000007]));
    assert_eq!(answer.value_of("traits.email"), "ADA@Example.org");
    assert_eq!(app.registration().hashes_computed(), hashed);
}

#[tokio::test]
async fn hints_say_how_the_account_is_signed_in_to() {
    let app = App::with(|builder| builder.method(Password::new()).login_hints(true)).unwrap();
    let mut first = app.native();
    let page = first.open().await;
    let _ = first.submit(&page, ada()).await;
    let mut second = app.native();
    let page = second.open().await;

    let answer = second.submit(&page, ada()).await;

    let message = answer.at("/ui/messages/0");
    assert_eq!(message["id"], 4000028);
    assert_eq!(
        message["text"],
        "You tried signing in with ada@example.org which is already in use by another account. You can sign in using \
         your password."
    );
    assert_eq!(message["context"]["available_credential_types"], json!(["code", "password"]));
}

#[tokio::test]
async fn an_expired_flow_is_replaced_by_one_that_shows_what_was_typed() {
    let app = App::new().unwrap();
    let mut spa = app.spa();
    let page = spa.open_with("return_to=%2Fafter").await;
    app.clock().advance(Duration::minutes(61));

    let gone = spa.submit(&page, ada()).await;
    let new = spa.show(gone.at("/use_flow_id").as_str().unwrap()).await;
    let done = spa.submit(&new, ada()).await;

    assert_eq!((gone.status(), gone.at("/error/id")), (410, json!("self_service_flow_expired")));
    assert_eq!(gone.at("/since"), 60_000_000_000_u64);
    assert_eq!(new.messages(), [4040001]);
    assert_eq!(new.at("/ui/messages/0/text"), "The registration flow expired 1.00 minutes ago, please try again.");
    assert_eq!(new.value_of("traits.email"), "ada@example.org");
    assert!(new.value_of("password").is_null());
    assert_eq!(new.at("/return_to"), "/after");
    assert_eq!(done.at("/continue_with/0/redirect_browser_to"), "https://app.example.org/after");
}

#[tokio::test]
async fn another_sites_page_types_nothing_into_the_flow_that_replaces_an_expired_one() {
    let app = App::new().unwrap();
    let mut browser = app.browser();
    let page = browser.open().await;
    app.clock().advance(Duration::minutes(61));
    let mut victim = browser.clone().with_header("origin", "https://evil.example.com");

    let gone = victim.submit(&page, ada()).await;
    let new = browser.page(gone).await;

    assert_eq!(new.messages(), [4040001]);
    assert!(new.value_of("traits.email").is_null());
}

#[tokio::test]
async fn somebody_who_is_signed_in_is_sent_away() {
    let app = App::new().unwrap();
    let mut browser = app.browser();
    let page = browser.open().await;
    let _ = browser.submit(&page, ada()).await;

    let opened = browser.get("/self-service/registration/browser?return_to=/elsewhere").await;
    let submitted = browser.submit(&page, ada()).await;
    let as_json = browser.get_json("/self-service/registration/browser").await;

    assert_eq!((opened.status(), opened.location()), (303, "https://app.example.org/elsewhere"));
    assert_eq!((submitted.status(), submitted.location()), (302, "https://app.example.org/welcome"));
    assert_eq!((as_json.status(), as_json.at("/error/id")), (400, json!("session_already_available")));
}

#[tokio::test]
async fn a_session_ends_with_its_lifespan() {
    let app = App::new().unwrap();
    let mut browser = app.browser();
    let page = browser.open().await;
    let _ = browser.submit(&page, ada()).await;

    app.clock().advance(Duration::hours(24));

    assert!(browser.whoami().await.is_none());
}
