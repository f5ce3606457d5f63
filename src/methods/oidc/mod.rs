//! Sign up with an account at another service: OpenID Connect and OAuth 2.
//!
//! The person sees a button for each provider, `provider=<id>`. It sends the browser to the provider, which sends it back
//! with a code; the service redeems the code, learns who the person is, and the provider's [`Mapper`] makes traits of
//! that. What is missing then is asked for on the form, beside a button that goes to the provider once more. Remembered
//! are the provider, the traits typed before, and, sealed, a secret that the code is bound to.
//!
//! A submission is judged in this order:
//!
//! 1. `upstream_parameters` are texts, else an internal error; the provider is one that was set up, else 404;
//! 2. with an `id_token` the journey is over already, see below;
//! 3. otherwise the browser leaves. Of `upstream_parameters` the provider gets `hd`, `prompt`, `auth_type` and
//!    `acr_values`.
//!
//! Whoever comes back is judged in this order; that it is the browser that left is certain by then:
//!
//! 1. an `error` of the provider, or the lack of a code, is shown on the form;
//! 2. the code is redeemed, ID tokens are checked;
//! 3. the provider says whom, and says who it is itself, else 502;
//! 4. somebody who has signed up with this account before is signed in;
//! 5. the traits, those typed before they left laid over those of the mapper, follow the schema, else its messages;
//! 6. the identity is made, with the account as its credential.
//!
//! A native client may have an ID token of Apple, Google or netID from an SDK. It submits the token with the nonce that
//! it was made for: the signature, the audience and the times are judged, then the nonce, then it goes on at 3. A token
//! works once.
//!
//! ```
//! use serde_json::json;
//! use tower_registration::fetch::Client;
//! use tower_registration::methods::Oidc;
//! use tower_registration::methods::oidc::{Claims, Mapped, Provider};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = Provider::generic("example", "https://id.example.org", "client-id")
//!     .client_secret("client-secret")
//!     .scope("email")
//!     .mapper(|claims: &Claims| Mapped::new(json!({ "email": claims.text("email") })));
//! let method = Oidc::new(Client::new()?).provider(provider);
//! # let _ = method; Ok(()) }
//! ```
//!
//! # Addresses that providers vouch for
//!
//! An account is known by its provider, issuer and subject, never by an address. A mapper may say that an address is
//! verified; without one that holds only for domains of [`Provider::trust_email_for`]. An address that belongs to
//! somebody else already is never taken over: see [`Linking`](crate::host::Linking).

mod apple;
mod claims;
mod depart;
mod endpoints;
mod jose;
mod kinds;
mod mapper;
mod metadata;
mod person;
mod provider;
mod reach;
mod recognize;
mod redeem;
mod special;
mod submitted;
mod table;
mod token;
mod trouble;
mod x;

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::Duration;

use super::slot::remembered;
use super::{Context, Method, Setup, Slot, Step};
use crate::flow::Screen;
use crate::form::Submission;
use crate::host::Fetch;
use crate::identity::MethodId;
use crate::message::catalogue;
use crate::page::{Field, Group, View};
use crate::stop::{Failure, Stop};
use person::Inquiry;
use reach::Reach;
use recognize::Journey;
use redeem::{Redemption, Tokens};

pub use claims::Claims;
pub use mapper::{Mapped, Mapper};
pub use provider::{ClaimsSource, Pkce, Provider, ProviderKind, SubjectSource};

const ID: MethodId = MethodId::new("oidc");
const GROUP: Group = Group::Oidc;
const RANK: u8 = 30;
const FIELD: &str = "provider";

/// The social sign-up method. Hand it to the builder: `.method(Oidc::new(client).provider(…))`.
#[derive(Clone, Debug)]
#[must_use]
pub struct Oidc {
    providers: Vec<Provider>,
    reach: Reach,
    base_redirect_uri: Option<String>,
    traits_in_group: bool,
    sends_nonce: bool,
    keeps_tokens: bool,
}

impl Oidc {
    /// A method that asks providers through this client.
    pub fn new(fetch: impl Fetch) -> Self {
        Self {
            providers: Vec::new(),
            reach: Reach::new(Arc::new(fetch)),
            base_redirect_uri: None,
            traits_in_group: false,
            sends_nonce: false,
            keeps_tokens: false,
        }
    }

    /// Adds a provider.
    pub fn provider(mut self, provider: Provider) -> Self {
        self.providers.push(provider);
        self
    }

    /// Sets what the URLs begin with that providers lead back to; the base URL of the service otherwise.
    pub fn base_redirect_uri(mut self, url: impl Into<String>) -> Self {
        self.base_redirect_uri = Some(url.into());
        self
    }

