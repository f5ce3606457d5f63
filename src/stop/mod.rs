//! The two ways to end early.
//!
//! [`Stop::Refuse`] is a person's mistake: its messages are written into the flow and shown on the same page.
//! [`Stop::Fail`] leaves the flow alone: the request is not allowed, or the host or the service is in trouble.

mod failure;

pub use failure::Failure;
pub(crate) use failure::FailureKind;

use crate::message::{Message, Placed};

/// Why a request ends before its time.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stop {
    /// A person's mistake, shown on the page.
    #[non_exhaustive]
    Refuse {
        /// What the person reads.
        messages: Vec<Placed>,
        /// What of the submission is kept for the page.
        keep: Keep,
    },
    /// Trouble that the page cannot show.
    Fail(Failure),
}

/// What of a refused submission the page shows again. Passwords never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// The traits as they were typed.
    Traits,
    /// Nothing.
    Nothing,
}

impl Stop {
    /// Refuses with these messages and keeps the traits typed.
    #[must_use]
    pub fn refuse(messages: impl IntoIterator<Item = Placed>) -> Self {
        Self::Refuse { messages: messages.into_iter().collect(), keep: Keep::Traits }
    }

    /// Refuses with one message for the page as a whole and keeps nothing of the submission.
    pub(crate) fn refuse_all(message: Message) -> Self {
        Self::Refuse { messages: vec![message.on_page()], keep: Keep::Nothing }
    }

    /// The same refusal, keeping something else.
    #[must_use]
    pub(crate) fn keeping(self, what: Keep) -> Self {
        match self {
            Self::Refuse { messages, .. } => Self::Refuse { messages, keep: what },
            fail @ Self::Fail(_) => fail,
        }
    }
}

impl From<Placed> for Stop {
    fn from(message: Placed) -> Self {
        Self::refuse([message])
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Fail(failure)
    }
}
