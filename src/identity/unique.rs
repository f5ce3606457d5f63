//! What must belong to one identity only.

use super::{Channel, Credential, IdentityId, MethodId};

/// Credentials whose one identifier tells a person which account is meant.
const TELLING: [&str; 3] = ["password", "webauthn", "passkey"];

/// A value that only one identity may have, in canonical form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unique {
    kind: UniqueKind,
    value: String,
}

impl Unique {
    /// The value of this kind.
    #[must_use]
    pub fn new(kind: UniqueKind, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }
    }

    /// An account at a social provider: the provider by its id in the configuration, the issuer that vouches, and the
    /// subject as the issuer names it. Nothing else of an account is sure to stay the same and to be nobody else's.
    #[must_use]
    pub fn subject(provider: &str, issuer: &str, subject: &str) -> Self {
        Self::new(UniqueKind::Subject, serde_json::json!([provider, issuer, subject]).to_string())
    }

    /// What the value is.
    #[must_use]
    pub fn kind(&self) -> UniqueKind {
        self.kind
    }

    /// The canonical value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Without the value: it names a person.
impl std::fmt::Debug for Unique {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unique({}, [redacted])", self.kind.as_str())
    }
}

/// What a unique value is. Values of different kinds never collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum UniqueKind {
    /// Names a person at sign-in, whatever the credential: a user name, an address, a phone number.
    Identifier,
    /// An address that can be verified.
    Verifiable(Channel),
    /// An address that can recover the account.
    Recovery(Channel),
    /// The id that another system knows the person by.
    ExternalId,
    /// An account at a social provider: [`Unique::subject`].
    Subject,
    /// The id that an authenticator gave a key, in unpadded base64url.
    CredentialId,
}

impl UniqueKind {
    /// A stable word, for an index that holds all kinds.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::Verifiable(Channel::Email) => "verifiable:email",
            Self::Verifiable(Channel::Sms) => "verifiable:sms",
            Self::Recovery(Channel::Email) => "recovery:email",
            Self::Recovery(Channel::Sms) => "recovery:sms",
            Self::ExternalId => "external_id",
            Self::Subject => "subject",
            Self::CredentialId => "credential_id",
        }
    }
}

/// The identity that a unique value belongs to, and how it can be signed in to.
#[derive(Clone, Debug)]
#[must_use]
pub struct Owner {
    pub(crate) identity: IdentityId,
    pub(crate) matched: Unique,
    pub(crate) credentials: Vec<MethodId>,
    pub(crate) providers: Vec<String>,
    pub(crate) identifier: Option<String>,
}

impl Owner {
    /// The identity that this value belongs to.
    pub fn new(identity: IdentityId, matched: Unique) -> Self {
        Self { identity, matched, credentials: Vec::new(), providers: Vec::new(), identifier: None }
    }

    /// The owner of this value, with what its credentials give for hints.
    pub fn of(identity: IdentityId, matched: Unique, credentials: &[Credential]) -> Self {
        let usable = credentials.iter().filter(|credential| credential.is_usable());
        let mut telling = credentials.iter().filter(|credential| TELLING.contains(&credential.kind().as_str()));
        let identifier = telling.find_map(|credential| match credential.identifiers() {
            [only] => Some(only.clone()),
            _ => None,
        });
        Self::new(identity, matched)
            .with_credentials(usable.map(|credential| credential.kind().clone()).collect())
            .with_providers(credentials.iter().flat_map(Credential::providers).collect())
            .with_identifier(identifier)
    }

    /// Sets the kinds of credential that it can sign in with, for hints.
    pub fn with_credentials(mut self, credentials: Vec<MethodId>) -> Self {
        self.credentials = credentials;
        self
    }

    /// Sets the social providers that it can sign in with, for hints.
    pub fn with_providers(mut self, providers: Vec<String>) -> Self {
        self.providers = providers;
        self
    }

    /// Sets the one identifier of its password or key, for hints where the matching value says nothing to a person.
    pub fn with_identifier(mut self, identifier: Option<String>) -> Self {
        self.identifier = identifier;
        self
    }

    /// The identity.
    #[must_use]
    pub fn identity(&self) -> IdentityId {
        self.identity
    }
}
