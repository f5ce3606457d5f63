//! From the first page to the last.

use time::Duration;
use tower_registration::host::HostErrorKind;
use tower_registration::identity::AddressState;
use tower_registration::memory::Memory;
use tower_registration::testing::{Call, Client, ClientKind, Fault, Faults, When};
use tower_registration::{After, Verification};

use super::document::{Document, attribute, words};
use super::{app, app_with_codes, below, follow, post, send, visit};

const SIGN_UP: (&str, &str) = ("method", "password");
const ADA: [(&str, &str); 2] = [("traits.email", "ada@example.org"), ("password", "correct horse")];

#[tokio::test]
async fn from_the_first_page_to_a_verified_address() {
    let app = app_with_codes();
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;

    let proof = send(&mut browser, &page, &ADA, SIGN_UP).await;
    assert_eq!(proof.only("h1"), "Verify your address");
    assert!(proof.said("note")[0].starts_with("A code to verify your address is on its way"));
    assert_eq!(attribute(&proof.field("code"), "autocomplete").as_deref(), Some("one-time-code"));
    assert_eq!(attribute(&proof.field("code"), "inputmode").as_deref(), Some("numeric"));

    let wrong = send(&mut browser, &proof, &[("code", "000000x")], ("method", "code")).await;
    assert_eq!(
        wrong.tags("li").iter().map(words).collect::<Vec<_>>(),
        ["The code is wrong or was already used. Please try again."]
    );

    let resent = send(&mut browser, &wrong, &[], ("email", "ada@example.org")).await;
    let _ = app.deliver().await.unwrap();
    let code = app.mailbox().latest_code("ada@example.org").unwrap();
    let proved = send(&mut browser, &resent, &[("code", &code)], ("method", "code")).await;

    assert_eq!(proved.only("h1"), "Your address is verified");
    assert_eq!(proved.said("success"), ["Your email address is verified."]);
    let on = attribute(&proved.class("button")[0], "href").unwrap();
    let end = visit(&mut browser, below(&on)).await;
    assert_eq!(end.only("h1"), "You are signed up");
    assert!(browser.whoami().await.is_some());
}

#[tokio::test]
async fn sign_up_by_code_with_another_code_on_the_way() {
    let app = app_with_codes();
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;

    let sent = send(&mut browser, &page, &[("traits.email", "ada@example.org")], ("method", "code")).await;
    assert_eq!(sent.only("h1"), "Enter your code");
    assert_eq!(sent.names(), ["code", "method", "resend"]);
    let resent = send(&mut browser, &sent, &[], ("resend", "code")).await;
    let _ = app.deliver().await.unwrap();
    let code = app.mailbox().latest_code("ada@example.org").unwrap();
    let done = send(&mut browser, &resent, &[("code", &code)], ("method", "code")).await;

    assert_eq!(done.only("h1"), "You are signed up");
    assert_eq!(app.identities().len(), 1);
}

#[tokio::test]
async fn a_mailed_link_opens_a_page_with_a_button_that_proves() {
    let app = app(|builder| {
        let after = After::new().session(true).show_verification_ui(true);
        builder.verification(Verification::links()).after(after)
    });
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;
    let waiting = send(&mut browser, &page, &ADA, SIGN_UP).await;
    assert_eq!(waiting.names(), ["email", "method", "email"], "the button that the contract knows twice stands once");
    let _ = app.deliver().await.unwrap();
    let link = app.mailbox().latest_link("ada@example.org").unwrap();
    let mut phone = app.browser();

    let opened = visit(&mut phone, below(&link)).await;
    let button = opened.class("first")[0].clone();
    let token = attribute(&button, "value").unwrap();
    let proved = send(&mut phone, &opened, &[], ("token", &token)).await;

    assert_eq!(proved.only("h1"), "Your address is verified");
    let state = app.identities()[0].verifiable_addresses()[0].state();
    assert!(matches!(state, AddressState::Verified(_)));
}

#[tokio::test]
async fn too_many_wrong_codes_are_told_in_the_language_of_the_page() {
    let app = app_with_codes();
    let mut browser = app.browser().with_header("accept-language", "de");
    let page = visit(&mut browser, "/registration").await;
    let mut page = send(&mut browser, &page, &[("traits.email", "ada@example.org")], ("method", "code")).await;

    for _ in 0..6 {
        page = send(&mut browser, &page, &[("code", "wrong")], ("method", "code")).await;
    }

    let listed: Vec<String> = page.tags("li").iter().map(words).collect();
    assert_eq!(listed, ["Das waren zu viele Versuche. Bitte fordern Sie einen neuen Code an."]);
}

