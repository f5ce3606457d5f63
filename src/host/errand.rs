//! What a hook has to do after the commit, and must not be lost.

use std::error::Error;
use std::fmt;

use serde_json::Value;
use uuid::Uuid;

use crate::stop::Failure;

/// One thing that a [`Hook`](super::Hook) has to do once a unit is committed: a call to somewhere else.
///
/// It is written in the unit, so it is there exactly when the registration is. The request does it at once and waits;
/// if the request dies before it is done, the dispatcher does it, with the same id.
#[derive(Clone, PartialEq)]
#[must_use]
pub struct Errand {
    pub(crate) id: Uuid,
    pub(crate) body: Value,
    pub(crate) background: bool,
}

impl Errand {
    /// An errand that the request waits for. The body is what [`perform`](super::Hook::perform) needs: it is kept sealed,
    /// and given to the hook of this name by whatever process does it.
    pub fn new(body: Value) -> Self {
        Self { id: Uuid::nil(), body, background: false }
    }

    /// Nobody waits for it: the dispatcher does it.
    pub fn in_background(mut self) -> Self {
        self.background = true;
        self
    }

    /// Its id: the same whenever it is tried. An errand that was not written yet has the nil id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// What is to be done.
    #[must_use]
    pub fn body(&self) -> &Value {
        &self.body
    }

    pub(crate) fn with_id(self, id: Uuid) -> Self {
        Self { id, ..self }
    }
}

/// Without the body: it belongs to a person.
impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An errand was not done, or nobody knows whether it was.
#[derive(Debug)]
pub struct Undone {
    failure: Failure,
    in_vain: bool,
}

impl Undone {
    /// Not done for now: a client that waits gets this answer, and the dispatcher tries again.
    #[must_use]
    pub fn new(failure: Failure) -> Self {
        Self { failure, in_vain: false }
    }

    /// Not done, and trying again would be in vain: a client that waits gets this answer, and the errand is over. So are
    /// those behind it that the same request would have done.
    #[must_use]
    pub fn for_good(failure: Failure) -> Self {
        Self { failure, in_vain: true }
    }

    /// Whether trying again would be in vain.
    #[must_use]
    pub fn is_for_good(&self) -> bool {
        self.in_vain
    }

    pub(crate) fn into_failure(self) -> Failure {
        self.failure
    }
}

impl fmt::Display for Undone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the errand was not done")
    }
}

impl Error for Undone {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.source()
    }
}
