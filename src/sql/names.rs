//! Names of the host's choice in statements: checked, because nothing else may reach the text of a statement.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// PostgreSQL cuts names off after 63 bytes; ours are at most 30 longer than their prefix.
const LONGEST: usize = 32;

/// A prefix or a schema that cannot be part of a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` cannot be used in names of tables: take lower-case letters, digits and underscores, a letter first, at most \
     {LONGEST} of them, and no word that the database keeps for itself"
)]
pub struct NameError {
    name: String,
}

/// What a database keeps for itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reserved(pub(crate) &'static str);

/// A word that may stand in the text of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn new(word: &str, reserved: Reserved) -> Result<Self, NameError> {
        let begins = word.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        let plain = word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if begins && plain && word.len() <= LONGEST && !word.starts_with(reserved.0) {
            return Ok(Self(word.to_owned()));
        }
        Err(NameError { name: word.to_owned() })
    }

    /// A word of ours.
    pub(crate) fn own(word: &'static str) -> Self {
        Self(word.to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A statement whose `{prefix}` is this word, and whose `{schema}` is that one, in front of a dot.
    pub(crate) fn fill(&self, schema: Option<&Self>, statement: &str) -> SqlStr {
        // Quoted, because a schema may be called like a word of the language.
        let schema = schema.map(|name| format!("\"{}\".", name.0)).unwrap_or_default();
        let text = statement.replace("{schema}", &schema).replace("{prefix}", &self.0);
        // Nothing in it comes from elsewhere: the statement is a literal, both names were checked.
        AssertSqlSafe(text).into_sql_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_plain_word() {
        let reserved = Reserved("sqlite_");
        let long = "x".repeat(33);

        assert!(["a", "auth_", "a1_b"].iter().all(|word| Name::new(word, reserved).is_ok()));
        for word in ["", "_a", "1a", "A", "a-b", "a b", "a\"; DROP TABLE x; --", "é", "sqlite_x", long.as_str()] {
            assert_eq!(Name::new(word, reserved).unwrap_err().name, word);
        }
    }

    #[test]
    fn names_are_filled_in() {
        let (prefix, schema) = (Name::own("a_"), Name::own("user"));

        let statement = "SELECT 1 FROM {schema}{prefix}records";

        assert_eq!(prefix.fill(Some(&schema), statement).as_str(), "SELECT 1 FROM \"user\".a_records");
        assert_eq!(prefix.fill(None, statement).as_str(), "SELECT 1 FROM a_records");
    }
}
