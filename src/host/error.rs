//! What goes wrong in the host's parts.

use std::error::Error;
use std::fmt;

use crate::stop::{Failure, FailureKind, Stop};

/// A part of the host failed. The client learns nothing about the cause; the log does.
#[derive(Debug)]
pub struct HostError {
    kind: HostErrorKind,
    source: Box<dyn Error + Send + Sync>,
}

/// What a failure of the host means for the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostErrorKind {
    /// It is away, or has too much to do: 503, try again.
    Unavailable,
    /// Somebody else changed the same thing at the same time: the service begins again, a few times.
    Conflict,
    /// A commit may or may not have happened: the service reads the flow back.
    CommitUnknown,
    /// Anything else: 500.
    Other,
}

impl HostError {
    /// A failure of this kind.
    #[must_use]
    pub fn new(kind: HostErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: source.into() }
    }

    /// A failure that means nothing in particular.
    #[must_use]
    pub fn other(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(HostErrorKind::Other, source)
    }

    /// The part is away for the moment.
    #[must_use]
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(HostErrorKind::Unavailable, source)
    }

    /// What the failure means for the request.
    #[must_use]
    pub fn kind(&self) -> HostErrorKind {
        self.kind
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            HostErrorKind::Unavailable => "a part of the host is unavailable",
            HostErrorKind::Conflict => "a part of the host was changed at the same time",
            HostErrorKind::CommitUnknown => "whether the commit happened is not known",
            HostErrorKind::Other => "a part of the host failed",
        })
    }
}

impl Error for HostError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        match error.kind {
            HostErrorKind::Unavailable => Self::unavailable(error),
            HostErrorKind::Conflict => Self::unavailable(error).with_kind(FailureKind::Conflict),
            HostErrorKind::CommitUnknown => Self::unavailable(error).with_kind(FailureKind::CommitUnknown),
            HostErrorKind::Other => Self::internal(error),
        }
    }
}

impl From<HostError> for Stop {
    fn from(error: HostError) -> Self {
        Failure::from(error).into()
    }
}
