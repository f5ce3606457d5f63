//! Protection against submissions that another site's page makes for a person.
//!
//! 1. A browser bears a random secret in an `HttpOnly` cookie.
//! 2. The token in a form is a nonce and a MAC over purpose, secret and nonce: it is good for every flow of this
//!    browser, and nothing without the cookie.
//! 3. A flow keeps a digest of the secret it was begun with; only this browser sees and submits it.
//! 4. A page of another site is refused whatever it brings: `Sec-Fetch-Site` and `Origin` are the browser's own words.
//! 5. A native client has no cookie: its flows refuse `Origin` and cookies instead.
//!
//! With a `no-referrer` policy on the page that holds the form, browsers send `Origin: null`; it passes only beside
//! `Sec-Fetch-Site: same-origin`.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use time::Duration;
use url::Url;
use zeroize::Zeroizing;

use crate::caller::Caller;
use crate::config::{Config, CookieSettings, Keep, SameSite};
use crate::host::{HostError, Random};
use crate::message::catalogue;
use crate::page::TOKEN_FIELD;
use crate::seal::{Purpose, Seal, Tag, sha256, to_hex};
use crate::stop::{Failure, Stop};
use crate::trace;

const LIFE: Duration = Duration::days(365);
const SECRET: usize = 32;
const NONCE: usize = 32;

/// The guard of browser flows.
#[derive(Debug)]
pub(crate) struct Csrf {
    cookie_name: String,
    cookie: CookieSettings,
    /// Origins whose pages may submit.
    listed: BTreeSet<String>,
    seal: Arc<Seal>,
}

/// A browser as the guard sees it.
#[derive(Clone)]
pub(crate) struct Visitor {
    secret: Option<Zeroizing<[u8; SECRET]>>,
    /// The secret was made for this answer, which must carry the cookie.
    fresh: bool,
}

impl Csrf {
    /// The base URL's own origin, the UI's and the CORS origins are listed.
    pub(crate) fn new(config: &Config, seal: Arc<Seal>) -> Self {
        let digest = sha256(config.base.as_str().as_bytes());
        let hex = to_hex(&digest);
        let mut cookie = config.cookies.clone();
        if !cookie.secure {
            // Browsers refuse `SameSite=None` without `Secure`.
            cookie.same_site = SameSite::Lax;
        }
        let pages = [config.base.as_str(), &config.registration_ui, &config.error_ui];
        let verification = config.verification.iter().map(|settings| settings.ui.as_str());
        let pages = pages.into_iter().chain(verification).chain(config.cors_origins.iter().map(String::as_str));
        let listed = pages.filter_map(|page| Url::parse(page).ok()).map(|page| page.origin().ascii_serialization());
        Self { cookie_name: format!("csrf_token_{hex}"), cookie, listed: listed.collect(), seal }
    }

    /// Recognises a browser by its cookie. On a guarded path one without a usable cookie is given one.
    pub(crate) fn greet(&self, caller: &Caller, guarded: bool, random: &dyn Random) -> Result<Visitor, HostError> {
        let mut cookies = caller.cookies(&self.cookie_name);
        let secret = match (cookies.next(), cookies.next()) {
            (Some(value), None) => decode(value),
            // Two cookies of this name: one was planted, and nobody can say which.
            _ => None,
        };
        match secret {
            Some(secret) => Ok(Visitor { secret: Some(secret), fresh: false }),
            None if guarded => self.renew(random),
            None => Ok(Visitor { secret: None, fresh: false }),
        }
    }

    /// A new secret for a browser: at its first visit, and whenever somebody is signed in.
    pub(crate) fn renew(&self, random: &dyn Random) -> Result<Visitor, HostError> {
        let mut secret = Zeroizing::new([0; SECRET]);
        random.fill(secret.as_mut())?;
        Ok(Visitor { secret: Some(secret), fresh: true })
    }

    /// The cookie that an answer must carry.
    pub(crate) fn cookie(&self, visitor: &Visitor) -> Option<String> {
        let secret = visitor.secret.as_ref().filter(|_| visitor.fresh)?;
        Some(self.cookie.bake(&self.cookie_name, &STANDARD.encode(secret.as_slice()), Keep::For(LIFE)))
    }

