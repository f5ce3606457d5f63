//! Services elsewhere that hear of sign-ups, in-process: what they are told, what their answers do, and what becomes of
//! calls after the commit.
//!
//! Recorded cases of the reference: `hook-*`. What is waited for passes at once: the clock of the runtime stands still.

mod answers;
mod calls;
mod errands;
#[path = "../../peers/receiver.rs"]
pub(crate) mod receiver;

use serde_json::{Value, json};
use tower_registration::host::Fetch;
use tower_registration::methods::Password;
use tower_registration::testing::{App, Reply};
use tower_registration::webhooks::{Webhook, WebhookBuilder, Webhooks};

use receiver::Receiver;

pub(crate) use super::ada;

/// A hook at a path of the receiver.
pub(crate) fn hook(receiver: &Receiver, path: &str) -> WebhookBuilder {
    builder(receiver.clone(), path)
}

pub(crate) fn builder(fetch: impl Fetch, path: &str) -> WebhookBuilder {
    Webhook::builder(fetch, format!("https://hooks.example.org{path}"))
}

pub(crate) fn app(hooks: Webhooks) -> App {
    App::with(|builder| builder.method(Password::new()).hook(hooks)).unwrap()
}

/// An app with one hook for passwords.
pub(crate) fn app_with(hook: WebhookBuilder) -> App {
    app(Webhooks::new().after_method("password", hook.build().unwrap()))
}

/// What a native client hears when Ada signs up.
pub(crate) async fn sign_up(app: &App) -> Reply {
    let mut client = app.native();
    let page = client.open().await;
    client.submit(&page, ada()).await
}

/// The body of an answer that refuses, with this message at a place.
pub(crate) fn refusal(pointer: &str) -> Value {
    json!({ "messages": [{ "instance_ptr": pointer, "messages": [{ "id": 1234, "text": "no", "type": "error" }] }] })
}
