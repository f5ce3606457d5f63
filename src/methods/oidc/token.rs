//! The check of ID tokens against their provider: whose keys, which issuer, which audience.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

use super::endpoints::metadata;
use super::jose::{Algorithm, Bad, Expected, Token, check};
use super::metadata::{Metadata, parsed};
use super::provider::Provider;
use super::reach::Reach;
use super::trouble;
use crate::stop::Stop;

/// Why an ID token does not count, and whose fault that is.
#[derive(Debug)]
pub(super) enum Unproved {
    /// The token's.
    Bad(Bad),
    /// The keys could not be asked for, or the provider is not what it should be.
    Trouble(Stop),
}

impl From<Bad> for Unproved {
    fn from(bad: Bad) -> Self {
        Self::Bad(bad)
    }
}

impl From<Stop> for Unproved {
    fn from(stop: Stop) -> Self {
        Self::Trouble(stop)
    }
}

impl Provider {
    /// The claims of an ID token that the provider gave for a code.
    pub(super) async fn proved(
        &self,
        reach: &Reach,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<Map<String, Value>, Unproved> {
        let metadata = match self.tenant {
            Some(_) => self.microsoft(reach, token, now).await?,
            None => self.metadata(reach, now).await?,
        };
        let keys =
            metadata.keys.as_ref().ok_or_else(|| trouble::not_initialized("it does not say where its keys are"))?;
        let issuers = self.issuers(&metadata.issuer);
        let expected = Expected { issuers: &issuers, audiences: &[&self.client_id], now };
        verify(reach, token, keys, &metadata.algorithms, expected).await
    }

    /// The claims of an ID token that a native client submitted.
    pub(super) async fn submitted(
        &self,
        reach: &Reach,
        token: &str,
        keys: &str,
        now: OffsetDateTime,
    ) -> Result<Map<String, Value>, Unproved> {
        let issuers = self.issuers(self.issuer().unwrap_or_default());
        let mut audiences: Vec<&str> = vec![&self.client_id];
        audiences.extend(self.audiences.iter().map(String::as_str));
        let expected = Expected { issuers: &issuers, audiences: &audiences, now };
        verify(reach, token, &parsed(keys)?, &[Algorithm::Rs256, Algorithm::Es256], expected).await
    }

    fn issuers<'i>(&self, issuer: &'i str) -> Vec<&'i str> {
        std::iter::once(issuer).chain(self.kind.also_issuers.iter().copied()).collect()
    }

    /// Each of Microsoft's tenants is an issuer of its own; the token names it.
    async fn microsoft(&self, reach: &Reach, token: &str, now: OffsetDateTime) -> Result<Metadata, Unproved> {
        let unread = Token::read(token, &[Algorithm::Rs256])?;
        let tenant = unread.unproved("tid").and_then(|tenant| Uuid::try_parse(tenant).ok());
        let tenant = tenant.ok_or_else(|| trouble::refusal("TenantID claim is not a valid UUID"))?;
        let own = self.tenant.as_deref().and_then(|tenant| Uuid::try_parse(tenant).ok());
        if own.is_some_and(|own| own != tenant) {
            return Err(Bad::Issuer.into());
        }
        Ok(metadata(&format!("https://login.microsoftonline.com/{tenant}/v2.0"), reach, now).await?)
    }
}

/// Everything that makes an ID token count.
async fn verify(
    reach: &Reach,
    token: &str,
    keys: &Url,
    algorithms: &[Algorithm],
    expected: Expected<'_>,
) -> Result<Map<String, Value>, Unproved> {
    let token = Token::read(token, algorithms)?;
    let keys = reach.keys(keys, expected.now, |keys| token.has_key(keys)).await;
    let keys = keys.map_err(|why| trouble::not_redeemed(format!("the keys of a provider: {why}")))?;
    let claims = token.verify(&keys)?;
    check(&claims, expected)?;
    Ok(claims)
}
