//! What a host chooses, as plain data. [`crate::builder`] fills and checks it.

mod cookies;
mod verification;

use std::collections::BTreeMap;

use http::HeaderName;
use time::Duration;
use url::Url;

pub(crate) use cookies::Keep;
pub use cookies::{CookieSettings, SameSite, SessionSettings};
pub(crate) use verification::ProofKind;
pub use verification::Verification;

/// Everything that is chosen when the service is built.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) base: BaseUrl,
    /// Registration may be switched off as a whole.
    pub(crate) enabled: bool,
    pub(crate) style: Style,
    pub(crate) lifespan: Duration,
    /// Tell a person with a taken identifier how the account can be signed in to.
    pub(crate) login_hints: bool,
    pub(crate) registration_ui: String,
    pub(crate) error_ui: String,
    pub(crate) default_return_url: String,
    pub(crate) allowed_return_urls: Vec<String>,
    pub(crate) after: After,
    /// By the word of the method.
    pub(crate) after_method: BTreeMap<String, After>,
    pub(crate) cookies: CookieSettings,
    pub(crate) session: SessionSettings,
    /// Origins whose pages may call the service from scripts.
    pub(crate) cors_origins: Vec<String>,
    /// How many proxies in front of the service add to `X-Forwarded-For`.
    pub(crate) trusted_proxies: usize,
    /// Leave `Strict-Transport-Security` to the host.
    pub(crate) host_sets_hsts: bool,
    /// How often a letter that failed is tried again; without a number, until what it says has ended.
    pub(crate) message_retries: Option<u32>,
    /// Headers of the request that causes a letter, which the letter keeps.
    pub(crate) letter_headers: Vec<HeaderName>,
    /// Addresses are not proved without it.
    pub(crate) verification: Option<Verification>,
    /// A page that the OAuth2 server's client begins at stands in for the `return_to` of somebody who is signed in.
    pub(crate) override_return_to: bool,
    /// An OAuth2 server may lead people on, to pages of clients that nobody here knows.
    pub(crate) leads_to_clients: bool,
    /// Text messages have a courier.
    pub(crate) sends_sms: bool,
}

impl Config {
    /// The defaults of the contract for a service at this base URL.
    pub(crate) fn new(base: BaseUrl) -> Self {
        Self {
            enabled: true,
            style: Style::ProfileFirst,
            lifespan: Duration::hours(1),
            login_hints: false,
            registration_ui: String::new(),
            error_ui: String::new(),
            default_return_url: String::new(),
            allowed_return_urls: Vec::new(),
            after: After::default(),
            after_method: BTreeMap::new(),
            cookies: CookieSettings::default(),
            session: SessionSettings::default(),
            cors_origins: Vec::new(),
            trusted_proxies: 0,
            host_sets_hsts: false,
            message_retries: None,
            letter_headers: Vec::new(),
            verification: None,
            override_return_to: false,
            leads_to_clients: false,
            sends_sms: false,
            base,
        }
    }

    /// Whether a registration by this method hands out a session.
    pub(crate) fn opens_session(&self, method: &str) -> bool {
        let own = self.after_method.get(method).and_then(|after| after.session);
        own.or(self.after.session).unwrap_or(false)
    }

    /// Whether a registration by this method leads to the page that proves an address.
    pub(crate) fn shows_verification_ui(&self, method: &str) -> bool {
        let own = self.after_method.get(method).and_then(|after| after.verification_ui);
        own.or(self.after.verification_ui).unwrap_or(false)
    }

    /// Where a registration by this method leads when the person asked for nothing else.
    pub(crate) fn return_url(&self, method: &str) -> &str {
        let own = self.after_method.get(method).and_then(|after| after.return_url.as_deref());
        own.or(self.after.return_url.as_deref()).unwrap_or(&self.default_return_url)
    }
}

/// Whether the traits are asked together with the credential or one step before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Style {
    /// Two steps: first the traits, then a choice of credentials.
    #[default]
    ProfileFirst,
    /// One step: traits and credentials on one page.
    Unified,
}

/// What follows a registration: for all methods, or for one.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct After {
    pub(crate) return_url: Option<String>,
    pub(crate) session: Option<bool>,
    pub(crate) verification_ui: Option<bool>,
}

impl After {
    /// Nothing follows: no session, and the default return URL.
    pub fn new() -> Self {
        Self::default()
    }

    /// Signs the person in: a cookie for browsers, a token for native clients.
    pub fn session(mut self, open: bool) -> Self {
        self.session = Some(open);
        self
    }

    /// Leads the person to the page that proves an address, where one is not proved yet: browsers by a redirect, other
    /// clients by `continue_with`.
    pub fn show_verification_ui(mut self, show: bool) -> Self {
        self.verification_ui = Some(show);
        self
    }

    /// Leads a browser here, unless the person asked for another page by `return_to`.
    pub fn return_url(mut self, url: impl Into<String>) -> Self {
        self.return_url = Some(url.into());
        self
    }
}

/// Where the service is found by clients: scheme, host, port and the prefix it is mounted below.
#[derive(Clone, Debug)]
pub(crate) struct BaseUrl {
    /// As the host wrote it: the name of the CSRF cookie depends on every letter.
    written: String,
    parsed: Url,
}

impl BaseUrl {
    /// Takes an absolute `http` or `https` URL without user info, query or fragment.
    pub(crate) fn parse(written: &str) -> Result<Self, String> {
        let parsed = Url::parse(written).map_err(|error| error.to_string())?;
        if !written.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("only visible ASCII letters can stand in a header; percent-encode the others".to_owned());
        }
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err("its scheme is neither http nor https".to_owned());
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("it holds user info".to_owned());
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err("it has a query or a fragment".to_owned());
        }
        Ok(Self { written: written.to_owned(), parsed })
    }

    /// The URL as the host wrote it.
    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    /// The parsed form.
    pub(crate) fn url(&self) -> &Url {
        &self.parsed
    }

    /// The URL of a path below the base; `path` begins with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.written.trim_end_matches('/'))
    }

    /// The prefix that the service is mounted below, without a slash at its end; empty at the root.
    pub(crate) fn prefix(&self) -> &str {
        self.parsed.path().trim_end_matches('/')
    }

    /// Whether clients reach the service over TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.parsed.scheme() == "https"
    }

    /// Whether only this machine can reach it.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.parsed.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_joined_without_doubling_the_slash() {
        for written in ["http://127.0.0.1:4433/auth", "http://127.0.0.1:4433/auth/"] {
            let base = BaseUrl::parse(written).unwrap();

            assert_eq!(base.join("/schemas"), "http://127.0.0.1:4433/auth/schemas");
            assert_eq!(base.prefix(), "/auth");
        }
    }

    #[test]
    fn a_url_that_cannot_be_a_base_says_why() {
        for written in
            ["ftp://host/", "https://u@host/", "https://host/?a=b", "/relative", " https://host/", "https://host/\n"]
        {
            assert!(BaseUrl::parse(written).is_err(), "{written}");
        }
    }
}
