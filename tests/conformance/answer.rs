//! One answer as it came, and the values that are cut out of it.

use bytes::Bytes;
use http::HeaderMap;
use regex::Regex;
use serde_json::Value;

use crate::normalise::UrlParts;

/// The latest answer of a conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A header; of several the last.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get_all(name).iter().next_back().map(|value| latin(value.as_bytes()))
    }

    /// The lines that set cookies.
    pub(crate) fn cookies(&self) -> Vec<String> {
        self.headers.get_all(http::header::SET_COOKIE).iter().map(|line| latin(line.as_bytes())).collect()
    }

    /// The body as JSON; null when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The part of the JSON body at a pointer; null when there is none. Besides keys and numbers a pointer may hold
    /// `[key=value]`, the first item of a list that has this member.
    pub(crate) fn at(&self, pointer: &str) -> Value {
        let body = self.json();
        let parts = pointer.split('/').filter(|part| !part.is_empty());
        parts.into_iter().try_fold(&body, step_into).cloned().unwrap_or_default()
    }

    /// The value that a capture such as `json:/id` or `query:flow` names.
    pub(crate) fn capture(&self, how: &str) -> Result<Value, String> {
        let (kind, what) = how.split_once(':').unwrap_or((how, ""));
        let (pointer, detail) = what.split_once('?').unwrap_or((what, ""));
        let missing = || format!("there is no {what}");
        match kind {
            "json" => Some(self.at(what)).filter(|value| !value.is_null()).ok_or_else(missing),
            "node" => self.value_of_node(what).ok_or_else(missing),
            "query" => {
                let location = self.header("location").ok_or("there is no Location")?;
                parameter(&location, what).ok_or_else(missing)
            }
            "header" => self.header(what).map(Value::String).ok_or_else(missing),
            "bodyquery" => {
                let url = self.at(pointer);
                url.as_str().and_then(|url| parameter(url, detail)).ok_or_else(missing)
            }
            "match" => {
                let pattern = Regex::new(detail).map_err(|error| error.to_string())?;
                let text = self.at(pointer);
                let found = text.as_str().and_then(|text| Some(pattern.captures(text)?.get(1)?.as_str().to_owned()));
                found.map(Value::String).ok_or_else(missing)
            }
            _ => Err("nobody knows this way to capture".to_owned()),
        }
    }

    fn value_of_node(&self, name: &str) -> Option<Value> {
        let body = self.json();
        let mut attributes = body["ui"]["nodes"].as_array()?.iter().map(|node| &node["attributes"]);
        attributes.find(|attributes| attributes["name"] == name).map(|attributes| attributes["value"].clone())
    }
}

fn step_into<'v>(value: &'v Value, part: &str) -> Option<&'v Value> {
    let picked = part.strip_prefix('[').and_then(|part| part.strip_suffix(']'));
    if let Some((key, wanted)) = picked.and_then(|picked| picked.split_once('=')) {
        return value.as_array()?.iter().find(|item| item[key] == wanted);
    }
    match value {
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    }
}

/// A parameter of a URL's query; of several the last. An empty one counts as absent.
fn parameter(url: &str, name: &str) -> Option<Value> {
    let parts = UrlParts::of(url);
    let pairs = form_urlencoded::parse(parts.query.as_bytes());
    let named = pairs.filter(|(key, value)| key == name && !value.is_empty());
    named.last().map(|(_, value)| Value::String(value.into_owned()))
}

/// Headers are read byte by byte, so that whatever is sent can be compared.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
