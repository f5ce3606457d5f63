//! What a provider says about a person, in the words of OpenID Connect.

use serde_json::{Map, Number, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Claims that are texts.
const TEXTS: [&str; 23] = [
    "iss",
    "sub",
    "oid",
    "name",
    "given_name",
    "family_name",
    "last_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "gender",
    "birthdate",
    "zoneinfo",
    "phone_number",
    "hd",
    "team",
    "nonce",
    "acr",
    "locale",
];
/// Claims that are true or absent.
const FLAGS: [&str; 3] = ["email_verified", "phone_number_verified", "nonce_supported"];

/// What a provider says about a person: known claims, each of its own type. What is empty, false or of another type is
/// absent; only [`raw`](Claims::raw) has everything as it came.
#[derive(Clone, Default, PartialEq)]
pub struct Claims {
    known: Map<String, Value>,
}

impl Claims {
    /// Takes what a provider said. With `raw`, everything is kept as it came, too.
    #[must_use]
    pub fn new(said: &Map<String, Value>, raw: bool) -> Self {
        let mut known = Map::new();
        for name in TEXTS {
            known.extend(said.get(name).and_then(text).map(|text| (name.to_owned(), Value::String(text))));
        }
        for name in FLAGS {
            if said.get(name).is_some_and(|value| *value == Value::Bool(true) || *value == "true") {
                known.insert(name.to_owned(), Value::Bool(true));
            }
        }
        let seconds = said.get("updated_at").and_then(seconds).filter(|seconds| *seconds > 0);
        known.extend(seconds.map(|at| ("updated_at".to_owned(), Value::from(at))));
        let amr: Vec<Value> = said.get("amr").and_then(Value::as_array).into_iter().flatten().cloned().collect();
        if !amr.is_empty() && amr.iter().all(Value::is_string) {
            known.insert("amr".to_owned(), Value::Array(amr));
        }
        if raw {
            known.insert("raw_claims".to_owned(), Value::Object(said.clone()));
        }
        Self { known }
    }

    /// A claim.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.known.get(name)
    }

    /// A claim that is a text; absent when it is none, or empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A claim that is true or absent.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    /// Everything that was said, as it came, where the provider's answer is kept.
    #[must_use]
    pub fn raw(&self) -> Option<&Map<String, Value>> {
        self.get("raw_claims").and_then(Value::as_object)
    }

    /// The known claims as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.known.clone())
    }

    /// The methods by which the provider proved the person.
    pub(super) fn amr(&self) -> Vec<String> {
        let amr = self.get("amr").and_then(Value::as_array).into_iter().flatten();
        amr.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Sets a claim that is a text.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.known.insert(name.to_owned(), value.into());
    }
}

/// Without values: they belong to a person.
impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Claims({} claims)", self.known.len())
    }
}

/// A text; a locale may come as an object of language and country.
fn text(value: &Value) -> Option<String> {
    let part = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Object(_) => {
            let parts: Vec<&str> =
                [part("language"), part("country")].into_iter().filter(|part| !part.is_empty()).collect();
            parts.join("-")
        }
        _ => String::new(),
    };
    (!text.is_empty()).then_some(text)
}

/// Unix time; some providers write a date.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => whole(number),
        Value::String(date) => OffsetDateTime::parse(date, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp),
        _ => None,
    }
}

/// A number of seconds, which may come with a fraction.
#[allow(clippy::cast_possible_truncation, reason = "the fraction of a second is cut off on purpose")]
pub(super) fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| number.as_f64().filter(|at| at.abs() < 1e15).map(|at| at as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(said: Value) -> Claims {
        Claims::new(said.as_object().unwrap(), false)
    }

    #[test]
    fn what_is_of_another_type_is_absent() {
        let odd = claims(json!({ "sub": 7, "email": ["a@b"], "name": null, "email_verified": 1, "amr": ["pwd", 1],
            "updated_at": "never", "admin": true, "picture": "" }));

        assert_eq!(odd, Claims::default());
    }

    #[test]
    fn the_spellings_of_the_contract_are_read() {
        let own = claims(json!({ "email_verified": "true", "phone_number_verified": "false", "amr": ["pwd"],
            "locale": { "language": "de", "country": "AT" }, "updated_at": "2024-05-01T00:00:00Z" }));

        assert_eq!(
            own.to_json(),
            json!({ "email_verified": true, "amr": ["pwd"], "locale": "de-AT", "updated_at": 1_714_521_600 })
        );
        assert_eq!(claims(json!({ "locale": { "language": "de" } })).text("locale"), Some("de"));
        assert_eq!(claims(json!({ "updated_at": 12.9 })).get("updated_at"), Some(&json!(12)));
    }
}
