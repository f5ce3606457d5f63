//! What can be wrong with an answer, and what the person reads then.

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Unreadable,
    Kind,
    Challenge,
    Origin,
    Authenticator,
    Algorithm,
    Attestation,
}

impl Flaw {
    /// What the person reads.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Unreadable => "Unable to parse WebAuthn response: Parse error for Registration",
            Self::Kind => "Unable to create WebAuthn credential: Error validating ceremony type",
            Self::Challenge => "Unable to create WebAuthn credential: Error validating challenge",
            Self::Origin => "Unable to create WebAuthn credential: Error validating origin",
            Self::Authenticator => "Unable to create WebAuthn credential: Error validating the authenticator response",
            Self::Algorithm => "Unable to create WebAuthn credential: Unsupported public key",
            Self::Attestation => "Unable to create WebAuthn credential: Invalid attestation format",
        }
    }
}
