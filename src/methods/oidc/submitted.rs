//! A native client brings an ID token that an SDK of the provider gave it: no browser, no code.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use time::Duration;

use super::claims::Claims;
use super::jose::{Bad, ends_at};
use super::kinds::Source;
use super::provider::{Provider, ProviderKind};
use super::reach::Reach;
use super::recognize::Journey;
use super::token::Unproved;
use super::{Oidc, trouble};
use crate::form::Submission;
use crate::host::FetchRequest;
use crate::methods::{Context, Slot, Step};
use crate::stop::{Failure, Stop};

/// How long a token may last that is submitted.
const LONGEST_LIFE: Duration = Duration::days(30);
/// Where netID gives an ID token for what its script gave.
const NETID_TOKEN: &str = "https://broker.netid.de/token";

impl Oidc {
    /// Judges an ID token that was submitted, and goes on with whom it names.
    pub(super) async fn submit_token(
        &self,
        cx: &Context<'_>,
        form: &Submission,
        slot: &mut Slot<'_>,
        provider: &Provider,
        token: &SecretString,
    ) -> Result<Step, Stop> {
        let said = self.judge(cx, provider, token).await?;
        let claims = Claims::new(&said, true);
        if claims.text("sub").is_none() || claims.text("iss").is_none() {
            return Err(names_nobody());
        }
        let nonce = form.text("id_token_nonce");
        check_nonce(provider.kind.is, &claims, nonce.as_deref())?;
        // It is remembered for as long as it could be used again.
        let until = ends_at(&said).filter(|until| *until <= cx.now + LONGEST_LIFE);
        let until = until.ok_or_else(|| Failure::id_token_refused("it lasts too long"))?;
        let journey = Journey { provider, claims, tokens: None, typed: &form.traits, asks: false };
        let step = self.recognize(cx, slot, journey).await?;
        // A form that is refused leaves the token for the next one.
        match slot.use_once(token.expose_secret(), until).await? {
            true => Ok(step),
            false => Err(Failure::id_token_refused("it was used before").into()),
        }
    }

    async fn judge(
        &self,
        cx: &Context<'_>,
        provider: &Provider,
        token: &SecretString,
    ) -> Result<Map<String, Value>, Stop> {
        let proved = match (provider.kind.submitted_keys, &provider.kind.source) {
            (Some(keys), _) => provider.submitted(&self.reach, token.expose_secret(), keys, cx.now).await,
            (None, Source::InfoBesideToken(_)) => {
                let token = self.exchanged(provider, token).await?;
                provider.proved(&self.reach, token.expose_secret(), cx.now).await
            }
            (None, _) => {
                let word = provider.kind.word;
                return Err(trouble::upstream(format!("The provider {word} does not support id_token verification")));
            }
        };
        proved.map_err(|why| match why {
            Unproved::Bad(Bad::Subject) => names_nobody(),
            Unproved::Bad(bad) => Failure::id_token_refused(bad).into(),
            Unproved::Trouble(stop) => stop,
        })
    }

    /// netID's script gives a token that its server exchanges for an ID token.
    async fn exchanged(&self, provider: &Provider, token: &SecretString) -> Result<SecretString, Stop> {
        let pairs = [("grant_type", "netid_fedcm"), ("fedcm_token", token.expose_secret())];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut request: FetchRequest = Reach::form(super::metadata::parsed(NETID_TOKEN)?, &pairs);
        if let Some(origin) = &provider.token_origin {
            let origin = http::HeaderValue::from_str(origin).map_err(Failure::internal)?;
            request = request.with_header(http::header::ORIGIN, origin);
        }
        let answer = self.reach.ask(request).await;
        let answer = answer.map_err(|error| trouble::not_redeemed(error.to_string()))?;
        let document: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let id_token = document["id_token"].as_str().filter(|_| answer.status() == http::StatusCode::OK);
        id_token.map(SecretString::from).ok_or_else(|| Failure::id_token_refused("it was not exchanged").into())
    }
}

fn names_nobody() -> Stop {
    Failure::id_token_refused(Bad::Subject).with_reason("The id_token claims were invalid").into()
}

/// The token was made for this request. Some make tokens without a nonce where nobody asks for one.
fn check_nonce(kind: ProviderKind, claims: &Claims, given: Option<&str>) -> Result<(), Stop> {
    let may_lack = match kind {
        ProviderKind::Google => true,
        ProviderKind::Apple => !claims.flag("nonce_supported"),
        _ => false,
    };
    match (claims.text("nonce"), given) {
        (None, _) if may_lack => Ok(()),
        (None, _) => Err(trouble::upstream("No nonce was included in the id_token but is required by the provider")),
        (Some(_), None) => Err(trouble::upstream("No nonce was provided but is required by the provider")),
        (Some(own), Some(given)) if own.as_bytes().ct_eq(given.as_bytes()).into() => Ok(()),
        (Some(_), Some(_)) => Err(trouble::upstream("The supplied nonce does not match the nonce from the id_token")),
    }
}
