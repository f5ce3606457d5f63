//! Bodies: JSON and forms, read within bounds.
//!
//! | what | at most |
//! |---|---|
//! | bytes | 65,536 |
//! | depth of JSON | 32 |
//! | values of JSON | 1,000 |
//! | fields of a form | 200 |
//! | names in a path of a form | 16 |
//! | a text | 4,096 bytes; 32,768 for tokens and the answers of authenticators; a password is bounded by its own rule |
//!
//! A body beyond them is refused as one that cannot be decoded. Of a doubled JSON key both values must be equal.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::query::{broken_escape, pairs};
use crate::form::Form;

/// The largest body that is read, in bytes.
pub(super) const LARGEST: usize = 64 * 1024;

const DEEPEST: usize = 32;
const MOST_VALUES: usize = 1_000;
const MOST_FIELDS: usize = 200;
const LONGEST_PATH: usize = 16;
const LONGEST_TEXT: usize = 4 * 1024;
const LONGEST_PROOF: usize = 32 * 1024;

/// Fields that hold more than a person types.
const PROOFS: [&str; 4] = ["id_token", "passkey_register", "webauthn_register", "password"];

const NOT_JSON: &str = "Unable to decode form as JSON.";
const NOT_FORM: &str = "Unable to decode HTTP POST form body:";

/// Reads a body of this content type, or says why it cannot be read.
pub(super) fn read(content_type: &str, bytes: &[u8]) -> Result<Form, String> {
    match media_type(content_type).as_deref() {
        Some("application/json") => json(bytes),
        Some("application/x-www-form-urlencoded") => form(bytes),
        // Its parts are not read, as the contract has it.
        Some("multipart/form-data") => Ok(Form::empty()),
        _ => Err(format!(
            "HTTP POST Request used unknown HTTP Header \"Content-Type: {content_type}\", only [multipart/form-data \
             application/x-www-form-urlencoded application/json] are supported."
        )),
    }
}

/// The media type in small letters; nothing when the header is not well formed.
fn media_type(content_type: &str) -> Option<String> {
    let (media, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let is_pair = |pair: &str| pair.split_once('=').is_some_and(|(name, _)| !name.trim().is_empty());
    let sound = parameters.split(';').map(str::trim).filter(|pair| !pair.is_empty()).all(is_pair);
    sound.then(|| media.trim().to_ascii_lowercase())
}

fn form(bytes: &[u8]) -> Result<Form, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!("{NOT_FORM} invalid UTF-8"))?;
    if let Some(escape) = broken_escape(text) {
        return Err(format!("{NOT_FORM} invalid URL escape \"{escape}\""));
    }
    if text.contains(';') {
        return Err(format!("{NOT_FORM} invalid semicolon separator in query"));
    }
    let mut fields = Vec::new();
    for (name, value) in pairs(text) {
        let longest = if PROOFS.contains(&name.as_ref()) { LONGEST_PROOF } else { LONGEST_TEXT };
        if fields.len() == MOST_FIELDS || name.split('.').count() > LONGEST_PATH || value.len() > longest {
            return Err(NOT_JSON.to_owned());
        }
        if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
            return Err(format!("{NOT_FORM} invalid UTF-8"));
        }
        fields.push((name.into_owned(), value.into_owned()));
    }
    Ok(Form::Pairs(fields))
}

fn json(bytes: &[u8]) -> Result<Form, String> {
    let budget = Budget { values: Cell::new(MOST_VALUES) };
    // Only the first value of the body counts: what stands behind it is not looked at.
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed { budget: &budget, depth: 0, longest: LONGEST_TEXT, at_top: true };
    let value = seed.deserialize(&mut reader).map_err(|_| NOT_JSON.to_owned())?;
    let kind = match value {
        Value::Object(members) => return Ok(Form::Json(members)),
        Value::Number(_) => "Number",
        Value::String(_) => "String",
        Value::Bool(true) => "True",
        Value::Bool(false) => "False",
        Value::Null => "Null",
        Value::Array(_) => "JSON",
    };
    Err(format!("Expected JSON sent in request body to be an object but got: {kind}"))
}

/// What may still be read.
struct Budget {
    values: Cell<usize>,
}

/// Reads one value within the budget.
#[derive(Clone, Copy)]
struct Seed<'b> {
    budget: &'b Budget,
    depth: usize,
    longest: usize,
    at_top: bool,
}

impl<'b> Seed<'b> {
    fn inside<E: Error>(&self, longest: usize) -> Result<Self, E> {
        if self.depth == DEEPEST {
            return Err(E::custom("too deep"));
        }
        Ok(Seed { budget: self.budget, depth: self.depth + 1, longest, at_top: false })
    }

    fn text<E: Error>(&self, text: &str) -> Result<(), E> {
        if text.len() > self.longest { Err(E::custom("too long")) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.budget.values.get().checked_sub(1) {
            Some(left) => self.budget.values.set(left),
            None => return Err(D::Error::custom("too many values")),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            self.text(&name)?;
            let longest = if self.at_top && PROOFS.contains(&name.as_str()) { LONGEST_PROOF } else { LONGEST_TEXT };
            let value = map.next_value_seed(self.inside(longest)?)?;
            // A client of the contract sends `method` twice; two values would mean different things to two readers.
            if members.get(&name).is_some_and(|old| *old != value) {
                return Err(A::Error::custom("a key is doubled"));
            }
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.inside(LONGEST_TEXT)?)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.text(text)?;
        Ok(Value::String(text.to_owned()))
    }

    fn visit_bool<E>(self, on: bool) -> Result<Value, E> {
        Ok(Value::Bool(on))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("no number"))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests;
