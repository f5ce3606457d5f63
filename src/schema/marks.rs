//! The keyword `ory.sh/kratos`: which traits name the person, and which are addresses.
//!
//! Marks are read only off traits that follow the rules of the schema.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Fault;
use super::canonical::{canonical_email, canonical_identifier, canonical_phone};
use super::explain::{field, reason, wrong_format};
use super::formats::is_email;
use super::quote::quoted;
use super::rules::{FORMAT, MARK};
use crate::form::as_text;
use crate::identity::{Address, Channel, Identifier, MethodId, Traits};
use crate::message::{Placed, catalogue};

const PASSWORD: MethodId = MethodId::new("password");
const WEBAUTHN: MethodId = MethodId::new("webauthn");
const CODE: MethodId = MethodId::new("code");

/// Formats that a trait to be verified may have.
const VERIFIABLE: [&str; 6] = ["email", "tel", "date", "time", "date-time", "no-validate"];

/// Reads the marks of the traits in `instance`. A phone number that letters go to is written back in E.164.
pub(super) fn read(marked: &[(String, Value)], instance: &mut Value, keys: &[String]) -> Result<Traits, Vec<Placed>> {
    let mut marked: Vec<&(String, Value)> = marked.iter().collect();
    marked.sort_by_key(|(pointer, _)| rank(pointer, keys));
    let mut found = Found::default();
    for (pointer, mark) in marked {
        let Some(value) = instance.pointer_mut(pointer) else { continue };
        let text = as_text(value).into_owned();
        if let Some(number) = found.mark(&field(pointer), &text, mark) {
            *value = Value::String(number);
        }
    }
    if !found.mistakes.is_empty() {
        return Err(found.mistakes);
    }
    let value = instance.get_mut("traits").map(Value::take).unwrap_or_default();
    let Found { identifiers, verifiable, recovery, display_name, .. } = found;
    Ok(Traits { value, identifiers, verifiable, recovery, display_name })
}

/// The place of a trait in the document; items of a list keep their order.
fn rank(pointer: &str, keys: &[String]) -> usize {
    let name = field(pointer);
    let holds =
        |key: &String| name == *key || name.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with('.'));
    keys.iter().position(holds).unwrap_or(keys.len())
}

#[derive(Default)]
struct Found {
    identifiers: Vec<Identifier>,
    verifiable: Vec<Address>,
    recovery: Vec<Address>,
    display_name: Option<String>,
    mistakes: Vec<Placed>,
}

impl Found {
    /// Takes up one marked value; what it becomes in the traits, where that is not what was typed.
    fn mark(&mut self, field: &str, text: &str, mark: &Value) -> Option<String> {
        let names = |kind: &str| mark.pointer(&format!("/credentials/{kind}/identifier")) == Some(&Value::Bool(true));
        for (kind, credential) in [("password", PASSWORD), ("webauthn", WEBAUTHN)] {
            if names(kind) {
                self.identifier(credential, canonical_identifier(text), None);
            }
        }
        let mut number = None;
        if names("code") {
            number = self.code(field, text, mark);
        }
        if mark.pointer("/credentials/passkey/display_name") == Some(&Value::Bool(true)) && !text.is_empty() {
            self.display_name.get_or_insert_with(|| text.to_owned());
        }
        if let Some(via) = mark.pointer("/verification/via").and_then(Value::as_str) {
            number = self.verifiable(field, text, via, mark).or(number);
        }
        if let Some(via) = mark.pointer("/recovery/via").and_then(Value::as_str) {
            number = self.recovery(field, text, via, mark).or(number);
        }
        number
    }

    fn identifier(&mut self, credential: MethodId, value: String, via: Option<Channel>) {
        let identifier = Identifier { credential, value, via };
        if !identifier.value.is_empty() && !self.identifiers.contains(&identifier) {
            self.identifiers.push(identifier);
        }
    }

