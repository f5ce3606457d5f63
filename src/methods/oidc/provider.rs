//! One provider, as a host sets it up.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::apple::AppleKey;
use super::kinds::Kind;
use super::mapper::{EmailMapper, Mapper};
use super::table::{ALL, GENERIC};

pub use super::kinds::{Pkce, ProviderKind};

/// A social provider that people can sign up with.
///
/// ```
/// use serde_json::json;
/// use tower_registration::methods::oidc::{Claims, Mapped, Provider, ProviderKind};
///
/// let provider = Provider::new(ProviderKind::Google, "google", "the-client-id")
///     .client_secret("the-client-secret")
///     .label("Google")
///     .scope("email")
///     .mapper(|claims: &Claims| Mapped::new(json!({ "email": claims.text("email") })));
/// # let _ = provider;
/// ```
#[derive(Clone)]
#[must_use]
pub struct Provider {
    pub(super) id: String,
    pub(super) kind: &'static Kind,
    pub(super) client_id: String,
    pub(super) client_secret: Option<SecretString>,
    pub(super) label: Option<String>,
    pub(super) issuer_url: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) mapper: Option<Arc<dyn Mapper>>,
    pub(super) trusted_domains: Vec<String>,
    pub(super) pkce: Option<Pkce>,
    pub(super) claims_source: ClaimsSource,
    pub(super) requested_claims: Option<Value>,
    pub(super) audiences: Vec<String>,
    pub(super) aal2_acr: Vec<String>,
    pub(super) aal2_amr: Vec<String>,
    pub(super) organization: Option<Uuid>,
    pub(super) tenant: Option<String>,
    pub(super) subject_source: SubjectSource,
    pub(super) apple: Option<AppleKey>,
    pub(super) token_origin: Option<String>,
}

/// Where the claims come from, for kinds that leave the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ClaimsSource {
    /// The ID token.
    #[default]
    IdToken,
    /// The provider's answer about the person. It must be about the same subject as the ID token.
    UserInfo,
}

/// What names an account at Microsoft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SubjectSource {
    /// The claim `sub`: another one for every application.
    #[default]
    UserInfo,
    /// The id that Microsoft Graph knows the person by.
    Me,
    /// The claim `oid`.
    ObjectId,
}

