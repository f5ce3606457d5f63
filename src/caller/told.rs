//! Which headers of a request others are told of.

use http::HeaderName;
#[cfg(any(feature = "kratos", feature = "webhooks"))]
use http::header;
use serde_json::{Map, Value};

use super::Caller;

/// Headers that are no secret.
#[cfg(any(feature = "kratos", feature = "webhooks"))]
pub(crate) const HARMLESS: [HeaderName; 17] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::ORIGIN,
    HeaderName::from_static("priority"),
    header::REFERER,
    HeaderName::from_static("sec-ch-ua"),
    HeaderName::from_static("sec-ch-ua-mobile"),
    HeaderName::from_static("sec-ch-ua-platform"),
    HeaderName::from_static("sec-fetch-dest"),
    HeaderName::from_static("sec-fetch-mode"),
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("sec-fetch-user"),
    HeaderName::from_static("true-client-ip"),
    header::USER_AGENT,
];

/// Names and values of one request, in bytes: what is told is stored with letters and errands.
const MOST: usize = 8 * 1024;

impl Caller {
    /// The headers of these names, each as a list of its values. Those beyond 8 KiB are left out.
    pub(crate) fn told(&self, names: &[HeaderName]) -> Value {
        let mut told = Map::new();
        let mut room = MOST;
        for name in names {
            let values: Vec<_> =
                self.headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
            let size = name.as_str().len() + values.iter().map(|value| value.len()).sum::<usize>();
            if !values.is_empty() && size <= room {
                room -= size;
                told.insert(canonical(name), values.into());
            }
        }
        told.into()
    }
}

/// A header's name as templates know it: `User-Agent`.
fn canonical(name: &HeaderName) -> String {
    let mut begins = true;
    let letter = |c: char| {
        let shown = if begins { c.to_ascii_uppercase() } else { c };
        begins = c == '-';
        shown
    };
    name.as_str().chars().map(letter).collect()
}
