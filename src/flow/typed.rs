//! The traits that were typed so far.

use serde_json::Value;

use crate::message::plain;

/// The traits typed so far: the value of each field by its name, in the order they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Typed(pub(super) Vec<(String, Value)>);

impl Typed {
    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }

    /// All fields with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Sets the value of a field; null forgets it. Pages show `5` for `5.0`.
    pub(crate) fn set(&mut self, field: &str, value: &Value) {
        if value.is_null() {
            return self.0.retain(|(name, _)| name != field);
        }
        let value = plain(value.clone());
        match self.0.iter_mut().find(|(name, _)| name == field) {
            Some((_, old)) => *old = value,
            None => self.0.push((field.to_owned(), value)),
        }
    }
}

/// The leaves of a JSON value by dotted names below `prefix`: a dot inside a key is escaped, items of a list are
/// numbered, empty objects and lists vanish.
pub(crate) fn leaves(value: &Value, prefix: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    collect(value, prefix.to_owned(), &mut found);
    found
}

fn collect(value: &Value, name: String, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                collect(member, format!("{name}.{}", key.replace('.', "\\.")), found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                collect(item, format!("{name}.{at}"), found);
            }
        }
        leaf => found.push((name, leaf.clone())),
    }
}
