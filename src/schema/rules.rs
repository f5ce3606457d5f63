//! The compiled schema: whether a document follows it, and which values the schema marks.
//!
//! Draft 7 counts whatever the schema says. Nothing is fetched; patterns run in linear time. Two keywords are ours,
//! because the contract judges them in another way than the library: `type` (`1.0` is no integer) and `format` (a
//! known format refuses what is no text).

use std::collections::BTreeMap;

use jsonschema::{Draft, Keyword, PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::Fault;
use super::formats::{self, Format};

/// The keyword that marks traits.
pub(super) const MARK: &str = "ory.sh/kratos";
/// The name under which the format of a trait is copied into its mark, where reading the mark needs it.
pub(super) const FORMAT: &str = "format";

/// The largest pattern after compilation, in bytes.
const LARGEST_PATTERN: usize = 4 * 1024 * 1024;

/// Each `contains` is compiled once more by itself, within its whole document.
const MOST_CONTAINS: usize = 64;

#[derive(Debug)]
pub(super) struct Rules {
    validator: Validator,
    /// For each `contains`, by its place in the schema: what an item must be.
    contains: BTreeMap<String, Validator>,
    document: Value,
}

impl Rules {
    pub(super) fn compile(document: &Value) -> Result<Self, Fault> {
        let mut document = document.clone();
        copy_formats(&mut document);
        let validator = build(&document)?;
        let mut contains = BTreeMap::new();
        let places = places_of(&document, "contains");
        if places.len() > MOST_CONTAINS {
            return Err(Fault::TooMuch { most: MOST_CONTAINS, what: "uses of `contains`" });
        }
        for place in places {
            // The part is compiled within its document, so that its references still lead somewhere.
            let mut part = document.clone();
            if let Some(members) = part.as_object_mut() {
                members.insert("$ref".to_owned(), Value::String(format!("#{place}")));
            }
            contains.insert(place, build(&part)?);
        }
        Ok(Self { validator, contains, document })
    }

    /// The values that the schema marks, each with its place and its mark; nothing when the document is refused.
    pub(super) fn marks(&self, instance: &Value) -> Option<Vec<(String, Value)>> {
        let evaluation = self.validator.evaluate(instance);
        if !evaluation.flag().valid {
            return None;
        }
        let marked = evaluation.iter_annotations().filter_map(|entry| {
            let mark = entry.annotations.value().get(MARK)?.clone();
            Some((entry.instance_location.as_str().to_owned(), mark))
        });
        Some(marked.collect())
    }

    /// The mistakes of a document.
    pub(super) fn errors<'i>(&'i self, instance: &'i Value) -> impl Iterator<Item = ValidationError<'i>> {
        self.validator.iter_errors(instance)
    }

    /// The mistakes of an item that was to be what `contains` at this place of the schema asks for.
    pub(super) fn item_errors<'i>(&'i self, place: &str, item: &'i Value) -> Vec<ValidationError<'i>> {
        self.contains.get(place).map(|part| part.iter_errors(item).collect()).unwrap_or_default()
    }

    /// The part of the schema at this place.
    pub(super) fn part(&self, place: &str) -> Option<&Value> {
        self.document.pointer(place)
    }
}

fn build(document: &Value) -> Result<Validator, Fault> {
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(LARGEST_PATTERN))
        .with_keyword("type", own_type)
        .with_keyword("format", own_format)
        .build(document)
        .map_err(|error| Fault::Rule { at: error.instance_path().as_str().to_owned(), why: error.to_string() })
}

/// The places of a keyword in the schema, as JSON pointers.
fn places_of(document: &Value, keyword: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), document)];
    while let Some((place, value)) = open.pop() {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
                    if name == keyword {
                        found.push(place.clone());
                    }
                    open.push((place, member));
                }
            }
            Value::Array(items) => {
                open.extend(items.iter().enumerate().map(|(at, item)| (format!("{place}/{at}"), item)))
            }
            _ => {}
        }
    }
    found
}

/// The words that are wrong in a value of one of our keywords; what it holds is then in the error's message.
fn own_type<'s>(_: &'s Map<String, Value>, value: &'s Value, _: jsonschema::paths::Location) -> MadeFor<'s> {
    let names = match value {
        Value::String(name) => vec![name.clone()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    Ok(Box::new(Type { names }))
}

type MadeFor<'s> = Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'s>>;

struct Type {
    names: Vec<String>,
}

impl<'i> Keyword<'i> for Type {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        match self.is_valid(instance) {
            true => Ok(()),
            false => Err(ValidationError::custom(self.names.join("|"))),
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.names.iter().any(|name| match name.as_str() {
            "integer" => instance.is_i64() || instance.is_u64(),
            name => name == type_name(instance),
        })
    }
}

/// The type of a value, as texts name it.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn own_format<'s>(_: &'s Map<String, Value>, value: &'s Value, _: jsonschema::paths::Location) -> MadeFor<'s> {
    let name = value.as_str().unwrap_or_default();
    #[cfg(not(feature = "phone"))]
    if name == "tel" {
        return Err(ValidationError::custom("format `tel` needs the feature `phone` of tower-registration"));
    }
    let judge = match formats::find(name) {
        None => Judge::Anything,
        Some(Format::Own(judge)) => Judge::Own(judge),
        Some(Format::Library(known)) => {
            let schema = json!({ "format": known });
            let options = jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true);
            match options.build(&schema) {
                Ok(validator) => Judge::Library(Box::new(validator)),
                Err(error) => return Err(ValidationError::custom(error.to_string())),
            }
        }
    };
    Ok(Box::new(FormatKeyword { loose: name == "email_loose", name: name.to_owned(), judge }))
}

struct FormatKeyword {
    name: String,
    /// Takes what is no text.
    loose: bool,
    judge: Judge,
}

enum Judge {
    Anything,
    Own(fn(&str) -> bool),
    Library(Box<Validator>),
}

impl<'i> Keyword<'i> for FormatKeyword {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        match self.is_valid(instance) {
            true => Ok(()),
            false => Err(ValidationError::custom(self.name.clone())),
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        match (&self.judge, instance) {
            (Judge::Anything, _) => true,
            (Judge::Own(judge), Value::String(text)) => judge(text),
            (Judge::Library(validator), Value::String(_)) => validator.is_valid(instance),
            (_, _) => self.loose,
        }
    }
}

/// Copies the format of every marked trait into its mark.
fn copy_formats(document: &mut Value) {
    match document {
        Value::Object(members) => {
            let format = members.get("format").cloned();
            if let (Some(format), Some(Value::Object(mark))) = (format, members.get_mut(MARK)) {
                mark.insert(FORMAT.to_owned(), format);
            }
            members.values_mut().for_each(copy_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(copy_formats),
        _ => {}
    }
}
