//! G1 for web hooks: nothing that was sent or answered, and no key, is told to the log, to a client or by a debug output.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tower_registration::methods::Password;
use tower_registration::testing::App;
use tower_registration::webhooks::{WebhookBuilder, Webhooks};
use url::Url;

use super::{ada, hook};
use crate::server::{Server, answer, drips, nobody, says};
use crate::tape::Tape;

/// Every secret that there is holds this word, but for the password and the address.
const CANARY: &str = "canary";

/// Its forms.
fn hidden() -> Vec<String> {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode("canary:canary");
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![CANARY.to_owned(), base64, hex, "correct horse".to_owned(), "ada@example".to_owned(), "Basic ".to_owned()]
}

/// A hook with secrets wherever there can be one.
fn secret(url: &Url) -> WebhookBuilder {
    let mut url = url.join("/canary?key=canary").unwrap();
    url.set_username(CANARY).unwrap();
    url.set_password(Some(CANARY)).unwrap();
    hook(&url).header("X-Canary", CANARY).time_limit(Duration::from_millis(100))
}

/// Signs up with a browser's script full of secrets; everything that it and its developer are told.
async fn told(hook: WebhookBuilder) -> String {
    let builder = format!("{hook:?}");
    let hook = hook.build().unwrap();
    let hooks = Webhooks::new().after_method("password", hook.clone()).share_all_cookies();
    let debug = format!("{builder} {hook:?} {hooks:?}");
    let app = App::with(|builder| builder.method(Password::new()).hook(hooks)).unwrap();
    let mut spa = app.spa().with_header("authorization", "Bearer canary");
    spa.cookies().insert("shop".to_owned(), CANARY.to_owned());
    let page = spa.open().await;
    let mut answer = ada();
    answer["transient_payload"] = json!({ "x": CANARY });
    let reply = spa.submit(&page, answer).await;
    assert_ne!(reply.status(), 200);
    app.clock().advance(time::Duration::hours(1));
    let flushed = app.deliver().await.unwrap();
    format!("{debug} {:?} {} {flushed:?}", app.memory().outbox(), String::from_utf8_lossy(reply.body()))
}

#[tokio::test]
async fn g1_no_secret_of_a_web_hook_is_told() {
    let tape = Tape::default();
    let _recording = tracing::subscriber::set_default(tape.clone());
    let echo =
        Server::start(|_, asked| answer(if asked.path.is_empty() { 200 } else { 400 }, asked.body.clone())).await;
    let busy = Server::start(|_, asked| answer(500, asked.body.clone())).await;
    let garbage = says(b"canary canary HTTP/1.1\r\n\r\n").await;
    let silent = drips(b"", Duration::from_secs(1)).await;
    let urls = [&echo.url, &busy.url, &nobody().await, &garbage, &silent];

    // All at once and on one thread, so that the tape hears all of them.
    let mut going = JoinSet::new();
    for url in urls {
        going.spawn(told(secret(url).can_change()));
        going.spawn(told(secret(url)));
    }
    let mut all = going.join_all().await.join("\n");
    all.push_str(&tape.told());

    let found: Vec<String> = hidden().into_iter().filter(|hidden| all.contains(hidden.as_str())).collect();
    assert!(found.is_empty(), "{found:?} in {all}");
    let named = tape.told().matches("the web hook http://127.0.0.1").count();
    assert!(named >= 10, "the log says which hook it was {named} times: {}", tape.told());
}

#[tokio::test]
async fn g1_what_a_hook_says_before_a_flow_is_not_told() {
    let tape = Tape::default();
    let _recording = tracing::subscriber::set_default(tape.clone());
    let said = r#"{"messages":[{"instance_ptr":"canary","messages":[{"id":1,"text":"canary"}]}]}"#;
    let server = Server::start(move |_, _| answer(400, said)).await;
    let hooks = Webhooks::new().before(hook(&server.url).can_refuse().build().unwrap());
    let app = App::with(|builder| builder.method(Password::new()).hook(hooks)).unwrap();

    let reply = app.native().open().await;

    let told = format!("{} {}", String::from_utf8_lossy(reply.body()), tape.told());
    assert!(reply.status() == 500 && !told.contains(CANARY) && told.contains("refuses to let"), "{told}");
}