impl Provider {
    /// A provider of this kind. The id stands in the button's value, in the path that the provider leads back to and in
    /// the credential: it never changes. It has letters, digits, `-`, `_`, `.` and `~`.
    pub fn new(kind: ProviderKind, id: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            kind: of(kind),
            client_id: client_id.into(),
            client_secret: None,
            label: None,
            issuer_url: None,
            scopes: Vec::new(),
            mapper: None,
            trusted_domains: Vec::new(),
            pkce: None,
            claims_source: ClaimsSource::default(),
            requested_claims: None,
            audiences: Vec::new(),
            aal2_acr: Vec::new(),
            aal2_amr: Vec::new(),
            organization: None,
            tenant: None,
            subject_source: SubjectSource::default(),
            apple: None,
            token_origin: None,
        }
    }

    /// Any OpenID Connect provider, found by its issuer: `https://id.example.org`.
    pub fn generic(id: impl Into<String>, issuer_url: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self::new(ProviderKind::Generic, id, client_id).issuer_url(issuer_url)
    }

    /// Sets the secret that the provider knows the service by. Apple has none: see [`apple_key`](Provider::apple_key).
    pub fn client_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// Sets the words on the button; the id otherwise.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the issuer, for kinds that have none of their own.
    pub fn issuer_url(mut self, url: impl Into<String>) -> Self {
        self.issuer_url = Some(url.into());
        self
    }

    /// Asks the person to let the service know more, by a scope of the provider.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Sets what makes traits of claims; otherwise the trait `email` is what the provider calls so.
    pub fn mapper(mut self, mapper: impl Mapper) -> Self {
        self.mapper = Some(Arc::new(mapper));
        self
    }

    /// Takes the provider's word for it that addresses of this domain belong to the person, where no
    /// [`mapper`](Provider::mapper) says otherwise.
    ///
    /// # Weakens
    ///
    /// Whoever can make the provider say `email_verified` owns every address of the domain.
    pub fn trust_email_for(mut self, domain: impl Into<String>) -> Self {
        self.trusted_domains.push(domain.into());
        self
    }

    /// Sets whether codes are bound to a secret.
    pub fn pkce(mut self, pkce: Pkce) -> Self {
        self.pkce = Some(pkce);
        self
    }

    /// Sets where the claims come from.
    pub fn claims_source(mut self, source: ClaimsSource) -> Self {
        self.claims_source = source;
        self
    }

    /// Asks for certain claims, as OpenID Connect lays it out: `{"id_token": {"email": {"essential": true}}}`.
    pub fn requested_claims(mut self, claims: Value) -> Self {
        self.requested_claims = Some(claims);
        self
    }

    /// Accepts ID tokens of native clients that were made for this client id too.
    pub fn additional_audience(mut self, client_id: impl Into<String>) -> Self {
        self.audiences.push(client_id.into());
        self
    }

    /// Takes a sign-up for one by two factors if the provider names this `acr`.
    pub fn two_factors_by_acr(mut self, acr: impl Into<String>) -> Self {
        self.aal2_acr.push(acr.into());
        self
    }

    /// Takes a sign-up for one by two factors if the provider names this among its `amr`.
    pub fn two_factors_by_amr(mut self, amr: impl Into<String>) -> Self {
        self.aal2_amr.push(amr.into());
        self
    }

    /// Hides the button: the provider is one organization's own.
    pub fn organization(mut self, id: Uuid) -> Self {
        self.organization = Some(id);
        self
    }

    /// Sets whose accounts at Microsoft are accepted: `common`, `organizations`, `consumers` or the id of a tenant.
    pub fn microsoft_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Sets what names an account at Microsoft.
    pub fn subject_source(mut self, source: SubjectSource) -> Self {
        self.subject_source = source;
        self
    }

    /// Sets the key for Apple: the id of the team, the id of the key, and the key itself, in PEM as Apple hands it out.
    pub fn apple_key(
        mut self,
        team: impl Into<String>,
        key_id: impl Into<String>,
        pem: impl Into<SecretString>,
    ) -> Self {
        self.apple = Some(AppleKey { team: team.into(), id: key_id.into(), pem: pem.into() });
        self
    }

    /// Sets the origin that netID expects where a native client submits its token.
    pub fn netid_token_origin(mut self, origin: impl Into<String>) -> Self {
        self.token_origin = Some(origin.into());
        self
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn shown(&self) -> &str {
        self.label.as_deref().filter(|label| !label.is_empty()).unwrap_or(&self.id)
    }

    /// The issuer that the provider is known by: the kind's own, else the configured one.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.kind.issuer.or(self.issuer_url.as_deref().filter(|url| !url.is_empty()))
    }

    /// What the endpoints of the kind lie below.
    pub(super) fn base(&self) -> Option<&str> {
        self.issuer().or(self.kind.base)
    }

    pub(super) fn pkce_of(&self) -> Pkce {
        match self.pkce.unwrap_or_default() {
            Pkce::Auto if self.kind.pkce == Pkce::Force => Pkce::Force,
            own => own,
        }
    }

    /// The scopes that are asked for.
    pub(super) fn scopes(&self) -> Vec<&str> {
        let mut scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        if self.kind.openid && !scopes.contains(&"openid") {
            scopes.push("openid");
        }
        scopes
    }

    pub(super) fn mapper_of(&self) -> Arc<dyn Mapper> {
        match &self.mapper {
            Some(mapper) => Arc::clone(mapper),
            None => Arc::new(EmailMapper { trusted: self.trusted_domains.clone() }),
        }
    }

    /// Says what keeps the provider from working.
    pub(super) fn check(&self) -> Result<(), String> {
        let fault = |why: &str| Err(format!("provider `{}`: {why}", self.id));
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        if self.id.is_empty() || !self.id.chars().all(plain) || self.id.chars().all(|c| c == '.') {
            return fault("its id must have letters, digits, `-`, `_`, `.` and `~` only");
        }
        if self.client_id.is_empty() {
            return fault("it needs a client id");
        }
        if self.kind.needs_issuer && self.issuer().is_none() {
            return fault("it needs `.issuer_url(…)`");
        }
        let sound =
            |url: &str| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if self.issuer().is_some_and(|url| !sound(url)) {
            return fault("its issuer is no http or https URL");
        }
        let is = |kind: ProviderKind| self.kind.is == kind;
        if is(ProviderKind::Microsoft) != self.tenant.is_some() {
            return fault("a tenant is what Microsoft needs, and nobody else");
        }
        if is(ProviderKind::Apple) != self.apple.is_some() || is(ProviderKind::Apple) && self.client_secret.is_some() {
            return fault("a key in place of a client secret is what Apple needs, and nobody else");
        }
        if let Some(key) = &self.apple {
            super::apple::check(key).or_else(|why| fault(&why))?;
        }
        if is(ProviderKind::Amazon) {
            if self.pkce == Some(Pkce::Auto) {
                return fault("pkce:auto is not supported because Amazon does not support PKCE discovery");
            }
            let known = ["profile", "profile:user_id", "postal_code"];
            if self.scopes.iter().any(|scope| !known.contains(&scope.as_str())) {
                return fault("Amazon knows the scopes profile, profile:user_id and postal_code only");
            }
        }
        if self.mapper.is_some() && !self.trusted_domains.is_empty() {
            return fault("`.trust_email_for(…)` has no effect beside a mapper, which says itself what is verified");
        }
        Ok(())
    }
}

/// Without secrets.
impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Provider");
        out.field("id", &self.id)
            .field("kind", &self.kind.is)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The entry of a kind.
pub(super) fn of(kind: ProviderKind) -> &'static Kind {
    ALL.iter().find(|entry| entry.is == kind).unwrap_or(&GENERIC)
}

impl ProviderKind {
    /// The kind with this word, as configuration files write it: `github`, `linkedin_v2`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        ALL.iter().find(|entry| entry.word == word).map(|entry| entry.is)
    }
}
