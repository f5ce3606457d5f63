//! What a person reads: a number, words, and the facts the words mention.
//!
//! The numbers are the contract's. Clients translate by number and context, so a message carries both beside its
//! English text. All messages of the contract stand in [`catalogue`]; a host adds its own with [`Message::custom`].

pub mod catalogue;
mod number;

use std::borrow::Cow;

use serde_json::{Map, Value};

pub(crate) use number::{plain, shown};

/// A message with its number, its words and its context.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Message {
    id: u32,
    kind: MessageKind,
    words: Words,
    facts: Vec<Fact>,
    /// A context is shown even if it is empty.
    has_context: bool,
}

/// Whether a message informs, refuses or confirms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageKind {
    /// Something to know.
    Info,
    /// Something to mend.
    Error,
    /// Something that worked.
    Success,
}

impl MessageKind {
    /// The word used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Error => "error",
            Self::Success => "success",
        }
    }

    /// The kind of a word, `info` for one that is not known.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "error" => Self::Error,
            "success" => Self::Success,
            _ => Self::Info,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Words {
    /// Holds `{name}` where a fact is to be shown.
    Template(&'static str),
    /// Shown as it stands: a text that somebody else wrote may hold braces.
    Verbatim(String),
}

/// One fact that a message mentions.
#[derive(Clone, Debug, PartialEq)]
struct Fact {
    name: Cow<'static, str>,
    /// The value in the context; absent when only the text shows it.
    value: Option<Value>,
    /// How the text shows it, where that is not the plain value.
    shown: Option<String>,
}

impl Message {
    /// A message whose text shows its facts at `{name}`.
    pub(crate) const fn new(id: u32, kind: MessageKind, template: &'static str) -> Self {
        Self { id, kind, words: Words::Template(template), facts: Vec::new(), has_context: false }
    }

    /// A message of the host's own, with a text that is shown as it stands.
    ///
    /// Take a number that the contract does not use, so that clients can tell it apart.
    pub fn custom(id: u32, kind: MessageKind, text: impl Into<String>) -> Self {
        Self { id, kind, words: Words::Verbatim(text.into()), facts: Vec::new(), has_context: false }
    }

    /// Adds a fact, shown in the context and in the text.
    pub fn with(self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.fact(name.into(), Some(value.into()), None)
    }

    /// Adds a fact that the text shows in another way than the context.
    pub fn with_shown(
        self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Value>,
        shown: impl Into<String>,
    ) -> Self {
        self.fact(name.into(), Some(value.into()), Some(shown.into()))
    }

    /// Adds a fact that only the text shows.
    pub fn with_text(self, name: impl Into<Cow<'static, str>>, shown: impl Into<String>) -> Self {
        self.fact(name.into(), None, Some(shown.into()))
    }

    /// Sets the whole context, as somebody else wrote it: an empty one is shown too.
    #[cfg(feature = "webhooks")]
    pub(crate) fn with_context(self, context: Map<String, Value>) -> Self {
        let message = Self { facts: Vec::new(), has_context: true, ..self };
        context.into_iter().fold(message, |message, (name, value)| message.with(name, value))
    }

    fn fact(mut self, name: Cow<'static, str>, value: Option<Value>, shown: Option<String>) -> Self {
        self.facts.push(Fact { name, value, shown });
        self
    }

    /// The message at the field with this name, such as `traits.email`.
    pub fn at(self, field: impl Into<String>) -> Placed {
        Placed { field: Some(field.into()), message: self }
    }

    /// The message for the page as a whole.
    pub fn on_page(self) -> Placed {
        Placed { field: None, message: self }
    }

    /// The number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether it informs, refuses or confirms.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The English text, every fact in its place.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.words {
            Words::Verbatim(text) => text.clone(),
            Words::Template(template) => self.fill(template),
        }
    }

    /// The facts that a client may use to word the message itself, by name.
    #[must_use]
    pub fn context(&self) -> Map<String, Value> {
        let named = |fact: &Fact| Some((fact.name.to_string(), fact.value.clone()?));
        self.facts.iter().filter_map(named).collect()
    }

    /// The context as clients see it; nothing where there is nothing to say.
    pub(crate) fn shown_context(&self) -> Option<Map<String, Value>> {
        Some(self.context()).filter(|context| self.has_context || !context.is_empty())
    }

    /// The message in other words, which show its facts at `{name}`; `known` has a say about each before the message.
    /// Nothing where the words mention a fact that neither has.
    #[cfg(feature = "html")]
    pub(crate) fn worded(&self, words: &str, known: impl Fn(&str) -> Option<String>) -> Option<String> {
        let own = |name: &str| self.facts.iter().find(|fact| fact.name == name).map(Fact::text);
        let fact = |name: &str| known(name).or_else(|| own(name));
        placeholders(words).into_iter().all(|name| fact(name).is_some()).then(|| filled(words, fact))
    }

    /// A template with the facts of this message in place of `{name}`; names that it does not know stay.
    fn fill(&self, template: &str) -> String {
        filled(template, |name| self.facts.iter().find(|fact| fact.name == name).map(Fact::text))
    }

    /// The parts that a record needs to bring this message back with [`Message::restore`].
    pub(crate) fn parts(&self) -> Parts<'_> {
        let text = match &self.words {
            Words::Verbatim(text) => Some(Cow::Borrowed(text.as_str())),
            // Words that are no entry of the catalogue could not be found again by their number.
            Words::Template(words)
                if catalogue::find(self.id).map(|known| known.words) == Some(Words::Template(words)) =>
            {
                None
            }
            Words::Template(_) => Some(Cow::Owned(self.text())),
        };
        let facts = self.facts.iter().map(|fact| (fact.name.as_ref(), fact.value.as_ref(), fact.shown.as_deref()));
        Parts { id: self.id, kind: self.kind, text, facts: facts.collect(), has_context: self.has_context }
    }

    /// A message brought back from its parts; the words come from the catalogue unless a text was kept.
    pub(crate) fn restore(id: u32, kind: MessageKind, text: Option<String>) -> Self {
        match text {
            Some(text) => Self::custom(id, kind, text),
            None => catalogue::find(id).unwrap_or_else(|| Self::custom(id, kind, "")),
        }
    }

    /// Shows an empty context, if [`Message::parts`] says so.
    pub(crate) fn restore_context(self, has_context: bool) -> Self {
        Self { has_context, ..self }
    }

    /// Adds a fact as [`Message::parts`] gave it.
    pub(crate) fn restore_fact(self, name: String, value: Option<Value>, shown: Option<String>) -> Self {
        self.fact(name.into(), value, shown)
    }
}

