//! Values inside texts, quoted as the contract shows them.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// What is shown as it stands inside quotes; the rest is escaped.
static VISIBLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$").ok());

/// A text in double quotes with escapes for quotes, backslashes and everything invisible.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// The inside of [`quoted`].
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            ' '..='~' => out.push(c),
            c if is_visible(c) => out.push(c),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if (c as u32) <= 0xffff => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out
}

fn is_visible(c: char) -> bool {
    VISIBLE.as_ref().is_some_and(|visible| visible.is_match(c.encode_utf8(&mut [0; 4])))
}

/// A scalar as texts about constants and choices show it: texts and numbers quoted, the rest bare.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(quoted(text)),
        Value::Number(number) => Some(format!("\"{number}\"")),
        Value::Bool(on) => Some(on.to_string()),
        Value::Null => Some("<nil>".to_owned()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        let cases = [
            ("a\\b\"c", "a\\\\b\\\"c"),
            ("ü 漢 🎉", "ü 漢 🎉"),
            ("a\u{200b}b\u{a0}\u{0}\n", "a\\u200bb\\u00a0\\x00\\n"),
            ("\u{e0001}", "\\U000e0001"),
        ];
        for (text, shown) in cases {
            assert_eq!(escaped(text), shown);
        }
    }
}
