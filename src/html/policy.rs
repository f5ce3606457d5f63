//! The headers of pages and their style sheet.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::settings::Pages;
use crate::config::Config;

/// A year, in which the style sheet does not change: another one has another name.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// The headers of a page beside those of every answer.
pub(super) fn of_page(policy: &HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    // With `no-referrer` the form would say that it comes from `Origin: null`.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::VARY, HeaderValue::from_static("Origin, Cookie, Accept, Accept-Language"));
    headers.insert(OPENER, HeaderValue::from_static("same-origin"));
    headers.insert(PERMISSIONS, HeaderValue::from_static("publickey-credentials-create=(self)"));
    headers
}

/// The headers of the style sheet.
pub(super) fn of_style() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, FOREVER);
    headers.insert(header::CONTENT_SECURITY_POLICY, NOTHING);
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers
}

/// The content security policy: everything from here, pictures also from where the logo is, forms also to where a
/// person may be led in the end, or by a method.
pub(super) fn content_security(pages: &Pages, config: &Config, led_to: &[String]) -> Result<HeaderValue, String> {
    let mut targets = vec!["'self'".to_owned()];
    let verification = config.verification.iter().flat_map(|own| own.return_url.iter().chain([&own.ui]));
    let after = config.after_method.values().chain([&config.after]).filter_map(|after| after.return_url.as_ref());
    let own = [&config.default_return_url, &config.registration_ui, &config.error_ui];
    let urls = own.into_iter().chain(&config.allowed_return_urls).chain(verification).chain(after).chain(led_to);
    for source in [config.base.as_str()].into_iter().chain(urls.map(String::as_str)).filter_map(source) {
        if !targets.contains(&source) {
            targets.push(source);
        }
    }
    for origin in &pages.form_targets {
        let exact = source(origin).filter(|source| source == origin);
        targets
            .push(exact.ok_or_else(|| format!("`{origin}` is no origin; write for example https://shop.example.org"))?);
    }
    if config.leads_to_clients {
        // Nobody here knows where the clients of an OAuth2 server are, and browsers look at every redirect.
        let plain = (!config.base.is_https()).then_some("http:");
        targets.extend(["https:"].into_iter().chain(plain).map(str::to_owned));
    }
    let pictures = source(&pages.logo).map(|origin| format!(" {origin}")).unwrap_or_default();
    let policy = format!(
        "default-src 'self'; img-src 'self'{pictures}; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
         form-action {}",
        targets.join(" ")
    );
    HeaderValue::from_str(&policy).map_err(|_| "a URL cannot stand in a header".to_owned())
}

/// A URL as a source of the policy: its origin, or its scheme where it is none of the web's. Nothing for a path.
fn source(url: &str) -> Option<String> {
    const LABEL: &str = "tower-registration-wildcard";
    let parsed = Url::parse(&url.replacen("://*.", &format!("://{LABEL}."), 1)).ok()?;
    match parsed.scheme() {
        "http" | "https" => Some(parsed.origin().ascii_serialization().replacen(LABEL, "*", 1)),
        scheme => Some(format!("{scheme}:")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_origin_or_a_scheme() {
        let cases = [
            ("https://app.example.org/welcome?x#y", Some("https://app.example.org")),
            ("https://*.Example.org:8443/x", Some("https://*.example.org:8443")),
            ("myapp://callback", Some("myapp:")),
            ("/welcome", None),
            ("", None),
        ];
        for (url, expected) in cases {
            assert_eq!(source(url).as_deref(), expected, "{url}");
        }
    }
}