#[tokio::test]
async fn an_expired_flow_goes_on_with_a_new_one_that_shows_what_was_typed() {
    let app = app(|builder| builder);
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;
    app.clock().advance(Duration::hours(2));

    let again = send(&mut browser, &page, &ADA, SIGN_UP).await;

    assert_eq!(
        again.tags("li").iter().map(words).collect::<Vec<_>>(),
        ["The form had expired. Please check it and send it once more."]
    );
    assert_eq!(attribute(&again.field("traits.email"), "value").as_deref(), Some("ada@example.org"));
    assert!(!again.text.contains("correct horse"));
    let done = send(&mut browser, &again, &ADA, SIGN_UP).await;
    assert_eq!(done.only("h1"), "You are signed up");
}

#[tokio::test]
async fn looking_at_a_flow_that_is_over_or_unknown_begins_anew() {
    let app = app_with_codes();
    let mut browser = app.browser();
    let begun = browser.get("/self-service/registration/browser?return_to=https%3A%2F%2Fapp.example.org%2Fcart").await;
    app.clock().advance(Duration::hours(2));

    let expired = browser.get(below(begun.location())).await;
    let unknown = browser.get("/registration?flow=7b8dcc5c-6f45-4b57-9f5f-6d8a1f0b8a11").await;
    let malformed = browser.get("/registration?flow=x").await;
    let proof = browser.get("/verification?flow=7b8dcc5c-6f45-4b57-9f5f-6d8a1f0b8a11").await;

    let begin = "https://app.example.org/auth/self-service/registration/browser";
    let returns = "?return_to=https%3A%2F%2Fapp.example.org%2Fcart";
    assert_eq!(expired.location(), format!("{begin}{returns}"));
    assert_eq!(unknown.location(), begin);
    assert_eq!(malformed.location(), format!("{begin}?flow=x"));
    assert_eq!(proof.location(), "https://app.example.org/auth/self-service/verification/browser");
}

#[tokio::test]
async fn the_flow_of_another_browser_or_of_a_native_client_is_not_shown() {
    let app = app(|builder| builder);
    let flow = app.browser().open().await.flow_id().unwrap();
    let native = app.native().open().await.flow_id().unwrap();
    let mut stranger = app.browser();

    let reply = stranger.get(&format!("/registration?flow={flow}")).await;
    let other = stranger.get(&format!("/registration?flow={native}")).await;
    let known = stranger.get(&format!("/registration?flow={flow}")).await;

    let page = Document::of(&reply);
    assert_eq!((page.status, reply.location()), (403, ""));
    assert!(page.text.contains("Allow cookies for this site"));
    assert_eq!(
        attribute(&page.class("button")[0], "href").unwrap(),
        "https://app.example.org/auth/self-service/registration/browser"
    );
    for reply in [other, known] {
        assert!(reply.location().ends_with("/self-service/registration/browser"), "{}", reply.location());
    }
}

#[tokio::test]
async fn an_error_that_was_kept_has_a_page_and_an_unknown_one_too() {
    let app = app(|builder| builder);
    let mut browser = app.browser();
    let forbidden =
        browser.get("/self-service/registration/browser?return_to=https%3A%2F%2Fevil.example.com%2F%3Cb%3E").await;

    let page = follow(&mut browser, forbidden).await;
    let unknown = visit(&mut browser, "/error?id=x").await;
    let missing = visit(&mut browser, "/error").await;

    assert_eq!((page.status, page.only("h1").as_str()), (200, "Something went wrong"));
    let details = page.only("details");
    assert!(
        details.starts_with("Technical details 400 self_service_flow_return_to_forbidden: Requested return_to"),
        "{details}"
    );
    assert_eq!(page.tags("b").len(), 0);
    assert_eq!((unknown.status, missing.status), (404, 404));
    assert!(unknown.text.contains("This page has expired or does not exist."));
}

