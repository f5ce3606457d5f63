//! The headers of every answer, good or bad.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::config::Config;

const CACHE: &str = "private, no-cache, no-store, must-revalidate";
const CONTENT_SECURITY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const TWO_YEARS: &str = "max-age=63072000; includeSubDomains";

/// Headers that are the same for all answers of a service.
#[derive(Clone, Debug)]
pub(crate) struct Headers {
    fixed: Vec<(HeaderName, HeaderValue)>,
}

impl Headers {
    pub(crate) fn new(config: &Config) -> Self {
        let policy = if config.cors_origins.is_empty() { "same-origin" } else { "same-site" };
        let mut fixed = vec![
            (header::CACHE_CONTROL, HeaderValue::from_static(CACHE)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY)),
            (POLICY, HeaderValue::from_static(policy)),
            (header::VARY, HeaderValue::from_static("Origin, Cookie, Accept")),
        ];
        if config.base.is_https() && !config.host_sets_hsts {
            fixed.push((header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TWO_YEARS)));
        }
        Self { fixed }
    }

    /// Adds them to an answer.
    pub(crate) fn add(&self, headers: &mut HeaderMap) {
        headers.reserve(self.fixed.len());
        for (name, value) in &self.fixed {
            headers.insert(name.clone(), value.clone());
        }
    }

    /// Lets pages of every origin load an answer that is the same for everybody, and compare its bytes.
    pub(crate) fn open_to_all(&self, headers: &mut HeaderMap) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(POLICY, HeaderValue::from_static("cross-origin"));
    }
}
