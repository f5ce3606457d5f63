//! The edges of the wire: errors on a page of their own, exchanges, odd paths, the id of a request.

use serde_json::json;
use time::Duration;
use tower_registration::host::HostErrorKind;
use tower_registration::memory::Memory;
use tower_registration::methods::Password;
use tower_registration::testing::{App, Call, Fault, Faults, When};

#[tokio::test]
async fn an_error_is_kept_for_the_browsers_error_page_and_for_a_day() {
    let app = App::new().unwrap();
    let mut browser = app.browser();

    let sent = browser.get("/self-service/registration/browser?return_to=https://evil.example.com/").await;
    let id = sent.location_parameter("id").unwrap();
    let shown = browser.get_json(&format!("/self-service/errors?id={id}")).await;
    app.clock().advance(Duration::days(1));
    let gone = browser.get_json(&format!("/self-service/errors?id={id}")).await;

    assert_eq!(sent.status(), 303);
    assert!(sent.location().starts_with("https://app.example.org/sorry?id="));
    assert_eq!(shown.at("/id"), json!(id));
    assert_eq!(shown.at("/error/id"), "self_service_flow_return_to_forbidden");
    assert_eq!(shown.at("/error/status"), "Bad Request");
    assert_eq!(gone.status(), 404);
}

#[tokio::test]
async fn an_error_page_can_be_built_against_a_stub() {
    let app = App::new().unwrap();

    let stub = app.browser().get_json("/self-service/errors?id=stub:500").await;

    assert_eq!(stub.at("/error/code"), 500);
    assert_eq!(stub.at("/error/reason"), "This is a stub error.");
    assert_eq!(stub.at("/created_at"), "0001-01-01T00:00:00Z");
}

#[tokio::test]
async fn errors_repeat_the_id_of_their_request_and_name_themselves_in_a_header() {
    let app = App::new().unwrap();
    let mut native = app.native().with_header("x-request-id", "r-17");

    let unknown = native.show("11111111-1111-4111-8111-111111111111").await;
    let forbidden = native.open_with("return_to=https://evil.example.com/").await;

    assert_eq!(unknown.at("/error/request"), "r-17");
    assert_eq!(unknown.headers()["ory-error-id"], "");
    assert_eq!(forbidden.header("ory-error-id"), "self_service_flow_return_to_forbidden");
}

