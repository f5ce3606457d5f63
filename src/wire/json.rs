//! JSON as the contract writes it: one line with an end, and nothing in it that could be taken for HTML.

use std::io::{self, Write};

use bytes::Bytes;
use serde::Serialize;
use serde_json::ser::Formatter;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Writes a document.
pub(super) fn write<T: Serialize>(document: &T) -> Result<Bytes, serde_json::Error> {
    let mut out = Vec::with_capacity(2_048);
    let mut writer = serde_json::Serializer::with_formatter(&mut out, WithoutHtml);
    document.serialize(&mut writer)?;
    out.push(b'\n');
    Ok(out.into())
}

/// `<`, `>` and `&` are written as escapes.
struct WithoutHtml;

impl Formatter for WithoutHtml {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&']) {
            let (before, special) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let escape: &[u8] = match special.as_bytes().first() {
                Some(b'<') => b"\\u003c",
                Some(b'>') => b"\\u003e",
                _ => b"\\u0026",
            };
            writer.write_all(escape)?;
            rest = &special[1..];
        }
        writer.write_all(rest.as_bytes())
    }
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
