//! Calls after the commit: made once, by the request or by the dispatcher, and never lost.

use std::time::Duration;

use serde_json::{Value, json};
use tower_registration::testing::App;
use tower_registration::upkeep::{Flushed, Why};
use tower_registration::webhooks::Webhooks;

use super::receiver::{Receiver, Says, json as answer};
use super::{ada, app, app_with, hook, sign_up};

fn counts(flushed: Flushed) -> (usize, usize, usize) {
    (flushed.delivered, flushed.postponed, flushed.given_up)
}

async fn deliver(app: &App) -> (usize, usize, usize) {
    counts(app.deliver().await.unwrap())
}

/// Begins a sign-up and drops it when the service hears of it.
async fn sign_up_and_vanish(app: &App, receiver: &Receiver, path: &str) {
    let mut client = app.native();
    let page = client.open().await;
    let heard = async {
        while receiver.heard(path).is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        answer = client.submit(&page, ada()) => panic!("{answer:?}"),
        () = heard => {}
    }
}

#[tokio::test]
async fn a_call_that_is_answered_leaves_nothing_behind() {
    let receiver = Receiver::default();
    let app = app_with(hook(&receiver, "/"));

    let done = sign_up(&app).await;
    app.clock().advance(time::Duration::hours(1));

    assert_eq!((done.status(), deliver(&app).await, receiver.heard("/").len()), (200, (0, 0, 0), 1));
}

