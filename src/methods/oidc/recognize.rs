//! A person whom a provider vouches for: known, or new.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::claims::Claims;
use super::mapper::overlaid;
use super::provider::Provider;
use super::redeem::Tokens;
use super::{ID, Memory, Oidc, trouble};
use crate::identity::{Aal, AuthenticationMethod, Credential, Draft, Unique};
use crate::methods::{Context, Proved, Slot, Step};
use crate::seal::{Purpose, to_hex};
use crate::stop::{Failure, Stop};

/// A person who was proved by a provider.
pub(super) struct Journey<'j> {
    pub(super) provider: &'j Provider,
    pub(super) claims: Claims,
    /// What the provider gave, unless a native client brought it.
    pub(super) tokens: Option<Tokens>,
    /// The traits that were typed.
    pub(super) typed: &'j Value,
    /// Missing traits are asked for with their fields.
    pub(super) asks: bool,
}

impl Oidc {
    /// Steps 3 to 6.
    pub(super) async fn recognize(
        &self,
        cx: &Context<'_>,
        slot: &mut Slot<'_>,
        journey: Journey<'_>,
    ) -> Result<Step, Stop> {
        let Journey { provider, claims, tokens, typed, asks } = journey;
        let subject = claims.text("sub").ok_or_else(trouble::no_subject)?;
        let issuer = claims.text("iss").ok_or_else(|| trouble::upstream("issuer not set in claims"))?;
        slot.set_active();
        let how = authentication(cx, provider, &claims);
        if let Some(owner) = cx.owner(&[Unique::subject(&provider.id, issuer, subject)]).await? {
            return Ok(Step::SignIn(Proved::new(&owner, how)));
        }
        let mapped = provider.mapper_of().map(&claims).await?;
        let merged = overlaid(mapped.traits, typed);
        if asks {
            slot.remember(&Memory { provider: provider.id.clone(), asks, ..Memory::default() })?;
            slot.show_traits(merged.clone());
        }
        let traits = cx.kept_traits(&merged)?;
        let credential = self.credential(cx, provider, issuer, subject, tokens.as_ref())?;
        let mut draft = Draft::new(traits).credential(credential).authenticated(how);
        draft = mapped.verified.into_iter().fold(draft, Draft::proves);
        draft.set_metadata_public(mapped.metadata_public);
        draft.set_metadata_admin(mapped.metadata_admin);
        Ok(Step::Register(draft))
    }

    fn credential(
        &self,
        cx: &Context<'_>,
        provider: &Provider,
        issuer: &str,
        subject: &str,
        tokens: Option<&Tokens>,
    ) -> Result<Credential, Stop> {
        let tokens = tokens.filter(|_| self.keeps_tokens);
        let sealed = |token: Option<&SecretString>| -> Result<String, Stop> {
            let Some(token) = token else { return Ok(String::new()) };
            let plain = token.expose_secret().as_bytes();
            let sealed = cx.desk.seal.seal(Purpose::ProviderToken, b"", plain, cx.random()?);
            let sealed = sealed.ok_or_else(|| Failure::internal("a token could not be sealed"))?;
            Ok(to_hex(&sealed))
        };
        let mut account = json!({
            "subject": subject,
            "provider": provider.id,
            "issuer": issuer,
            "initial_id_token": sealed(tokens.and_then(|tokens| tokens.id_token.as_ref()))?,
            "initial_access_token": sealed(tokens.map(|tokens| &tokens.access))?,
            "initial_refresh_token": sealed(tokens.and_then(|tokens| tokens.refresh.as_ref()))?,
        });
        if let Some(organization) = provider.organization {
            account["organization"] = organization.to_string().into();
        }
        let credential = Credential::new(ID, json!({ "providers": [account] }));
        Ok(credential.with_identifiers([format!("{}:{subject}", provider.id)]))
    }
}

/// How the person was proved, as the session says it.
fn authentication(cx: &Context<'_>, provider: &Provider, claims: &Claims) -> AuthenticationMethod {
    let (acr, amr) = (claims.text("acr").map(str::to_owned), claims.amr());
    let by_acr = acr.as_ref().is_some_and(|acr| provider.aal2_acr.contains(acr));
    let two = by_acr || amr.iter().any(|own| provider.aal2_amr.contains(own));
    AuthenticationMethod::new(ID, cx.now)
        .with_aal(if two { Aal::Two } else { Aal::One })
        .with_provider(Some(provider.id.clone()))
        .with_organization(provider.organization)
        .with_upstream(acr, amr)
}
