//! What a provider says about itself, if that is sound.

use serde_json::Value;
use url::Url;

use super::jose::Algorithm;
use super::kinds::Login;
use super::trouble;
use crate::stop::Stop;

/// What a provider says about itself.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) authorize: Option<Url>,
    pub(super) token: Option<Url>,
    pub(super) userinfo: Option<Url>,
    pub(super) keys: Option<Url>,
    /// What it signs ID tokens with; RS256 where it does not say so.
    pub(super) algorithms: Vec<Algorithm>,
    /// It binds codes to secrets.
    pub(super) binds_codes: bool,
    pub(super) login: Option<Login>,
}

impl Metadata {
    /// Reads what a provider says about itself; or says what is wrong with it.
    pub(super) fn read(document: &Value, issuer: &str) -> Result<Self, String> {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let list = |name: &str| -> Option<Vec<&str>> {
            Some(document.get(name)?.as_array()?.iter().filter_map(Value::as_str).collect())
        };
        if text("issuer") != Some(issuer) {
            return Err("it does not say that it is this issuer".to_owned());
        }
        let url = |name: &str| text(name).map(|text| endpoint(text, issuer)).transpose();
        let listed = list("id_token_signing_alg_values_supported");
        let algorithms = match listed {
            Some(names) => names.into_iter().filter_map(Algorithm::from_name).collect(),
            None => vec![Algorithm::Rs256],
        };
        let login = list("token_endpoint_auth_methods_supported").and_then(|ways| {
            match (ways.contains(&"client_secret_basic"), ways.contains(&"client_secret_post")) {
                (true, _) => Some(Login::Header),
                (false, true) => Some(Login::Fields),
                (false, false) => None,
            }
        });
        Ok(Self {
            issuer: issuer.to_owned(),
            authorize: url("authorization_endpoint")?,
            token: url("token_endpoint")?,
            userinfo: url("userinfo_endpoint")?,
            keys: url("jwks_uri")?,
            algorithms,
            binds_codes: list("code_challenge_methods_supported").is_some_and(|ways| ways.contains(&"S256")),
            login,
        })
    }
}

/// An endpoint that a provider names: over TLS, if the provider itself is.
fn endpoint(text: &str, issuer: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "an endpoint is no URL")?;
    match url.scheme() == "https" || url.scheme() == "http" && !issuer.starts_with("https:") {
        true => Ok(url),
        false => Err("an endpoint is not reached over TLS".to_owned()),
    }
}

pub(super) fn parsed(text: &str) -> Result<Url, Stop> {
    Url::parse(text).map_err(|_| trouble::not_initialized("an endpoint is no URL"))
}