#[tokio::test]
async fn a_request_that_dies_leaves_its_calls_to_the_dispatcher() {
    let receiver = Receiver::default();
    receiver.say("/first", [Says::Silence]);
    let plain = |path: &str| hook(&receiver, path).build().unwrap();
    let hooks = Webhooks::new().after(plain("/first")).after(plain("/second"));
    let app = app(hooks.after(hook(&receiver, "/third").in_background().build().unwrap()));

    sign_up_and_vanish(&app, &receiver, "/first").await;
    receiver.answer("/first", 204, &Value::Null);
    let early = deliver(&app).await;
    app.clock().advance(time::Duration::minutes(2));
    let late = deliver(&app).await;

    assert_eq!((app.identities().len(), early, late), (1, (0, 0, 0), (3, 0, 0)));
    let heard = receiver.heard("/first");
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].header("ory-webhook-trigger-id"), heard[1].header("ory-webhook-trigger-id"));
    assert_eq!(heard[0].body, heard[1].body, "the same call");
    assert!(receiver.heard("/second")[0].at >= heard[1].at, "in their order");
    assert_eq!(receiver.heard("/third").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_is_told_and_made_later() {
    let receiver = Receiver::default();
    receiver.say("/", [Says::Gone]);
    let app = app_with(hook(&receiver, "/"));

    let failed = sign_up(&app).await;
    receiver.answer("/", 200, &Value::Null);
    app.clock().advance(time::Duration::seconds(10));

    assert_eq!((failed.status(), failed.at("/error/code"), app.identities().len()), (400, json!(500), 1));
    assert_eq!((deliver(&app).await, receiver.heard("/").len()), ((1, 0, 0), 4));
    assert!(app.memory().outbox().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_answers_is_told_with_502_and_called_later() {
    let receiver = Receiver::default();
    receiver.say("/", [Says::Silence]);
    let app = app_with(hook(&receiver, "/"));
    let begun = tokio::time::Instant::now();

    let failed = sign_up(&app).await;

    assert_eq!(failed.status(), 502);
    assert!(begun.elapsed() <= Duration::from_secs(61), "{:?}", begun.elapsed());
    assert_eq!(app.memory().outbox().len(), 1);
}

#[tokio::test]
async fn nobody_waits_for_a_call_in_the_background() {
    let receiver = Receiver::default();
    receiver.say("/", [Says::Silence]);
    let app = app_with(hook(&receiver, "/").in_background());

    let done = sign_up(&app).await;

    assert_eq!((done.status(), receiver.heard("/").len(), app.memory().outbox().len()), (200, 0, 1));
    receiver.answer("/", 204, &Value::Null);
    assert_eq!((deliver(&app).await, receiver.heard("/").len()), ((1, 0, 0), 1));
}

#[tokio::test]
async fn a_call_in_the_background_waits_for_those_before_it() {
    let receiver = Receiver::default();
    receiver.answer("/first", 400, &Value::Null);
    let hooks = Webhooks::new().after(hook(&receiver, "/first").build().unwrap());
    let app = app(hooks.after(hook(&receiver, "/second").in_background().build().unwrap()));

    let failed = sign_up(&app).await;
    receiver.answer("/first", 204, &Value::Null);
    app.clock().advance(time::Duration::hours(1));
    let refused = deliver(&app).await;

    assert_eq!((failed.status(), refused, receiver.heard("/second").len()), (502, (0, 0, 0), 0));
}

#[tokio::test]
async fn a_hook_before_a_flow_may_run_in_the_background_too() {
    let receiver = Receiver::default();
    let app = app(Webhooks::new().before(hook(&receiver, "/").in_background().build().unwrap()));

    let page = app.native().open().await;

    assert_eq!((page.status(), receiver.heard("/").len()), (200, 0));
    assert_eq!(deliver(&app).await, (1, 0, 0));
    assert_eq!(receiver.heard("/")[0].json()["flow"]["id"], page.at("/id"));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_tried_for_a_day_and_then_given_up_visibly() {
    let receiver = Receiver::default();
    receiver.say("/", [Says::Gone]);
    let app = app_with(hook(&receiver, "/").in_background());
    let given_up = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = std::sync::Arc::clone(&given_up);
    let dispatcher = app.registration().dispatcher().on_give_up(move |row| told.lock().unwrap().push(row.clone()));

    assert_eq!(sign_up(&app).await.status(), 200);
    assert_eq!(counts(dispatcher.flush().await.unwrap()), (0, 1, 0));
    app.clock().advance(time::Duration::hours(23));
    assert_eq!(counts(dispatcher.flush().await.unwrap()), (0, 1, 0));
    app.clock().advance(time::Duration::hours(1));
    assert_eq!(counts(dispatcher.flush().await.unwrap()), (0, 0, 1));

    let given_up = given_up.lock().unwrap();
    assert_eq!((given_up[0].why, given_up[0].errand.as_deref()), (Why::Expired, Some("webhooks")));
    assert!(given_up[0].letter.is_none());
}

#[tokio::test]
async fn a_call_in_the_background_that_is_refused_is_over() {
    let receiver = Receiver::default();
    receiver.answer("/", 410, &Value::Null);
    let app = app_with(hook(&receiver, "/").in_background());

    assert_eq!(sign_up(&app).await.status(), 200);

    assert_eq!((deliver(&app).await, app.memory().outbox().len()), ((0, 0, 1), 0));
}

#[tokio::test]
async fn a_call_waits_for_a_process_that_knows_its_hook() {
    let receiver = Receiver::default();
    let app = app_with(hook(&receiver, "/").in_background());
    assert_eq!(sign_up(&app).await.status(), 200);
    let memory = app.memory().clone();
    let (storage, identities) = (memory.clone(), memory.clone());
    let other = App::with(|builder| {
        builder.method(tower_registration::methods::Password::new()).storage(storage).identities(identities)
    });

    let unknown = other.unwrap().deliver().await.unwrap();

    // The other process has another secret, too: it takes the row for a letter that no key opens.
    assert_eq!(counts(unknown), (0, 1, 0));
    app.clock().advance(time::Duration::minutes(1));
    assert_eq!((deliver(&app).await, memory.outbox().len()), ((1, 0, 0), 0));
}

#[tokio::test]
async fn what_waits_in_the_outbox_is_sealed() {
    let receiver = Receiver::default();
    let app = app_with(hook(&receiver, "/").in_background());

    let _ = sign_up(&app).await;

    let row = app.memory().outbox().remove(0);
    let text = String::from_utf8_lossy(row.body()).into_owned();
    assert!(!text.contains("ada") && !text.contains("flow") && row.body().len() > 500, "{text}");
}

#[tokio::test]
async fn two_services_of_hooks_need_two_names() {
    let receiver = Receiver::default();
    let hooks = || Webhooks::new().after(hook(&receiver, "/").build().unwrap());
    let built = |second: Webhooks| {
        App::with(|builder| builder.method(tower_registration::methods::Password::new()).hook(hooks()).hook(second))
    };

    let equal = built(hooks());
    let named = built(hooks().named("crm"));

    assert!(equal.unwrap_err().to_string().contains("two hooks are named `webhooks`"));
    assert_eq!((sign_up(&named.unwrap()).await.status(), receiver.heard("/").len()), (200, 2));
}

#[tokio::test]
async fn somebody_else_faster_does_not_call_twice() {
    let receiver = Receiver::default();
    receiver.say("/", [answer(204, &Value::Null)]);
    let app = app_with(hook(&receiver, "/"));
    let (mut one, mut two) = (app.native(), app.native());
    let (first, second) = (one.open().await, two.open().await);

    let (one, two) = tokio::join!(one.submit(&first, ada()), two.submit(&second, ada()));

    assert_eq!(one.status().min(two.status()), 200);
    assert_eq!((app.identities().len(), receiver.heard("/").len()), (1, 1));
}