    /// Sends a nonce along, which the ID token must repeat. The state and the secret that a code is bound to protect the
    /// journey without it; some providers demand it.
    pub fn send_nonce(mut self) -> Self {
        self.sends_nonce = true;
        self
    }

    /// Keeps the tokens of the provider in the credential, sealed: see
    /// [`open_provider_token`](crate::Registration::open_provider_token). Otherwise they are forgotten.
    pub fn keep_tokens(mut self) -> Self {
        self.keeps_tokens = true;
        self
    }

    /// Sets how long is kept what a provider says about itself, and its keys; an hour otherwise.
    pub fn metadata_age(mut self, age: Duration) -> Self {
        self.reach.age = age;
        self
    }

    /// Sets how long at least lies between two requests for the keys of a provider, however many tokens name unknown
    /// ones; a minute otherwise.
    pub fn key_pause(mut self, pause: Duration) -> Self {
        self.reach.pause = pause;
        self
    }

    /// Puts the traits that are still missing after a journey into the group of this method, as older pages expect it.
    pub fn legacy_trait_group(mut self, on: bool) -> Self {
        self.traits_in_group = on;
        self
    }

    fn find(&self, id: &str) -> Result<&Provider, Stop> {
        let found = self.providers.iter().find(|provider| provider.id == id);
        found.ok_or_else(|| Failure::provider_unknown(id).into())
    }
}

/// What is remembered while the browser is away.
#[derive(Default, Serialize, Deserialize)]
struct Memory {
    provider: String,
    /// The traits typed before.
    #[serde(default)]
    traits: Value,
    /// Sealed [`Secrets`].
    #[serde(default)]
    sealed: String,
    /// The page asks for traits.
    #[serde(default)]
    asks: bool,
}

/// What nobody reads who reads the storage.
#[derive(Default, Serialize, Deserialize)]
struct Secrets {
    /// What the code is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    /// The temporary token of OAuth 1.0a, and its secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    temporary: Option<(String, String)>,
    #[serde(default)]
    transient: Value,
}

#[async_trait]
impl Method for Oidc {
    fn id(&self) -> MethodId {
        ID
    }

    fn rank(&self) -> u8 {
        RANK
    }

    fn review(&self, _: &Setup<'_>) -> Result<Vec<String>, String> {
        for (at, provider) in self.providers.iter().enumerate() {
            provider.check()?;
            if self.providers[..at].iter().any(|other| other.id == provider.id) {
                return Err(format!("two providers are named `{}`", provider.id));
            }
        }
        let without = |provider: &&Provider| provider.mapper.is_none();
        let advice = self.providers.iter().filter(without).map(|provider| {
            format!("provider `{}` has no mapper: the trait `email` is all that it fills in", provider.id)
        });
        Ok(advice.collect())
    }

    fn fields(&self, view: &View<'_>) -> Vec<Field> {
        match &view.facts.screen {
            Screen::Alone(method) if *method == ID => self.fields_alone(view),
            Screen::Alone(_) | Screen::Only(_) => Vec::new(),
            Screen::Unified | Screen::Profile | Screen::Credentials => {
                let open = self.providers.iter().filter(|provider| provider.organization.is_none());
                open.map(button).collect()
            }
        }
    }

    fn claims(&self, _: &View<'_>, form: &Submission) -> bool {
        let method = form.text("method");
        form.text(FIELD).is_some() && method.is_none_or(|word| word.eq_ignore_ascii_case(ID.as_str()))
    }

    fn reads_query(&self) -> bool {
        true
    }

    async fn submit(&self, cx: &Context<'_>, form: &Submission, slot: &mut Slot<'_>) -> Result<Step, Stop> {
        let upstream = depart::upstream(form)?;
        let id = form.text(FIELD).unwrap_or_default();
        let provider = self.find(&id)?;
        let asks = slot.memory().is_some_and(|memory: Memory| memory.asks);
        slot.go_on_alone();
        slot.remember(&Memory { provider: provider.id.clone(), ..Memory::default() })?;
        if let Some(token) = form.secret("id_token") {
            return self.submit_token(cx, form, slot, provider, &token).await;
        }
        let (leave, memory) = self.depart(cx, form, provider, upstream).await?;
        slot.remember(&Memory { asks, ..memory })?;
        Ok(Step::Leave(leave))
    }

