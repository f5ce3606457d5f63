//! What a conversation remembers: values cut out of answers, and values made up.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

static PLACE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\{([A-Za-z0-9_.-]+)\}").unwrap());

/// The variables of one conversation. One whose name begins with `rand_` is made up when it is first asked for.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    known: BTreeMap<String, Value>,
}

impl Variables {
    /// Remembers a value.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.known.insert(name.to_owned(), value);
    }

    /// The same value with every `${name}` replaced, in keys too. A text that is nothing but a place becomes the value
    /// itself, whatever its type.
    pub(crate) fn fill(&mut self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => self.fill_text(text)?,
            Value::Array(items) => Value::Array(items.iter().map(|item| self.fill(item)).collect::<Result<_, _>>()?),
            Value::Object(members) => Value::Object(self.fill_members(members)?),
            other => other.clone(),
        })
    }

    /// [`fill`](Self::fill) for an object.
    pub(crate) fn fill_members(&mut self, members: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let filled = members.iter().map(|(key, value)| Ok((as_text(&self.fill_text(key)?), self.fill(value)?)));
        filled.collect()
    }

    /// The made-up values with their names, the longest first: one may be a part of another.
    pub(crate) fn made_up(&self) -> Vec<(&str, &str)> {
        let texts = self.known.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        let mut made_up: Vec<_> =
            texts.filter(|(name, value)| name.starts_with("rand_") && !value.is_empty()).collect();
        made_up.sort_by_key(|(_, value)| std::cmp::Reverse(value.chars().count()));
        made_up
    }

    fn fill_text(&mut self, text: &str) -> Result<Value, String> {
        let whole = PLACE.captures(text).filter(|found| found[0].len() == text.len());
        if let Some(found) = whole {
            return self.value(&found[1]);
        }
        let (mut filled, mut end) = (String::new(), 0);
        for found in PLACE.captures_iter(text) {
            let place = found.get_match();
            filled.push_str(&text[end..place.start()]);
            filled.push_str(&as_text(&self.value(&found[1])?));
            end = place.end();
        }
        Ok(Value::String(filled + &text[end..]))
    }

    fn value(&mut self, name: &str) -> Result<Value, String> {
        if !self.known.contains_key(name) && name.starts_with("rand_") {
            self.set(name, Value::String(make_up(name)?));
        }
        self.known.get(name).cloned().ok_or_else(|| format!("nothing is known as {name}"))
    }
}

/// A value as it stands within a text.
pub(crate) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // The player that made the recordings wrote them so.
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        other => other.to_string(),
    }
}

/// A value that nobody used before; the name says its kind: `rand_email`, `rand_email_other`.
fn make_up(name: &str) -> Result<String, String> {
    let random = || [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
    let from = |first: u8, of: u8, length| -> String {
        random().iter().take(length).map(|byte| char::from(first + byte % of)).collect()
    };
    let (word, digits) = (from(b'a', 26, 12), from(b'0', 10, 8));
    Ok(match name.split('_').nth(1) {
        Some("email") => format!("{word}@example.org"),
        Some("phone") => format!("+49151{digits}"),
        Some("word") => word,
        Some("password") => format!("{}-{digits}-{}", &word[..6], &word[6..]),
        Some("long") => word.repeat(20),
        _ => return Err(format!("nobody knows how to make up {name}")),
    })
}