#[tokio::test]
async fn closed_registration_says_so_and_offers_no_way_back() {
    let app = app(|builder| builder.enabled(false));
    let mut browser = app.browser();

    let page = visit(&mut browser, "/registration").await;

    assert!(page.text.contains("Sign-up is closed at the moment."));
    assert_eq!(page.class("button").len(), 0);
}

#[tokio::test]
async fn somebody_who_is_signed_in_is_led_on_and_may_look_at_the_old_page() {
    let app = app(|builder| builder);
    let mut browser = app.browser();
    let page = visit(&mut browser, "/registration").await;
    let done = send(&mut browser, &page, &ADA, SIGN_UP).await;
    assert_eq!(done.only("h1"), "You are signed up");

    let anew = visit(&mut browser, "/registration").await;
    let repeated = post(&mut browser, &page, &ADA, SIGN_UP).await;

    assert_eq!(anew.only("h1"), "You are signed up");
    assert_eq!(repeated.location(), "https://app.example.org/auth/registered");
    assert_eq!(app.identities().len(), 1);
}

#[tokio::test]
async fn an_organization_that_nobody_serves_is_told_so() {
    let app = app(|builder| builder);
    let mut browser = app.browser();

    let begun = browser.get("/registration?organization=7b8dcc5c-6f45-4b57-9f5f-6d8a1f0b8a11").await;
    let page = follow(&mut browser, begun).await;

    assert!(page.text.contains("Nobody can sign up here at the moment."));
    assert_eq!(page.tags("form").len(), 0);
}

#[tokio::test]
async fn pages_are_looked_at_and_nothing_else() {
    let app = app(|builder| builder);
    let mut browser = app.browser();

    let posted = browser.post_form("/registration", &[]).await;
    let head = browser.send(http::Method::HEAD, "/registered", None, "text/html").await;
    let shown = browser.get("/registered").await;

    assert_eq!((posted.status(), posted.header("allow")), (405, "GET, HEAD"));
    assert_eq!((head.status(), head.body().len()), (200, 0));
    assert_eq!(head.header("content-security-policy"), shown.header("content-security-policy"));
}

#[tokio::test]
async fn the_same_journey_below_a_prefix_that_is_stripped_and_as_a_layer() {
    let app = app(|builder| builder);
    let stripped = axum::Router::new().nest_service("/auth", app.registration());
    let layered = axum::Router::new().fallback(async || "host").layer(app.registration().layer());
    for (service, email) in [(stripped, "ada@example.org"), (layered, "bob@example.org")] {
        let mut browser = Client::new(service, "/auth", ClientKind::Browser);
        let page = visit(&mut browser, "/registration").await;

        let done = send(&mut browser, &page, &[("traits.email", email), ("password", "correct horse")], SIGN_UP).await;

        assert_eq!(done.only("h1"), "You are signed up");
        let sheet = attribute(&done.tags("link")[0], "href").unwrap();
        assert_eq!(browser.get(below(&sheet)).await.status(), 200);
    }
    assert_eq!(app.identities().len(), 2);
}

#[tokio::test]
async fn a_form_that_comes_while_the_storage_is_away_is_asked_for_later_in_the_visitors_language() {
    let faults = Faults::new();
    let parts = faults.around(Memory::new());
    let app = app(|builder| builder.storage(parts.clone()).identities(parts));
    let mut browser = app.browser().with_header("accept-language", "de-AT, en;q=0.5");
    let page = visit(&mut browser, "/registration").await;

    faults.set(&[(When::Always(Call::Begin), Fault::Before(HostErrorKind::Unavailable))]);
    let busy = post(&mut browser, &page, &ADA, SIGN_UP).await;
    faults.set(&[]);
    let done = send(&mut browser, &page, &ADA, SIGN_UP).await;

    assert_eq!((busy.status(), busy.header("retry-after")), (503, "2"));
    assert!(busy.header("content-security-policy").contains("form-action"), "{busy:?}");
    let busy = Document::of(&busy);
    assert_eq!(busy.only("h1"), "Etwas ist schiefgegangen");
    assert!(busy.text.contains("Bitte versuchen Sie es gleich noch einmal."), "{}", busy.text);
    assert!(!busy.text.contains("Neu beginnen"), "what was typed is kept where the browser goes back");
    assert_eq!(done.only("h1"), "Sie sind registriert");
}
