//! The page of a flow that proves an address.

use serde_json::Value;

use super::{Field, Group, InputKind, TOKEN_FIELD};
use crate::config::ProofKind;
use crate::flow::{FlowKind, State, VerificationFlow};
use crate::message::{Message, catalogue};

/// The name of the field for an address, and of the button that sends another letter.
pub(crate) const ADDRESS_FIELD: &str = "email";
/// The name of the field for a code.
pub(crate) const CODE_FIELD: &str = "code";
/// The name of the button that proves what an opened link carried.
pub(crate) const LINK_FIELD: &str = "token";

/// The name of the link that leads on, once the address is proved.
pub(crate) const CONTINUE_FIELD: &str = "continue";

/// A page, ready to be shown.
#[derive(Clone, Debug)]
pub(crate) struct VerificationPage {
    pub(crate) flow: VerificationFlow,
    pub(crate) fields: Vec<Field>,
    pub(crate) messages: Vec<Message>,
    /// Where the person is led on, once the address is proved.
    pub(crate) continue_url: Option<String>,
    /// What the client asked to hand on, where the answer repeats it.
    pub(crate) transient: Option<Value>,
}

/// What drawing a page needs besides the flow.
#[derive(Debug)]
pub(crate) struct Drawing {
    pub(crate) token: String,
    /// Letters reach phones too.
    pub(crate) sends_sms: bool,
    /// What the link carried that was opened last.
    pub(crate) opened: Option<String>,
    /// Where the person is led on, once the address is proved.
    pub(crate) continue_url: String,
}

impl VerificationPage {
    /// Draws a page. Its fields are never sorted.
    pub(crate) fn draw(flow: VerificationFlow, with: Drawing) -> Self {
        let mut fields = match (flow.state, flow.proof) {
            (State::PassedChallenge, proof) => {
                let group = group(proof);
                let link = Field::input(group, InputKind::Anchor, CONTINUE_FIELD).value(with.continue_url.as_str());
                vec![token_field(&with.token), link.label(catalogue::CONTINUE)]
            }
            (State::ChooseMethod, ProofKind::Code) => ask_for_address(&flow, &with),
            (State::SentEmail, ProofKind::Code) => ask_for_code(&flow, &with),
            (_, ProofKind::Link) => ask_for_link(&flow, &with),
        };
        if flow.refused && flow.kind == FlowKind::Api && !fields.iter().any(|field| field.name == TOKEN_FIELD) {
            fields.push(token_field(&with.token));
        }
        let messages = super::place(&mut fields, &flow.messages);
        let continue_url = (flow.state == State::PassedChallenge).then_some(with.continue_url);
        Self { flow, fields, messages, continue_url, transient: None }
    }
}

fn group(proof: ProofKind) -> Group {
    match proof {
        ProofKind::Code => Group::Code,
        ProofKind::Link => Group::Link,
    }
}

fn token_field(token: &str) -> Field {
    Field::input(Group::Default, InputKind::Hidden, TOKEN_FIELD).required().value(token)
}

fn submit(proof: ProofKind) -> Field {
    Field::submit(group(proof), "method", proof.as_str(), catalogue::CONTINUE)
}

/// Native clients have no token, and no field for one.
fn browser_token(flow: &VerificationFlow, with: &Drawing) -> Option<Field> {
    (flow.kind == FlowKind::Browser).then(|| token_field(&with.token))
}

fn address_field(with: &Drawing) -> Field {
    let (kind, label) = match with.sends_sms {
        true => (InputKind::Text, catalogue::EMAIL_OR_PHONE),
        false => (InputKind::Email, catalogue::EMAIL),
    };
    Field::input(Group::Code, kind, ADDRESS_FIELD).required().label(label)
}

/// Whether a submission lacked the address: the field for it then stands on the page, empty.
fn lacks_address(flow: &VerificationFlow) -> bool {
    let lacking = catalogue::REQUIRED.id();
    flow.messages.iter().any(|placed| placed.field() == Some(ADDRESS_FIELD) && placed.message().id() == lacking)
}

fn ask_for_address(flow: &VerificationFlow, with: &Drawing) -> Vec<Field> {
    let address = address_field(with);
    let address = if lacks_address(flow) { address.value("") } else { address };
    let mut fields = vec![address, submit(ProofKind::Code)];
    fields.extend(browser_token(flow, with));
    fields
}

fn ask_for_code(flow: &VerificationFlow, with: &Drawing) -> Vec<Field> {
    let mut code = Field::input(Group::Code, InputKind::Text, CODE_FIELD).required().autocomplete("one-time-code");
    if let Some(opened) = &with.opened {
        code = code.value(opened.as_str());
    }
    let method = Field::input(Group::Code, InputKind::Hidden, "method").value(ProofKind::Code.as_str());
    let mut fields = vec![method, code.label(catalogue::VERIFICATION_CODE), submit(ProofKind::Code)];
    fields.extend(browser_token(flow, with));
    match lacks_address(flow) {
        true => fields.push(address_field(with).value("")),
        false => fields.extend(resend(flow)),
    }
    fields
}

fn resend(flow: &VerificationFlow) -> Option<Field> {
    let typed = &flow.target.as_ref()?.typed;
    Some(Field::submit(Group::Code, ADDRESS_FIELD, typed, catalogue::RESEND_CODE))
}

fn ask_for_link(flow: &VerificationFlow, with: &Drawing) -> Vec<Field> {
    let token = token_field(&with.token);
    if let Some(opened) = &with.opened {
        // The link was opened: a button proves.
        let method = Field::input(Group::Link, InputKind::Hidden, "method").value(ProofKind::Link.as_str());
        let button = Field::submit(Group::Link, LINK_FIELD, opened, catalogue::CONTINUE);
        let mut fields = vec![token, method, button];
        fields.extend(resend(flow));
        return fields;
    }
    let mut address = Field::input(Group::Link, InputKind::Email, ADDRESS_FIELD).required().label(catalogue::EMAIL);
    if let Some(target) = flow.target.as_ref().filter(|_| !flow.from_registration) {
        address = address.value(target.typed.as_str());
    }
    if lacks_address(flow) {
        address = address.value("");
    }
    let mut fields = vec![token, address, submit(ProofKind::Link)];
    if flow.from_registration {
        // Pages made for the contract know this button twice.
        fields.push(submit(ProofKind::Link));
        fields.extend(resend(flow));
    }
    fields
}
