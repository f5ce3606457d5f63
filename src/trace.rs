//! What is told to the host's log. The only module that knows whether `tracing` is there.
//!
//! Nothing here takes a secret, an address or a header: the callers pass words and ids.

/// Events of security, with fixed names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    CsrfReject,
    ReturnToReject,
    HashShed,
    Duplicate,
    FailClosed,
    LetterGivenUp,
    ErrandGivenUp,
    BreachUnchecked,
}

impl Event {
    #[cfg(feature = "tracing")]
    const fn name(self) -> &'static str {
        match self {
            Self::CsrfReject => "csrf_reject",
            Self::ReturnToReject => "return_to_reject",
            Self::HashShed => "hash_shed",
            Self::Duplicate => "duplicate",
            Self::FailClosed => "fail_closed",
            Self::LetterGivenUp => "letter_given_up",
            Self::ErrandGivenUp => "errand_given_up",
            Self::BreachUnchecked => "breach_unchecked",
        }
    }
}

/// Something that bears on security happened.
pub(crate) fn event(event: Event) {
    #[cfg(feature = "tracing")]
    tracing::info!(target: "tower_registration", event = event.name());
    #[cfg(not(feature = "tracing"))]
    let _ = event;
}

/// Something failed that the client is told nothing about; `reference` stands in the client's answer.
pub(crate) fn failure(reference: &dyn std::fmt::Display, cause: &(dyn std::error::Error + 'static)) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "tower_registration", %reference, cause = %Chain(cause));
    #[cfg(not(feature = "tracing"))]
    let _ = (reference, cause);
}

/// A setting weakens the service.
pub(crate) fn warning(text: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "tower_registration", "{text}");
    #[cfg(not(feature = "tracing"))]
    let _ = text;
}

/// An error with all its sources, in one line.
#[cfg(feature = "tracing")]
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

#[cfg(feature = "tracing")]
impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
