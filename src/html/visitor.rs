//! Who looks at a page, as far as it counts: the languages they prefer.

use http::{HeaderValue, Method, Request, header};

/// The most entries of `Accept-Language` that are read.
const MOST: usize = 20;

/// The language of one request, which a layer of the host puts into its extensions; it counts before `Accept-Language`.
///
/// ```
/// use tower_registration::html::Language;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(Language::new("pt-BR"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language(String);

impl Language {
    /// The language of this code, such as `de` or `pt-BR`. One that the pages do not have does not count.
    pub fn new(code: impl Into<String>) -> Self {
        Self(code.into())
    }
}

/// What an answer takes from the head of its request.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// The host's choice.
    chosen: Option<Language>,
    /// The lines of `Accept-Language`; most answers are no page, so they are read when one is drawn.
    accepted: Vec<HeaderValue>,
    pub(super) method: Method,
    pub(super) query: String,
}

impl Visitor {
    pub(super) fn new<B>(request: &Request<B>) -> Self {
        let chosen = request.extensions().get::<Language>().cloned();
        let accepted = request.headers().get_all(header::ACCEPT_LANGUAGE).iter().cloned().collect();
        let query = request.uri().query().unwrap_or_default().to_owned();
        Self { chosen, accepted, method: request.method().clone(), query }
    }

    /// The most wanted first.
    pub(super) fn languages(&self) -> impl Iterator<Item = &str> {
        self.chosen.iter().map(|language| language.0.as_str()).chain(wanted(&self.accepted))
    }
}

/// The languages of `Accept-Language`, the most wanted first.
fn wanted(lines: &[HeaderValue]) -> impl Iterator<Item = &str> {
    let lines = lines.iter().filter_map(|line| line.to_str().ok());
    let mut wanted: Vec<(&str, f32)> = lines.flat_map(|line| line.split(',')).take(MOST).filter_map(entry).collect();
    // The sort is stable: among equals the first counts.
    wanted.sort_by(|a, b| b.1.total_cmp(&a.1));
    wanted.into_iter().map(|(code, _)| code)
}

fn entry(entry: &str) -> Option<(&str, f32)> {
    let (code, parameter) = entry.split_once(';').unwrap_or((entry, "q=1"));
    let quality: f32 = parameter.trim().strip_prefix("q=")?.trim().parse().ok()?;
    let code = code.trim();
    let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_code && quality > 0.0).then_some((code, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_wanted_in_the_order_of_their_quality() {
        let lines = [HeaderValue::from_static("en;q=0.5, de-AT, fr;q=0, *;q=0.1, x_y, pt ; q=0.9")];

        assert_eq!(wanted(&lines).collect::<Vec<_>>(), ["de-AT", "pt", "en"]);
    }
}