#[tokio::test]
async fn half_a_pair_exchanges_for_nothing() {
    let app = App::new().unwrap();
    let mut native = app.native();
    let page = native.open_with("return_session_token_exchange_code=true").await;
    let init = page.at("/session_token_exchange_code");
    let init = init.as_str().unwrap();

    let missing = native.get(&format!("/sessions/token-exchange?init_code={init}")).await;
    let wrong = native.get(&format!("/sessions/token-exchange?init_code={init}&return_to_code={init}")).await;
    let shown = native.show(&page.flow_id().unwrap()).await;

    assert_eq!(init.len(), 64);
    assert!(init.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(missing.status(), 400);
    assert_eq!((wrong.status(), wrong.at("/error/reason")), (404, json!("no session yet for this \"code\"")));
    assert!(shown.at("/session_token_exchange_code").is_null());
}

#[tokio::test]
async fn only_the_word_true_asks_for_a_pair_and_only_natively() {
    let app = App::new().unwrap();

    let one = app.native().open_with("return_session_token_exchange_code=1").await;
    let browser = app.spa().open_with("return_session_token_exchange_code=true").await;

    assert!(one.at("/session_token_exchange_code").is_null());
    assert!(browser.at("/session_token_exchange_code").is_null());
}

#[tokio::test]
async fn a_login_challenge_without_a_server_for_it_is_refused() {
    let app = App::new().unwrap();

    let empty = app.native().open_with("login_challenge=").await;
    let given = app.native().open_with("login_challenge=x").await;

    for refused in [empty, given] {
        assert_eq!((refused.status(), refused.at("/error/id")), (500, json!("invalid_configuration")));
    }
}

#[tokio::test]
async fn another_spelling_of_a_path_leads_to_the_clean_one() {
    let app = App::new().unwrap();

    let doubled = app.native().get("//schemas/./person?a=b").await;

    assert_eq!((doubled.status(), doubled.location()), (307, "/auth/schemas/person?a=b"));
    assert!(doubled.header("content-type").starts_with("text/html"), "as every redirect that answers a GET");
}

#[tokio::test]
async fn whoever_is_signed_in_and_submits_is_led_to_the_services_own_pages_or_to_the_default() {
    let app = App::new().unwrap();
    let mut ada = app.browser();
    let page = ada.open().await;
    let done = ada.submit(&page, crate::ada()).await;
    let own = "https://app.example.org/auth/self-service/settings/browser";
    let mut led = Vec::new();
    for asked in [own, "https://app.example.org/elsewhere", "https://evil.example.com/", "%25zz", ""] {
        let answer = ada.post_form(&format!("/self-service/registration?return_to={asked}"), &[]).await;
        led.push((answer.status(), answer.location().to_owned()));
    }

    let welcome = (302, done.location().to_owned());
    assert_eq!(led, [(302, own.to_owned()), welcome.clone(), welcome.clone(), welcome.clone(), welcome]);
}

#[tokio::test]
async fn a_token_in_the_query_of_a_form_counts_as_sent_but_never_as_right() {
    let app = App::new().unwrap();
    let mut ada = app.spa();
    let page = ada.open().await;
    let token = page.value_of("csrf_token");
    let form = [("method".to_owned(), "password".to_owned())];
    let path = format!("/self-service/registration?flow={}", page.flow_id().unwrap());

    let without = ada.post_form(&path, &form).await;
    let beside = format!("{path}&csrf_token={}", token.as_str().unwrap().replace('+', "%2B"));
    let beside = ada.post_form(&beside, &form).await;

    assert_eq!((without.status(), beside.status()), (403, 403));
    assert!(without.at("/error/details/reject_reason").is_null());
    assert!(beside.at("/error/details/reject_reason").as_str().unwrap().contains("do not match"));
}

#[tokio::test]
async fn a_forbidden_page_after_verification_is_refused_like_any_other() {
    let app = App::new().unwrap();

    let refused = app.native().open_with("after_verification_return_to=https://evil.example.com/").await;

    assert_eq!(refused.at("/error/id"), "self_service_flow_return_to_forbidden");
}

#[tokio::test]
async fn an_organization_that_nobody_serves_has_no_form() {
    let app = App::new().unwrap();
    let id = "6b6f4a4e-3c61-4bd1-9fd5-0a2d1c9c8a10";

    let page = app.native().open_with(&format!("organization={{{id}}}")).await;
    let none = app.native().open_with("organization=nobody").await;
    let nil = "00000000-0000-0000-0000-000000000000";
    let zeros = app.native().open_with(&format!("organization={nil}")).await;

    assert_eq!((page.at("/organization_id"), page.at("/ui/nodes")), (json!(id), json!(null)));
    assert_eq!((zeros.at("/organization_id"), zeros.at("/ui/nodes")), (json!(nil), json!(null)));
    assert!(none.at("/ui/nodes").is_array());
}

#[tokio::test]
async fn a_head_request_says_what_a_get_would_without_its_body() {
    let app = App::new().unwrap();

    let head = app.native().send(http::Method::HEAD, "/schemas/person", None, "application/json").await;

    assert_eq!((head.status(), head.body().len()), (200, 0));
    assert!(head.header("content-type").starts_with("application/json"));
}

#[tokio::test]
async fn a_flow_of_another_browser_is_not_shown() {
    let app = App::new().unwrap();
    let mut ada = app.spa();
    let page = ada.open().await;
    let mut eve = app.spa();
    let _ = eve.open().await;

    let shown = eve.show(&page.flow_id().unwrap()).await;

    assert_eq!((shown.status(), shown.at("/error/id")), (403, json!("security_csrf_violation")));
}

#[tokio::test]
async fn an_anti_csrf_cookie_that_another_service_behind_the_same_url_set_is_shared() {
    use base64::Engine as _;
    let app = App::new().unwrap();
    let mut ada = app.spa();
    let _ = ada.open().await;
    let name = ada.cookies().keys().find(|name| name.starts_with("csrf_token_")).unwrap().clone();
    let foreign = base64::engine::general_purpose::STANDARD.encode([7; 32]);
    ada.cookies().insert(name.clone(), foreign.clone());

    let page = ada.open().await;
    let answer = ada.submit(&page, crate::ada()).await;

    // A session changes the secret, as in Kratos: until then it stays.
    assert_eq!((page.header("set-cookie"), answer.status()), ("", 200));
    assert_ne!(ada.cookies()[&name], foreign);
}

#[tokio::test]
async fn who_comes_while_the_storage_is_away_is_told_when_to_come_back() {
    let faults = Faults::new();
    let parts = faults.around(Memory::new());
    let app = App::with(|builder| builder.method(Password::new()).storage(parts.clone()).identities(parts)).unwrap();
    let ada = json!({ "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" } });

    for (mut client, kind) in
        [(app.browser(), "text/html"), (app.spa(), "application/json"), (app.native(), "application/json")]
    {
        let page = client.open().await;
        faults.set(&[(When::Always(Call::Begin), Fault::Before(HostErrorKind::Unavailable))]);
        let busy = client.submit(&page, ada.clone()).await;
        faults.set(&[]);

        assert_eq!((busy.status(), busy.header("retry-after")), (503, "2"), "{busy:?}");
        assert!(busy.header("content-type").starts_with(kind), "{busy:?}");
    }
    assert!(app.identities().is_empty());
}