    async fn resume(&self, cx: &Context<'_>, answer: &Submission, slot: &mut Slot<'_>) -> Result<Step, Stop> {
        let memory: Memory = slot.memory().unwrap_or_default();
        let provider = self.find(&memory.provider)?;
        slot.go_on_alone();
        slot.remember(&Memory { provider: provider.id.clone(), ..Memory::default() })?;
        let code = code_of(answer)?;
        let sealed = cx.reveal(&memory.sealed);
        let secrets = sealed.and_then(|plain| serde_json::from_slice::<Secrets>(&plain).ok());
        let secrets = secrets.ok_or_else(|| Failure::internal("what was sealed for a journey cannot be opened"))?;
        let (claims, tokens) = self.learn(cx, provider, answer, &code, &secrets).await?;
        slot.hand_on_transient(secrets.transient);
        self.recognize(cx, slot, Journey { provider, claims, tokens, typed: &memory.traits, asks: true }).await
    }

    fn destinations(&self) -> Vec<String> {
        self.providers.iter().map(Provider::destination).collect()
    }
}

impl Oidc {
    fn fields_alone(&self, view: &View<'_>) -> Vec<Field> {
        let memory: Memory = remembered(view).unwrap_or_default();
        let mut fields = if memory.asks { view.traits.to_vec() } else { Vec::new() };
        if self.traits_in_group {
            fields.iter_mut().for_each(|field| field.group = GROUP);
        }
        fields.push(Field::submit(GROUP, FIELD, &memory.provider, catalogue::SIGN_UP_CONTINUE));
        fields
    }

    /// Steps 2 of a return: who it is.
    async fn learn(
        &self,
        cx: &Context<'_>,
        provider: &Provider,
        answer: &Submission,
        code: &str,
        secrets: &Secrets,
    ) -> Result<(Claims, Option<Tokens>), Stop> {
        if let Some((token, secret)) = &secrets.temporary {
            if answer.text("oauth_token").as_deref() != Some(token) {
                return Err(trouble::refusal("The provider answered another request."));
            }
            let pair = x::Pair { token: token.clone(), secret: SecretString::from(secret.as_str()) };
            let verifier = answer.text("oauth_verifier").unwrap_or_default();
            return Ok((provider.x_person(cx, &self.reach, &pair, &verifier).await?, None));
        }
        let found = provider.found(&self.reach, cx.now).await?;
        self.check_issuer(cx, provider, answer).await?;
        let redirect_uri = self.redirect_uri(cx, provider);
        let with = Redemption { code, redirect_uri: &redirect_uri, verifier: secrets.verifier.as_deref() };
        let tokens = provider.redeem(&self.reach, &found, with, cx.now).await?;
        let nonce = secrets.nonce.as_deref();
        let of = Inquiry { reach: &self.reach, tokens: &tokens, now: cx.now, nonce };
        let mut claims = provider.person(of).await?;
        if provider.apple.is_some() {
            apple::take_name(&mut claims, answer);
        }
        Ok((claims, Some(tokens)))
    }

    /// A provider that says who it is when it answers (RFC 9207) is the one that the person left for.
    async fn check_issuer(&self, cx: &Context<'_>, provider: &Provider, answer: &Submission) -> Result<(), Stop> {
        let Some(said) = answer.text("iss").filter(|_| provider.kind.openid && provider.tenant.is_none()) else {
            return Ok(());
        };
        let own = provider.metadata(&self.reach, cx.now).await?.issuer;
        match said == own || provider.kind.also_issuers.contains(&said.as_ref()) {
            true => Ok(()),
            false => Err(Failure::errand_mismatch().into()),
        }
    }
}

fn button(provider: &Provider) -> Field {
    let label = catalogue::SIGN_UP_WITH.with("provider", provider.shown()).with("provider_id", provider.id.as_str());
    Field::submit(GROUP, FIELD, &provider.id, label)
}

/// Step 1 of a return: the code, by one of its names.
fn code_of(answer: &Submission) -> Result<String, Stop> {
    let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(300).collect::<String>();
    let refused =
        answer.text("error").map(|error| (shown(&error), shown(&answer.text("error_description").unwrap_or_default())));
    let denied = answer.text("denied").map(|_| ("access_denied".to_owned(), String::new()));
    if let Some((error, description)) = refused.or(denied) {
        let reason = "Unable to complete OpenID Connect flow because the OpenID Provider returned error";
        return Err(trouble::refusal(format!("{reason} \"{error}\": {description}")));
    }
    let code = answer.text("code").or_else(|| answer.text("authCode"));
    code.map(String::from).ok_or_else(|| {
        trouble::refusal(
            "Unable to complete OpenID Connect flow because the OpenID Provider did not return the code query parameter.",
        )
    })
}
