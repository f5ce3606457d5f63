//! What was answered: a body taken apart, HTTP peeled off.

pub(crate) mod bounded;

use std::borrow::Cow;

use secrecy::SecretString;
use serde_json::{Map, Value};

/// The longest text, in bytes.
pub(crate) const LONGEST_TEXT: usize = 4 * 1024;
/// The longest text in a field of [`PROOFS`], in bytes.
pub(crate) const LONGEST_PROOF: usize = 32 * 1024;
/// Fields that hold more than a person types.
pub(crate) const PROOFS: [&str; 4] = ["id_token", "passkey_register", "webauthn_register", "password"];
/// What is said of JSON beyond the bounds.
pub(crate) const NOT_JSON: &str = "Unable to decode form as JSON.";

/// A body as it came: fields by name.
#[derive(Clone, PartialEq)]
pub(crate) enum Form {
    /// The members of a JSON object.
    Json(Map<String, Value>),
    /// The pairs of a form; a name may come more than once.
    Pairs(Vec<(String, String)>),
}

impl Form {
    /// A body without fields.
    pub(crate) const fn empty() -> Self {
        Self::Pairs(Vec::new())
    }

    /// The same fields with those of a query: they count more than the members of a JSON object, and less than the fields
    /// of a form.
    pub(crate) fn with_query(&self, query: Vec<(String, String)>) -> Self {
        match self {
            Self::Json(members) => {
                let mut all = members.clone();
                // Of several with one name the first counts.
                all.extend(query.into_iter().rev().map(|(name, value)| (name, Value::String(value))));
                Self::Json(all)
            }
            Self::Pairs(pairs) => {
                let new = query.into_iter().filter(|(name, _)| !pairs.iter().any(|(own, _)| own == name));
                Self::Pairs(pairs.iter().cloned().chain(new.collect::<Vec<_>>()).collect())
            }
        }
    }

    /// The texts of a field: a member of a JSON object has one, a field of a form has as many as came.
    pub(crate) fn texts<'f>(&'f self, name: &'f str) -> Box<dyn Iterator<Item = Cow<'f, str>> + 'f> {
        match self {
            Self::Json(members) => Box::new(members.get(name).map(as_text).into_iter()),
            Self::Pairs(pairs) => {
                let named = pairs.iter().filter(move |(key, _)| key == name);
                Box::new(named.map(|(_, value)| Cow::Borrowed(value.as_str())))
            }
        }
    }

    /// The first text of a field; an empty one counts as absent.
    pub(crate) fn text<'f>(&'f self, name: &'f str) -> Option<Cow<'f, str>> {
        self.texts(name).next().filter(|text| !text.is_empty())
    }
}

/// A JSON value as a form would have sent it: texts stand for themselves, null is empty, the rest is its JSON.
pub(crate) fn as_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed(""),
        other => Cow::Owned(other.to_string()),
    }
}

/// Without values: one of them is a password.
impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(members) => write!(f, "Form::Json({} fields)", members.len()),
            Self::Pairs(pairs) => write!(f, "Form::Pairs({} fields)", pairs.len()),
        }
    }
}

/// A body, decoded by the schema of the flow.
#[derive(Clone)]
pub struct Submission {
    pub(crate) form: Form,
    /// The traits with the types that the schema gives them; whether they are right is not known yet.
    pub(crate) traits: Value,
    /// What the client wants its host's hooks to see.
    pub(crate) transient: Value,
    /// Trait fields that were sent without a value.
    pub(crate) emptied: Vec<String>,
}

impl Submission {
    /// The text of a field; an empty one counts as absent.
    #[must_use]
    pub fn text<'f>(&'f self, name: &'f str) -> Option<Cow<'f, str>> {
        self.form.text(name)
    }

    /// The traits as they were typed, with the types that the schema gives them. Whether they are right is said by
    /// [`Context::traits`](crate::methods::Context::traits).
    #[must_use]
    pub fn traits(&self) -> &Value {
        &self.traits
    }

    /// The text of a field that must never be shown; an empty one counts as absent.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<SecretString> {
        self.form.text(name).map(|text| SecretString::from(text.into_owned()))
    }
}

/// Without values: one of them is a password, the others belong to a person.
impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submission").field("form", &self.form).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_json_value_reads_like_a_form_field() {
        let Value::Object(members) = json!({ "s": "x", "n": 5, "b": true, "null": null, "list": ["a"] }) else {
            return;
        };
        let form = Form::Json(members);

        let text = |name: &'static str| form.text(name).map(Cow::into_owned);

        assert_eq!(text("s").as_deref(), Some("x"));
        assert_eq!(text("n").as_deref(), Some("5"));
        assert_eq!(text("b").as_deref(), Some("true"));
        assert_eq!(text("null"), None);
        assert_eq!(text("list").as_deref(), Some("[\"a\"]"));
    }

    #[test]
    fn a_form_is_shown_without_its_values() {
        let form = Form::Pairs(vec![("password".to_owned(), "hunter2".to_owned())]);

        assert_eq!(format!("{form:?}"), "Form::Pairs(1 fields)");
    }
}
