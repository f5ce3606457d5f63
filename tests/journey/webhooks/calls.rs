//! Who is called when, and what with.

use std::time::Duration;

use http::{HeaderName, Method};
use serde_json::{Value, json};
use tower_registration::testing::{App, BASE_URL};
use tower_registration::webhooks::{WebhookError, Webhooks};

use super::receiver::{Heard, Receiver, Says, json as answer, with_header};
use super::{ada, app, app_with, hook, refusal, sign_up};

const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// What a hook hears when somebody signs up in a browser's script.
async fn heard(choose: impl FnOnce(Webhooks) -> Webhooks) -> Heard {
    let receiver = Receiver::default();
    let hooks = Webhooks::new().after_method("password", hook(&receiver, "/").build().unwrap());
    let app = app(choose(hooks));
    let mut spa = app.spa().with_header("authorization", "Bearer canary").with_header("x-session-token", "canary");
    spa = spa.with_header("user-agent", "Ada's").with_header("accept-language", "en");
    spa.cookies().insert("shop".to_owned(), "canary".to_owned());
    let page = spa.open().await;
    let mut answer = ada();
    answer["transient_payload"] = json!({ "plan": "pro" });
    assert_eq!(spa.submit(&page, answer).await.status(), 200);
    receiver.heard("/").remove(0)
}

#[tokio::test]
async fn a_call_after_the_commit_knows_flow_identity_and_request() {
    let heard = heard(|hooks| hooks).await;

    let call = heard.json();
    assert_eq!((heard.method.as_str(), heard.header("content-type")), ("POST", "application/json"));
    let mut members: Vec<&String> = call.as_object().unwrap().keys().collect();
    members.sort();
    let expected = ["flow", "identity", "request_cookies", "request_headers", "request_method", "request_url"];
    assert_eq!(members, expected);
    assert_eq!(call["flow"]["type"], "browser");
    assert_eq!(call["flow"]["transient_payload"], json!({ "plan": "pro" }));
    assert_eq!(call["flow"]["ui"]["nodes"][0]["attributes"]["value"], "", "the token is the browser's");
    assert_eq!(call["identity"]["traits"]["email"], "ada@example.org");
    assert_ne!(call["identity"]["id"], NIL);
    assert!(call["identity"].get("credentials").is_none() && call["identity"].get("metadata_admin").is_none());
    assert_eq!(call["request_method"], "POST");
    let flow = call["flow"]["id"].as_str().unwrap();
    assert_eq!(call["request_url"], format!("{BASE_URL}/self-service/registration?flow={flow}"));
}

#[tokio::test]
async fn harmless_headers_are_handed_on_and_nothing_that_signs_in() {
    let heard = heard(|hooks| hooks).await;

    let call = heard.json();
    assert_eq!(call["request_headers"]["User-Agent"], json!(["Ada's"]));
    assert_eq!(call["request_headers"]["Accept-Language"], json!(["en"]));
    assert_eq!(call["request_cookies"], json!({}));
    let all = String::from_utf8(heard.body.clone()).unwrap();
    assert!(!all.contains("canary") && !all.contains("correct horse"), "{all}");
    assert!(heard.headers.values().all(|value| !value.to_str().unwrap().contains("canary")));
}

#[tokio::test]
async fn only_what_is_listed_is_handed_on() {
    let one = heard(|hooks| hooks.share_headers([HeaderName::from_static("x-session-token")])).await.json();
    let named = heard(|hooks| hooks.share_cookies(["shop", "none"])).await.json();
    let all = heard(Webhooks::share_all_cookies).await.json();

    assert_eq!(one["request_headers"], json!({ "X-Session-Token": ["canary"] }));
    assert_eq!(named["request_cookies"], json!({ "shop": "canary" }));
    assert_eq!(all["request_cookies"].as_object().unwrap().len(), 2, "the CSRF cookie too");
}

