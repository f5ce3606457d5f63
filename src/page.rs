//! What a page is: the facts of its flow, its fields in their order, and its token.

mod order;
mod verification;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::flow::{Facts, Screen};
use crate::message::{Message, Placed};

pub(crate) use verification::{ADDRESS_FIELD, CODE_FIELD, CONTINUE_FIELD, Drawing, LINK_FIELD, VerificationPage};

/// A field of a page: one thing the person sees, fills in or presses.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Field {
    pub(crate) name: String,
    pub(crate) group: Group,
    pub(crate) kind: InputKind,
    pub(crate) value: Option<Value>,
    pub(crate) required: bool,
    pub(crate) autocomplete: Option<&'static str>,
    pub(crate) pattern: Option<String>,
    pub(crate) options: Vec<Value>,
    pub(crate) label: Option<Message>,
    pub(crate) messages: Vec<Message>,
    pub(crate) action: Option<Box<Action>>,
}

/// What a field does in a page, beside being filled in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// A button calls this function of the page's script; `code` is the call for pages that evaluate text.
    Call { function: &'static str, code: Option<String> },
    /// A script is loaded.
    Load(Script),
}

/// A script that a page loads.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Script {
    pub(crate) path: &'static str,
    pub(crate) integrity: String,
    pub(crate) nonce: Uuid,
}

impl Script {
    /// The script at this path below the base URL. `integrity` is what its bytes must hash to, as the attribute of this
    /// name says it; `nonce` is for the page's own content security policy.
    pub fn new(path: &'static str, integrity: impl Into<String>, nonce: Uuid) -> Self {
        Self { path, integrity: integrity.into(), nonce }
    }
}

impl Field {
    /// An input of this group, kind and name.
    pub fn input(group: Group, kind: InputKind, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            group,
            kind,
            value: None,
            required: false,
            autocomplete: None,
            pattern: None,
            options: Vec::new(),
            label: None,
            messages: Vec::new(),
            action: None,
        }
    }

    /// A button that calls a function of the page's script. `code` is the whole call, for pages that evaluate it.
    pub fn button(group: Group, name: impl Into<String>, function: &'static str, code: Option<String>) -> Self {
        let action = Action::Call { function, code };
        Self { action: Some(Box::new(action)), ..Self::input(group, InputKind::Button, name) }
    }

    /// A script that the page loads. Several methods may ask for the same one.
    pub fn script(group: Group, id: impl Into<String>, script: Script) -> Self {
        Self { action: Some(Box::new(Action::Load(script))), ..Self::input(group, InputKind::Script, id) }
    }

    /// A button that submits `name` with this value.
    pub fn submit(group: Group, name: impl Into<String>, value: &str, label: Message) -> Self {
        Self::input(group, InputKind::Submit, name).value(value).label(label)
    }

    /// Sets what stands in the field.
    pub fn value(mut self, value: impl Into<Value>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// The field must be filled in.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Tells password managers and browsers what belongs here.
    pub fn autocomplete(mut self, hint: &'static str) -> Self {
        self.autocomplete = Some(hint);
        self
    }

    /// Sets the words beside the field.
    pub fn label(mut self, label: Message) -> Self {
        self.label = Some(label);
        self
    }
}

/// Which method or part of the page a field belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Group {
    /// Traits, the token, and fields nobody else has.
    Default,
    /// The password method.
    Password,
    /// One-time codes.
    Code,
    /// Links in letters.
    Link,
    /// The steps of the profile.
    Profile,
    /// Social sign-up.
    Oidc,
    /// Security keys.
    WebAuthn,
    /// Passkeys.
    Passkey,
    /// A method of the host, by its word.
    Other(&'static str),
}

impl Group {
    /// The word used on the wire.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Password => "password",
            Self::Code => "code",
            Self::Link => "link",
            Self::Profile => "profile",
            Self::Oidc => "oidc",
            Self::WebAuthn => "webauthn",
            Self::Passkey => "passkey",
            Self::Other(word) => word,
        }
    }
}

/// What a person can do with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputKind {
    /// Type a text.
    Text,
    /// Type a text that nobody else may see.
    Password,
    /// Type a number.
    Number,
    /// Switch on or off.
    Checkbox,
    /// Nothing: it goes along unseen.
    Hidden,
    /// Type an e-mail address.
    Email,
    /// Type a phone number.
    Tel,
    /// Press it to submit.
    Submit,
    /// Choose a date and time.
    DateTime,
    /// Choose a date.
    Date,
    /// Type an address on the web.
    Url,
    /// A link to follow: its value is where it leads.
    Anchor,
    /// Press it: a script of the page does the rest.
    Button,
    /// Nothing: the page loads a script.
    Script,
}

impl InputKind {
    /// The word used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Password => "password",
            Self::Number => "number",
            Self::Checkbox => "checkbox",
            Self::Hidden => "hidden",
            Self::Email => "email",
            Self::Tel => "tel",
            Self::Submit => "submit",
            Self::DateTime => "datetime-local",
            Self::Date => "date",
            Self::Url => "url",
            Self::Anchor => "a",
            Self::Button => "button",
            Self::Script => "text/javascript",
        }
    }
}

