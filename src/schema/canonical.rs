//! Canonical forms: the one spelling that identifiers and addresses are compared, stored and written to by.
//!
//! Surrounding blanks go, wide letters become narrow, capitals small, and compatibility spellings plain (NFKC); what
//! cannot be seen goes too. A form is a fixed point: made canonical again it stays as it is.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::{bidi, formats};

/// Control, format, private and unassigned code points, and those that are ignored by default.
static UNSEEN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{C}\p{Default_Ignorable_Code_Point}]").ok());

/// The canonical form of what names a person: never refused, at worst empty. A valid phone number becomes E.164.
pub(crate) fn canonical_identifier(typed: &str) -> String {
    let plain = folded(&without_unseen(typed.trim()));
    formats::e164(&plain).unwrap_or(plain)
}

/// The canonical form of an e-mail address, or why there is none.
pub(super) fn canonical_email(typed: &str) -> Result<String, &'static str> {
    let typed = typed.trim();
    if matches!(without_unseen(typed), Cow::Owned(_)) {
        return Err("precis: disallowed rune encountered");
    }
    let plain = folded(typed);
    if !bidi::follows_rule(&plain) {
        return Err("bidirule: failed Bidi Rule");
    }
    formats::is_email(&plain).then_some(plain).ok_or("mail: missing '@' or angle-addr")
}

/// The canonical form of a phone number, or why there is none.
pub(super) fn canonical_phone(typed: &str) -> Result<String, &'static str> {
    let narrow: String = typed.trim().nfkc().collect();
    formats::e164(&narrow).ok_or("the phone number supplied is not a number")
}

fn without_unseen(text: &str) -> Cow<'_, str> {
    // Most text is ASCII, where only control characters are unseen.
    if text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Cow::Borrowed(text);
    }
    match UNSEEN.as_ref() {
        Some(unseen) => unseen.replace_all(text, ""),
        None => Cow::Borrowed(text),
    }
}

/// Small letters and plain spellings, until nothing changes: NFKC may bring capitals back, and blanks to the ends.
fn folded(text: &str) -> String {
    if text.is_ascii() {
        // Blanks stood inside as long as something unseen stood behind them.
        return text.trim().to_ascii_lowercase();
    }
    let mut now = text.to_owned();
    loop {
        let next: String = now.to_lowercase().nfkc().collect();
        let next = without_unseen(next.trim()).into_owned();
        if next == now {
            return now;
        }
        now = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_vectors_of_the_contract() {
        assert_eq!(canonical_identifier("  FOO@Ory.SH "), "foo@ory.sh");
        assert_eq!(canonical_identifier("ａｌｉｃｅ"), "alice");
        assert_eq!(canonical_identifier("ad\u{200b}min@ory.sh"), "admin@ory.sh");
        assert_eq!(canonical_identifier("user name"), "user name");
        assert_eq!(canonical_identifier("\u{0} Ada \u{7f}"), "ada");
        assert_eq!(canonical_identifier("🎉"), "🎉");
        assert_eq!(canonical_email("ad\u{200b}min@ory.sh"), Err("precis: disallowed rune encountered"));
        assert_eq!(canonical_email(" Ada@Example.ORG").as_deref(), Ok("ada@example.org"));
    }

    #[cfg(feature = "phone")]
    #[test]
    fn a_phone_number_becomes_e164() {
        assert_eq!(canonical_identifier("+49 176 671 11 638"), "+4917667111638");
        assert_eq!(canonical_phone("+49 (0)176 671 11 638").as_deref(), Ok("+4917667111638"));
        assert!(canonical_phone("12").is_err());
    }

    proptest! {
        #[test]
        fn a_canonical_identifier_is_a_fixed_point(typed in prop_oneof![any::<String>(), "[A a\u{0}\u{7f}\u{200b}é\u{b4}]{0,9}"]) {
            let once = canonical_identifier(&typed);
            prop_assert_eq!(canonical_identifier(&once), once);
        }

        #[test]
        fn a_canonical_email_is_a_fixed_point_with_one_domain(typed in "[\\PC\\u{200b}A-Z@.]{0,24}") {
            if let Ok(once) = canonical_email(&typed) {
                prop_assert!(once.contains('@'));
                prop_assert_eq!(canonical_email(&once), Ok(once));
            }
        }
    }
}