    /// A token for the form of this browser; empty for a client without a cookie.
    pub(crate) fn token(&self, visitor: &Visitor, random: &dyn Random) -> Result<String, HostError> {
        let Some(secret) = &visitor.secret else { return Ok(String::new()) };
        let mut nonce = [0; NONCE];
        random.fill(&mut nonce)?;
        let tag = self.seal.sign(Purpose::Csrf, &[secret.as_slice(), &nonce]);
        Ok(STANDARD.encode([nonce, tag].concat()))
    }

    /// Whether the caller is the browser that a flow was begun by.
    pub(crate) fn check_binding(
        &self,
        caller: &Caller,
        visitor: &Visitor,
        binding: Option<&Tag>,
    ) -> Result<(), Failure> {
        match visitor.binding().zip(binding) {
            Some((own, bound)) if !visitor.fresh && own.ct_eq(bound).into() => Ok(()),
            _ => Err(self.violation(caller, None)),
        }
    }

    /// Whether the head of a request says that one of the listed pages sent it.
    ///
    /// `token` is only asked for to say what is wrong.
    pub(crate) fn check_head(
        &self,
        caller: &Caller,
        visitor: &Visitor,
        binding: Option<&Tag>,
        token: Option<&str>,
    ) -> Result<(), Failure> {
        match visitor.binding().zip(binding) {
            Some((own, bound)) if !visitor.fresh && own.ct_eq(bound).into() => {}
            _ => return Err(self.violation(caller, token)),
        }
        if self.is_from_listed_page(caller) {
            return Ok(());
        }
        trace::event(trace::Event::CsrfReject);
        let reason = "The HTTP headers Origin and Sec-Fetch-Site show that a page of another site sent the request.";
        Err(Failure::csrf(details(Some(reason), hint(caller))))
    }

    /// Whether the token of a form belongs to this browser.
    pub(crate) fn check_token(&self, caller: &Caller, visitor: &Visitor, token: Option<&str>) -> Result<(), Failure> {
        match token.filter(|_| !visitor.fresh).is_some_and(|token| self.is_token(visitor, token)) {
            true => Ok(()),
            false => Err(self.violation(caller, token)),
        }
    }

    fn is_token(&self, visitor: &Visitor, token: &str) -> bool {
        let Some(secret) = &visitor.secret else { return false };
        let Ok(bytes) = STANDARD.decode(token) else { return false };
        match bytes.split_first_chunk::<NONCE>() {
            Some((nonce, tag)) => self.seal.verify(Purpose::Csrf, &[secret.as_slice(), nonce], tag),
            None => false,
        }
    }

    /// The browser's own words about the page: `Sec-Fetch-Site` first, then `Origin`; without both the token decides,
    /// so that a page rendered on a server can submit.
    fn is_from_listed_page(&self, caller: &Caller) -> bool {
        let origin = caller.headers().get(http::header::ORIGIN);
        let listed =
            || origin.and_then(|origin| origin.to_str().ok()).is_some_and(|origin| self.listed.contains(origin));
        match caller.headers().get("sec-fetch-site").map(http::HeaderValue::as_bytes) {
            Some(b"same-origin") => true,
            // `none`: the person did it without any page.
            None | Some(b"none") => origin.is_none() || listed(),
            Some(_) => listed(),
        }
    }

