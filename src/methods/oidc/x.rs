//! X: OAuth 1.0a, in which every request is signed and a temporary token stands for the journey.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::claims::Claims;
use super::metadata::parsed;
use super::provider::Provider;
use super::reach::Reach;
use super::trouble;
use crate::host::{FetchRequest, Fetched};
use crate::methods::Context;
use crate::seal::to_hex;
use crate::stop::{Failure, Stop};

const REQUEST: &str = "https://api.twitter.com/oauth/request_token";
pub(super) const AUTHENTICATE: &str = "https://api.twitter.com/oauth/authenticate";
const ACCESS: &str = "https://api.twitter.com/oauth/access_token";
const PERSON: &str = "https://api.twitter.com/1.1/account/verify_credentials.json";

/// What stands as it is in a signature.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A token of OAuth 1.0a with its secret.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) token: String,
    pub(super) secret: SecretString,
}

impl Provider {
    /// Asks for a temporary token, and says where the person goes with it.
    pub(super) async fn x_begin(&self, cx: &Context<'_>, reach: &Reach, back: &str) -> Result<(Url, Pair), Stop> {
        let failed = |why: &str| {
            let reason = "Unable to sign in with X because the OAuth1 request token could not be initialized: ";
            trouble::upstream(format!("{reason}{why}"))
        };
        let request = self.x_signed(cx, Method::POST, &parsed(REQUEST)?, None, &[("oauth_callback", back)])?;
        let answer = reach.ask(request).await.map_err(|error| failed(&error.to_string()))?;
        let pair = pair(&answer).ok_or_else(|| failed(&format!("status {}", answer.status().as_u16())))?;
        let mut to = parsed(AUTHENTICATE)?;
        to.query_pairs_mut().append_pair("oauth_token", &pair.token);
        Ok((to, pair))
    }

    /// Redeems the temporary token, and asks who the person is.
    pub(super) async fn x_person(
        &self,
        cx: &Context<'_>,
        reach: &Reach,
        temporary: &Pair,
        verifier: &str,
    ) -> Result<Claims, Stop> {
        let with = [("oauth_verifier", verifier)];
        let request = self.x_signed(cx, Method::POST, &parsed(ACCESS)?, Some(temporary), &with)?;
        let answer = reach.ask(request).await;
        let answer = answer.map_err(|error| trouble::not_redeemed(error.to_string()))?;
        let refused = || trouble::not_redeemed("X did not take the verifier");
        let access = pair(&answer).ok_or_else(refused)?;
        let mut url = parsed(PERSON)?;
        if self.scopes.iter().any(|scope| scope == "email") {
            url.query_pairs_mut().append_pair("include_email", "true");
        }
        let person = reach.ask_json(self.x_signed(cx, Method::GET, &url, Some(&access), &[])?).await?;
        Ok(claims(&person))
    }

    fn x_signed(
        &self,
        cx: &Context<'_>,
        method: Method,
        url: &Url,
        token: Option<&Pair>,
        more: &[(&str, &str)],
    ) -> Result<FetchRequest, Stop> {
        let (nonce, at) = (to_hex(&cx.random::<16>()?), cx.now.unix_timestamp().to_string());
        let mut own = vec![
            ("oauth_consumer_key", self.client_id.as_str()),
            ("oauth_nonce", &nonce),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", &at),
            ("oauth_version", "1.0"),
        ];
        own.extend(token.map(|pair| ("oauth_token", pair.token.as_str())));
        own.extend_from_slice(more);
        let consumer = self.client_secret.as_ref().map(|secret| secret.expose_secret()).unwrap_or_default();
        let secret = token.map(|pair| pair.secret.expose_secret()).unwrap_or_default();
        let signature = sign(&method, url, &own, consumer, secret);
        own.push(("oauth_signature", &signature));
        let fields: Vec<String> = own.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let header = HeaderValue::from_str(&format!("OAuth {}", fields.join(", ")));
        let mut header = header.map_err(Failure::internal)?;
        header.set_sensitive(true);
        Ok(FetchRequest::new(method, url.clone()).with_header(AUTHORIZATION, header))
    }
}

fn sign(method: &Method, url: &Url, own: &[(&str, &str)], consumer: &str, secret: &str) -> String {
    let query = url.query_pairs().map(|(name, value)| (escaped(&name), escaped(&value)));
    let mut all: Vec<(String, String)> =
        own.iter().map(|(name, value)| (escaped(name), escaped(value))).chain(query).collect();
    all.sort();
    let pairs: Vec<String> = all.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut bare = url.clone();
    bare.set_query(None);
    let base = format!("{method}&{}&{}", escaped(bare.as_str()), escaped(&pairs.join("&")));
    let key = format!("{}&{}", escaped(consumer), escaped(secret));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, base.as_bytes()))
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

fn pair(answer: &Fetched) -> Option<Pair> {
    let field = |name: &str| {
        let found = form_urlencoded::parse(answer.body()).find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
    };
    let known = answer.status() == StatusCode::OK;
    let secret = field("oauth_token_secret").map(SecretString::from);
    Some(Pair { token: field("oauth_token")?, secret: secret? }).filter(|_| known)
}

fn claims(person: &Value) -> Claims {
    let rows = [
        ("sub", "id_str"),
        ("name", "name"),
        ("nickname", "screen_name"),
        ("preferred_username", "screen_name"),
        ("picture", "profile_image_url_https"),
        ("website", "url"),
        ("email", "email"),
    ];
    let mut said: Map<String, Value> =
        rows.into_iter().filter_map(|(claim, name)| Some((claim.to_owned(), person.get(name)?.clone()))).collect();
    said.insert("iss".to_owned(), PERSON.into());
    Claims::new(&said, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last example of RFC 5849, 1.2.
    #[test]
    fn a_request_is_signed_as_the_standard_shows() {
        let own = [
            ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
            ("oauth_token", "nnch734d00sl2jdk"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131202"),
            ("oauth_nonce", "chapoH"),
        ];
        let url = Url::parse("http://photos.example.net/photos?file=vacation.jpg&size=original").unwrap();

        let signature = sign(&Method::GET, &url, &own, "kd94hf93k423kf44", "pfkkdhi9sl3r4s00");

        assert_eq!(signature, "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
    }
}
