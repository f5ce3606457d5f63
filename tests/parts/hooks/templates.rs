//! Web hooks as configuration files describe them: with bodies in Jsonnet.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower_registration::kratos;
use tower_registration::memory::Memory;
use tower_registration::testing::{Client, ClientKind, Reply};

use crate::server::{Server, answer};

/// The recorded configuration of this name with the first hook for passwords changed.
fn file(name: &str, hook: Value) -> Value {
    let path = format!("{}/tests/conformance/configs/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let own = &mut file["selfservice"]["flows"]["registration"]["after"]["password"]["hooks"][0]["config"];
    own.as_object_mut().unwrap().extend(hook.as_object().unwrap().clone());
    own.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    file
}

fn template(source: &str) -> Value {
    format!("base64://{}", STANDARD.encode(source)).into()
}

/// Signs up with a service of this file, in a browser's script with a cookie of its own.
async fn sign_up(file: &Value) -> Reply {
    let memory = Memory::new();
    let builder = kratos::load(&file.to_string()).unwrap().builder.storage(memory.clone()).identities(memory);
    let mut client =
        Client::new(builder.build().unwrap(), "", ClientKind::Spa).with_header("authorization", "Bearer x");
    client.cookies().insert("shop".to_owned(), "cart".to_owned());
    let page = client.open().await;
    let traits = json!({ "email": "ada@example.org" });
    client.submit(&page, json!({ "method": "password", "password": "correct horse battery", "traits": traits })).await
}

/// What a hook with this template is told, if anything, and what its client hears; with this list of headers.
async fn told(source: &str, allowed: Value) -> (Option<Value>, u16) {
    let server = Server::start(|_, _| answer(204, "")).await;
    let mut file = file("hook-plain", json!({ "url": server.url, "body": template(source) }));
    file["clients"]["web_hook"]["header_allowlist"] = allowed;
    let reply = sign_up(&file).await;
    (server.asked().first().map(|asked| asked.json()), reply.status())
}

#[tokio::test]
async fn a_template_is_told_everything_and_all_cookies() {
    let (ctx, status) = told("function(ctx) ctx", Value::Null).await;

    let ctx = ctx.unwrap();
    assert_eq!(
        (status, &ctx["request_cookies"]["shop"], &ctx["request_method"]),
        (200, &json!("cart"), &json!("POST"))
    );
    assert_eq!(ctx["identity"]["traits"]["email"], "ada@example.org");
    assert!(ctx["request_headers"].get("Authorization").is_none() && ctx["request_headers"].get("Cookie").is_none());
    assert!(ctx["request_headers"]["Content-Type"].is_array() && ctx.get("session").is_none());
}

#[tokio::test]
async fn headers_are_those_of_the_file() {
    let (ctx, _) = told("function(ctx) ctx.request_headers", json!(["AUTHORIZATION"])).await;
    let (none, _) = told("function(ctx) ctx.request_headers", json!([])).await;

    assert_eq!((ctx.unwrap(), none.unwrap()), (json!({ "Authorization": ["Bearer x"] }), json!({})));
}

#[tokio::test]
async fn a_template_that_raises_cancel_cancels_the_call() {
    assert_eq!(told("function(ctx) error 'cancel'", Value::Null).await, (None, 200));
    assert_eq!(
        told("function(ctx) if ctx.flow.type == 'browser' then error 'cancel' else {}", Value::Null).await,
        (None, 200)
    );
    let failed = told("function(ctx) error 'no'", Value::Null).await;
    assert_eq!(failed, (None, 500));
}

#[tokio::test]
async fn hooks_that_cannot_work_are_refused_with_their_key() {
    let at = "selfservice.flows.registration.after.password.hooks.0.config";
    let cases = [
        (json!({ "response": { "ignore": true, "parse": true } }), "response.ignore"),
        (json!({ "response": { "ignore": true }, "can_interrupt": true }), "response.ignore"),
        (json!({ "response": { "pars": true } }), "response.pars"),
        (json!({ "body": null }), "body"),
        (json!({ "body": template("function(ctx) {") }), "body"),
        (json!({ "body": "/no/such/file.jsonnet" }), "body"),
        (json!({ "url": null }), "url"),
        (json!({ "url": "ftp://example.org" }), "url"),
        (json!({ "method": "G T" }), "method"),
        (json!({ "headers": { "Content-Type": "text/plain" } }), "headers"),
        (json!({ "auth": { "type": "none" } }), "auth.type"),
        (
            json!({ "auth": { "type": "api_key", "config": { "name": "x", "value": "y", "in": "query" } } }),
            "auth.config.in",
        ),
        (json!({ "retry": 3 }), "retry"),
    ];

    for (hook, key) in cases {
        let error = kratos::load(&file("hook-plain", hook.clone()).to_string()).unwrap_err();
        assert_eq!(error.key(), format!("{at}.{key}"), "{hook}");
    }
    let mut file = file("hook-plain", json!({}));
    file["clients"]["web_hook"]["header_allowlist"] = json!(["a b"]);
    assert_eq!(kratos::load(&file.to_string()).unwrap_err().key(), "clients.web_hook.header_allowlist");
}

#[tokio::test]
async fn addresses_that_may_be_called_are_those_of_the_file() {
    let server = Server::start(|_, _| answer(204, "")).await;
    let hook = json!({ "url": server.url, "body": template("function(ctx) {}") });
    let mut closed = file("hook-plain", hook);
    closed["clients"]["http"]["disallow_private_ip_ranges"] = true.into();
    let mut open = closed.clone();
    open["clients"]["http"]["private_ip_exception_urls"] = json!([server.url]);

    let refused = sign_up(&closed).await;
    assert_eq!((refused.status(), server.connections()), (500, 0));

    assert_eq!((sign_up(&open).await.status(), server.connections()), (200, 1));
}

#[tokio::test]
async fn a_method_list_that_names_any_hook_silences_the_list_for_all() {
    let server = Server::start(|_, _| answer(204, "")).await;
    let config = json!({ "url": server.url, "method": "POST", "body": template("function(ctx) {}") });
    let with = |names: &[&str]| {
        let mut file = file("hook-plain", json!({}));
        let own: Vec<Value> = names.iter().map(|name| json!({ "hook": name })).collect();
        let after = &mut file["selfservice"]["flows"]["registration"]["after"];
        after["hooks"] = json!([{ "hook": "web_hook", "config": config }]);
        after["password"]["hooks"] = own.into();
        file
    };

    assert_eq!(sign_up(&with(&["session"])).await.status(), 200);
    assert_eq!(sign_up(&with(&["show_verification_ui"])).await.status(), 200);
    assert_eq!(server.asked().len(), 0);
    assert_eq!(sign_up(&with(&[])).await.status(), 200);
    assert_eq!(sign_up(&with(&["revoke_active_sessions"])).await.status(), 200);

    assert_eq!(server.asked().len(), 2);
}
