//! From a broken rule to the message a person reads, at the field it belongs to.

use std::collections::HashSet;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Broken;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::quote::{escaped, quoted, scalar};
use super::rules::{Rules, type_name};
use crate::message::{Message, Placed, catalogue, plain, shown};

/// What is escaped in a segment of a URL's path.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// All mistakes of a document, each at its field.
pub(super) fn explain(rules: &Rules, instance: &Value) -> Vec<Placed> {
    let errors: Vec<ValidationError<'_>> = rules.errors(instance).collect();
    let mut out = Explained { rules, document: instance, messages: Vec::new() };
    out.all(errors.iter());
    // A document is never refused without a word.
    if out.messages.is_empty() {
        out.messages.push(reason("the traits do not follow their schema").on_page());
    }
    out.messages
}

/// A value of another type than the ones that are allowed.
pub(super) fn wrong_type(allowed: &[&str], value: &Value) -> Message {
    let names: Value = allowed.iter().map(|name| Value::from(*name)).collect();
    catalogue::WRONG_TYPE.with_shown("allowed_types", names, allowed.join(" or ")).with("actual_type", type_name(value))
}

/// A value that a format refuses.
pub(super) fn wrong_format(format: &str, value: &Value) -> Message {
    let text = escaped(&crate::form::as_text(value));
    // Clients are shown what stands behind the last quote.
    let tail = text.rsplit('"').next().unwrap_or_default();
    match format {
        "email" | "email_loose" if !tail.is_empty() => catalogue::EMAIL_FORMAT.with("value", tail),
        "tel" if !tail.is_empty() => catalogue::PHONE_FORMAT.with("value", tail),
        _ => reason(format!("\"{text}\" is not valid {}", quoted(format))),
    }
}

/// A mistake in the words of its rule.
pub(super) fn reason(text: impl Into<String>) -> Message {
    catalogue::INVALID.with("reason", text.into())
}

/// The name of the field at a JSON pointer: `/traits/a~1b` is `traits.a/b`, a dot inside a name is escaped.
pub(super) fn field(pointer: &str) -> String {
    let names = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~").replace('.', "\\."));
    names.collect::<Vec<_>>().join(".")
}

struct Explained<'r> {
    rules: &'r Rules,
    document: &'r Value,
    messages: Vec<Placed>,
}

