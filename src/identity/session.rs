//! Somebody who is signed in.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{IdentityId, MethodId};

/// A session as clients see it; the token that opens it is not part of it.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Session {
    pub(crate) id: Uuid,
    pub(crate) identity: IdentityId,
    pub(crate) active: bool,
    pub(crate) aal: Aal,
    pub(crate) methods: Vec<AuthenticationMethod>,
    pub(crate) authenticated_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) devices: Vec<Device>,
}

impl Session {
    /// An active session of this identity, from one time to another, at the first assurance level.
    pub fn new(id: Uuid, identity: IdentityId, authenticated_at: OffsetDateTime, expires_at: OffsetDateTime) -> Self {
        Self {
            id,
            identity,
            active: true,
            aal: Aal::One,
            methods: Vec::new(),
            authenticated_at,
            expires_at,
            devices: Vec::new(),
        }
    }

    /// Sets how the person proved who they are.
    pub fn with_methods(mut self, methods: Vec<AuthenticationMethod>) -> Self {
        self.methods = methods;
        self
    }

    /// Sets where the session was opened from.
    pub fn with_devices(mut self, devices: Vec<Device>) -> Self {
        self.devices = devices;
        self
    }

    /// Sets the assurance level.
    pub fn with_aal(mut self, aal: Aal) -> Self {
        self.aal = aal;
        self
    }

    /// The id, which is no secret.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Whose session it is.
    #[must_use]
    pub fn identity(&self) -> IdentityId {
        self.identity
    }

    /// How the person was proved, in order.
    pub fn methods(&self) -> &[AuthenticationMethod] {
        &self.methods
    }

    /// When it ends.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

/// The authenticator assurance level of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aal {
    /// One factor.
    One,
    /// Two factors.
    Two,
}

impl Aal {
    /// The word used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::One => "aal1",
            Self::Two => "aal2",
        }
    }
}

/// One proof that a session rests on.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct AuthenticationMethod {
    pub(crate) method: MethodId,
    pub(crate) aal: Aal,
    pub(crate) completed_at: OffsetDateTime,
    pub(crate) provider: Option<String>,
    pub(crate) organization: Option<Uuid>,
    pub(crate) upstream_acr: Option<String>,
    pub(crate) upstream_amr: Vec<String>,
}

impl AuthenticationMethod {
    /// The proof by this method at this time.
    pub fn new(method: MethodId, completed_at: OffsetDateTime) -> Self {
        let (provider, organization, upstream_acr, upstream_amr) = (None, None, None, Vec::new());
        Self { method, aal: Aal::One, completed_at, provider, organization, upstream_acr, upstream_amr }
    }

    /// Sets the assurance level that the proof reaches.
    pub fn with_aal(mut self, aal: Aal) -> Self {
        self.aal = aal;
        self
    }

    /// Sets the social provider that vouched for the person.
    pub fn with_provider(mut self, provider: Option<String>) -> Self {
        self.provider = provider;
        self
    }

    /// Sets the organization whose provider it was.
    pub fn with_organization(mut self, organization: Option<Uuid>) -> Self {
        self.organization = organization;
        self
    }

    /// Sets what the provider says about its own proof: the claims `acr` and `amr`.
    pub fn with_upstream(mut self, acr: Option<String>, amr: Vec<String>) -> Self {
        (self.upstream_acr, self.upstream_amr) = (acr, amr);
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &MethodId {
        &self.method
    }

    /// The assurance level that the proof reaches.
    #[must_use]
    pub fn aal(&self) -> Aal {
        self.aal
    }

    /// When the person was proved.
    #[must_use]
    pub fn completed_at(&self) -> OffsetDateTime {
        self.completed_at
    }

    /// The social provider that vouched for the person.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }
}

/// Where a session was opened from.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Device {
    pub(crate) id: Uuid,
    pub(crate) ip_address: String,
    pub(crate) user_agent: Option<String>,
    pub(crate) location: String,
}

impl Device {
    /// The device at this network address, which may be empty.
    pub fn new(id: Uuid, ip_address: impl Into<String>) -> Self {
        Self { id, ip_address: ip_address.into(), user_agent: None, location: String::new() }
    }

    /// Sets what the client calls itself.
    pub fn with_user_agent(mut self, user_agent: Option<String>) -> Self {
        self.user_agent = user_agent;
        self
    }

    /// Sets the place, as a proxy found it.
    pub fn with_location(mut self, location: impl Into<String>) -> Self {
        self.location = location.into();
        self
    }
}
