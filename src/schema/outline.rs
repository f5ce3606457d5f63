//! The positions of a schema that take a value, and the field for each.
//!
//! At every schema object its own type counts, then `$ref`, `not`, `if`, `then`, `else`, `allOf`, `anyOf` and `oneOf`
//! at the same position, then its properties one level down. Where several describe one position, the last that
//! yields a value wins entirely, unless an earlier one has a default.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Fault;
use crate::message::catalogue;
use crate::page::{Field, Group, InputKind};

/// The most choices that a field offers.
const MOST_OPTIONS: usize = 500;
/// The most positions: every one is drawn on every page.
const MOST_POSITIONS: usize = 1_000;

/// What a position takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Integer,
    Boolean,
    /// An object, or a constant that is no scalar: it counts as given, empty, when it is left out.
    Object,
    /// A list of objects or lists: it cannot be sent by a form.
    ObjectList,
    TextList,
    NumberList,
    BooleanList,
    /// A list of anything.
    List,
    /// Nothing certain, but there is a default: a text field whose value a form cannot send.
    Unclear,
}

impl Kind {
    /// Whether a field is drawn for it.
    fn input(self) -> Option<InputKind> {
        match self {
            Self::Object | Self::ObjectList => None,
            Self::Number | Self::Integer => Some(InputKind::Number),
            Self::Boolean => Some(InputKind::Checkbox),
            Self::Text | Self::TextList | Self::NumberList | Self::BooleanList | Self::List | Self::Unclear => {
                Some(InputKind::Text)
            }
        }
    }
}

/// One position that takes a value.
#[derive(Clone, Debug)]
pub(super) struct Position {
    /// The names that lead to it from the root.
    pub(super) path: Vec<String>,
    pub(super) kind: Kind,
    pub(super) required: bool,
    has_default: bool,
    schema: Map<String, Value>,
}

/// All positions by their dotted names, sorted by bytes.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    pub(super) positions: BTreeMap<String, Position>,
}

impl Outline {
    /// Walks the whole document.
    pub(super) fn of(document: &Value) -> Result<Self, Fault> {
        let mut walk = Walk { document, positions: BTreeMap::new(), refs: Vec::new(), steps: 0 };
        walk.visit(document, None, &mut Vec::new())?;
        Ok(Self { positions: walk.positions })
    }

    /// The fields in the order of their names.
    pub(super) fn fields(&self) -> Vec<Field> {
        self.positions.iter().filter_map(|(name, position)| position.field(name)).collect()
    }
}

impl Position {
    /// What marks the position.
    #[cfg(feature = "webauthn")]
    pub(super) fn mark(&self) -> Option<&Value> {
        self.schema.get(super::rules::MARK)
    }

    /// Whether the position has words of its own.
    #[cfg(feature = "webauthn")]
    pub(super) fn has_title(&self) -> bool {
        self.schema.get("title").and_then(Value::as_str).is_some_and(|title| !title.is_empty())
    }

    fn field(&self, name: &str) -> Option<Field> {
        let text = |key: &str| self.schema.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (kind, autocomplete) = match (name, text("format")) {
            ("csrf_token", _) => (InputKind::Hidden, None),
            ("password", _) => (InputKind::Password, None),
            (_, Some("email")) => (InputKind::Email, Some("email")),
            (_, Some("tel")) => (InputKind::Tel, Some("tel")),
            (_, Some("date")) => (InputKind::Date, None),
            (_, Some("date-time")) => (InputKind::DateTime, None),
            (_, Some("uri")) => (InputKind::Url, Some("url")),
            (_, Some("regex")) => (InputKind::Text, None),
            _ => (self.kind.input()?, None),
        };
        self.kind.input()?;
        let mut field = Field::input(Group::Default, kind, name);
        field.autocomplete = autocomplete;
        field.required = self.required;
        field.pattern = text("pattern").map(str::to_owned);
        field.label = text("title").map(|title| catalogue::TRAIT.with("name", name).with("title", title));
        let choices = self.schema.get("enum").and_then(Value::as_array);
        field.options = choices.map(|all| all.iter().take(MOST_OPTIONS).cloned().collect()).unwrap_or_default();
        Some(field)
    }
}

struct Walk<'d> {
    document: &'d Value,
    positions: BTreeMap<String, Position>,
    /// The references that are being followed, to notice one that leads back to itself.
    refs: Vec<&'d str>,
    steps: usize,
}

