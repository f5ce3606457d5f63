//! What a method says when it is done.

use serde_json::Value;
use url::Url;

use crate::continuity::Departure;
use crate::flow::{Screen, State};
use crate::identity::{AuthenticationMethod, Draft, IdentityId, MethodId, Owner};
use crate::message::Message;

/// What a method says when it is done.
#[derive(Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "it lives for one call")]
pub enum Step {
    /// Proved enough: make this identity.
    Register(Draft),
    /// Not yet: show this screen.
    Show(Show),
    /// The browser must visit somebody else first.
    Leave(Leave),
    /// Who was proved has an identity already: sign them in to it.
    SignIn(Proved),
}

/// Where a browser goes, and what it takes along.
#[derive(Clone, Debug)]
#[must_use]
pub struct Leave {
    pub(crate) to: Url,
    pub(crate) departure: Departure,
}

impl Leave {
    /// The browser goes to this page, whose URL holds the [state](Departure::state) of the departure.
    pub fn new(to: Url, departure: Departure) -> Self {
        Self { to, departure }
    }
}

/// Somebody who was proved in this request, by what belongs to their identity alone.
#[derive(Clone, Debug)]
#[must_use]
pub struct Proved {
    pub(crate) identity: IdentityId,
    pub(crate) authentication: AuthenticationMethod,
}

impl Proved {
    /// The owner of what was proved, and how.
    pub fn new(owner: &Owner, how: AuthenticationMethod) -> Self {
        Self { identity: owner.identity(), authentication: how }
    }
}

/// The next screen.
#[derive(Debug)]
#[must_use]
pub struct Show {
    pub(crate) screen: Screen,
    pub(crate) traits: Value,
    pub(crate) progress: Option<(State, Option<MethodId>)>,
    pub(crate) messages: Vec<Message>,
    pub(crate) repeats_transient: bool,
}

impl Show {
    /// A screen that shows these traits; how far the flow has come stays as it is.
    pub fn new(screen: Screen, traits: Value) -> Self {
        Self { screen, traits, progress: None, messages: Vec::new(), repeats_transient: false }
    }

    /// Sets how far the flow has come, and the method that is at work.
    pub fn progress(mut self, state: State, active: Option<MethodId>) -> Self {
        self.progress = Some((state, active));
        self
    }

    /// Adds what the person is told on the page.
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Repeats the client's `transient_payload` in the answer.
    pub fn repeat_transient(mut self) -> Self {
        self.repeats_transient = true;
        self
    }
}