/// The name of the field that carries the CSRF token.
pub(crate) const TOKEN_FIELD: &str = "csrf_token";

/// A page, ready to be shown: as JSON, or by any other presenter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The flow it shows.
    pub facts: Facts,
    /// Its fields in order; nothing at all when no method serves the flow.
    pub fields: Option<Vec<Field>>,
    /// What is said about the page as a whole.
    pub messages: Vec<Message>,
    /// What the client asked to hand on, where the answer repeats it.
    pub(crate) transient: Option<Value>,
    /// The first half of a pair for a native client, shown once.
    pub(crate) exchange_code: Option<String>,
    /// What the OAuth2 server wants to know that sent the person here, where the answer shows it.
    pub(crate) login_request: Option<Map<String, Value>>,
}

impl Page {
    /// Lays out a page: values typed, messages and order, from the fields that the methods ask for.
    ///
    /// `keys` are the names of the traits in the order of their schema.
    pub(crate) fn lay_out(facts: Facts, fields: Vec<Field>, token: &str, keys: &[String]) -> Self {
        // No method serves an organization that it does not know: then there is no form at all.
        let serves = facts.organization.is_none();
        let mut fields = if serves { fields } else { Vec::new() };
        drop_repeated_scripts(&mut fields);
        if serves {
            let token_field = Field::input(Group::Default, InputKind::Hidden, TOKEN_FIELD);
            fields.insert(0, token_field.required().value(token));
            show_typed(&mut fields, &facts);
        }
        let alone = match &facts.screen {
            Screen::Only(method) => Some(method.as_str()),
            Screen::Unified | Screen::Profile | Screen::Credentials | Screen::Alone(_) => None,
        };
        order::arrange(&mut fields, keys, alone);
        // Of several fields with one name the first on the page has the message; a bare one finds its place as well.
        let drawn = fields.len();
        let messages = place(&mut fields, &facts.messages);
        if fields.len() > drawn {
            order::arrange(&mut fields, keys, alone);
        }
        let fields = (serves || !fields.is_empty()).then_some(fields);
        Self { facts, fields, messages, transient: None, exchange_code: None, login_request: None }
    }
}

/// One script serves every method that asks for it.
fn drop_repeated_scripts(fields: &mut Vec<Field>) {
    let mut seen: Vec<String> = Vec::new();
    fields.retain(|field| {
        let again = seen.contains(&field.name);
        seen.extend((field.kind == InputKind::Script).then(|| field.name.clone()));
        field.kind != InputKind::Script || !again
    });
}

/// Fills in what was typed. What no field of the schema takes was kept by a step: it gets a bare field of its own, but
/// where a method goes on alone and asks for no traits.
fn show_typed(fields: &mut Vec<Field>, facts: &Facts) {
    let without = matches!(facts.screen, Screen::Alone(_)) && !fields.iter().any(|own| own.name.starts_with("traits."));
    for (name, value) in facts.typed.iter() {
        match fields.iter_mut().find(|field| field.name == name) {
            Some(field) => field.value = Some(value.clone()),
            None if without => {}
            None => {
                let kind = match value {
                    // A method that goes on alone carries the traits unseen.
                    _ if matches!(facts.screen, Screen::Only(_)) => InputKind::Hidden,
                    Value::Number(_) => InputKind::Number,
                    Value::Bool(_) => InputKind::Checkbox,
                    _ => InputKind::Text,
                };
                fields.push(Field::input(Group::Default, kind, name).value(value.clone()));
            }
        }
    }
}

/// Puts each message at its field and returns those for the page as a whole. A field that the screen does not have
/// is added bare, so that no message is lost.
fn place(fields: &mut Vec<Field>, messages: &[Placed]) -> Vec<Message> {
    let mut global = Vec::new();
    for placed in messages {
        let message = placed.message().clone();
        let Some(name) = placed.field() else {
            global.push(message);
            continue;
        };
        match fields.iter_mut().find(|field| field.name == name) {
            Some(field) => field.messages.push(message),
            None => {
                let mut field = Field::input(Group::Default, InputKind::Text, name);
                field.messages.push(message);
                fields.push(field);
            }
        }
    }
    global
}

/// What a method sees when it is asked for its fields.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct View<'a> {
    /// The facts of the flow.
    pub facts: &'a Facts,
    /// The fields of the traits, in the order of their names.
    pub traits: &'a [Field],
    /// What this method remembers.
    pub memory: Option<&'a Value>,
}

impl<'a> View<'a> {
    /// What a method sees of this flow.
    pub(crate) fn new(facts: &'a Facts, traits: &'a [Field], memory: Option<&'a Value>) -> Self {
        Self { facts, traits, memory }
    }

    /// Whether credentials are asked for on this screen.
    #[must_use]
    pub fn asks_credentials(&self) -> bool {
        matches!(self.facts.screen, Screen::Unified | Screen::Credentials)
    }
}
