//! Queries and forms: pairs of names and values.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The pairs of a query. One that cannot be read is dropped, the others count.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let pairs =
        query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';') && broken_escape(pair).is_none());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

/// The first value of a name.
pub(super) fn first<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    pairs(query).find(|(known, _)| known == name).map(|(_, value)| value)
}

/// The first `%` that begins no escape, with up to two characters behind it.
pub(super) fn broken_escape(text: &str) -> Option<String> {
    text.match_indices('%').find_map(|(at, _)| {
        let escape: String = text[at..].chars().take(3).collect();
        let sound = escape.len() == 3 && escape.bytes().skip(1).all(|byte| byte.is_ascii_hexdigit());
        (!sound).then_some(escape)
    })
}

fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned())
}

/// A URL with one more pair in its query; the pairs are then sorted by name, as the contract writes them. The URL may
/// be relative.
pub(super) fn with_pair(url: &str, name: &str, value: &str) -> String {
    let (rest, fragment) = url.split_once('#').map_or((url, None), |(rest, fragment)| (rest, Some(fragment)));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut all: Vec<(Cow<'_, str>, Cow<'_, str>)> = pairs(query).filter(|(known, _)| known != name).collect();
    all.push((name.into(), value.into()));
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
    match fragment {
        Some(fragment) => format!("{path}?{query}#{fragment}"),
        None => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_that_cannot_be_read_is_dropped() {
        let query = "a=%zz&b=1;c=2&d=x+y%21&d=z&e";

        assert_eq!(first(query, "a"), None);
        assert_eq!(first(query, "b"), None);
        assert_eq!(first(query, "d").as_deref(), Some("x y!"));
        assert_eq!(first(query, "e").as_deref(), Some(""));
    }

    #[test]
    fn a_pair_is_sorted_into_the_query() {
        assert_eq!(with_pair("/ui?z=1&a=2", "flow", "x"), "/ui?a=2&flow=x&z=1");
        assert_eq!(with_pair("https://h/ui#top", "id", "a b"), "https://h/ui?id=a+b#top");
    }
}
