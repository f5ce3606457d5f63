//! What a service answers: messages at fields, or changes of the identity.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::identity::{Address, AddressState, Channel, Draft, IdentityState};
use crate::message::{Message, MessageKind, Placed, catalogue};
use crate::schema::canonical_address;
use crate::stop::Stop;

/// The messages of an answer that refuses; nothing when it has none, or cannot be read.
pub(super) fn messages(body: &[u8]) -> Option<Vec<Placed>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let groups = body.get("messages")?.as_array()?;
    let mut all = Vec::new();
    for group in groups {
        let pointer = text(group.as_object()?, "instance_ptr")?;
        let field = field(pointer);
        for message in list(group.as_object()?, "messages")? {
            let message = self::message(message.as_object()?)?;
            all.push(match &field {
                Some(field) => message.at(field.clone()),
                None => message.on_page(),
            });
        }
    }
    (!groups.is_empty()).then_some(all)
}

fn message(members: &Map<String, Value>) -> Option<Message> {
    let id = members.get("id").map_or(Some(0), |id| id.as_u64().and_then(|id| u32::try_from(id).ok()))?;
    let kind = match text(members, "type")? {
        "error" => MessageKind::Error,
        _ => MessageKind::Info,
    };
    let message = Message::custom(id, kind, text(members, "text")?);
    match members.get("context") {
        None | Some(Value::Null) => Some(message),
        Some(Value::Object(context)) => Some(message.with_context(context.clone())),
        Some(_) => None,
    }
}

/// The name of the field at a pointer; nothing for the page as a whole. What is no pointer is a name.
fn field(pointer: &str) -> Option<String> {
    let Some(path) = pointer.strip_prefix("#/") else {
        return (!pointer.is_empty()).then(|| pointer.to_owned());
    };
    let names: Option<Vec<String>> = path.split('/').map(segment).collect();
    names.filter(|_| !path.is_empty()).map(|names| names.join("."))
}

/// One name of a pointer; nothing when its escapes are broken.
fn segment(escaped: &str) -> Option<String> {
    let name = escaped.replace("~1", "/").replace("~0", "~");
    let bytes = name.as_bytes();
    let whole = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
    let sound = (0..bytes.len()).all(|at| bytes[at] != b'%' || whole(at));
    sound.then(|| percent_decode_str(&name).decode_utf8_lossy().replace('.', "\\."))
}

/// What an answer says about the identity.
#[derive(Default)]
pub(super) struct Change {
    traits: Option<Value>,
    schema_id: Option<String>,
    state: Option<String>,
    addresses: Vec<(Address, AddressState)>,
    metadata_public: Option<Value>,
    metadata_admin: Option<Value>,
    external_id: Option<String>,
}

impl Change {
    /// Reads an answer of a registration that is made at this time; nothing when it cannot be read.
    pub(super) fn read(body: &[u8], now: OffsetDateTime) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let identity = match body {
            Value::Null => return Some(Self::default()),
            Value::Object(mut members) => members.remove("identity").unwrap_or_default(),
            _ => return None,
        };
        let members = match &identity {
            Value::Null => return Some(Self::default()),
            identity => identity.as_object()?,
        };
        let given = |name: &str| members.get(name).filter(|value| !value.is_null()).cloned();
        let word = |name: &str| Some(Some(text(members, name)?).filter(|text| !text.is_empty()).map(str::to_owned));
        let mut addresses = Vec::new();
        for row in list(members, "verifiable_addresses")? {
            addresses.extend(address(row.as_object()?, now)?);
        }
        Some(Self {
            traits: given("traits"),
            schema_id: word("schema_id")?,
            state: word("state")?,
            addresses,
            metadata_public: given("metadata_public"),
            metadata_admin: given("metadata_admin"),
            external_id: match members.contains_key("external_id") {
                true => Some(text(members, "external_id")?.to_owned()),
                false => None,
            },
        })
    }

    /// Changes the draft. Addresses for recovery come from the traits alone, and so do those that can be verified; only
    /// how far their proof has come is the service's to say.
    ///
    /// # Errors
    ///
    /// A refusal when the identity would be neither active nor inactive: nothing is stored then.
    pub(super) fn apply(self, draft: &mut Draft) -> Result<(), Stop> {
        let state = match self.state.as_deref() {
            None => None,
            Some("active") => Some(IdentityState::Active),
            Some("inactive") => Some(IdentityState::Inactive),
            Some(_) => return Err(Stop::refuse([catalogue::DISABLED.on_page()])),
        };
        state.into_iter().for_each(|state| draft.set_state(state));
        self.traits.into_iter().for_each(|traits| draft.set_traits(traits));
        self.schema_id.into_iter().for_each(|id| draft.set_schema_id(id));
        if !self.addresses.is_empty() {
            draft.set_address_states(self.addresses);
        }
        if self.metadata_public.is_some() {
            draft.set_metadata_public(self.metadata_public);
        }
        if self.metadata_admin.is_some() {
            draft.set_metadata_admin(self.metadata_admin);
        }
        if let Some(id) = self.external_id {
            draft.set_external_id(Some(id).filter(|id| !id.is_empty()));
        }
        Ok(())
    }
}

/// An address and how far its proof has come; nothing in it for a channel that nobody knows.
fn address(row: &Map<String, Value>, now: OffsetDateTime) -> Option<Option<(Address, AddressState)>> {
    let (via, value, status) = (text(row, "via")?, text(row, "value")?, text(row, "status")?);
    let verified = row.get("verified").map_or(Some(false), Value::as_bool)?;
    let at = text(row, "verified_at")?;
    let at = if at.is_empty() { now } else { OffsetDateTime::parse(at, &Rfc3339).ok()? };
    let state = match (verified, status) {
        (true, _) => AddressState::Verified(at),
        (false, "sent") => AddressState::Sent,
        (false, _) => AddressState::Pending,
    };
    Some(Channel::from_word(via).map(|via| (canonical_address(via, value), state)))
}

/// A text, empty when it is absent; nothing when it is something else.
fn text<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    match members.get(name) {
        None | Some(Value::Null) => Some(""),
        Some(value) => value.as_str(),
    }
}

/// A list, empty when it is absent; nothing when it is something else.
fn list<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v [Value]> {
    match members.get(name) {
        None | Some(Value::Null) => Some(&[]),
        Some(value) => value.as_array().map(Vec::as_slice),
    }
}