impl Explained<'_> {
    fn all<'e, 'i: 'e>(&mut self, errors: impl Iterator<Item = &'e ValidationError<'i>> + Clone) {
        // A wrong type is told alone: what else its schema asks for makes no sense of the value.
        let rule = |error: &ValidationError<'_>| {
            let place = error.schema_path().as_str();
            let holder = place.rsplit_once('/').map_or("", |(holder, _)| holder).to_owned();
            (error.instance_path().as_str().to_owned(), holder)
        };
        let mistyped: HashSet<(String, String)> = errors.clone().filter(|error| is_type(error)).map(rule).collect();
        let mut told: Vec<&ValidationError<'_>> =
            errors.filter(|error| is_type(error) || !mistyped.contains(&rule(error))).collect();
        // The library's order is that of its maps: a stable one serves people better.
        told.sort_by(|a, b| {
            (a.instance_path().as_str(), a.schema_path().as_str())
                .cmp(&(b.instance_path().as_str(), b.schema_path().as_str()))
        });
        told.into_iter().for_each(|error| self.one(error, error.instance_path().as_str()));
    }

    fn one(&mut self, error: &ValidationError<'_>, pointer: &str) {
        match error.kind() {
            Broken::AnyOf { context } | Broken::OneOfNotValid { context } => {
                context.iter().for_each(|branch| self.all(branch.iter()));
            }
            Broken::Contains => self.contains(error, pointer),
            Broken::PropertyNames { error: inner } => {
                let name = crate::form::as_text(inner.instance());
                self.one(inner, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")));
            }
            Broken::Required { property } => self.required(error, pointer, property),
            _ => self.tell(self.message(error, pointer), pointer),
        }
    }

    fn tell(&mut self, message: Message, pointer: &str) {
        self.messages.push(match pointer {
            "" => message.on_page(),
            _ => message.at(field(pointer)),
        });
    }

    /// No item is what was asked for: the mistakes of each.
    fn contains(&mut self, error: &ValidationError<'_>, pointer: &str) {
        let (rules, place) = (self.rules, error.schema_path().as_str());
        let items = error.instance().as_array().map(Vec::as_slice).unwrap_or_default();
        if items.is_empty() {
            return self.tell(reason("contains failed"), pointer);
        }
        for (at, item) in items.iter().enumerate() {
            for inner in rules.item_errors(place, item) {
                self.one(&inner, &format!("{pointer}/{at}{}", inner.instance_path().as_str()));
            }
        }
    }

    fn required(&mut self, error: &ValidationError<'_>, pointer: &str, property: &Value) {
        let name = crate::form::as_text(property).into_owned();
        let place = error.schema_path().as_str();
        if place.ends_with("/dependencies") {
            let because = self.depends_on(error, place, &name);
            let text = format!("property {} is required, if {} property exists", quoted(&name), quoted(&because));
            return self.tell(reason(text), pointer);
        }
        let token = name.replace('~', "~0").replace('/', "~1");
        // Clients are shown the name as it stands in the fragment of a URL.
        let message = catalogue::REQUIRED.with("property", utf8_percent_encode(&token, ESCAPED).to_string());
        self.tell(message, &format!("{pointer}/{token}"));
    }

    /// The property that makes another one necessary.
    fn depends_on(&self, error: &ValidationError<'_>, place: &str, missing: &str) -> String {
        let asks = |names: &Value| names.as_array().is_some_and(|names| names.iter().any(|name| name == missing));
        let dependencies = self.rules.part(place).and_then(Value::as_object);
        let cause = dependencies.and_then(|all| {
            all.iter().find(|(name, names)| error.instance().get(name.as_str()).is_some() && asks(names))
        });
        cause.map(|(name, _)| name.clone()).unwrap_or_default()
    }

    fn message(&self, error: &ValidationError<'_>, pointer: &str) -> Message {
        let value = error.instance().as_ref();
        let length = || value.as_str().map_or(0, |text| text.chars().count());
        let items = || value.as_array().map_or(0, Vec::len);
        let bound = |message: Message, name: &'static str, limit: &Value| {
            let message = message.with_shown(name, plain(limit.clone()), shown(limit));
            message.with_shown("actual", plain(value.clone()), shown(value))
        };
        match error.kind() {
            Broken::MinLength { limit } => {
                catalogue::MIN_LENGTH.with("min_length", *limit).with("actual_length", length())
            }
            Broken::MaxLength { limit } => {
                catalogue::MAX_LENGTH.with("max_length", *limit).with("actual_length", length())
            }
            Broken::Pattern { pattern } => catalogue::PATTERN.with_shown("pattern", pattern.as_str(), quoted(pattern)),
            Broken::Minimum { limit } => bound(catalogue::MINIMUM, "minimum", limit),
            Broken::ExclusiveMinimum { limit } => bound(catalogue::EXCLUSIVE_MINIMUM, "minimum", limit),
            Broken::Maximum { limit } => bound(catalogue::MAXIMUM, "maximum", limit),
            Broken::ExclusiveMaximum { limit } => bound(catalogue::EXCLUSIVE_MAXIMUM, "maximum", limit),
            Broken::MultipleOf { multiple_of } => bound(catalogue::MULTIPLE_OF, "base", &Value::from(*multiple_of)),
            Broken::MaxItems { limit } => catalogue::MAX_ITEMS.with("max_items", *limit).with("actual_items", items()),
            Broken::MinItems { limit } => catalogue::MIN_ITEMS.with("min_items", *limit).with("actual_items", items()),
            Broken::UniqueItems => equal_items(value),
            Broken::Constant { expected_value } => match scalar(expected_value) {
                Some(text) => catalogue::CONST.with("expected", text),
                None => catalogue::CONST_COMPLEX,
            },
            Broken::Custom { keyword, message } if keyword == "type" => {
                wrong_type(&message.split('|').collect::<Vec<_>>(), value)
            }
            Broken::Custom { keyword, message } if keyword == "format" => wrong_format(message, value),
            // Without `properties` beside it the library tells of a schema that refuses everything.
            Broken::FalseSchema if error.schema_path().as_str().ends_with("/additionalProperties") => {
                let holder = self.document.pointer(pointer).and_then(Value::as_object);
                reason(unexpected(holder.into_iter().flat_map(|members| members.keys())))
            }
            kind => reason(words(kind, value)),
        }
    }
}

fn is_type(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), Broken::Custom { keyword, .. } if keyword == "type")
}

/// The rules that have no number of their own.
fn words(kind: &Broken, value: &Value) -> String {
    let members = || value.as_object().map_or(0, serde_json::Map::len);
    let items = || value.as_array().map_or(0, Vec::len);
    match kind {
        Broken::Enum { options } => choices(options),
        Broken::AdditionalProperties { unexpected: names } => unexpected(names.iter()),
        Broken::AdditionalItems { limit } => format!("only {limit} items are allowed, but found {} items", items()),
        Broken::MinProperties { limit } => {
            format!("minimum {limit} properties allowed, but found {} properties", members())
        }
        Broken::MaxProperties { limit } => {
            format!("maximum {limit} properties allowed, but found {} properties", members())
        }
        Broken::OneOfMultipleValid { context } => {
            let mut valid = context.iter().enumerate().filter(|(_, errors)| errors.is_empty()).map(|(at, _)| at);
            let (first, second) = (valid.next().unwrap_or(0), valid.next().unwrap_or(1));
            format!("valid against schemas at indexes {first} and {second}")
        }
        Broken::Not { .. } => "not failed".to_owned(),
        Broken::FalseSchema => "always fail".to_owned(),
        other => format!("{} failed", other.keyword()),
    }
}

fn unexpected<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let mut names: Vec<String> = names.map(|name| quoted(name)).collect();
    names.sort_unstable();
    format!("additionalProperties {} not allowed", names.join(", "))
}

fn choices(options: &Value) -> String {
    let shown: Option<Vec<String>> =
        options.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(scalar).collect();
    match shown.as_deref() {
        None => "enum failed".to_owned(),
        Some([only]) => format!("value must be {only}"),
        Some(all) => format!("value must be one of {}", all.join(", ")),
    }
}

fn equal_items(value: &Value) -> Message {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let second = (1..items.len()).find(|at| items[..*at].contains(&items[*at])).unwrap_or(0);
    let first = items[..second].iter().position(|item| *item == items[second]).unwrap_or(0);
    catalogue::UNIQUE_ITEMS.with("index_a", first).with("index_b", second)
}
