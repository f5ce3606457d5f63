//! Who is asking, and a session for somebody proved.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use time::OffsetDateTime;

use super::{HostError, Unit};
use crate::caller::Caller;
use crate::identity::{AuthenticationMethod, Identity, MethodId, Session};

/// Recognises who is signed in, and opens sessions.
///
/// The ready-made part is [`StoredSessions`](crate::sessions::StoredSessions); a host with sessions of its own
/// implements this over them.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// The session that the caller bears, if it is active.
    ///
    /// # Errors
    ///
    /// [`HostError`] when it cannot be said; the request is then refused.
    async fn current(&self, caller: &Caller) -> Result<Option<Session>, HostError>;

    /// Opens a session for somebody who was just proved, when the unit is committed. It is always a new one: a session
    /// that was there before the sign-up is not continued.
    ///
    /// # Errors
    ///
    /// [`HostError`] when nothing of the unit can be committed any more.
    async fn open(&self, unit: &mut dyn Unit, who: Witness<'_>) -> Result<Opened, HostError>;
}

/// The proof that a session may be opened. Only the service makes one, for the unit that the proof belongs to.
#[derive(Debug)]
pub struct Witness<'a> {
    pub(crate) kind: WitnessKind,
    pub(crate) identity: &'a Identity,
    pub(crate) authentication: &'a AuthenticationMethod,
    pub(crate) caller: &'a Caller,
    pub(crate) at: OffsetDateTime,
}

/// How somebody was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WitnessKind {
    /// The identity was inserted by the same unit.
    Inserted,
    /// The identity owns an account at a social provider, and that account was proved in this request.
    SubjectProved,
    /// One of both happened when a browser came back, and the native client that had sent it now brings both codes of its
    /// pair. The pair is used up in the same unit.
    Exchanged,
    /// An OAuth2 server waits for the identity, whose address was proved in this request by the browser that registered it.
    BoundVerification,
}

impl Witness<'_> {
    /// How the person was proved.
    #[must_use]
    pub fn kind(&self) -> WitnessKind {
        self.kind
    }

    /// Whose session it is.
    pub fn identity(&self) -> &Identity {
        self.identity
    }

    /// The method by which the person was proved.
    #[must_use]
    pub fn method(&self) -> &MethodId {
        &self.authentication.method
    }

    /// The method with its particulars: when, and by which social provider.
    pub fn authentication(&self) -> &AuthenticationMethod {
        self.authentication
    }

    /// Where the session is opened from.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        self.caller
    }

    /// When the session begins.
    #[must_use]
    pub fn at(&self) -> OffsetDateTime {
        self.at
    }
}

/// A session that was opened, and what opens it again.
#[derive(Debug)]
#[must_use]
pub struct Opened {
    pub(crate) session: Session,
    pub(crate) token: SecretString,
    pub(crate) cookie: Option<String>,
}

impl Opened {
    /// A session with the token that a native client is given.
    pub fn new(session: Session, token: SecretString) -> Self {
        Self { session, token, cookie: None }
    }

    /// Sets the value of the `Set-Cookie` header that a browser is given.
    pub fn with_cookie(mut self, set_cookie: impl Into<String>) -> Self {
        self.cookie = Some(set_cookie.into());
        self
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Sessions + ?Sized> Sessions for Arc<S> {
    async fn current(&self, caller: &Caller) -> Result<Option<Session>, HostError> {
        (**self).current(caller).await
    }

    async fn open(&self, unit: &mut dyn Unit, who: Witness<'_>) -> Result<Opened, HostError> {
        (**self).open(unit, who).await
    }
}
