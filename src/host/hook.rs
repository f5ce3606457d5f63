//! A say before and after.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::Instant;

use super::{Errand, Undone, Unit};
use crate::caller::Caller;
use crate::config::Config;
use crate::flow::Facts;
use crate::identity::{Draft, Identity, MethodId};
use crate::page::Page;
use crate::stop::{Failure, Stop};

/// Lets the host take part in a registration. Every method has a default that does nothing; hooks run in the order
/// they were given to the builder.
///
/// Each may refuse with messages at fields ([`Stop::refuse`]) or fail with an answer of its own
/// ([`Failure`](crate::Failure)). What calls out to elsewhere belongs into [`before_create`](Hook::before_create) or
/// [`after_commit`](Hook::after_commit): inside the commit a slow answer would hold the transaction open.
#[async_trait]
pub trait Hook: Send + Sync + 'static {
    /// The name under which errands of this hook are found again, after a restart too. A hook without errands needs none.
    fn name(&self) -> &str {
        ""
    }

    /// A flow is about to be begun. A refusal here has no page yet and is answered as an internal error.
    ///
    /// # Errors
    ///
    /// A [`Stop`] ends the request; no flow is stored.
    async fn before_open(&self, _cx: &HookContext<'_>) -> Result<(), Stop> {
        Ok(())
    }

    /// An identity is about to be created. The draft may be changed; the password is not in it. Nothing is stored yet
    /// but the flow, and the check for taken identifiers comes afterwards.
    ///
    /// # Errors
    ///
    /// A [`Stop`] ends the request; no identity is created.
    async fn before_create(&self, _cx: &HookContext<'_>, _draft: &mut Draft) -> Result<(), Stop> {
        Ok(())
    }

    /// The identity is created, and not committed: the host's own rows go into the same unit.
    ///
    /// # Errors
    ///
    /// A [`Stop`] rolls everything back.
    async fn in_commit(&self, _cx: &HookContext<'_>, _unit: &mut dyn Unit, _identity: &Identity) -> Result<(), Stop> {
        Ok(())
    }

    /// What the hook has to do once the unit is committed, and must not be lost: each errand is written in the unit. They
    /// are done in this order, before the client is answered and before it is signed in.
    ///
    /// The hook is asked inside of the commit with the identity that is created, and without one when a flow is about to
    /// be stored; nobody waits for errands of the latter.
    ///
    /// # Errors
    ///
    /// A [`Stop`] rolls everything back.
    async fn errands(&self, _cx: &HookContext<'_>, _identity: Option<&Identity>) -> Result<Vec<Errand>, Stop> {
        Ok(Vec::new())
    }

    /// Does an errand that this hook, or one of its name in another process, had. It may come more than once, with the
    /// same id, when nobody could say whether it was done. It has a minute.
    ///
    /// # Errors
    ///
    /// [`Undone`] when it was not done; it is tried again unless that would be in vain. Trying ends after a day.
    async fn perform(&self, _errand: &Errand) -> Result<(), Undone> {
        Err(Undone::for_good(Failure::internal("a hook has errands that it does not do")))
    }

    /// The registration is committed; nothing undoes it any more.
    ///
    /// # Errors
    ///
    /// A [`Stop`] is answered in place of the success, with the cookies of what was committed.
    async fn after_commit(&self, _cx: &HookContext<'_>, _identity: &Identity) -> Result<(), Stop> {
        Ok(())
    }
}

/// What a hook may know of the request.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct HookContext<'a> {
    /// The facts of the flow.
    pub flow: &'a Facts,
    /// Who asks.
    pub caller: &'a Caller,
    /// The method by which the person registers; nothing before one is chosen.
    pub method: Option<&'a MethodId>,
    /// What the client wants the hooks to see, as `transient_payload`; it is never stored. Nothing before a method is
    /// chosen.
    pub transient: &'a Value,
    pub(crate) around: Around<'a>,
}

/// Draws the page of a flow.
pub(crate) type Draw<'a> = dyn Fn() -> Page + Send + Sync + 'a;

/// What ready-made hooks need besides.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) config: &'a Config,
    pub(crate) draw: &'a Draw<'a>,
    /// Until when the hooks of this request may take.
    pub(crate) until: Instant,
}

impl HookContext<'_> {
    /// The page of the flow as its client sees it, but for the CSRF token, which is the browser's alone.
    #[must_use]
    pub fn page(&self) -> Page {
        (self.around.draw)()
    }

    /// The URL of the client's request, made from the base URL; only path and query are the request's.
    #[must_use]
    pub fn request_url(&self) -> String {
        self.around.config.base.join(self.caller.target())
    }

    /// How long the hooks of this request may still take, all together. A hook that calls elsewhere keeps to it; an errand
    /// that takes longer is told to the client as 502, and left to the dispatcher.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.around.until.saturating_duration_since(Instant::now())
    }
}

impl fmt::Debug for HookContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookContext").field("flow", &self.flow.id).field("method", &self.method).finish_non_exhaustive()
    }
}
