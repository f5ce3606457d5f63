//! The schema as a document: its shape, its size, and the order of its members.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::Fault;

/// How deep a schema may nest, and how many values it may hold.
const DEEPEST: usize = 64;
const MOST_VALUES: usize = 20_000;

/// A document that remembers the order of its members; JSON objects of the JSON library are sorted.
#[derive(Debug)]
pub(super) enum Ordered {
    Object(Vec<(String, Ordered)>),
    Text(String),
    Other,
}

impl Ordered {
    /// The member with this name.
    pub(super) fn get(&self, name: &str) -> Option<&Ordered> {
        self.members().iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// All members in order; none for what is no object.
    pub(super) fn members(&self) -> &[(String, Ordered)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// Whether it is this text.
    pub(super) fn is_text(&self, text: &str) -> bool {
        matches!(self, Self::Text(own) if own == text)
    }
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Ordered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
        let mut members: Vec<(String, Ordered)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Ordered>()? {
            // Of a doubled name the last value counts, at the place of the first.
            match members.iter_mut().find(|(known, _)| *known == name) {
                Some((_, old)) => *old = value,
                None => members.push((name, value)),
            }
        }
        Ok(Ordered::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Ordered, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Ordered::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Ordered, E> {
        Ok(Ordered::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Ordered, E> {
        Ok(Ordered::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Ordered, E> {
        Ok(Ordered::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Ordered, E> {
        Ok(Ordered::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Ordered, E> {
        Ok(Ordered::Other)
    }

    fn visit_unit<E>(self) -> Result<Ordered, E> {
        Ok(Ordered::Other)
    }
}

/// Refuses what is no identity schema or too large to be worked with.
pub(super) fn check(document: &Value) -> Result<(), Fault> {
    let mut values = 0;
    measure(document, 0, &mut values)?;
    let traits = document.pointer("/properties/traits").and_then(Value::as_object).ok_or(Fault::NoTraits)?;
    if traits.get("type").is_some_and(|kind| kind != "object") {
        return Err(Fault::NoTraits);
    }
    let properties = traits.get("properties").and_then(Value::as_object).ok_or(Fault::NoTraits)?;
    let sound = !properties.is_empty() && properties.values().all(Value::is_object);
    sound.then_some(()).ok_or(Fault::NoTraits)
}

fn measure(value: &Value, depth: usize, values: &mut usize) -> Result<(), Fault> {
    *values += 1;
    if *values > MOST_VALUES {
        return Err(Fault::TooMuch { most: MOST_VALUES, what: "values" });
    }
    if depth > DEEPEST {
        return Err(Fault::TooMuch { most: DEEPEST, what: "levels" });
    }
    match value {
        Value::Object(members) => members.values().try_for_each(|member| measure(member, depth + 1, values)),
        Value::Array(items) => items.iter().try_for_each(|item| measure(item, depth + 1, values)),
        _ => Ok(()),
    }
}