/// A template with facts in place of `{name}`; names that nobody knows stay.
fn filled(template: &str, fact: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            break;
        };
        match fact(name) {
            Some(fact) => text.push_str(&fact),
            None => text.extend(["{", name, "}"]),
        }
        rest = behind;
    }
    text.push_str(rest);
    text
}

/// The names that a template shows facts of.
#[cfg(feature = "html")]
pub(crate) fn placeholders(template: &str) -> Vec<&str> {
    template.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
}

impl Fact {
    fn text(&self) -> String {
        match (&self.shown, &self.value) {
            (Some(text), _) => text.clone(),
            (None, Some(Value::String(text))) => text.clone(),
            (None, Some(value)) => value.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// A message taken apart for a record.
pub(crate) struct Parts<'a> {
    pub(crate) id: u32,
    pub(crate) kind: MessageKind,
    pub(crate) text: Option<Cow<'a, str>>,
    pub(crate) facts: Vec<(&'a str, Option<&'a Value>, Option<&'a str>)>,
    pub(crate) has_context: bool,
}

/// A message and the field it belongs to; without a field it is for the page as a whole.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Placed {
    field: Option<String>,
    message: Message,
}

impl Placed {
    /// The name of the field, such as `traits.email`.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The message.
    pub fn message(&self) -> &Message {
        &self.message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_shows_its_facts() {
        let message = catalogue::PASSWORD_TOO_SHORT.with("min_length", 8).with("actual_length", 3);

        assert_eq!(message.text(), "The password must be at least 8 characters long, but got 3.");
        assert_eq!(Value::Object(message.context()), serde_json::json!({ "min_length": 8, "actual_length": 3 }));
    }

    #[test]
    fn a_text_of_somebody_else_keeps_its_braces() {
        let message = Message::custom(1234, MessageKind::Error, "no {name} here }{").with("name", "x");

        assert_eq!(message.text(), "no {name} here }{");
    }

    #[test]
    fn a_fact_only_for_the_text_is_not_in_the_context() {
        let message = catalogue::FLOW_EXPIRED.with_text("minutes", "1.50");

        assert_eq!(message.text(), "The registration flow expired 1.50 minutes ago, please try again.");
        assert!(message.context().is_empty());
    }
}
