//! Where a provider is: by its own word, or by the entry of its kind.

use time::OffsetDateTime;
use url::Url;

use super::kinds::{Endpoints, Login, Pkce, Source};
use super::metadata::{Metadata, parsed};
use super::provider::Provider;
use super::reach::Reach;
use super::{trouble, x};
use crate::stop::Stop;

/// Where people are sent, and where codes are redeemed.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) authorize: Url,
    pub(super) token: Url,
    pub(super) login: Login,
}

impl Provider {
    /// Where people are sent, and where codes are redeemed.
    pub(super) async fn found(&self, reach: &Reach, now: OffsetDateTime) -> Result<Found, Stop> {
        let (authorize, token) = match self.kind.endpoints {
            Endpoints::Discovered => {
                let metadata = self.metadata(reach, now).await?;
                let missing = |what: &str| trouble::not_initialized(&format!("it does not say where its {what} is"));
                let authorize = metadata.authorize.ok_or_else(|| missing("authorization endpoint"))?;
                let token = metadata.token.ok_or_else(|| missing("token endpoint"))?;
                let login = metadata.login.filter(|_| self.kind.login == Login::Auto).unwrap_or(self.kind.login);
                return Ok(Found { authorize, token, login });
            }
            Endpoints::At(authorize, token) => {
                let tenant = self.tenant.as_deref().unwrap_or_default();
                (authorize.replace("{tenant}", tenant), token.replace("{tenant}", tenant))
            }
            Endpoints::Below(authorize, token) => (self.below(authorize), self.below(token)),
        };
        Ok(Found { authorize: parsed(&authorize)?, token: parsed(&token)?, login: self.kind.login })
    }

    /// Where people are sent, as far as that is known without asking the provider.
    pub(super) fn destination(&self) -> String {
        if matches!(self.kind.source, Source::X) {
            return x::AUTHENTICATE.to_owned();
        }
        match self.kind.endpoints {
            Endpoints::Discovered => self.issuer().unwrap_or_default().to_owned(),
            Endpoints::At(authorize, _) => authorize.to_owned(),
            Endpoints::Below(authorize, _) => self.below(authorize),
        }
    }

    /// Whether codes are bound to secrets.
    pub(super) async fn binds_codes(&self, reach: &Reach, now: OffsetDateTime) -> Result<bool, Stop> {
        match self.pkce_of() {
            Pkce::Never => Ok(false),
            Pkce::Force => Ok(true),
            // A provider that cannot be asked is not believed to know nothing: that would be a way to switch it off.
            Pkce::Auto => match self.issuer() {
                Some(_) => Ok(self.metadata(reach, now).await?.binds_codes),
                None => Ok(false),
            },
        }
    }

    /// What the provider says about itself.
    pub(super) async fn metadata(&self, reach: &Reach, now: OffsetDateTime) -> Result<Metadata, Stop> {
        let issuer = self.issuer().ok_or_else(|| trouble::not_initialized("it has no issuer"))?;
        metadata(issuer, reach, now).await
    }

    /// A path below the issuer or the base of the kind.
    pub(super) fn below(&self, path: &str) -> String {
        format!("{}{path}", self.base().unwrap_or_default().trim_end_matches('/'))
    }
}

/// What the provider with this issuer says about itself.
pub(super) async fn metadata(issuer: &str, reach: &Reach, now: OffsetDateTime) -> Result<Metadata, Stop> {
    let url = parsed(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))?;
    let known = reach.metadata(&url, issuer, now).await.map_err(|why| trouble::not_initialized(&why))?;
    Ok(Metadata::clone(&known))
}
