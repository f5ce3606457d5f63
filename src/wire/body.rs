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

use serde_json::Value;

use super::query::{broken_escape, pairs};
use crate::form::{Form, LONGEST_PROOF, LONGEST_TEXT, NOT_JSON, PROOFS, bounded};

/// The largest body that is read, in bytes.
pub(super) const LARGEST: usize = 64 * 1024;

const MOST_FIELDS: usize = 200;
const LONGEST_PATH: usize = 16;

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
    if text.contains(';') {
        return Err(format!("{NOT_FORM} invalid semicolon separator in query"));
    }
    if let Some(escape) = broken_escape(text) {
        return Err(format!("{NOT_FORM} invalid URL escape \"{escape}\""));
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
    // Only the first value of the body counts: what stands behind it is not looked at.
    let (value, _) = bounded::read(bytes).map_err(|_| NOT_JSON.to_owned())?;
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

#[cfg(test)]
mod tests;
