//! What a method keeps, posts, and says beside its answer.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
#[cfg(feature = "oidc")]
use time::OffsetDateTime;

use crate::effects::{Desk, Effects};
#[cfg(feature = "oidc")]
use crate::host::{Kind, Record, RecordId};
use crate::identity::Address;
use crate::limits::{Counted, Counter};
use crate::mail::Letter;
#[cfg(any(feature = "oidc", feature = "webauthn"))]
use crate::page::View;
use crate::stop::{Failure, Stop};

/// What a method keeps in the flow: its own drawer, which dies with the flow. Letters are posted through it.
#[derive(Debug)]
pub struct Slot<'a> {
    drawer: &'a mut Option<Value>,
    effects: &'a mut Effects,
    desk: Desk<'a>,
    asides: Asides,
}

/// What a method says beside its answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asides {
    /// Whatever page comes of the answer shows this method alone.
    pub(crate) alone: bool,
    /// The method is at work.
    pub(crate) active: bool,
    /// The traits that the page shows.
    pub(crate) traits: Option<Value>,
    /// What the client wants hooks to see; it came with an earlier request.
    pub(crate) transient: Option<Value>,
}

impl<'a> Slot<'a> {
    pub(crate) fn new(drawer: &'a mut Option<Value>, effects: &'a mut Effects, desk: Desk<'a>) -> Self {
        Self { drawer, effects, desk, asides: Asides::default() }
    }

    /// What was said beside the answer.
    pub(crate) fn into_asides(self) -> Asides {
        self.asides
    }

    /// From now on the page shows this method alone, without those that could be chosen before. It asks for the traits
    /// itself. When the browser leaves, that waits until it comes back.
    pub fn go_on_alone(&mut self) {
        self.asides.alone = true;
    }

    /// Names this method as the one that is at work, on the page and to hooks.
    pub fn set_active(&mut self) {
        self.asides.active = true;
    }

    /// Fills in the fields of these traits, whatever the person typed.
    pub fn show_traits(&mut self, traits: Value) {
        self.asides.traits = Some(traits);
    }

    /// Hands hooks and letters what the client wanted them to see when it sent the browser away.
    pub fn hand_on_transient(&mut self, transient: Value) {
        self.asides.transient = Some(transient);
    }

    /// Whether a token was used before; if not, it is used up together with the answer.
    #[cfg(feature = "oidc")]
    pub(crate) async fn use_once(&mut self, token: &str, until: OffsetDateTime) -> Result<bool, Stop> {
        let id = RecordId::of_secret(token);
        if self.desk.storage.get(Kind::Token, id).await?.is_some() {
            return Ok(false);
        }
        self.effects.also(Record::new(Kind::Token, id, 1, until, Vec::new()));
        Ok(true)
    }

    /// What the method remembers; nothing when it kept nothing, or something of another shape.
    #[must_use]
    pub fn memory<T: DeserializeOwned>(&self) -> Option<T> {
        self.drawer.as_ref().and_then(|value| T::deserialize(value).ok())
    }

    /// Keeps this, in place of what was there. It is stored together with the answer.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] for what cannot be JSON.
    pub fn remember<T: Serialize>(&mut self, memory: &T) -> Result<(), Stop> {
        *self.drawer = Some(serde_json::to_value(memory).map_err(Failure::internal)?);
        Ok(())
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        *self.drawer = None;
    }

    /// Posts a letter together with the answer. Says whether it will be sent.
    pub(crate) async fn post(&mut self, letter: &Letter) -> Result<bool, Stop> {
        Ok(self.effects.post(self.desk, letter).await?)
    }

    /// What is counted of an address; what is added is written together with the answer.
    pub(crate) async fn counter(&mut self, what: Counted, address: &Address) -> Result<&mut Counter, Stop> {
        Ok(self.effects.counter(self.desk, what, address).await?)
    }
}

/// What a method remembers, as it was given to [`Slot::remember`]: for its page.
#[cfg(any(feature = "oidc", feature = "webauthn"))]
pub(super) fn remembered<T: DeserializeOwned>(view: &View<'_>) -> Option<T> {
    view.memory.and_then(|memory| T::deserialize(memory).ok())
}
