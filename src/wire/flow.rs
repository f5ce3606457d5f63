//! A page as the contract's flow.

use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::json::time;
use crate::config::{BaseUrl, Config};
use crate::message::Message;
use crate::page::{Action, Field, InputKind, Page, Script};

#[derive(Serialize)]
pub(super) struct FlowJson<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    expires_at: String,
    issued_at: String,
    request_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<&'a str>,
    ui: Ui<'a>,
    organization_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth2_login_challenge: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth2_login_request: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transient_payload: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token_exchange_code: Option<&'a str>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_schema: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Ui<'a> {
    pub(super) action: String,
    pub(super) method: &'static str,
    pub(super) nodes: Option<Vec<Node<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) messages: Vec<MessageJson>,
}

#[derive(Serialize)]
pub(super) struct Node<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    group: &'static str,
    attributes: NodeAttributes<'a>,
    messages: Vec<MessageJson>,
    meta: Meta,
}

/// What a node is.
#[derive(Serialize)]
#[serde(untagged)]
enum NodeAttributes<'a> {
    Input(Attributes<'a>),
    Script(ScriptAttributes<'a>),
    Anchor { href: Option<&'a Value>, title: Option<MessageJson>, id: &'a str, node_type: &'static str },
}

#[derive(Serialize)]
struct Attributes<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a Value>,
    #[serde(skip_serializing_if = "is_false")]
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    autocomplete: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'a str>,
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    onclick: Option<&'a str>,
    #[serde(rename = "onclickTrigger", skip_serializing_if = "Option::is_none")]
    onclick_trigger: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<Choice<'a>>,
    node_type: &'static str,
}

#[derive(Serialize)]
struct ScriptAttributes<'a> {
    src: String,
    #[serde(rename = "async")]
    loads_async: bool,
    referrerpolicy: &'static str,
    crossorigin: &'static str,
    integrity: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    nonce: String,
    node_type: &'static str,
}

#[derive(Serialize)]
struct Choice<'a> {
    value: &'a Value,
}

#[derive(Serialize)]
struct Meta {
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<MessageJson>,
}

#[derive(Serialize)]
pub(super) struct MessageJson {
    id: u32,
    text: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Map<String, Value>>,
}

// The shape that the attribute `skip_serializing_if` asks for.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl<'a> FlowJson<'a> {
    pub(super) fn new(page: &'a Page, config: &Config) -> Self {
        let facts = &page.facts;
        Self {
            id: facts.id.to_string(),
            kind: facts.kind.as_str(),
            expires_at: time(facts.expires_at),
            issued_at: time(facts.issued_at),
            request_url: facts.request_url(&config.base),
            return_to: facts.return_to.as_deref(),
            active: facts.active.as_ref().map(|method| method.as_str()),
            ui: Ui {
                action: config.base.join(&format!("/self-service/registration?flow={}", facts.id)),
                method: "POST",
                nodes: page.fields.as_ref().map(|fields| nodes(fields, &config.base)),
                messages: page.messages.iter().map(MessageJson::from).collect(),
            },
            organization_id: facts.organization,
            oauth2_login_challenge: facts.login_challenge.as_deref(),
            oauth2_login_request: page.login_request.as_ref(),
            transient_payload: page.transient.as_ref(),
            session_token_exchange_code: page.exchange_code.as_deref(),
            state: facts.state.as_str(),
            identity_schema: facts.schema.as_deref(),
        }
    }
}

/// The fields as nodes.
pub(super) fn nodes<'a>(fields: &'a [Field], base: &BaseUrl) -> Vec<Node<'a>> {
    fields.iter().map(|field| Node::new(field, base)).collect()
}

impl<'a> Node<'a> {
    fn new(field: &'a Field, base: &BaseUrl) -> Self {
        let label = || field.label.as_ref().map(MessageJson::from);
        let (kind, attributes) = match field.kind {
            InputKind::Anchor => {
                let (href, id) = (field.value.as_ref(), field.name.as_str());
                ("a", NodeAttributes::Anchor { href, title: label(), id, node_type: "a" })
            }
            _ => match field.action.as_deref() {
                Some(Action::Load(script)) => {
                    ("script", NodeAttributes::Script(ScriptAttributes::new(&field.name, script, base)))
                }
                _ => ("input", NodeAttributes::Input(Attributes::from(field))),
            },
        };
        let messages = field.messages.iter().map(MessageJson::from).collect();
        Self { kind, group: field.group.as_str(), attributes, messages, meta: Meta { label: label() } }
    }
}

impl<'a> ScriptAttributes<'a> {
    fn new(id: &'a str, script: &'a Script, base: &BaseUrl) -> Self {
        Self {
            src: base.join(script.path),
            loads_async: true,
            referrerpolicy: "no-referrer",
            crossorigin: "anonymous",
            integrity: &script.integrity,
            kind: InputKind::Script.as_str(),
            id,
            nonce: script.nonce.to_string(),
            node_type: "script",
        }
    }
}

impl<'a> From<&'a Field> for Attributes<'a> {
    fn from(field: &'a Field) -> Self {
        let (onclick, onclick_trigger) = match field.action.as_deref() {
            Some(Action::Call { function, code }) => (code.as_deref(), Some(*function)),
            _ => (None, None),
        };
        Self {
            name: &field.name,
            kind: field.kind.as_str(),
            value: field.value.as_ref(),
            required: field.required,
            autocomplete: field.autocomplete,
            pattern: field.pattern.as_deref(),
            disabled: false,
            onclick,
            onclick_trigger,
            options: field.options.iter().map(|value| Choice { value }).collect(),
            node_type: "input",
        }
    }
}

impl From<&Message> for MessageJson {
    fn from(message: &Message) -> Self {
        Self { id: message.id(), text: message.text(), kind: message.kind().as_str(), context: message.shown_context() }
    }
}