    fn code(&mut self, field: &str, text: &str, mark: &Value) -> Option<String> {
        let via = mark.pointer("/credentials/code/via").and_then(Value::as_str).unwrap_or_default();
        let (channel, canonical) = match Channel::from_word(via) {
            Some(Channel::Email) => (Channel::Email, canonical_email(text)),
            Some(Channel::Sms) => (Channel::Sms, canonical_phone(text)),
            None => {
                let why = format!("channel type {} must be one of email, sms", quoted(via));
                self.mistakes.push(reason(why).at(field));
                return None;
            }
        };
        match canonical {
            Ok(value) => {
                self.identifier(CODE, value.clone(), Some(channel));
                (channel == Channel::Sms).then_some(value)
            }
            Err(why) => {
                self.mistakes.push(reason(why).at(field));
                None
            }
        }
    }

    fn verifiable(&mut self, field: &str, text: &str, via: &str, mark: &Value) -> Option<String> {
        let format = mark.get(FORMAT).and_then(Value::as_str);
        let strict = |channel| match channel {
            Channel::Email => canonical_email(text),
            Channel::Sms => canonical_phone(text),
        };
        let channel = Channel::from_word(via)?;
        let value = match (channel, format) {
            (Channel::Email, None) if is_email(text) => canonical_identifier(text),
            (Channel::Email, None) => return self.mistake(wrong_format("email", &Value::from(text)).at(field)),
            (Channel::Sms, None) => {
                let why = "no format specified. A format is required if verification is enabled. If this was \
                           intentional, please set \"format\" to \"no-validate\"";
                return self.mistake(reason(why).at(field));
            }
            (channel, Some(format @ ("email" | "tel"))) => match strict(channel) {
                Ok(value) => value,
                Err(_) => {
                    let why = format!("{} can not be normalized for format {}", quoted(text), quoted(format));
                    return self.mistake(reason(why).at(field));
                }
            },
            (_, Some(_)) => canonical_identifier(text),
        };
        let is_number = channel == Channel::Sms && canonical_phone(text).as_deref() == Ok(value.as_str());
        push(&mut self.verifiable, Address::new(channel, value.clone()));
        is_number.then_some(value)
    }

    fn recovery(&mut self, field: &str, text: &str, via: &str, mark: &Value) -> Option<String> {
        let format = mark.get(FORMAT).and_then(Value::as_str);
        match Channel::from_word(via)? {
            Channel::Email if matches!(format, None | Some("email")) && !is_email(text) => {
                self.mistake(wrong_format("email", &Value::from(text)).at(field))
            }
            Channel::Email => {
                push(&mut self.recovery, Address::new(Channel::Email, canonical_identifier(text)));
                None
            }
            Channel::Sms => match canonical_phone(text) {
                Ok(value) => {
                    push(&mut self.recovery, Address::new(Channel::Sms, value.clone()));
                    Some(value)
                }
                Err(_) => self.mistake(catalogue::PHONE_FORMAT.with("value", text).at(field)),
            },
        }
    }

    fn mistake<T>(&mut self, mistake: Placed) -> Option<T> {
        self.mistakes.push(mistake);
        None
    }
}

fn push(addresses: &mut Vec<Address>, address: Address) {
    if !address.value().is_empty() && !addresses.contains(&address) {
        addresses.push(address);
    }
}

/// What marks say at this place, such as `/verification/via`.
pub(super) fn found<'d>(document: &'d Value, place: &str) -> impl Iterator<Item = &'d Value> {
    let mut found = Vec::new();
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                found.extend(members.get(MARK).and_then(|mark| mark.pointer(place)));
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    found.into_iter()
}

/// The channels that marks name at this place.
pub(super) fn channels(document: &Value, place: &str) -> BTreeSet<Channel> {
    found(document, place).filter_map(Value::as_str).filter_map(Channel::from_word).collect()
}

