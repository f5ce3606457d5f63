//! The host that is measured: sign-up in one step with a password, a session afterwards, everything in memory.

use bytes::Bytes;
use http::{Request, header};
use serde_json::{Value, json};
use tower_registration::memory::Memory;
use tower_registration::methods::Password;
use tower_registration::{After, Builder, Hashing, Registration, Schema, Secret, Style};

/// Where the service is mounted.
pub(crate) const PREFIX: &str = "/auth";

/// A service with a fresh memory, so that a run does not inherit the flows of the one before.
pub(crate) fn registration(hashing: Hashing) -> Registration {
    let site = "https://app.example.org";
    let own = |builder: Builder| builder.registration_ui(format!("{site}/sign-up")).error_ui(format!("{site}/sorry"));
    own(builder(hashing)).default_return_url(format!("{site}/welcome")).build().unwrap()
}

/// The host without pages of its own, so that the library's are there.
pub(crate) fn builder(hashing: Hashing) -> Builder {
    let memory = Memory::new();
    Registration::builder(format!("https://app.example.org{PREFIX}"))
        .secret(Secret::random_until_restart().unwrap())
        .schema(Schema::parse("person", include_str!("../../examples/person.json")).unwrap())
        .method(Password::new())
        .style(Style::Unified)
        .after(After::new().session(true))
        .hashing(hashing)
        .storage(memory.clone())
        .identities(memory)
}

/// A native client begins a flow.
pub(crate) fn open() -> Request<Bytes> {
    let request = Request::get(format!("{PREFIX}/self-service/registration/api"));
    request.header(header::ACCEPT, "application/json").body(Bytes::new()).unwrap()
}

/// It answers the flow.
pub(crate) fn submit(flow: &str, email: &str) -> Request<Bytes> {
    let form = json!({ "method": "password", "password": "correct horse battery", "traits": { "email": email } });
    let request = Request::post(format!("{PREFIX}/self-service/registration?flow={flow}"));
    let request = request.header(header::ACCEPT, "application/json").header(header::CONTENT_TYPE, "application/json");
    request.body(form.to_string().into()).unwrap()
}

/// The id of the flow that a native client was shown.
pub(crate) fn flow_in(body: &[u8]) -> String {
    let page: Value = serde_json::from_slice(body).unwrap();
    page["id"].as_str().unwrap().to_owned()
}