    /// The refusal, with what is wrong as the contract tells it.
    pub(crate) fn violation(&self, caller: &Caller, token: Option<&str>) -> Failure {
        trace::event(trace::Event::CsrfReject);
        let header_token = caller.header("x-csrf-token").filter(|token| !token.is_empty());
        let is_json =
            caller.header(http::header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json"));
        let no_cookies = caller.headers().get(http::header::COOKIE).is_none();
        let (reason, hint) = if no_cookies {
            (Some("The HTTP Cookie Header is empty or not set."), hint(caller))
        } else if caller.cookies(&self.cookie_name).next().is_none() {
            (Some("The HTTP Cookie Header was set but did not include the anti-CSRF cookie."), hint(caller))
        } else if !is_json && token.is_none() && header_token.is_none() && !is_token_in_query(caller) {
            (None, NO_TOKEN)
        } else {
            (Some(NO_MATCH), hint(caller))
        };
        Failure::csrf(details(reason, hint))
    }
}

const NO_TOKEN: &str = "The anti-CSRF cookie was found but the CSRF token was not included in the HTTP request body \
                        (csrf_token) nor in the HTTP Header (X-CSRF-Token).";
const NO_MATCH: &str = "The HTTP Cookie Header was set and a CSRF token was sent but they do not match. We recommend \
                        deleting all cookies for this domain and retrying the flow.";
const FROM_SCRIPT: &str = "We detected an AJAX call, please ensure that CORS is enabled and configured correctly, and \
                           that your AJAX code sends cookies and has credentials enabled. For further debugging, check \
                           your Browser's Network Tab to see what cookies are included or excluded.";
const FROM_PAGE: &str = "We detected a regular browser or server-side call. To debug browser calls check your Browser's \
                         Network Tab to see what cookies are included or excluded. If you are calling from a server \
                         ensure that the appropriate cookies are being forwarded and that the SDK method is called \
                         correctly.";

fn hint(caller: &Caller) -> &'static str {
    match caller.header("sec-fetch-mode") {
        Some("cors" | "same-origin") => FROM_SCRIPT,
        _ => FROM_PAGE,
    }
}

/// Whether the query of a form brings a token. It is none that counts, but it was sent.
fn is_token_in_query(caller: &Caller) -> bool {
    let kind = caller.header(http::header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let is_form = !caller.method().is_safe() && kind.starts_with("application/x-www-form-urlencoded");
    is_form && caller.parameter(TOKEN_FIELD).is_some_and(|token| !token.is_empty())
}

fn details(reject_reason: Option<&str>, hint: &str) -> Value {
    let mut details = json!({ "docs": "https://www.ory.com/docs/troubleshooting/csrf", "hint": hint });
    if let (Some(reason), Some(members)) = (reject_reason, details.as_object_mut()) {
        members.insert("reject_reason".to_owned(), Value::from(reason));
    }
    details
}

impl Visitor {
    /// Whether the secret was made for this answer: the browser has not borne it yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// What a flow keeps of the secret.
    pub(crate) fn binding(&self) -> Option<Tag> {
        self.secret.as_ref().map(|secret| sha256(secret.as_slice()))
    }
}

/// Without the secret.
impl std::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visitor").field("fresh", &self.fresh).finish_non_exhaustive()
    }
}

fn decode(value: &str) -> Option<Zeroizing<[u8; SECRET]>> {
    let bytes = Zeroizing::new(STANDARD.decode(value).ok()?);
    <[u8; SECRET]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)
}

/// The guard of native flows: a browser gives itself away by `Origin` or a cookie. Cookies of a proxy do not count.
pub(crate) fn check_native(caller: &Caller) -> Result<(), Stop> {
    if caller.headers().get(http::header::ORIGIN).is_some_and(|origin| !origin.is_empty()) {
        return Err(native_refusal(
            "\"Origin\" key, indicating that this request was made as part of an AJAX request in a Browser",
        ));
    }
    let from_proxy = |name: &str| ["__cf", "_cf", "cf_"].iter().any(|start| name.starts_with(start));
    if caller.all_cookies().any(|(name, _)| !from_proxy(name)) {
        return Err(native_refusal("\"Cookie\" key, indicating that this request was made by a Browser"));
    }
    Ok(())
}

fn native_refusal(sign: &str) -> Stop {
    trace::event(trace::Event::CsrfReject);
    let reason = format!(
        "The HTTP Request Header included the {sign}. The flow however was initiated as an API request. To prevent \
         potential misuse and mitigate several attack vectors including CSRF, the request has been blocked. Please \
         consult the documentation."
    );
    catalogue::INVALID.with("reason", reason).on_page().into()
}
