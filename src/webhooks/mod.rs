//! Web hooks: services elsewhere hear of sign-ups, and may refuse or change them.
//!
//! ```
//! use serde_json::json;
//! use tower_registration::fetch::Client;
//! use tower_registration::methods::Password;
//! use tower_registration::testing::App;
//! use tower_registration::webhooks::{Webhook, Webhooks};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new()?;
//! // It is asked before the identity exists: it may refuse, or add what it knows.
//! let risk = Webhook::builder(client.clone(), "https://risk.example.org/sign-ups")
//!     .basic_auth("app", "its password")
//!     .body(|call| Some(json!({ "email": call.identity()["traits"]["email"] })))
//!     .can_change()
//!     .build()?;
//! // It hears of everybody who has signed up; nobody waits for it.
//! let list = Webhook::builder(client, "https://list.example.org/people")
//!     .api_key_header("X-Key", "its key")
//!     .body(|call| Some(call.identity().clone()))
//!     .in_background()
//!     .build()?;
//!
//! let app = App::with(|builder| {
//!     let hooks = Webhooks::new().after_method("password", risk).after_method("password", list);
//!     builder.method(Password::new()).hook(hooks)
//! })?;
//! # let _ = app; Ok(()) }
//! ```
//!
//! # When they are called
//!
//! | list | kind | when |
//! |---|---|---|
//! | [`before`](Webhooks::before) | any | a flow is about to be begun |
//! | [`after_method`](Webhooks::after_method) | [`can_refuse`](WebhookBuilder::can_refuse), [`can_change`](WebhookBuilder::can_change) | an identity is about to be created by this method |
//! | [`after_method`](Webhooks::after_method), or [`after`](Webhooks::after) where the method has no list | the others | the registration is committed |
//!
//! 1. They are called one after the other, in the order in which they were added. Hooks that run in the background wait for
//!    nobody, and nobody waits for them.
//! 2. A method's own list takes the place of the list for all, even where it holds only hooks that are called earlier. A
//!    hook in the list for all that can refuse or change is never called.
//! 3. A call after the commit is an [errand](crate::host::Errand): a row of the outbox, written with the identity. The
//!    request makes the call and erases the row when it is answered. If the request dies, or there is no answer, the
//!    [dispatcher](crate::upkeep) makes it, with the same trigger id; so it does with calls in the background.
//!
//! # A call
//!
//! 4. The [body](WebhookBuilder::body) is JSON, or a form where the header `Content-Type` says so, made of what a
//!    [`Call`] knows. A body that is nothing cancels the call, and all is well.
//! 5. Headers of the client's request are handed on from a list of harmless ones; cookies only as chosen
//!    ([`share_headers`](Webhooks::share_headers), [`share_cookies`](Webhooks::share_cookies)). The page's CSRF token is never.
//! 6. `Ory-Webhook-Trigger-ID` is the same for all attempts, `Ory-Webhook-Request-ID` another for each.
//! 7. An attempt has 30 seconds. There are three: after no answer, 429 and 5xx but 501, with pauses of one and two seconds,
//!    or what the `Retry-After` of a 429 says. All hooks of a request have 60 seconds together. Redirects are not followed.
//!
//! # Its answer
//!
//! 8. Any status below 400 means that all is well. 429 and 5xx but 501 at the third attempt, or none, is answered as an
//!    internal error; when time ran out, with 502.
//! 9. The other statuses from 400 on refuse. A hook that can refuse says so with messages at fields, which the person reads
//!    on the page: `{"messages": [{"instance_ptr": "#/traits/email", "messages": [{"id": 1234, "text": "…", "type":
//!    "error", "context": {}}]}]}`. An answer without them is an internal error. Any other hook is answered with 502, with
//!    the status; the hooks behind it are not called.
//! 10. A hook that can change may answer 200 with `{"identity": {…}}`. Of `traits`, `schema_id`, `state`,
//!     `verifiable_addresses`, `metadata_public`, `metadata_admin` and `external_id` each that is there replaces what was; the
//!     traits are judged again. A body that is no such object is an internal error. A state that is neither `active` nor
//!     `inactive` is refused before anything is stored.
//!
//! The log hears the name of a hook, or the origin of its URL, and what went wrong: never what was sent or answered.

mod answer;
mod call;
mod hooks;
mod send;
mod webhook;

pub use crate::endpoint::EndpointError as WebhookError;
pub use call::Call;
pub use hooks::Webhooks;
#[cfg(feature = "kratos")]
pub(crate) use webhook::{Body, BodyError};
pub use webhook::{Webhook, WebhookBuilder};
