//! The way to a provider: the authorization URL, and what is remembered meanwhile.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::kinds::Source;
use super::provider::{Pkce, Provider, ProviderKind};
use super::{ID, Memory, Oidc, Secrets, apple};
use crate::form::{Form, Submission};
use crate::methods::{Context, Departure, Leave};
use crate::seal::sha256;
use crate::stop::{Failure, Stop};

/// What a client may hand on to the provider. A hint at who signs in is not among it: the provider would show an address
/// that anybody may have put there.
const HANDED_ON: [&str; 4] = ["hd", "prompt", "auth_type", "acr_values"];
const UPSTREAM: &str = "upstream_parameters";

impl Oidc {
    /// Sends the browser to the provider, and says what is remembered until it is back.
    pub(super) async fn depart(
        &self,
        cx: &Context<'_>,
        form: &Submission,
        provider: &Provider,
        upstream: Params,
    ) -> Result<(Leave, Memory), Stop> {
        let departure = cx.departure(&ID, &provider.id)?;
        let mut secrets = Secrets { transient: form.transient.clone(), ..Secrets::default() };
        let to = match provider.kind.source {
            Source::X => {
                let mut back = Url::parse(&self.redirect_uri(cx, provider)).map_err(Failure::internal)?;
                back.query_pairs_mut().append_pair("state", departure.state()).append_pair("code", "unused");
                let (to, pair) = provider.x_begin(cx, &self.reach, back.as_str()).await?;
                secrets.temporary = Some((pair.token, pair.secret.expose_secret().to_owned()));
                to
            }
            _ => self.authorization(cx, provider, &departure, upstream, &mut secrets).await?,
        };
        let sealed = cx.conceal(&serde_json::to_vec(&secrets).map_err(Failure::internal)?)?;
        let (id, traits) = (provider.id.clone(), form.traits.clone());
        Ok((Leave::new(to, departure), Memory { provider: id, traits, sealed, asks: false }))
    }

    /// The URL of a provider's page.
    async fn authorization(
        &self,
        cx: &Context<'_>,
        provider: &Provider,
        departure: &Departure,
        upstream: Vec<(&'static str, String)>,
        secrets: &mut Secrets,
    ) -> Result<Url, Stop> {
        let found = provider.found(&self.reach, cx.now).await?;
        let (scopes, mut params) = scopes(provider);
        params.extend(provider.kind.params.iter().map(|(name, value)| (*name, (*value).to_owned())));
        params.extend(apple_params(provider));
        if provider.binds_codes(&self.reach, cx.now).await? {
            let verifier = URL_SAFE_NO_PAD.encode(cx.random::<32>()?);
            params.push(("code_challenge", URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()))));
            params.push(("code_challenge_method", "S256".to_owned()));
            secrets.verifier = Some(verifier);
        }
        if self.sends_nonce && provider.kind.openid {
            let nonce = URL_SAFE_NO_PAD.encode(cx.random::<16>()?);
            params.push(("nonce", nonce.clone()));
            secrets.nonce = Some(nonce);
        }
        if let Some(claims) = provider.requested_claims.as_ref().filter(|_| provider.kind.takes_options) {
            params.push(("claims", claims.to_string()));
        }
        for (name, value) in upstream {
            params.retain(|(known, _)| *known != name);
            params.push((name, value));
        }
        params.extend([
            ("client_id", provider.client_id.clone()),
            ("redirect_uri", self.redirect_uri(cx, provider)),
            ("response_type", "code".to_owned()),
            ("state", departure.state().to_owned()),
        ]);
        if !scopes.is_empty() {
            params.push(("scope", scopes.join(" ")));
        }
        // As the contract writes them.
        params.sort_unstable_by_key(|(name, _)| *name);
        let mut to = found.authorize;
        to.query_pairs_mut().extend_pairs(params);
        Ok(to)
    }

    /// Where the provider leads back to.
    pub(super) fn redirect_uri(&self, cx: &Context<'_>, provider: &Provider) -> String {
        let path = match (provider.pkce_of(), provider.organization) {
            (Pkce::Force, _) => "/self-service/methods/oidc/callback".to_owned(),
            (_, Some(organization)) => {
                format!("/self-service/methods/oidc/organization/{organization}/callback/{}", provider.id)
            }
            _ => format!("/self-service/methods/oidc/callback/{}", provider.id),
        };
        match &self.base_redirect_uri {
            Some(base) => format!("{}{path}", base.trim_end_matches('/')),
            None => cx.config.base.join(&path),
        }
    }
}

/// Parameters of a URL.
pub(super) type Params = Vec<(&'static str, String)>;

/// The scopes as they are asked for. Google has a parameter in place of one.
fn scopes(provider: &Provider) -> (Vec<&str>, Params) {
    let mut scopes = provider.scopes();
    let mut params = Params::new();
    if provider.kind.is == ProviderKind::Google && scopes.contains(&"offline_access") {
        scopes.retain(|scope| *scope != "offline_access");
        params.push(("access_type", "offline".to_owned()));
    }
    (scopes, params)
}

fn apple_params(provider: &Provider) -> Params {
    let params = provider.apple.as_ref().and_then(|_| apple::params(&provider.scopes));
    params.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

/// What the client hands on, nested or by dotted names.
pub(super) fn upstream(form: &Submission) -> Result<Params, Stop> {
    let given = |name: &str| -> Option<String> {
        let dotted = format!("{UPSTREAM}.{name}");
        let nested = match &form.form {
            Form::Json(members) => members.get(UPSTREAM).and_then(|upstream| upstream.get(name)?.as_str()),
            Form::Pairs(_) => None,
        };
        nested.map(str::to_owned).or_else(|| form.text(&dotted).map(String::from)).filter(|value| !value.is_empty())
    };
    match are_texts(&form.form) {
        true => Ok(HANDED_ON.into_iter().filter_map(|name| Some((name, given(name)?))).collect()),
        false => Err(Failure::internal("an upstream parameter is no text").into()),
    }
}

/// Whether every parameter for the provider is a text, those too that are not handed on.
fn are_texts(form: &Form) -> bool {
    let Form::Json(members) = form else { return true };
    let is_text = |value: &Value| value.is_string() || value.is_null();
    let is_parameter = |name: &str| name.strip_prefix(UPSTREAM).is_some_and(|rest| rest.starts_with('.'));
    let nested = match members.get(UPSTREAM) {
        None | Some(Value::Null) => true,
        Some(Value::Object(nested)) => nested.values().all(is_text),
        Some(_) => false,
    };
    nested && members.iter().filter(|(name, _)| is_parameter(name)).all(|(_, value)| is_text(value))
}
