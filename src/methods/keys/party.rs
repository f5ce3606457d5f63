//! Who keys are made for, and which pages may make them.

use url::{Host, Url};

use crate::methods::Setup;

/// What an application on Android calls itself.
const ANDROID: &str = "android:apk-key-hash:";
/// The letters of a SHA-256 in base64url without padding.
const HASH_LENGTH: usize = 43;

/// The relying party: whom keys are made for, and the origins of the pages and apps that may make them.
///
/// A key belongs to its id for good: nobody can sign in with it under another one. Choose the domain that all your pages
/// share, such as `example.org` for `app.example.org` and `www.example.org`.
///
/// ```
/// use tower_registration::methods::RelyingParty;
///
/// let party = RelyingParty::new("example.org", "Example")
///     .origin("https://app.example.org")
///     .origin("android:apk-key-hash:0FMlJ8wsaNwXi6jgNPjXCEyKMbN9W0I5rhRk2Uq_vzc");
/// # let _ = party;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RelyingParty {
    pub(super) id: String,
    pub(super) name: String,
    origins: Vec<String>,
    embedders: Vec<String>,
}

impl RelyingParty {
    /// The party with this domain, and the name that authenticators show. Without an [`origin`](Self::origin) keys are
    /// made on pages of exactly this domain, by the scheme of the base URL.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), origins: Vec::new(), embedders: Vec::new() }
    }

    /// Accepts keys that pages of this origin make: scheme, host and port, such as `https://app.example.org`. An
    /// application on Android has the origin `android:apk-key-hash:` and the SHA-256 of its certificate in base64url.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Accepts keys that are made in a frame inside of pages of this origin; otherwise only a page by itself makes keys.
    /// Only keys without attestation are accepted there.
    ///
    /// # Weakens
    ///
    /// The page around the frame decides what the person sees beside it.
    pub fn embedder(mut self, origin: impl Into<String>) -> Self {
        self.embedders.push(origin.into());
        self
    }

    /// The origins, in one spelling each.
    fn origins(&self, base_url: &str) -> Vec<Origin> {
        if !self.origins.is_empty() {
            return self.origins.iter().map(|origin| Origin::read(origin)).collect();
        }
        let scheme = if base_url.starts_with("http:") { "http" } else { "https" };
        vec![Origin::read(&format!("{scheme}://{}", self.id))]
    }

    /// Whether keys may be made at this origin.
    pub(super) fn accepts(&self, origin: &str, base_url: &str) -> bool {
        self.origins(base_url).contains(&Origin::told(origin))
    }

    /// Whether keys may be made in a frame; `top` is the origin of the page around it, where the browser names it.
    pub(super) fn accepts_frame(&self, top: Option<&str>) -> bool {
        let known = |top: &str| self.embedders.iter().any(|origin| Origin::read(origin) == Origin::told(top));
        top.map_or(!self.embedders.is_empty(), known)
    }

    /// Refuses what no browser would make a key for.
    pub(super) fn review(&self, setup: &Setup<'_>) -> Result<Vec<String>, String> {
        self.review_id()?;
        let origins = self.origins(setup.base_url);
        for origin in &origins {
            self.review_origin(origin)?;
        }
        for embedder in &self.embedders {
            match Origin::read(embedder) {
                Origin::Web { secure: true, .. } => {}
                Origin::Web { host, .. } if is_local(&host) => {}
                _ => return Err(format!("`.embedder(\"{embedder}\")` is no https origin")),
            }
        }
        let base = Url::parse(setup.base_url).ok();
        let ui = base.and_then(|base| base.join(setup.registration_ui).ok());
        let page = ui.map(|ui| ui.origin().ascii_serialization());
        let elsewhere = page.filter(|page| !origins.contains(&Origin::read(page)));
        Ok(elsewhere.map(|page| self.elsewhere(&page)).into_iter().collect())
    }

    fn elsewhere(&self, page: &str) -> String {
        format!(
            "the registration page is at {page}, whose keys are not accepted; add `.origin(\"{page}\")` to the relying \
             party `{}` if keys are made there",
            self.id
        )
    }

    fn review_id(&self) -> Result<(), String> {
        let id = &self.id;
        if self.name.trim().is_empty() {
            return Err(format!("the relying party `{id}` has no name; authenticators show it to people"));
        }
        if let Ok(Host::Ipv4(_) | Host::Ipv6(_)) = Host::parse(id) {
            return Err(format!(
                "browsers make no keys for the address `{id}`; use a domain, or `localhost` on this machine"
            ));
        }
        match Host::parse(id) {
            Ok(Host::Domain(domain)) if domain == *id && (domain.contains('.') || is_local(&domain)) => Ok(()),
            _ => Err(format!(
                "`{id}` is no domain that keys can be made for; write it in lower case without scheme, port and path, \
                 such as `example.org`"
            )),
        }
    }

    fn review_origin(&self, origin: &Origin) -> Result<(), String> {
        let id = &self.id;
        match origin {
            Origin::Web { secure, host, text } => {
                if !secure && !is_local(host) {
                    return Err(format!("browsers make no keys on `{text}`, which is plain HTTP; use https"));
                }
                if host != id && !host.ends_with(&format!(".{id}")) {
                    return Err(format!(
                        "a page at `{text}` cannot make keys for `{id}`; the id must be its host or a domain that its \
                         host lies in"
                    ));
                }
                Ok(())
            }
            Origin::App(name) => match name.strip_prefix(ANDROID).map(str::len) {
                None | Some(HASH_LENGTH) => Ok(()),
                Some(_) => {
                    Err(format!("`{name}` names no certificate; its SHA-256 has {HASH_LENGTH} letters in base64url"))
                }
            },
            Origin::Broken(text) => Err(format!(
                "`{text}` is no origin; write for example `https://{id}`, or `{ANDROID}…` for an application on Android"
            )),
        }
    }
}

/// An origin, so that two spellings of one are equal.
#[derive(Debug, PartialEq, Eq)]
enum Origin {
    /// Of a page: scheme, host and port; a path does not count.
    Web { secure: bool, host: String, text: String },
    /// Of an application; the case of its letters does not count.
    App(String),
    /// None at all.
    Broken(String),
}

impl Origin {
    fn read(text: &str) -> Self {
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => match url.host_str() {
                Some(host) if url.username().is_empty() && url.password().is_none() => Self::Web {
                    secure: url.scheme() == "https",
                    host: host.to_owned(),
                    text: url.origin().ascii_serialization(),
                },
                _ => Self::Broken(text.to_owned()),
            },
            Ok(_) => Self::App(text.to_ascii_lowercase()),
            Err(_) => Self::Broken(text.to_owned()),
        }
    }

    /// The origin that a browser tells: it writes it in one way, but for the case of letters and a path behind it. What
    /// else a URL parser would take for the same is no browser's word.
    fn told(text: &str) -> Self {
        let read = Self::read(text);
        let lower = text.to_ascii_lowercase();
        let spelled =
            |written: &str| lower.strip_prefix(written).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        match &read {
            Self::Web { text: written, .. } if !spelled(written) => Self::Broken(text.to_owned()),
            _ => read,
        }
    }
}

/// Whether browsers trust pages of this host without TLS.
fn is_local(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}