#[tokio::test]
async fn before_the_identity_exists_it_has_no_id_and_no_times() {
    let receiver = Receiver::default();
    let app = app_with(hook(&receiver, "/").can_refuse());

    let done = sign_up(&app).await;

    assert_eq!(done.status(), 200);
    let identity = receiver.heard("/")[0].json()["identity"].clone();
    let address = &identity["verifiable_addresses"][0];
    for row in [&identity, address, &identity["recovery_addresses"][0]] {
        assert_eq!((&row["id"], &row["created_at"]), (&json!(NIL), &json!("0001-01-01T00:00:00Z")));
    }
    assert_eq!((&identity["schema_url"], &address["value"]), (&json!(""), &json!("ada@example.org")));
}

#[tokio::test]
async fn a_hook_before_a_flow_sees_its_page_and_no_identity() {
    let receiver = Receiver::default();
    let app = app(Webhooks::new().before(hook(&receiver, "/").build().unwrap()));

    let page = app.native().open().await;

    let call = receiver.heard("/")[0].json();
    assert_eq!(call["flow"]["id"], page.at("/id"));
    assert_eq!(call["flow"]["ui"], page.at("/ui"));
    assert!(call.get("identity").is_none() && call["flow"].get("transient_payload").is_none());
    assert_eq!(call["request_url"], format!("{BASE_URL}/self-service/registration/api"));
}

#[tokio::test]
async fn a_flow_that_replaces_an_expired_one_is_told_too() {
    let receiver = Receiver::default();
    let app = app(Webhooks::new().before(hook(&receiver, "/").build().unwrap()));
    let mut native = app.native();
    let page = native.open().await;
    app.clock().advance(time::Duration::hours(2));

    let expired = native.submit(&page, ada()).await;

    assert_eq!(expired.status(), 410);
    assert_eq!(receiver.heard("/").len(), 2);
}

#[tokio::test]
async fn a_request_is_as_it_was_chosen() {
    let receiver = Receiver::default();
    let chosen = hook(&receiver, "/people?list=1")
        .method(Method::PUT)
        .header("X-Tenant", "seven")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .api_key_cookie("key", "k")
        .body(|call| Some(json!({ "email": call.identity()["traits"]["email"] })))
        .time_limit(Duration::from_secs(3))
        .without_ids();
    let app = app_with(chosen);

    let done = sign_up(&app).await;

    assert_eq!(done.status(), 200);
    let heard = receiver.heard("/people").remove(0);
    assert_eq!((heard.method.as_str(), heard.body.as_slice()), ("PUT", b"email=ada%40example.org".as_slice()));
    assert_eq!((heard.header("x-tenant"), heard.header("cookie")), ("seven", "key=k"));
    assert_eq!(heard.header("ory-webhook-trigger-id"), "");
    assert_eq!(heard.limits.0, Duration::from_secs(3));
}

#[tokio::test]
async fn whoever_calls_says_so_by_a_password_or_a_key() {
    let receiver = Receiver::default();
    let with =
        |choose: fn(super::WebhookBuilder) -> super::WebhookBuilder| choose(hook(&receiver, "/")).build().unwrap();
    let hooks = Webhooks::new()
        .after(with(|hook| hook.basic_auth("u", "p")))
        .after(with(|hook| hook.bearer("t")))
        .after(with(|hook| hook.api_key_header("X-Key", "k")));
    let app = app(hooks);

    let done = sign_up(&app).await;

    assert_eq!(done.status(), 200);
    let heard = receiver.heard("/");
    let basic: Vec<&str> = heard.iter().map(|heard| heard.header("authorization")).collect();
    assert_eq!((basic, heard[2].header("x-key")), (vec!["Basic dTpw", "Bearer t", ""], "k"));
}

#[tokio::test]
async fn a_body_that_is_nothing_cancels_the_call() {
    let receiver = Receiver::default();
    let app = app_with(hook(&receiver, "/").body(|_| None));

    let done = sign_up(&app).await;

    assert_eq!((done.status(), receiver.heard("/").len()), (200, 0));
    assert!(app.memory().outbox().is_empty());
}

