//! What each key of a Kratos configuration does here, found out by loading a file that has it.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use tower_registration::kratos;

use crate::scenario::{folder, text};

const KEYS: &str = include_str!("keys.json");

/// A value that no key takes.
fn nonsense() -> Value {
    json!([[]])
}

enum Verdict {
    /// A right value is taken, a wrong one refused.
    Read,
    /// Whatever stands there.
    Ignored,
    /// With these words.
    Refused(String),
}

/// The table, a part for each group of keys.
pub(super) fn table() -> String {
    let file: Value = serde_json::from_str(KEYS).unwrap();
    let mut out = format!("\n## Configuration keys\n\n{}\n", file["lead"].as_str().unwrap());
    for group in file["groups"].as_array().unwrap() {
        let (title, keys) = (group["title"].as_str().unwrap(), group["keys"].as_array().unwrap());
        write!(out, "\n### {title}\n\n| key | here | what it does |\n|---|---|---|\n").unwrap();
        for entry in keys {
            let (key, note) = (entry["key"].as_str().unwrap(), entry["note"].as_str().unwrap_or_default());
            let (verdict, words) = match verdict(&file["base"], key, &entry["value"]) {
                Verdict::Read => ("read", note.to_owned()),
                Verdict::Ignored => ("ignored", note.to_owned()),
                Verdict::Refused(why) if note.is_empty() => ("refused", why),
                Verdict::Refused(why) => ("refused", format!("{note} {why}")),
            };
            let shown = entry["shown"].as_str().map(|value| format!(": {value}")).unwrap_or_default();
            writeln!(out, "| `{key}{shown}` | {verdict} | {} |", words.replace('|', "\\|")).unwrap();
        }
    }
    out
}

/// The keys of the configurations that the table does not have.
pub(crate) fn unlisted() -> Vec<String> {
    let file: Value = serde_json::from_str(KEYS).unwrap();
    let groups = file["groups"].as_array().unwrap();
    let listed: Vec<&str> = groups
        .iter()
        .flat_map(|group| group["keys"].as_array().unwrap())
        .filter_map(|key| key["key"].as_str())
        .collect();
    let mut used = Vec::new();
    for file in std::fs::read_dir(folder().join("configs")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let config = text(&format!("configs/{name}")).unwrap();
        leaves(&serde_json::from_str(&config).unwrap(), "", &mut used);
    }
    used.sort();
    used.dedup();
    let covers = |listed: &&str, key: &str| {
        key.strip_prefix(*listed).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    used.retain(|key| !listed.iter().any(|listed| covers(listed, key)));
    used
}

fn verdict(base: &Value, key: &str, value: &Value) -> Verdict {
    let place = key.replace(".*", ".0");
    match load(base, &place, value) {
        Err((at, why)) => {
            assert!(at.starts_with(&place) || place.starts_with(&at), "{key}: the error is about `{at}`: {why}");
            Verdict::Refused(why)
        }
        Ok(()) => match load(base, &place, &nonsense()) {
            Ok(()) => Verdict::Ignored,
            Err((at, why)) => {
                assert!(at.starts_with(&place), "{key}: the error is about `{at}`: {why}");
                Verdict::Read
            }
        },
    }
}

/// Loads the file with a value at this place; which key is wrong otherwise, and why.
fn load(base: &Value, place: &str, value: &Value) -> Result<(), (String, String)> {
    let mut file = base.clone();
    let at = place.split('.').fold(&mut file, |at, part| match at {
        Value::Array(items) => &mut items[part.parse::<usize>().unwrap()],
        other => {
            if !other.is_object() {
                *other = Value::Object(Map::new());
            }
            &mut other[part]
        }
    });
    *at = value.clone();
    kratos::load(&file.to_string()).map(drop).map_err(|error| {
        let (key, shown) = (error.key().to_owned(), error.to_string());
        let why = shown.split_once("`: ").map(|(_, why)| why.to_owned()).unwrap_or(shown);
        (key, why)
    })
}

/// The places of all values that are no objects; a star stands for each item of a list of objects.
fn leaves(value: &Value, place: &str, found: &mut Vec<String>) {
    let below = |part: &str| if place.is_empty() { part.to_owned() } else { format!("{place}.{part}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, part)| leaves(part, &below(key), found)),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items.iter().for_each(|part| leaves(part, &below("*"), found));
        }
        _ => found.push(place.to_owned()),
    }
}
