//! Who asks: the head of a request, as far as it counts.

mod told;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use http::{Extensions, HeaderMap, HeaderName, Method, header};

#[cfg(any(feature = "kratos", feature = "webhooks"))]
pub(crate) use told::HARMLESS;

/// The network address of the client, which the host puts into a request's extensions.
///
/// ```
/// use std::net::SocketAddr;
/// use tower_registration::ClientAddress;
///
/// # fn peer() -> SocketAddr { ([127, 0, 0, 1], 51234).into() }
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(ClientAddress::new(peer()));
/// ```
///
/// With axum, a middleware turns `ConnectInfo<SocketAddr>` into it. Without one, sessions show no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(SocketAddr);

impl ClientAddress {
    /// The address of the connection's other end.
    #[must_use]
    pub const fn new(peer: SocketAddr) -> Self {
        Self(peer)
    }
}

/// What kind of answer a client understands, judged from `Accept` and `Content-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wants {
    /// JSON by `Accept`, or by a body that is `application/json` to the letter: for errors and results.
    pub(crate) json: bool,
    /// JSON rather than HTML by `Accept` alone: for a flow that was just begun.
    pub(crate) json_page: bool,
    /// HTML by `Accept`, whatever the body is.
    pub(crate) browser: bool,
}

/// The head of a request: what its client understands, its cookies and its other headers.
pub struct Caller {
    pub(crate) wants: Wants,
    headers: HeaderMap,
    cookies: Vec<(String, String)>,
    extensions: Extensions,
    trusted_proxies: usize,
    method: Method,
    target: String,
}

impl Caller {
    pub(crate) fn new(wants: Wants, headers: HeaderMap, extensions: Extensions, trusted_proxies: usize) -> Self {
        // Pages write any letters into their cookies; ours stand beside them.
        let lines = headers.get_all(header::COOKIE).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
        let cookies = lines.flat_map(|line| line.split(';').map(pair).collect::<Vec<_>>());
        let cookies = cookies.filter(|(name, value)| !name.is_empty() || !value.is_empty()).collect();
        let (method, target) = (Method::GET, String::new());
        Self { wants, headers, cookies, extensions, trusted_proxies, method, target }
    }

    /// Sets the verb of the request, and its path and query below the base URL.
    pub(crate) fn asking(mut self, method: Method, target: String) -> Self {
        (self.method, self.target) = (method, target);
        self
    }

    /// The verb of the request.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Path and query of the request, below the base URL. The query may hold a secret: the code of a social provider.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The first value of a parameter in the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The values of a cookie; more than one when it came more than once.
    pub fn cookies<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'c str> + 'c {
        self.cookies.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All cookies by name and value.
    pub fn all_cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.cookies.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first value of a header; one that is no visible ASCII counts as absent.
    #[must_use]
    pub fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        self.headers.get(name.as_ref()).and_then(|value| value.to_str().ok())
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What the host's other layers put beside the request.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The session token that a native client sends: `X-Session-Token`, and nothing else where that is given.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        self.header("x-session-token").filter(|token| !token.is_empty())
    }

    /// The token of `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer_token(&self) -> Option<&str> {
        let (scheme, token) = self.header(header::AUTHORIZATION)?.split_once(' ')?;
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ')).then_some(token)
    }

    /// The address of the client: what the outermost trusted proxy saw, else the connection's other end with its port,
    /// else nothing.
    #[must_use]
    pub fn address(&self) -> String {
        if let Some(seen) = self.forwarded_for() {
            return seen.to_string();
        }
        self.extensions.get::<ClientAddress>().map(|peer| peer.0.to_string()).unwrap_or_default()
    }

    /// Each trusted proxy added one entry at the end: the first of those is the client's, what stands before it is hearsay.
    fn forwarded_for(&self) -> Option<IpAddr> {
        let lines = self.headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
        let entries: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        let at = entries.len().checked_sub(self.trusted_proxies.max(1))?;
        (self.trusted_proxies > 0).then(|| entries[at].parse().ok()).flatten()
    }

    /// What the client calls itself, at most 512 bytes of it.
    #[must_use]
    pub fn user_agent(&self) -> Option<String> {
        let lines: Vec<&str> =
            self.headers.get_all(header::USER_AGENT).iter().filter_map(|line| line.to_str().ok()).collect();
        (!lines.is_empty()).then(|| capped(lines.join(" ")))
    }

    /// The place that a trusted proxy found for the address, or nothing.
    #[must_use]
    pub fn location(&self) -> String {
        if self.trusted_proxies == 0 {
            return String::new();
        }
        let parts = [HeaderName::from_static("cf-ipcity"), HeaderName::from_static("cf-ipcountry")];
        let parts: Vec<&str> =
            parts.iter().filter_map(|name| self.header(name)).filter(|part| !part.is_empty()).collect();
        capped(parts.join(", "))
    }
}

/// Name and value of a cookie; one without `=` has an empty value.
fn pair(cookie: &str) -> (String, String) {
    let cookie = cookie.trim();
    let (name, value) = cookie.split_once('=').unwrap_or((cookie, ""));
    (name.to_owned(), value.to_owned())
}

fn capped(mut text: String) -> String {
    const MOST: usize = 512;
    if text.len() > MOST {
        text.truncate((0..=MOST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
    }
    text
}

/// Without values: cookies and headers hold secrets.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("wants", &self.wants).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(headers: &[(&'static str, &str)], proxies: usize) -> Caller {
        let pairs = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let mut map = HeaderMap::new();
        pairs.for_each(|(name, value)| _ = map.append(name, value));
        Caller::new(Wants { json: false, json_page: false, browser: true }, map, Extensions::new(), proxies)
    }

    #[test]
    fn cookies_keep_their_equals_signs() {
        let caller = caller(&[("cookie", "a=b==; lonely; a=c")], 0);

        assert_eq!(caller.cookies("a").collect::<Vec<_>>(), ["b==", "c"]);
        assert_eq!(caller.cookies("lonely").collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        let headers = [("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.1")];

        assert_eq!(caller(&headers, 0).address(), "");
        assert_eq!(caller(&headers, 1).address(), "10.0.0.1");
        assert_eq!(caller(&headers, 2).address(), "203.0.113.9");
        assert_eq!(caller(&headers, 4).address(), "");
    }

    #[test]
    fn a_bearer_token_is_one_word_behind_its_scheme() {
        for (value, token) in
            [("Bearer x", Some("x")), ("bearer x", Some("x")), ("Bearer x y", None), ("Basic x", None)]
        {
            assert_eq!(caller(&[("authorization", value)], 0).bearer_token(), token, "{value}");
        }
    }

    #[test]
    fn others_are_told_of_chosen_headers_by_their_usual_names() {
        let given = [("user-agent", "Ada's"), ("accept", "a"), ("accept", "b"), ("authorization", "secret")];

        assert_eq!(
            caller(&given, 0).told(&HARMLESS),
            serde_json::json!({ "User-Agent": ["Ada's"], "Accept": ["a", "b"] })
        );
    }

    #[test]
    fn what_others_are_told_of_headers_is_bounded() {
        let long = "x".repeat(8 * 1024);
        let given = [("accept", long.as_str()), ("user-agent", "short")];

        assert_eq!(caller(&given, 0).told(&HARMLESS), serde_json::json!({ "User-Agent": ["short"] }));
    }
}
