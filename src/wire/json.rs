//! JSON as the contract writes it: one line with an end, and nothing in it that could be taken for HTML.

use bytes::Bytes;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Writes a document.
pub(super) fn write<T: Serialize>(document: &T) -> Result<Bytes, serde_json::Error> {
    let mut out = Vec::with_capacity(4_096);
    serde_json::to_writer(&mut out, document)?;
    out.push(b'\n');
    Ok(without_html(out).into())
}

/// Writes `<`, `>` and `&` as escapes. In JSON they stand nowhere but inside of strings, so the whole document is
/// looked through at once: that is several times quicker than one string after the other, and most have none.
fn without_html(json: Vec<u8>) -> Vec<u8> {
    let is_html = |byte: &u8| matches!(byte, b'<' | b'>' | b'&');
    // Without an early end the compiler compares many bytes at a time.
    if !json.iter().fold(false, |found, byte| found | is_html(byte)) {
        return json;
    }
    let mut escaped = Vec::with_capacity(json.len() + 64);
    for byte in json {
        match byte {
            b'<' => escaped.extend_from_slice(b"\\u003c"),
            b'>' => escaped.extend_from_slice(b"\\u003e"),
            b'&' => escaped.extend_from_slice(b"\\u0026"),
            _ => escaped.push(byte),
        }
    }
    escaped
}

/// A time: RFC 3339 in UTC, with as many digits as it has.
pub(super) fn time(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_looks_like_html() {
        let written = write(&serde_json::json!({ "a<b": "</script>&ü" })).unwrap();

        assert_eq!(written, "{\"a\\u003cb\":\"\\u003c/script\\u003e\\u0026ü\"}\n".as_bytes());
    }
}
