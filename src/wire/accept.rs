//! What kind of answer a client understands.
//!
//! Clients depend on the exact reading of `Accept`: entries from left to right; an entry with any parameter but `q`,
//! or a `q` of another shape, ends the line; letters count; on a tie the server's first offer wins.

use http::{HeaderMap, header};

use crate::caller::Wants;

const HTML: &str = "text/html";
const JSON: &str = "application/json";

/// Judges the head of a request.
pub(super) fn wants(headers: &HeaderMap) -> Wants {
    let accepted: Vec<(&str, f32)> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(entries)
        .filter(|(_, quality)| *quality > 0.0)
        .collect();
    let by_body = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == JSON);
    let wide = best(&accepted, &[HTML, "text/*", "*/*", JSON]);
    Wants { json: by_body || wide == JSON, json_page: best(&accepted, &[HTML, JSON]) == JSON, browser: wide == HTML }
}

/// The offer that fits best: by quality, then by how exactly it was asked for, then by its place among the offers.
fn best<'o>(accepted: &[(&str, f32)], offers: &[&'o str]) -> &'o str {
    let mut best = (HTML, -1.0, 0);
    for offer in offers {
        for (asked, quality) in accepted {
            let Some(exactness) = exactness(asked, offer) else { continue };
            if *quality > best.1 || *quality == best.1 && exactness > best.2 {
                best = (offer, *quality, exactness);
            }
        }
    }
    best.0
}

fn exactness(asked: &str, offer: &str) -> Option<u8> {
    if asked == "*/*" {
        return Some(1);
    }
    match asked.strip_suffix("/*") {
        Some(family) => offer.strip_prefix(family).is_some_and(|rest| rest.starts_with('/')).then_some(2),
        None => (asked == offer).then_some(3),
    }
}

/// The entries of one line, as far as it can be read.
fn entries(line: &str) -> Vec<(&str, f32)> {
    let mut entries = Vec::new();
    let mut rest = line.trim_start();
    loop {
        let end = rest.find(|c: char| !is_media(c)).unwrap_or(rest.len());
        let (media, behind) = rest.split_at(end);
        if media.is_empty() {
            return entries;
        }
        rest = behind.trim_start();
        let mut quality = 1.0;
        if let Some(parameter) = rest.strip_prefix(';') {
            let Some(value) = parameter.trim_start().strip_prefix("q=") else { return entries };
            let Some((given, behind)) = number(value) else { return entries };
            (quality, rest) = (given, behind.trim_start());
        }
        entries.push((media, quality));
        match rest.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None => return entries,
        }
    }
}

fn is_media(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(c)
}

/// `0`, `1`, `0.5`: a digit, and perhaps a dot with digits.
fn number(text: &str) -> Option<(f32, &str)> {
    let whole = text.strip_prefix(['0', '1'])?;
    let behind = match whole.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => whole,
    };
    let digits = &text[..text.len() - behind.len()];
    Some((digits.trim_end_matches('.').parse().ok()?, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(lines: &[&str]) -> (bool, bool) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT, line.parse().unwrap());
        }
        let wants = wants(&headers);
        (wants.json, wants.json_page)
    }

    #[test]
    fn the_table_of_the_contract() {
        let json: [&[&str]; 11] = [
            &["application/json"],
            &["application/json, text/plain, */*"],
            &["*/*, application/json"],
            &["application/*"],
            &["application/json, */*"],
            &["image/png, application/json"],
            &["text/*, application/json"],
            &["application/json;q=0.9, text/html;q=0.8"],
            &["application/*;q=0.5, text/html;q=0.4"],
            &["text/html;charset=x", "application/json"],
            &["application/json ; q=1.5"],
        ];
        let html: [&[&str]; 19] = [
            &[],
            &[""],
            &["*/*"],
            &["application/*, text/html"],
            &["application/*, text/*"],
            &["text/*;q=0.9, application/json;q=0.5"],
            &["application/json", "text/html"],
            &["application/json;charset=utf-8"],
            &["application/json;indent=2;q=0.9"],
            &["application/json;version=1, text/html"],
            &["text/html, application/json"],
            &["application/json, text/html"],
            &["text/html;q=0.5,application/json;q=0.5"],
            &["APPLICATION/JSON"],
            &["text/plain"],
            &["application/problem+json"],
            &["application/json;q=0"],
            &["application/json;q=.9"],
            &["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
        ];
        for lines in json {
            assert_eq!(judged(lines), (true, true), "{lines:?}");
        }
        for lines in html {
            assert_eq!(judged(lines), (false, false), "{lines:?}");
        }
    }

    #[test]
    fn a_json_body_counts_for_results_only_and_to_the_letter() {
        for (kind, json) in [("application/json", true), ("application/json; charset=utf-8", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());

            assert_eq!(wants(&headers), Wants { json, json_page: false, browser: true });
        }
    }
}
