//! JSON, read within bounds: a body, or a text inside of one.
//!
//! At most 32 levels and 1,000 values; a text has at most 4,096 bytes, one of the fields for proofs at most 32,768. Of a
//! doubled key both values must be equal.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{LONGEST_PROOF, LONGEST_TEXT, PROOFS};

const DEEPEST: usize = 32;
const MOST_VALUES: usize = 1_000;

/// Reads a text that is JSON itself, with texts as long as they are in a field of [`PROOFS`]; nothing when it is none.
#[cfg(feature = "webauthn")]
pub(crate) fn read_proof(bytes: &[u8]) -> Option<Value> {
    let budget = Budget { values: Cell::new(MOST_VALUES) };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed { budget: &budget, depth: 0, longest: LONGEST_PROOF, at_top: false };
    let value = seed.deserialize(&mut reader).ok()?;
    reader.end().is_ok().then_some(value)
}

/// Reads the first value, and says whether anything but blanks stands behind it.
pub(crate) fn read(bytes: &[u8]) -> Result<(Value, Result<(), serde_json::Error>), serde_json::Error> {
    let budget = Budget { values: Cell::new(MOST_VALUES) };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed { budget: &budget, depth: 0, longest: LONGEST_TEXT, at_top: true };
    let value = seed.deserialize(&mut reader)?;
    Ok((value, reader.end()))
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
            let is_proof = self.at_top && PROOFS.contains(&name.as_str());
            let longest = if is_proof { LONGEST_PROOF } else { self.longest };
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
