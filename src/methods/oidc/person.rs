//! Tokens become claims: from the ID token, or from the provider's answer about the person.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderName;
use http::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use sha2::Sha256;
use time::OffsetDateTime;
use url::Url;

use super::claims::Claims;
use super::jose::Bad;
use super::kinds::{Info, Issuer, Source, TokenIn, said};
use super::metadata::parsed;
use super::provider::{ClaimsSource, Provider, SubjectSource};
use super::reach::Reach;
use super::redeem::Tokens;
use super::special::Seen;
use super::token::Unproved;
use super::trouble;
use crate::host::FetchRequest;
use crate::seal::to_hex;
use crate::stop::{Failure, Stop};

/// Where Microsoft tells who somebody is.
const GRAPH: &str = "https://graph.microsoft.com/v1.0/me";

/// What is asked of a provider, with what it has given.
#[derive(Clone, Copy)]
pub(super) struct Inquiry<'i> {
    pub(super) reach: &'i Reach,
    pub(super) tokens: &'i Tokens,
    pub(super) now: OffsetDateTime,
    /// What an ID token must repeat, where it was asked to.
    pub(super) nonce: Option<&'i str>,
}

impl Provider {
    /// Who the person is, by the provider's word.
    pub(super) async fn person(&self, of: Inquiry<'_>) -> Result<Claims, Stop> {
        match &self.kind.source {
            Source::Choice if self.claims_source == ClaimsSource::IdToken => {
                Ok(Claims::new(&self.id_token(of).await?, true))
            }
            Source::Choice | Source::Discovered => self.standard(of).await,
            Source::Microsoft => self.microsoft_person(of).await,
            Source::Info(info) => Ok(Claims::new(&self.info(info, of).await?, info.raw)),
            Source::InfoBesideToken(info) => {
                let (token, mut said) = (self.id_token(of).await?, self.info(info, of).await?);
                for name in ["iss", "sub"] {
                    said.extend(token.get(name).map(|value| (name.to_owned(), value.clone())));
                }
                Ok(Claims::new(&said, false))
            }
            Source::X => Err(Failure::internal("X gives no tokens of this kind").into()),
        }
    }

    async fn id_token(&self, of: Inquiry<'_>) -> Result<Map<String, Value>, Stop> {
        let token = of.tokens.id_token.as_ref().ok_or_else(|| trouble::refusal(trouble::NO_ID_TOKEN))?;
        let claims = self.proved(of.reach, token.expose_secret(), of.now).await.map_err(|why| match why {
            // That is no mistake of the person.
            Unproved::Bad(Bad::Subject) => trouble::no_subject(),
            Unproved::Bad(bad) => trouble::refusal(format!("Authentication failed because of the id_token: {bad}.")),
            Unproved::Trouble(stop) => stop,
        })?;
        match of.nonce {
            Some(nonce) if claims.get("nonce").and_then(Value::as_str) != Some(nonce) => {
                Err(trouble::refusal("Authentication failed because of the id_token: it was made for another request."))
            }
            _ => Ok(claims),
        }
    }

    /// The discovered answer about the person, which is about the subject of the ID token and nobody else.
    async fn standard(&self, of: Inquiry<'_>) -> Result<Claims, Stop> {
        let token = self.id_token(of).await?;
        let missing = || trouble::not_initialized("it does not say where it tells about people");
        let url = self.metadata(of.reach, of.now).await?.userinfo.ok_or_else(missing)?;
        let answer = of.reach.ask_json(FetchRequest::get(url).with_bearer(&of.tokens.access)).await?;
        let mut said = answer.as_object().cloned().unwrap_or_default();
        if said.get("sub") != token.get("sub") {
            return Err(trouble::refusal("sub (Subject) claim mismatch between ID token and UserInfo endpoint"));
        }
        for name in ["iss", "acr", "amr"] {
            if let Some(value) = token.get(name) {
                said.entry(name).or_insert_with(|| value.clone());
            }
        }
        Ok(Claims::new(&said, true))
    }

    async fn microsoft_person(&self, of: Inquiry<'_>) -> Result<Claims, Stop> {
        let mut claims = Claims::new(&self.id_token(of).await?, true);
        match self.subject_source {
            SubjectSource::UserInfo => {}
            SubjectSource::ObjectId => {
                let id = claims.text("oid").unwrap_or_default().to_owned();
                claims.set("sub", &id);
            }
            SubjectSource::Me => {
                let request = FetchRequest::get(parsed(GRAPH)?).with_bearer(&of.tokens.access);
                let answer = of.reach.ask_json(request).await?;
                claims.set("sub", answer["id"].as_str().unwrap_or_default());
            }
        }
        Ok(claims)
    }

    /// The kind's own answer about the person.
    async fn info(&self, info: &Info, of: Inquiry<'_>) -> Result<Map<String, Value>, Stop> {
        let at = if info.at.starts_with('/') { self.below(info.at) } else { info.at.to_owned() };
        let answer = of.reach.ask_json(self.request(parsed(&at)?, info.by, &of.tokens.access)?).await?;
        let more = match info.more {
            Some((at, scope)) if scope.is_none_or(|scope| self.was_granted(scope, &of.tokens.answer)) => {
                Some(of.reach.ask_json(self.request(parsed(at)?, info.by, &of.tokens.access)?).await?)
            }
            _ => None,
        };
        let mut said = said(info, &answer);
        if let Some(finish) = info.finish {
            finish(&mut said, Seen { answer: &answer, more: more.as_ref(), tokens: &of.tokens.answer })?;
        }
        let issuer = match info.issuer {
            Issuer::Is(issuer) => Some(issuer),
            Issuer::Base => self.base(),
            Issuer::Configured if said.contains_key("iss") => None,
            Issuer::Configured => self.issuer(),
        };
        said.extend(issuer.map(|issuer| ("iss".to_owned(), Value::from(issuer))));
        if info.raw {
            let raw = answer.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone()));
            for (name, value) in raw {
                said.entry(name).or_insert(value);
            }
        }
        Ok(said)
    }

    fn request(&self, mut url: Url, by: TokenIn, access: &SecretString) -> Result<FetchRequest, Stop> {
        let token = access.expose_secret();
        Ok(match by {
            TokenIn::Bearer => FetchRequest::get(url).with_bearer(access),
            TokenIn::Header(name) => {
                let mut value = HeaderValue::from_str(token).map_err(Failure::internal)?;
                value.set_sensitive(true);
                FetchRequest::get(url).with_header(HeaderName::from_static(name), value)
            }
            TokenIn::Query(name) => {
                url.query_pairs_mut().append_pair(name, token);
                FetchRequest::get(url)
            }
            TokenIn::Proved => {
                let secret = self.client_secret.as_ref().map(|secret| secret.expose_secret()).unwrap_or_default();
                let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(Failure::internal)?;
                mac.update(token.as_bytes());
                url.query_pairs_mut().append_pair("appsecret_proof", &to_hex(&mac.finalize().into_bytes()));
                FetchRequest::get(url).with_bearer(access)
            }
        })
    }

    /// Whether the person granted a scope; where the provider does not say so, whether it was asked for.
    fn was_granted(&self, scope: &str, answer: &Value) -> bool {
        match answer.get("scope").and_then(Value::as_str) {
            Some(granted) => granted.split([',', ' ']).any(|own| own.trim() == scope),
            None => self.scopes.iter().any(|own| own == scope),
        }
    }
}