/// Whether a trait with this mark may name a passkey.
#[cfg(feature = "webauthn")]
pub(super) fn names_key(mark: Option<&Value>) -> bool {
    let places = ["/credentials/passkey/display_name", "/credentials/webauthn/identifier"];
    places.iter().any(|place| mark.and_then(|mark| mark.pointer(place)) == Some(&Value::Bool(true)))
}

/// Refuses marks that say something unknown: a typo would leave accounts without an identifier.
pub(super) fn check(document: &Value) -> Result<(), Fault> {
    let mut open = vec![(String::new(), document)];
    while let Some((at, value)) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(mark) = members.get(MARK) {
                    let wrong = |why| Fault::Mark { at: if at.is_empty() { "/".to_owned() } else { at.clone() }, why };
                    check_mark(mark, members).map_err(wrong)?;
                }
                open.extend(
                    members.iter().filter(|(name, _)| *name != MARK).map(|(name, v)| (format!("{at}/{name}"), v)),
                );
            }
            Value::Array(items) => open.extend(items.iter().enumerate().map(|(n, item)| (format!("{at}/{n}"), item))),
            _ => {}
        }
    }
    Ok(())
}

fn check_mark(mark: &Value, holder: &Map<String, Value>) -> Result<(), String> {
    let mark = members(mark, "it", &["credentials", "verification", "recovery", "organizations"])?;
    let format = holder.get("format").and_then(Value::as_str);
    if let Some(credentials) = mark.get("credentials") {
        check_credentials(credentials)?;
    }
    if let Some(verification) = mark.get("verification") {
        check_via(verification, "verification")?;
        if let Some(format) = format.filter(|format| !VERIFIABLE.contains(format)) {
            return Err(format!("a trait with `verification` cannot have the format `{format}`"));
        }
    }
    if let Some(recovery) = mark.get("recovery") {
        check_via(recovery, "recovery")?;
    }
    if let Some(organizations) = mark.get("organizations") {
        let matcher = members(organizations, "organizations", &["matcher"])?.get("matcher");
        if matcher.is_some_and(|matcher| matcher != "email_domain") {
            return Err("`organizations.matcher` must be `email_domain`".to_owned());
        }
    }
    Ok(())
}

fn check_credentials(credentials: &Value) -> Result<(), String> {
    let kinds = [
        ("password", ["identifier"].as_slice()),
        ("webauthn", &["identifier"]),
        ("code", &["identifier", "via"]),
        ("passkey", &["display_name"]),
        ("totp", &["account_name"]),
    ];
    let known: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
    for (kind, settings) in members(credentials, "credentials", &known)? {
        let allowed = kinds.iter().find(|(known, _)| known == kind).map(|(_, names)| *names).unwrap_or_default();
        for (name, value) in members(settings, kind, allowed)? {
            match name.as_str() {
                "via" => check_channel(value)?,
                _ if value.is_boolean() => {}
                _ => return Err(format!("`credentials.{kind}.{name}` must be true or false")),
            }
        }
    }
    Ok(())
}

fn check_via(settings: &Value, name: &str) -> Result<(), String> {
    match members(settings, name, &["via"])?.get("via") {
        Some(via) => check_channel(via),
        None => Err(format!("`{name}` needs `via`")),
    }
}

fn check_channel(via: &Value) -> Result<(), String> {
    match via.as_str().and_then(Channel::from_word) {
        None => Err("`via` must be `email` or `sms`".to_owned()),
        #[cfg(not(feature = "phone"))]
        Some(Channel::Sms) => Err("`via: sms` needs the feature `phone` of tower-registration".to_owned()),
        Some(_) => Ok(()),
    }
}

fn members<'v>(value: &'v Value, name: &str, known: &[&str]) -> Result<&'v Map<String, Value>, String> {
    let members = value.as_object().ok_or_else(|| format!("`{name}` must be an object"))?;
    match members.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("`{key}` is not known in `{name}`; known are {}", known.join(", "))),
        None => Ok(members),
    }
}
