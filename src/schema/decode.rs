//! From a body to traits: every value gets the type that its position asks for, where that is possible.
//!
//! 1. A body names a position by its dotted path, `traits.name.first`; `traits` itself may come as an object, or as a
//!    text that holds one. Names that the schema does not know are dropped.
//! 2. A value that cannot be converted stays a text, so that the rules report its type.
//! 3. Every object that is left out counts as given and empty, and so do `traits` that are a number or a boolean; lists of
//!    objects stay left out.

use serde_json::{Map, Number, Value};

use super::outline::{Kind, Outline, Position};
use crate::form::{Form, NOT_JSON, Submission, bounded};

const TRAITS: &str = "traits";
const TRANSIENT: &str = "transient_payload";

/// A body that cannot be decoded; the text says why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Undecodable(pub(crate) String);

pub(super) fn decode(outline: &Outline, form: Form) -> Result<Submission, Undecodable> {
    let mut traits = match given_traits(&form) {
        // As clients of the contract know it.
        Some(Value::Number(_) | Value::Bool(_)) => Value::Object(Map::new()),
        _ => object(&form, TRAITS)?,
    };
    let mut emptied = Vec::new();
    for (name, position) in &outline.positions {
        let Some(path) = inside_traits(&position.path) else { continue };
        match convert(&form, name, position)? {
            Sent::Value(value) => put(&mut traits, path, value),
            Sent::Empty => emptied.push(name.clone()),
            Sent::Nothing => {}
        }
    }
    for position in outline.positions.values().filter(|position| position.kind == Kind::Object) {
        if let Some(path) = inside_traits(&position.path) {
            fill(&mut traits, path);
        }
    }
    let transient = transient(&form)?;
    Ok(Submission { form, traits, transient, emptied })
}

/// The traits of a JSON body, as they came.
fn given_traits(form: &Form) -> Option<&Value> {
    match form {
        Form::Json(members) => members.get(TRAITS),
        Form::Pairs(_) => None,
    }
}

/// What the client wants hooks and templates to see.
pub(super) fn transient(form: &Form) -> Result<Value, Undecodable> {
    object(form, TRANSIENT)
}

fn inside_traits(path: &[String]) -> Option<&[String]> {
    let (first, rest) = path.split_first()?;
    (first == TRAITS && !rest.is_empty()).then_some(rest)
}

/// What a body says about a position.
enum Sent {
    Value(Value),
    Empty,
    Nothing,
}

fn convert(form: &Form, name: &str, position: &Position) -> Result<Sent, Undecodable> {
    let mut texts = form.texts(name).peekable();
    if texts.peek().is_none() {
        return Ok(Sent::Nothing);
    }
    let or_empty = |value: Option<Value>| value.map_or(Sent::Empty, Sent::Value);
    let first = |mut texts: Box<dyn Iterator<Item = std::borrow::Cow<'_, str>> + '_>| {
        texts.next().map(std::borrow::Cow::into_owned).unwrap_or_default()
    };
    let required = position.required;
    Ok(match position.kind {
        Kind::Text => or_empty(Some(first(form.texts(name))).filter(|text| !text.is_empty()).map(Value::String)),
        Kind::Number | Kind::Integer => match first(form.texts(name)) {
            text if text.is_empty() => or_empty(required.then(|| Value::from(0))),
            text => Sent::Value(number(&text)?),
        },
        // The last value counts: a hidden `false` stands before the checkbox.
        Kind::Boolean => match texts.last().unwrap_or_default() {
            text if text.is_empty() => or_empty(required.then_some(Value::Bool(false))),
            text => Sent::Value(boolean(&text)),
        },
        Kind::TextList | Kind::List | Kind::ObjectList => {
            Sent::Value(texts.map(|text| Value::String(text.into_owned())).collect())
        }
        Kind::NumberList => Sent::Value(Value::Array(texts.map(|text| number(&text)).collect::<Result<_, _>>()?)),
        Kind::BooleanList => Sent::Value(texts.map(|text| boolean(&text)).collect()),
        Kind::Object => match first(form.texts(name)) {
            text if text.is_empty() => Sent::Nothing,
            text => Sent::Value(json(&text)?),
        },
        Kind::Unclear => Sent::Nothing,
    })
}

