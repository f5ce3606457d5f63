//! A part of the file that is used up key by key: what is left over at the end is not supported.

use serde_json::{Map, Value};

use super::{LoadError, units};

/// The members below one key.
#[derive(Debug, Default)]
pub(super) struct Section {
    key: String,
    members: Map<String, Value>,
}

impl Section {
    /// The whole file.
    pub(super) fn root(document: Value) -> Result<Self, LoadError> {
        Self::of(String::new(), document)
    }

    fn of(key: String, value: Value) -> Result<Self, LoadError> {
        match value {
            Value::Object(members) => Ok(Self { key, members }),
            Value::Null => Ok(Self { key, members: Map::new() }),
            _ => Err(LoadError::new(key, "must be an object")),
        }
    }

    /// The full name of a key in this section.
    pub(super) fn name(&self, key: &str) -> String {
        if self.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.key) }
    }

    /// A fault of a key in this section.
    pub(super) fn fault(&self, key: &str, why: impl Into<String>) -> LoadError {
        LoadError::new(self.name(key), why)
    }

    /// Takes the section below a key; an absent one is empty.
    pub(super) fn section(&mut self, key: &str) -> Result<Section, LoadError> {
        Self::of(self.name(key), self.members.remove(key).unwrap_or_default())
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.members.get(key).is_some_and(|value| !value.is_null())
    }

    /// Takes a value as it stands.
    pub(super) fn value(&mut self, key: &str) -> Option<Value> {
        self.members.remove(key).filter(|value| !value.is_null())
    }

    /// Takes a text.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, LoadError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.fault(key, "must be a text")),
        }
    }

    /// Takes a switch.
    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, LoadError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Bool(on)) => Ok(Some(on)),
            Some(_) => Err(self.fault(key, "must be true or false")),
        }
    }

    /// Takes a whole number.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<u64>, LoadError> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.fault(key, "must be a whole number")),
            },
        }
    }

    /// Takes a duration.
    pub(super) fn duration(&mut self, key: &str) -> Result<Option<time::Duration>, LoadError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let duration = units::duration(&text).map(Some);
        duration.ok_or_else(|| self.fault(key, "must be a duration such as `1h` or `10m30s`"))
    }

    /// Takes a list of texts.
    pub(super) fn texts(&mut self, key: &str) -> Result<Vec<String>, LoadError> {
        let values = match self.value(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(_) => return Err(self.fault(key, "must be a list")),
        };
        let text = |value: Value| match value {
            Value::String(text) => Ok(text),
            _ => Err(self.fault(key, "must be a list of texts")),
        };
        values.into_iter().map(text).collect()
    }

    /// Takes a list of sections.
    pub(super) fn sections(&mut self, key: &str) -> Result<Vec<Section>, LoadError> {
        let values = match self.value(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(_) => return Err(self.fault(key, "must be a list")),
        };
        let named = |(at, value)| Self::of(format!("{}.{at}", self.name(key)), value);
        values.into_iter().enumerate().map(named).collect()
    }

    /// Drops keys that are about something else.
    pub(super) fn ignore(&mut self, keys: &[&str]) {
        keys.iter().for_each(|key| drop(self.members.remove(*key)));
    }

    /// Refuses a switch that is on.
    pub(super) fn must_be_off(&mut self, key: &str, why: &str) -> Result<(), LoadError> {
        match self.flag(key)? {
            Some(true) => Err(self.fault(key, why)),
            _ => Ok(()),
        }
    }

    /// The keys that are left.
    pub(super) fn left(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// Refuses what is left over.
    pub(super) fn end(self) -> Result<(), LoadError> {
        match self.left().next() {
            Some(key) => Err(self.fault(key, "is not supported; remove it if it is not about registration")),
            None => Ok(()),
        }
    }
}