#[tokio::test]
async fn a_form_holds_texts_alone() {
    let receiver = Receiver::default();
    let form = hook(&receiver, "/").header("Content-Type", "application/x-www-form-urlencoded");
    let app = app_with(form.body(|_| Some(json!({ "n": 1 }))).can_refuse());

    let answer = sign_up(&app).await;

    assert_eq!((answer.status(), answer.at("/error/code")), (400, json!(500)));
    assert!(receiver.heard("/").is_empty() && app.identities().is_empty());
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_beforehand() {
    let receiver = Receiver::default();

    let text = hook(&receiver, "/").header("Content-Type", "text/plain").build();
    let header = hook(&receiver, "/").header("Host", "x").build();

    assert!(matches!(text, Err(WebhookError::ContentType)));
    assert!(matches!(header, Err(WebhookError::Header { .. })));
}

/// The paths that were called, in the order of `paths`, and how often.
fn calls(receiver: &Receiver, paths: &[&str]) -> Vec<usize> {
    paths.iter().map(|path| receiver.heard(path).len()).collect()
}

#[tokio::test]
async fn a_methods_own_list_takes_the_place_of_that_for_all() {
    let receiver = Receiver::default();
    let all = || hook(&receiver, "/all").build().unwrap();
    let own = app(Webhooks::new().after(all()).after_method("password", hook(&receiver, "/own").build().unwrap()));
    let deciding = hook(&receiver, "/decides").can_refuse().build().unwrap();
    let decides = app(Webhooks::new().after(all()).after_method("password", deciding));
    let empty = app(Webhooks::new().after(all()).own_list("password"));
    let other = app(Webhooks::new().after(all()).after_method("code", hook(&receiver, "/other").build().unwrap()));

    for app in [&own, &decides, &empty] {
        assert_eq!(sign_up(app).await.status(), 200);
    }
    assert_eq!(calls(&receiver, &["/own", "/decides", "/all"]), [1, 1, 0]);
    assert_eq!(sign_up(&other).await.status(), 200);

    assert_eq!(calls(&receiver, &["/other", "/all"]), [0, 1]);
}

#[tokio::test]
async fn a_hook_for_all_methods_that_may_decide_is_never_called() {
    let receiver = Receiver::default();
    receiver.answer("/", 400, &refusal("#/"));
    let deciding = |hook: super::WebhookBuilder| hook.build().unwrap();
    let hooks = Webhooks::new()
        .after(deciding(hook(&receiver, "/").can_refuse()))
        .after(deciding(hook(&receiver, "/").can_change()));
    let app = app(hooks);

    let done = sign_up(&app).await;

    assert_eq!((done.status(), receiver.heard("/").len()), (200, 0));
}

#[tokio::test]
async fn deciding_hooks_are_called_first_and_each_kind_in_its_order() {
    let receiver = Receiver::default();
    let mut hooks = Webhooks::new();
    for (path, decides) in [("/1", false), ("/2", true), ("/3", false), ("/4", true)] {
        let hook = hook(&receiver, path);
        hooks = hooks.after_method("password", if decides { hook.can_refuse() } else { hook }.build().unwrap());
    }
    let app = app(hooks);

    let done = sign_up(&app).await;

    assert_eq!(done.status(), 200);
    let mut heard: Vec<Heard> = ["/1", "/2", "/3", "/4"].iter().flat_map(|path| receiver.heard(path)).collect();
    heard.sort_by_key(|heard| heard.at);
    let order: Vec<&str> = heard.iter().map(|heard| heard.path.as_str()).collect();
    assert_eq!(order, ["/2", "/4", "/1", "/3"]);
}

/// What comes of opening a flow before which this service is asked.
async fn opened(says: impl IntoIterator<Item = Says>) -> (tower_registration::testing::Reply, Vec<Heard>, App) {
    let receiver = Receiver::default();
    receiver.say("/", says);
    let app = app(Webhooks::new().before(hook(&receiver, "/").build().unwrap()));
    let page = app.native().open().await;
    (page, receiver.heard("/"), app)
}

fn pauses(heard: &[Heard]) -> Vec<u64> {
    heard.windows(2).map(|two| (two[1].at - two[0].at).as_secs()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_is_tried_three_times_with_growing_pauses_and_one_trigger() {
    let (page, heard, _app) =
        opened([answer(500, &Value::Null), answer(503, &Value::Null), answer(204, &Value::Null)]).await;

    assert_eq!((page.status(), pauses(&heard)), (200, vec![1, 2]));
    let ids = |name: &str| {
        let mut ids: Vec<String> = heard.iter().map(|heard| heard.header(name).to_owned()).collect();
        ids.dedup();
        ids.len()
    };
    assert_eq!((ids("ory-webhook-trigger-id"), ids("ory-webhook-request-id")), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn after_the_third_attempt_it_is_an_internal_error() {
    for says in [answer(500, &refusal("#/")), answer(429, &refusal("#/")), Says::Gone] {
        let (page, heard, _app) = opened([says]).await;

        assert_eq!((page.status(), page.at("/error/code"), heard.len()), (500, json!(500), 3));
        assert_eq!(page.at("/error/reason"), Value::Null);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_implemented_is_not_tried_again() {
    let (page, heard, _app) = opened([answer(501, &Value::Null)]).await;

    assert_eq!((page.status(), heard.len()), (502, 1));
    assert_eq!(page.at("/error/message"), "webhook failed with status code 501");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_called_too_often_says_when_to_come_back() {
    let date = (time::OffsetDateTime::now_utc() + time::Duration::seconds(9))
        .format(&time::format_description::well_known::Rfc2822);
    let date = date.unwrap().replace("+0000", "GMT");
    let busy = |after: &str| with_header(429, "retry-after", after);
    let (page, heard, _app) = opened([busy("7"), busy(&date), answer(200, &Value::Null)]).await;
    let garbage = opened([busy("soon"), busy("-1"), answer(200, &Value::Null)]).await;
    let other = opened([with_header(503, "retry-after", "9"), answer(200, &Value::Null)]).await;

    assert_eq!((page.status(), pauses(&heard)[0]), (200, 7));
    assert!((7..=9).contains(&pauses(&heard)[1]), "{:?}", pauses(&heard));
    assert_eq!((garbage.0.status(), pauses(&garbage.1)), (200, vec![1, 2]));
    assert_eq!((other.0.status(), pauses(&other.1)), (200, vec![1]), "only a 429 is asked for it");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_pause_that_is_too_long() {
    let begun = tokio::time::Instant::now();
    let (page, heard, _app) = opened([with_header(429, "retry-after", "3600")]).await;

    assert_eq!((page.status(), heard.len(), begun.elapsed().as_secs()), (500, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_answers_holds_a_request_for_a_minute_at_most() {
    let begun = tokio::time::Instant::now();
    let receiver = Receiver::default();
    receiver.say("/", [Says::Silence]);
    let silent = || hook(&receiver, "/").build().unwrap();
    let app = app(Webhooks::new().before(silent()).before(silent()));

    let page = app.native().open().await;

    assert_eq!(page.status(), 502);
    assert_eq!(
        page.at("/error/reason"),
        "A third-party upstream service could not be reached. Please try again later."
    );
    let heard = receiver.heard("/");
    let limits: Vec<u64> = heard.iter().map(|heard| heard.limits.0.as_secs()).collect();
    assert_eq!((limits, begun.elapsed().as_secs()), (vec![30, 29], 60));
}

#[tokio::test(start_paused = true)]
async fn the_hooks_of_a_request_have_their_time_together() {
    let begun = tokio::time::Instant::now();
    let receiver = Receiver::default();
    receiver.say("/slow", [Says::After(Duration::from_secs(25), 200)]);
    let slow = || hook(&receiver, "/slow").build().unwrap();
    let app = app(Webhooks::new().before(slow()).before(slow()).before(slow()));

    let page = app.native().open().await;

    assert_eq!((page.status(), receiver.heard("/slow").len()), (502, 3));
    assert!(begun.elapsed() <= Duration::from_secs(61), "{:?}", begun.elapsed());
}
