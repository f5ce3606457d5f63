//! Identity schemas: which traits there are, how they are asked for, and what they must be.
//!
//! A schema is JSON Schema draft 7 with the keyword `ory.sh/kratos`, which marks traits as identifiers and addresses.
//! Everything that can be known beforehand is worked out once, when the schema is read:
//!
//! 1. [`outline`]: the positions that take a value, and the field for each;
//! 2. [`order`]: the names of the traits in the order of the document;
//! 3. [`rules`]: the compiled validator.
//!
//! A submission is then [decoded](decode) by the outline, judged by the rules, explained in the contract's messages,
//! and [its marks](marks) are read off.

mod bidi;
mod canonical;
mod decode;
mod document;
mod explain;
mod formats;
mod marks;
mod order;
mod outline;
mod quote;
mod rules;
mod work;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::form::{Form, Submission};
use crate::identity::{Address, Channel, MethodId, Traits};
use crate::message::{Placed, catalogue};
use crate::page::Field;

pub(crate) use decode::Undecodable;
pub(crate) use formats::is_loose_email;

/// How often parts of a schema are put to parts of the traits before the traits are too large.
const MOST_WORK: usize = 10_000;

/// The largest schema that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

/// The most identifiers that one identity may have.
const MOST_IDENTIFIERS: usize = 10;

/// The most bytes that a `transient_payload` may have as JSON.
const LARGEST_TRANSIENT: usize = 16 * 1024;

/// An identity schema, read and checked.
///
/// ```
/// use tower_registration::Schema;
///
/// let person = Schema::parse("person", r#"{
///     "type": "object",
///     "properties": { "traits": { "type": "object", "required": ["email"], "properties": {
///         "email": { "type": "string", "format": "email", "title": "E-Mail", "ory.sh/kratos": {
///             "credentials": { "password": { "identifier": true } },
///             "verification": { "via": "email" } } } } } }
/// }"#)?;
///
/// assert_eq!(person.id(), "person");
/// # Ok::<(), tower_registration::SchemaError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Schema {
    id: String,
    selectable: bool,
    document: Value,
    outline: outline::Outline,
    fields: Vec<Field>,
    keys: Vec<String>,
    rules: rules::Rules,
}

impl Schema {
    /// Reads a schema from its JSON text; the order of its properties is the order of the fields.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] says what is wrong and where: no JSON, not the shape of an identity schema, a keyword with a
    /// value that it does not take, a reference to elsewhere or to itself, a pattern that needs more than linear time.
    pub fn parse(id: impl Into<String>, text: &str) -> Result<Self, SchemaError> {
        let id = id.into();
        let built = Self::read(&id, text);
        built.map_err(|fault| SchemaError { id, fault })
    }

    fn read(id: &str, text: &str) -> Result<Self, Fault> {
        if text.len() > LARGEST {
            return Err(Fault::TooLarge);
        }
        let ordered: document::Ordered = serde_json::from_str(text).map_err(Fault::NotJson)?;
        let document: Value = serde_json::from_str(text).map_err(Fault::NotJson)?;
        document::check(&document)?;
        marks::check(&document)?;
        let outline = outline::Outline::of(&document)?;
        let fields = outline.fields();
        let rules = rules::Rules::compile(&document)?;
        #[cfg(feature = "phone")]
        formats::prepare(text);
        Ok(Self { id: id.to_owned(), selectable: false, document, outline, fields, keys: order::keys(&ordered), rules })
    }

    /// Lets clients choose this schema by `?identity_schema=`.
    pub fn selectable(mut self) -> Self {
        self.selectable = true;
        self
    }

    /// The name that the schema is stored and chosen by.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The schema itself.
    pub(crate) fn document(&self) -> &Value {
        &self.document
    }

    /// The channels by which codes of this schema travel to complete a registration.
    pub(crate) fn code_channels(&self) -> BTreeSet<Channel> {
        marks::channels(&self.document, "/credentials/code/via")
    }

    /// Whether a trait names people for this kind of credential.
    pub(crate) fn has_identifiers(&self, credential: &MethodId) -> bool {
        let place = format!("/credentials/{credential}/identifier");
        marks::found(&self.document, &place).any(|mark| *mark == Value::Bool(true))
    }

    /// The names of the traits that a passkey may be named by, sorted: those marked for it, else the first without a
    /// title.
    #[cfg(feature = "webauthn")]
    pub(crate) fn key_names(&self) -> Vec<String> {
        let traits = || self.outline.positions.iter().filter(|(name, _)| name.starts_with("traits."));
        let marked = traits().filter(|(_, position)| marks::names_key(position.mark()));
        let names: Vec<String> = marked.map(|(name, _)| name.clone()).collect();
        if !names.is_empty() {
            return names;
        }
        traits().find(|(_, position)| !position.has_title()).map(|(name, _)| name.clone()).into_iter().collect()
    }

    /// The channels of the addresses that can be proved.
    pub(crate) fn verification_channels(&self) -> BTreeSet<Channel> {
        marks::channels(&self.document, "/verification/via")
    }

    /// The fields of the traits, in the order of their names.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The names of the traits, in the order of the document.
    pub(crate) fn keys(&self) -> &[String] {
        &self.keys
    }

    /// Decodes a body: gives every trait the type that the schema asks for, where that is possible.
    pub(crate) fn decode(&self, form: Form) -> Result<Submission, Undecodable> {
        decode::decode(&self.outline, form)
    }

