//! What the host brings: one trait for each duty, all on these pages.
//!
//! | trait | duty | ready-made |
//! |---|---|---|
//! | [`Storage`], [`Unit`] | keep flows and everything else with an expiry; commit as a whole or not at all | [`memory`](crate::memory), `sqlite`, `postgres` |
//! | [`Identities`] | the host's users: who owns an identifier, and how one is created | [`memory`](crate::memory), `sqlite`, `postgres` |
//! | [`Sessions`] | who is signed in, and a session for somebody proved | [`sessions`](crate::sessions) |
//! | [`Courier`] | carry a letter | [`log`](crate::log), `smtp`, `sms`, `testing` (features of these names) |
//! | [`Hook`] | a say before and after | none needed; `webhooks` (feature of this name) |
//! | [`Linking`] | what happens when social sign-up meets a known address | the form says so |
//! | [`OAuth2Server`] | people whom an OAuth2 server sends here, and wants back | `hydra` (feature of this name) |
//! | [`Fetch`] | call services elsewhere | `fetch` (with the features that need it) |
//! | [`BreachList`] | which passwords have leaked | [`breach`](crate::breach) |
//! | [`Clock`], [`Random`] | the time, and bytes that nobody can guess | the system's |
//!
//! All traits are object-safe and held as `Arc<dyn …>`, so that they can be wrapped: for metrics, retries, faults. A
//! wrapper that forwards should `#[deny(clippy::missing_trait_methods)]`.
//!
//! A part that panics costs the request an answer with the code 500; what was under way is rolled back, and nobody else
//! notices. The clock of a host is not believed when it goes back by less than two hours: it stands still until then.
//!
//! Whoever writes a [`Storage`] runs the storage contract of the test kit against it (`testing::storage`): it names the
//! duties that are not kept.

mod errand;
mod error;
mod fetch;
mod hook;
mod identities;
mod letters;
mod linking;
mod oauth2;
mod outbox;
mod sessions;
mod steady;
mod storage;
mod system;

pub use errand::{Errand, Undone};
pub use error::{HostError, HostErrorKind};
pub use fetch::{Fetch, FetchRequest, Fetched, Unfetched, UnfetchedKind};
pub(crate) use hook::{Around, Draw};
pub use hook::{Hook, HookContext};
pub use identities::{CreateError, Identities};
pub use letters::{Courier, Model, Rendered, Templates, Undelivered};
pub use linking::{Linked, Linking};
pub use oauth2::{AcceptedLogin, LoginRequest, OAuth2Error, OAuth2Server};
pub use outbox::{Delivery, Leased, Outgoing};
pub use sessions::{Opened, Sessions, Witness, WitnessKind};
pub(crate) use steady::Steady;
pub use storage::{Kind, Put, Record, RecordId, Storage, Unit, Version};
pub use system::{BreachList, Clock, Random, SystemClock, SystemRandom};