impl<'d> Walk<'d> {
    fn visit(&mut self, schema: &'d Value, holder: Option<&'d Value>, path: &mut Vec<String>) -> Result<(), Fault> {
        self.steps += 1;
        if self.steps > 20 * MOST_POSITIONS {
            return Err(Fault::TooMuch { most: 20 * MOST_POSITIONS, what: "ways through its references" });
        }
        let Some(members) = schema.as_object() else { return Ok(()) };
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            // A reference makes everything beside it void.
            return self.follow(reference, schema, path);
        }
        if let Some(kind) = self.kind(members) {
            self.add(kind, members, holder, path)?;
        }
        for keyword in ["not", "if", "then", "else"] {
            members.get(keyword).map_or(Ok(()), |branch| self.visit(branch, Some(schema), path))?;
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let branches = members.get(keyword).and_then(Value::as_array);
            for branch in branches.into_iter().flatten() {
                self.visit(branch, Some(schema), path)?;
            }
        }
        let properties = members.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            path.push(name.clone());
            self.visit(property, Some(schema), path)?;
            path.pop();
        }
        Ok(())
    }

    fn follow(&mut self, reference: &'d str, holder: &'d Value, path: &mut Vec<String>) -> Result<(), Fault> {
        if self.refs.contains(&reference) {
            return Err(Fault::Circular(path.join(".")));
        }
        let target = resolve(self.document, reference).ok_or_else(|| Fault::Dangling(path.join(".")))?;
        self.refs.push(reference);
        let visited = self.visit(target, Some(holder), path);
        self.refs.pop();
        visited
    }

    fn add(
        &mut self,
        kind: Kind,
        schema: &Map<String, Value>,
        holder: Option<&Value>,
        path: &[String],
    ) -> Result<(), Fault> {
        let Some(last) = path.last() else { return Ok(()) };
        let name = path.join(".");
        if self.positions.get(&name).is_some_and(|known| known.has_default) {
            return Ok(());
        }
        let listed = holder.and_then(|holder| holder.get("required")).and_then(Value::as_array);
        let position = Position {
            path: path.to_vec(),
            kind,
            required: listed.is_some_and(|names| names.iter().any(|name| name == last)),
            has_default: schema.contains_key("default"),
            schema: schema.clone(),
        };
        self.positions.insert(name, position);
        let most = Fault::TooMuch { most: MOST_POSITIONS, what: "traits" };
        (self.positions.len() <= MOST_POSITIONS).then_some(()).ok_or(most)
    }

    /// What a schema object takes by its own words.
    fn kind(&self, schema: &Map<String, Value>) -> Option<Kind> {
        let default = schema.get("default");
        if let Some(constant) = schema.get("const") {
            return match constant {
                Value::String(_) => Some(Kind::Text),
                Value::Number(_) => Some(Kind::Number),
                Value::Bool(_) => Some(Kind::Boolean),
                Value::Array(_) | Value::Object(_) => Some(Kind::Object),
                Value::Null => None,
            };
        }
        match types(schema).as_slice() {
            ["string"] => Some(Kind::Text),
            ["number"] => Some(Kind::Number),
            ["integer"] => Some(Kind::Integer),
            ["boolean"] => Some(Kind::Boolean),
            ["object"] => Some(Kind::Object),
            ["array"] => Some(self.list_kind(schema)),
            ["null"] => default.is_some_and(|value| !value.is_null()).then_some(Kind::Unclear),
            [_, _, _, ..] => default.map(|_| Kind::Object),
            _ => default.map(|_| Kind::Unclear),
        }
    }

    fn list_kind(&self, schema: &Map<String, Value>) -> Kind {
        let mut kinds: Vec<&str> = Vec::new();
        match schema.get("items") {
            Some(Value::Array(items)) => items.iter().for_each(|item| kinds.extend(self.item_types(item))),
            Some(item) => kinds.extend(self.item_types(item)),
            None => {}
        }
        kinds.sort_unstable();
        kinds.dedup();
        match kinds.as_slice() {
            [] => Kind::List,
            ["string"] => Kind::TextList,
            ["boolean"] => Kind::BooleanList,
            ["number"] | ["integer"] | ["integer", "number"] => Kind::NumberList,
            [_] => Kind::ObjectList,
            _ => Kind::List,
        }
    }

    fn item_types<'s>(&'s self, item: &'s Value) -> Vec<&'s str> {
        let target = item.get("$ref").and_then(Value::as_str).and_then(|to| resolve(self.document, to));
        target.unwrap_or(item).as_object().map(types).unwrap_or_default()
    }
}

fn types(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The part of the document that a reference within it names.
fn resolve<'d>(document: &'d Value, reference: &str) -> Option<&'d Value> {
    let own = document.get("$id").and_then(Value::as_str).unwrap_or_default().trim_end_matches('#');
    let fragment = reference.strip_prefix(own).unwrap_or(reference).strip_prefix('#')?;
    let pointer = percent_encoding::percent_decode_str(fragment).decode_utf8().ok()?;
    document.pointer(&pointer)
}
