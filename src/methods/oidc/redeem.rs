//! A code becomes tokens.

use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::apple;
use super::endpoints::Found;
use super::kinds::Login;
use super::provider::Provider;
use super::reach::Reach;
use super::trouble;
use crate::host::{FetchRequest, Fetched};
use crate::stop::Stop;

/// What a provider gave for a code.
pub(super) struct Tokens {
    /// The whole answer.
    pub(super) answer: Value,
    pub(super) access: SecretString,
    pub(super) refresh: Option<SecretString>,
    pub(super) id_token: Option<SecretString>,
}

/// What a code is redeemed with.
pub(super) struct Redemption<'r> {
    pub(super) code: &'r str,
    pub(super) redirect_uri: &'r str,
    pub(super) verifier: Option<&'r str>,
}

impl Provider {
    /// Redeems a code.
    pub(super) async fn redeem(
        &self,
        reach: &Reach,
        found: &Found,
        with: Redemption<'_>,
        now: OffsetDateTime,
    ) -> Result<Tokens, Stop> {
        let ways: &[Login] = match found.login {
            Login::Auto => &[Login::Header, Login::Fields],
            ref one => std::slice::from_ref(one),
        };
        let mut refused = None;
        for way in ways {
            let request = self.token_request(found, &with, *way, now)?;
            let answer = reach.ask(request).await;
            let answer = answer.map_err(|error| trouble::not_redeemed(error.to_string()))?;
            let body = read(&answer);
            match answer.status() {
                StatusCode::OK => return self.tokens(body),
                // It may not know the service by a header.
                StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST => refused = Some((answer.status(), body)),
                status => return Err(trouble::not_redeemed(status_text(status, &body))),
            }
            // Anything but the name of the client would be refused again, and the code may be used up.
            if refused.as_ref().is_some_and(|(status, body)| !is_about_client(*status, body)) {
                break;
            }
        }
        let why = refused.map(|(status, body)| status_text(status, &body)).unwrap_or_default();
        Err(trouble::not_redeemed(why))
    }

    fn token_request(
        &self,
        found: &Found,
        with: &Redemption<'_>,
        way: Login,
        now: OffsetDateTime,
    ) -> Result<FetchRequest, Stop> {
        let secret = match &self.apple {
            Some(key) => Some(apple::client_secret(key, &self.client_id, now)?),
            None => self.client_secret.clone(),
        };
        let secret = secret.as_ref().map(|secret| secret.expose_secret());
        if way == Login::DingTalk {
            let body = json!({ "clientId": self.client_id, "clientSecret": secret, "code": with.code,
                "grantType": "authorization_code" });
            return Ok(FetchRequest::post(found.token.clone()).with_json(&body));
        }
        let mut pairs =
            vec![("grant_type", "authorization_code"), ("code", with.code), ("redirect_uri", with.redirect_uri)];
        pairs.extend(with.verifier.map(|verifier| ("code_verifier", verifier)));
        pairs.extend(self.kind.token_params);
        // Without a secret there is nothing to put into a header.
        if way == Login::Fields || secret.is_none() {
            pairs.push(("client_id", &self.client_id));
            pairs.extend(secret.map(|secret| ("client_secret", secret)));
        }
        let pairs: Vec<(String, String)> =
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let request = Reach::form(found.token.clone(), &pairs);
        Ok(match secret.filter(|_| way != Login::Fields) {
            Some(secret) => request.with_basic_auth(&encoded(&self.client_id), &SecretString::from(encoded(secret))),
            None => request,
        })
    }

    fn tokens(&self, answer: Value) -> Result<Tokens, Stop> {
        let secret = |names: [&str; 2]| {
            let found = names.into_iter().find_map(|name| answer.get(name)?.as_str());
            found.filter(|text| !text.is_empty()).map(SecretString::from)
        };
        let (access, refresh) = (secret(["access_token", "accessToken"]), secret(["refresh_token", "refreshToken"]));
        let id_token = secret(["id_token", "idToken"]);
        let access = access.ok_or_else(|| trouble::not_redeemed("the answer to a code has no access token"))?;
        let tokens = Tokens { access, refresh, id_token, answer };
        self.check_granted(&tokens.answer)?;
        Ok(tokens)
    }

    /// Some tell which permissions the person left out.
    fn check_granted(&self, answer: &Value) -> Result<(), Stop> {
        let Some(separator) = self.kind.granted else { return Ok(()) };
        let granted = answer.get("scope").and_then(Value::as_str).unwrap_or_default();
        let granted: Vec<&str> = granted.split(separator).map(str::trim).collect();
        match self.scopes.iter().all(|scope| granted.contains(&scope.as_str())) {
            true => Ok(()),
            false => Err(trouble::refusal(trouble::SCOPE_MISSING)),
        }
    }
}

/// Name and secret stand in the header as they would in a form.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// An answer in JSON; some answer by a form.
fn read(answer: &Fetched) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_else(|_| {
        let pairs = form_urlencoded::parse(answer.body());
        Value::Object(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
    })
}

fn is_about_client(status: StatusCode, body: &Value) -> bool {
    status == StatusCode::UNAUTHORIZED || body.get("error").is_some_and(|error| error == "invalid_client")
}

/// For the log: the error's name if it is one of the standard's, never what stands beside it.
fn status_text(status: StatusCode, body: &Value) -> String {
    let known = ["invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"];
    let error = body.get("error").and_then(Value::as_str).filter(|error| known.contains(error));
    format!("the answer to a code has the status {} {}", status.as_u16(), error.unwrap_or_default())
}
