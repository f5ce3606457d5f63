//! A say before and after.

use async_trait::async_trait;
use serde_json::Value;

use super::Unit;
use crate::caller::Caller;
use crate::flow::Facts;
use crate::identity::{Draft, Identity, MethodId};
use crate::stop::Stop;

/// Lets the host take part in a registration. Every method has a default that does nothing; hooks run in the order
/// they were given to the builder.
///
/// Each may refuse with messages at fields ([`Stop::refuse`]) or fail with an answer of its own
/// ([`Failure`](crate::Failure)). What calls out to elsewhere belongs into [`before_create`](Hook::before_create) or
/// [`after_commit`](Hook::after_commit): inside the commit a slow answer would hold the transaction open.
#[async_trait]
pub trait Hook: Send + Sync + 'static {
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
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HookContext<'a> {
    /// The facts of the flow.
    pub flow: &'a Facts,
    /// Who asks.
    pub caller: &'a Caller,
    /// The method by which the person registers; nothing before one is chosen.
    pub method: Option<&'a MethodId>,
    /// What the client wants the hooks to see, as `transient_payload`; it is never stored.
    pub transient: &'a Value,
}

impl<'a> HookContext<'a> {
    pub(crate) fn new(flow: &'a Facts, caller: &'a Caller, method: Option<&'a MethodId>, transient: &'a Value) -> Self {
        Self { flow, caller, method, transient }
    }
}
