//! The formats that a schema may ask for, as the contract judges them.
//!
//! Most are those of the schema library; e-mail, host names and phone numbers follow the contract's own rules.

use email_address::{EmailAddress, Options};

/// How a format judges a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    /// By a function of ours.
    Own(fn(&str) -> bool),
    /// By the library's format of this name.
    Library(&'static str),
}

/// The format with this name; others are not looked at.
pub(super) fn find(name: &str) -> Option<Format> {
    Some(match name {
        "email" => Format::Own(is_email),
        "email_loose" => Format::Own(is_loose_email),
        "tel" => Format::Own(|text| e164(text).is_some()),
        "hostname" => Format::Own(is_host_name),
        "no-validate" => Format::Own(|_| true),
        "date-time" => Format::Library("date-time"),
        "date" => Format::Library("date"),
        "time" => Format::Library("time"),
        "ipv4" | "ip-address" => Format::Library("ipv4"),
        "ipv6" => Format::Library("ipv6"),
        // Letters of every alphabet count, as people type them.
        "uri" | "iri" => Format::Library("iri"),
        "uri-reference" | "uriref" => Format::Library("uri-reference"),
        "iri-reference" => Format::Library("iri-reference"),
        "uri-template" => Format::Library("uri-template"),
        "regex" => Format::Library("regex"),
        "json-pointer" => Format::Library("json-pointer"),
        "relative-json-pointer" => Format::Library("relative-json-pointer"),
        _ => return None,
    })
}

/// An address of at most 254 bytes, at most 64 of them before the last `@`, a host name behind it, and the whole an
/// address by RFC 5322. The host name needs no dot; letters outside of ASCII may stand before the `@` only.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let options = Options::default().without_display_text().without_domain_literal();
    // RFC 6531 takes every letter outside of ASCII, the library those of alphabets alone.
    let plain =
        |local: &str| local.chars().map(|c| if c.is_ascii() || c.is_control() { c } else { 'x' }).collect::<String>();
    text.len() <= 254
        && local.len() <= 64
        && is_host_name(domain)
        && !domain.ends_with('.')
        // The library knows fewer domains.
        && EmailAddress::parse_with_options(&format!("{}@x", plain(local)), options).is_ok()
}

/// Between 1 and 320 bytes around exactly one `@`; before it letters, digits, dots and the marks of RFC 5322 in any
/// order, behind it a domain that can be looked up.
pub(crate) fn is_loose_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_domain = |ascii: &str| is_host_name(ascii) && !ascii.contains(".-");
    let is_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    text.len() <= 320
        && !local.is_empty()
        && local.chars().all(is_local)
        && matches!(url::Host::parse(domain), Ok(url::Host::Domain(ascii)) if is_domain(&ascii))
}

/// Labels of 1 to 63 ASCII letters, digits and hyphens, at most 253 bytes; no hyphen stands at the end of a label or at
/// the beginning of the name, and one dot may stand at the end.
pub(super) fn is_host_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && !name.starts_with('-') && name.split('.').all(is_label)
}

/// A valid phone number with its country code, in E.164.
#[cfg(feature = "phone")]
pub(super) fn e164(text: &str) -> Option<String> {
    // No number is longer, and the parser's work grows with the text.
    if !text.starts_with('+') || text.len() > 64 {
        return None;
    }
    let number = phonenumber::parse(None, text).ok()?;
    number.is_valid().then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

/// Reads the number plans of all countries where a schema may ask for phone numbers: whoever gave the first one would wait
/// for it.
#[cfg(feature = "phone")]
pub(super) fn prepare(schema: &str) {
    if schema.contains("\"tel\"") || schema.contains("\"sms\"") {
        let _: &phonenumber::metadata::Database = &phonenumber::metadata::DATABASE;
    }
}

/// Without the feature `phone` nothing is known to be a phone number; schemas that ask for one are refused.
#[cfg(not(feature = "phone"))]
pub(super) fn e164(_: &str) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_as_the_contract_has_it() {
        let long = format!("{}@example.org", "a".repeat(65));
        let good = [
            "ada@example.org",
            "a@b",
            "a@b.-c.de",
            "a@1.2.3.4",
            "ü@example.org",
            "🎉@example.org",
            "a+b@x-y.org",
            "\"a b\"@c.de",
        ];
        let bad = [
            "",
            "x",
            "@b",
            "a@",
            "foo.@x.jp",
            ".a@b",
            "a..b@c",
            "a@ü.org",
            "a@-b",
            "a@b-.de",
            "a@b.",
            " a@b",
            "a@b ",
            "a b@c",
            "a@b c",
            "a@[127.0.0.1]",
            &long,
        ];
        for text in good {
            assert!(is_email(text), "{text}");
        }
        for text in bad {
            assert!(!is_email(text), "{text}");
        }
    }

    #[test]
    fn loose_addresses_may_have_dots_anywhere_and_other_letters_in_the_domain() {
        assert!(is_loose_email("foo.@x.jp") && is_loose_email("a..b@ü.org"));
        assert!(!is_loose_email("a@b@c") && !is_loose_email("ü@b.org") && !is_loose_email("@b"));
    }
}