    /// Judges the traits of a submission together with the fields that must be there, and reports all mistakes at once.
    pub(crate) fn judge(&self, form: &Submission, required: &[&str]) -> Result<Traits, Vec<Placed>> {
        let absent = required.iter().filter(|name| form.text(name).is_none());
        let mut messages: Vec<Placed> = absent.map(|name| missing(name)).collect();
        messages.extend(transient_mistake(&form.transient));
        match self.traits(&form.traits) {
            Ok(traits) if messages.is_empty() => Ok(traits),
            Ok(_) => Err(messages),
            Err(mistakes) => Err(messages.into_iter().chain(mistakes).collect()),
        }
    }

    /// Judges traits alone: first the rules, then what the marks ask for.
    pub(crate) fn traits(&self, value: &Value) -> Result<Traits, Vec<Placed>> {
        let mut instance = json!({ "traits": value });
        if !work::is_bounded(&self.document, &instance, MOST_WORK) {
            return Err(vec![explain::reason("the traits are too large for their schema").on_page()]);
        }
        let marked = match self.rules.marks(&instance) {
            Some(marked) => marked,
            None => return Err(explain::explain(&self.rules, &instance)),
        };
        let traits = marks::read(&marked, &mut instance, &self.keys)?;
        if traits.identifiers.len() > MOST_IDENTIFIERS {
            let reason = format!("at most {MOST_IDENTIFIERS} identifiers are allowed");
            return Err(vec![catalogue::INVALID.with("reason", reason).on_page()]);
        }
        Ok(traits)
    }
}

/// A field that must be there is not.
fn missing(name: &str) -> Placed {
    let last = name.rsplit('.').next().unwrap_or(name);
    catalogue::REQUIRED.with("property", last).at(name)
}

fn transient_mistake(value: &Value) -> Option<Placed> {
    const FIELD: &str = "transient_payload";
    if !value.is_object() {
        return Some(explain::wrong_type(&["object"], value).at(FIELD));
    }
    let too_large = value.to_string().len() > LARGEST_TRANSIENT;
    let reason = format!("at most {LARGEST_TRANSIENT} bytes are allowed");
    too_large.then(|| catalogue::INVALID.with("reason", reason).at(FIELD))
}

/// What a client wants its host's hooks and templates to see, and what is wrong with it.
pub(crate) fn transient_of(form: &Form) -> (Value, Option<Placed>) {
    match decode::transient(form) {
        Ok(value) => {
            let mistake = transient_mistake(&value);
            (value, mistake)
        }
        Err(why) => (Value::Null, Some(catalogue::INVALID.with("reason", why.0).on_page())),
    }
}

/// The canonical form of an address that somebody typed.
pub(crate) fn canonical_address(via: Channel, typed: &str) -> Address {
    Address::new(via, canonical::canonical_identifier(typed))
}

/// All schemas of a service.
#[derive(Clone, Debug)]
pub(crate) struct Schemas {
    all: Vec<Arc<Schema>>,
    default: Arc<Schema>,
}

/// Why a schema cannot be chosen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unselectable {
    /// There is none with this name.
    Unknown,
    /// Clients may not choose it.
    NotOffered,
}

impl Schemas {
    /// The schemas with the one that counts where none is asked for. Nothing when that is not among them.
    pub(crate) fn new(all: Vec<Arc<Schema>>, default: &str) -> Option<Self> {
        let default = all.iter().find(|schema| schema.id == default).cloned()?;
        Some(Self { all, default })
    }

    /// All of them, in the order of the configuration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Schema> {
        self.all.iter().map(Arc::as_ref)
    }

    /// The schema with this name.
    pub(crate) fn find(&self, id: &str) -> Option<&Schema> {
        self.iter().find(|schema| schema.id == id)
    }

    /// The schema that a client asks for; without a name the default.
    pub(crate) fn select(&self, id: Option<&str>) -> Result<&Schema, Unselectable> {
        match id {
            None => Ok(&self.default),
            Some(id) if id == self.default.id => Ok(&self.default),
            Some(id) => match self.find(id) {
                Some(schema) if schema.selectable => Ok(schema),
                Some(_) => Err(Unselectable::NotOffered),
                None => Err(Unselectable::Unknown),
            },
        }
    }

    /// The schema of a flow. One that the configuration no longer holds counts as the default.
    pub(crate) fn of(&self, id: Option<&str>) -> &Schema {
        id.and_then(|id| self.find(id)).unwrap_or(&self.default)
    }
}

/// A schema cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("identity schema `{id}`: {fault}")]
pub struct SchemaError {
    id: String,
    #[source]
    fault: Fault,
}

/// What is wrong with a schema.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("it is no JSON: {0}")]
    NotJson(serde_json::Error),
    #[error("it is larger than {LARGEST} bytes")]
    TooLarge,
    #[error("it has more than {most} {what}")]
    TooMuch { most: usize, what: &'static str },
    #[error("`properties.traits` must be an object with a `properties` object that is not empty")]
    NoTraits,
    #[error("detected circular dependency in schema path: {0}")]
    Circular(String),
    #[error("`$ref` at {0} points nowhere; only references within the schema (`#/…`) are followed")]
    Dangling(String),
    #[error("`ory.sh/kratos` at {at}: {why}")]
    Mark { at: String, why: String },
    #[error("{why}, at {at}")]
    Rule { at: String, why: String },
}

#[cfg(test)]
mod tests;