/// A member that is an object: as JSON, or as a text that holds JSON. Nothing and an empty text count as empty objects.
fn object(form: &Form, name: &str) -> Result<Value, Undecodable> {
    if let Form::Json(members) = form
        && let Some(value) = members.get(name)
        && !value.is_string()
    {
        return Ok(if value.is_null() { Value::Object(Map::new()) } else { value.clone() });
    }
    match form.text(name) {
        None => Ok(Value::Object(Map::new())),
        Some(text) => json(&text),
    }
}

fn json(text: &str) -> Result<Value, Undecodable> {
    let broken = |why: String| Undecodable(format!("Unable to decode JSON payload: {why}"));
    let whole = bounded::read(text.as_bytes()).and_then(|(value, end)| end.map(|()| value));
    whole.map_err(|error| {
        if error.is_data() {
            return Undecodable(NOT_JSON.to_owned());
        }
        let begins = text.trim_start().chars().next();
        match begins {
            Some(c) if !"{[\"-0123456789tfn".contains(c) => {
                broken(format!("invalid character '{c}' looking for beginning of value"))
            }
            _ if error.is_eof() => broken("unexpected end of JSON input".to_owned()),
            _ => broken(format!("invalid JSON at byte {}", error.column())),
        }
    })
}

/// Reads a number as generously as forms are written: `+5`, `1e3`, `1_000`. What is none stays a text.
fn number(text: &str) -> Result<Value, Undecodable> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = digits.parse::<i64>() {
        return Ok(Value::from(whole));
    }
    let plain = without_separators(digits);
    // The standard library also reads `inf`, `infinity` and `nan`, in any case and with a sign.
    let is_word = plain.trim_start_matches('-').starts_with(|c: char| c.is_ascii_alphabetic());
    match plain.parse::<f64>() {
        Ok(word) if is_word => Err(no_number(word)),
        Ok(number) if number.is_finite() => Ok(shortest(number)),
        _ => Ok(Value::String(text.to_owned())),
    }
}

/// A number that JSON has no way to write, in the words of the contract's decoder.
fn no_number(word: f64) -> Undecodable {
    let why = match word {
        word if word.is_nan() => "invalid character 'N' looking for beginning of value",
        f64::NEG_INFINITY => "invalid character 'I' in numeric literal",
        _ => "invalid character '+' looking for beginning of value",
    };
    Undecodable(format!("Unable to decode JSON payload: {why}"))
}

/// An underscore counts only between two digits.
fn without_separators(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let kept = |(at, c): (usize, char)| (c != '_' || !digit(at.checked_sub(1)) || !digit(Some(at + 1))).then_some(c);
    text.char_indices().filter_map(kept).collect()
}

/// A whole number stays whole: `5.0` from a form is an integer.
fn shortest(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[allow(clippy::cast_possible_truncation, reason = "whole and small enough, as was just asked")]
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn boolean(text: &str) -> Value {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Value::Bool(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Value::Bool(false),
        other => Value::String(other.to_owned()),
    }
}

/// Sets a value below the traits, with the objects that lead to it. What is no object on the way stays: the rules
/// report it.
fn put(traits: &mut Value, path: &[String], value: Value) {
    let Some((last, way)) = path.split_last() else { return };
    let mut at = traits;
    for name in way {
        let Some(members) = at.as_object_mut() else { return };
        at = members.entry(name).or_insert_with(|| Value::Object(Map::new()));
    }
    if let Some(members) = at.as_object_mut() {
        members.insert(last.clone(), value);
    }
}

/// Counts an object that was left out as given and empty, if what would hold it is there.
fn fill(traits: &mut Value, path: &[String]) {
    let Some((last, way)) = path.split_last() else { return };
    let holder = way.iter().try_fold(traits, |at, name| at.get_mut(name));
    if let Some(Value::Object(members)) = holder {
        members.entry(last).or_insert_with(|| Value::Object(Map::new()));
    }
}
