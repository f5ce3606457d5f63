//! `clients`: which addresses may be called, and what web hooks and gateways hear of a request's headers.
//!
//! Every address may, until the file forbids those that are not on the public internet. Its exceptions are patterns for
//! whole URLs without their query: `*` stands for anything without dots and slashes, `**` for anything, `?` for one
//! character.

use std::sync::Arc;

use http::HeaderName;
use regex::Regex;

use super::LoadError;
use super::section::Section;
use crate::caller::HARMLESS;
use crate::host::Fetch;

/// Calls services elsewhere as the file allows. One for all parts: they share its connections.
#[derive(Clone)]
pub(super) struct Clients {
    #[cfg(feature = "_fetch")]
    client: Arc<dyn Fetch>,
    /// Which headers of a client's request web hooks and gateways hear of.
    #[cfg(any(feature = "sms", feature = "webhooks"))]
    headers: Vec<HeaderName>,
}

/// The client of the host, where it brings one; the keys are read all the same.
pub(super) type Own = Option<Arc<dyn Fetch>>;

pub(super) fn read(mut section: Section, own: Own) -> Result<Clients, LoadError> {
    let mut web_hook = section.section("web_hook")?;
    let headers = headers(&mut web_hook)?;
    web_hook.end()?;
    let mut http = section.section("http")?;
    section.end()?;
    let public_only = http.flag("disallow_private_ip_ranges")?.unwrap_or(false);
    let mut exceptions = Vec::new();
    for text in http.texts("private_ip_exception_urls")? {
        let why = "understands `*`, `**` and `?`, and no other patterns";
        exceptions.push(pattern(&text).ok_or_else(|| http.fault("private_ip_exception_urls", why))?);
    }
    let clients = Clients::new(public_only, exceptions, own)
        .map_err(|error| LoadError::new("clients.http", error.to_string()))?;
    http.end()?;
    Ok(clients.sharing(headers))
}

fn headers(web_hook: &mut Section) -> Result<Vec<HeaderName>, LoadError> {
    let given = web_hook.has("header_allowlist");
    let names = web_hook.texts("header_allowlist")?;
    if !given {
        return Ok(HARMLESS.to_vec());
    }
    let parse = |name: &String| name.parse().map_err(|_| format!("`{name}` is no name of a header"));
    let names: Result<_, String> = names.iter().map(parse).collect();
    names.map_err(|why| web_hook.fault("header_allowlist", why))
}

#[cfg(feature = "_fetch")]
impl Clients {
    fn new(public_only: bool, exceptions: Vec<Regex>, own: Own) -> Result<Self, crate::fetch::ClientError> {
        if let Some(client) = own {
            return Ok(Self::of(client));
        }
        let builder = crate::fetch::Client::builder().allow_private(!public_only);
        let client = builder.allow_private_where(move |url| covered(&exceptions, url)).build()?;
        Ok(Self::of(Arc::new(client)))
    }

    fn of(client: Arc<dyn Fetch>) -> Self {
        Self {
            client,
            #[cfg(any(feature = "sms", feature = "webhooks"))]
            headers: Vec::new(),
        }
    }

    #[cfg(any(feature = "sms", feature = "webhooks"))]
    pub(super) fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    /// The client that the file asks for.
    #[cfg(any(feature = "breach-http", feature = "hydra", feature = "oidc", feature = "sms", feature = "webhooks"))]
    pub(super) fn client(&self) -> Arc<dyn Fetch> {
        Arc::clone(&self.client)
    }
}

#[cfg(any(feature = "sms", feature = "webhooks"))]
impl Clients {
    fn sharing(self, headers: Vec<HeaderName>) -> Self {
        Self { headers, ..self }
    }
}

#[cfg(not(any(feature = "sms", feature = "webhooks")))]
impl Clients {
    /// Nobody hears of headers.
    fn sharing(self, _: Vec<HeaderName>) -> Self {
        self
    }
}

#[cfg(not(feature = "_fetch"))]
impl Clients {
    /// The keys are read all the same: a file is right or wrong whatever the features.
    fn new(_: bool, _: Vec<Regex>, _: Own) -> Result<Self, std::convert::Infallible> {
        Ok(Self {})
    }
}

#[cfg(feature = "_fetch")]
fn covered(exceptions: &[Regex], url: &url::Url) -> bool {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let whole = url.as_str();
    // An exception may leave out the slash behind the host.
    let bare = whole.strip_suffix('/').filter(|_| url.path() == "/");
    exceptions.iter().any(|exception| exception.is_match(whole) || bare.is_some_and(|bare| exception.is_match(bare)))
}

/// The expression for a pattern; nothing for one that uses more than stars and question marks.
fn pattern(text: &str) -> Option<Regex> {
    if text.contains(['[', ']', '{', '}', '\\']) {
        return None;
    }
    // Scheme and host are in lower case in every URL that is called.
    let path = text.find("://").map_or(0, |at| at + 3);
    let path = text[path..].find('/').map_or(text.len(), |at| path + at);
    let text = format!("{}{}", text[..path].to_lowercase(), &text[path..]);
    let literal = regex::escape(&text);
    let expression =
        literal.replace(r"\*\*", "\0").replace(r"\*", "[^/.]*").replace(r"\?", "[^/.]").replace('\0', ".*");
    Regex::new(&format!("^{expression}$")).ok()
}

#[cfg(feature = "_fetch")]
#[cfg(test)]
mod tests {
    use super::*;

    fn covers(exception: &str, url: &str) -> bool {
        covered(&[pattern(exception).unwrap()], &url::Url::parse(url).unwrap())
    }

    #[test]
    fn an_exception_is_a_whole_url() {
        assert!(covers("http://sms.internal/send", "http://sms.internal/send?to=1#x"));
        assert!(covers("HTTP://SMS.internal", "http://sms.internal/"));
        assert!(covers("http://sms.internal:8080", "http://sms.internal:8080"));

        for url in [
            "https://sms.internal/send",
            "http://sms.internal/send/",
            "http://sms.internal/Send",
            "http://sms.internal:81/send",
            "http://sms.internal.example.org/send",
            "http://smsxinternal/send",
            "http://evil.example/?http://sms.internal/send",
        ] {
            assert!(!covers("http://sms.internal/send", url), "{url}");
        }
    }

    #[test]
    fn a_star_stays_between_dots_and_slashes_and_two_do_not() {
        assert!(covers("http://*.internal/hooks/*", "http://sms.internal/hooks/one"));
        assert!(!covers("http://*.internal/hooks/*", "http://a.sms.internal/hooks/one"));
        assert!(!covers("http://*.internal/hooks/*", "http://sms.internal/hooks/one/two"));
        assert!(!covers("http://*.internal/hooks/*", "http://sms.internal/hooks/one.json"));
        assert!(covers("http://sms.internal/**", "http://sms.internal/a/b.c"));
        assert!(covers("http://sms?.internal/", "http://sms1.internal/"));
        assert!(!covers("http://sms?.internal/", "http://sms.internal/"));
    }

    #[test]
    fn a_pattern_of_another_kind_is_none() {
        assert!(
            ["http://[a-z].internal/", "http://{a,b}.internal/", r"http://a\*"]
                .iter()
                .all(|text| pattern(text).is_none())
        );
    }
}
