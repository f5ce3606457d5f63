//! From a page to the values that templates show.

use minijinja::{Value, context};

use super::dictionary::Words;
use super::fields::{Form, lay_out};
use crate::config::BaseUrl;
use crate::flow::{Screen, State};
use crate::message::{Message, MessageKind};
use crate::page::{Field, Page, Script, VerificationPage};
use crate::stop::Failure;

/// The page of a registration.
pub(super) fn registration(page: &Page, words: &Words, base: &BaseUrl) -> Value {
    let facts = &page.facts;
    let title = match (&facts.screen, facts.state) {
        (_, State::SentEmail) => "title_code",
        (Screen::Credentials, _) => "title_credentials",
        _ => "title_registration",
    };
    let action = base.join(&format!("/self-service/registration?flow={}", facts.id));
    form(title, &action, &page.messages, page.fields.as_deref().unwrap_or_default(), words, base)
}

/// The page of a flow that proves an address.
pub(super) fn verification(page: &VerificationPage, words: &Words, base: &BaseUrl) -> Value {
    let title = match page.flow.state {
        State::PassedChallenge => "title_verified",
        State::ChooseMethod | State::SentEmail => "title_verification",
    };
    let action = base.join(&format!("/self-service/verification?flow={}", page.flow.id));
    form(title, &action, &page.messages, &page.fields, words, base)
}

fn form(title: &str, action: &str, messages: &[Message], fields: &[Field], words: &Words, base: &BaseUrl) -> Value {
    let Form { hidden, sections, mistakes, user, scripts } = lay_out(fields, words);
    let load = |script: &Script| context! { url => base.join(script.path), integrity => script.integrity.as_str() };
    let scripts: Vec<Value> = scripts.iter().map(load).collect();
    let mut notes = Vec::new();
    let mut all = Vec::new();
    let mut said = Vec::new();
    // Messages may pile up on a flow; each is said once.
    for (kind, text) in messages.iter().map(|message| (message.kind(), words.message(message))) {
        if said.contains(&text) {
            continue;
        }
        match kind {
            MessageKind::Error => all.push(context! { text => text.as_str() }),
            kind => notes.push(context! { kind => kind.as_str(), text => text.as_str() }),
        }
        said.push(text);
    }
    all.extend(mistakes);
    context! { title => words.word(title), action, notes, mistakes => all, hidden, sections, user, scripts }
}

/// An error: what it means for the person, and where they may begin anew.
pub(super) fn error(error: &Told<'_>, again: Option<&str>, words: &Words) -> Value {
    let advice = match (error.id, error.status) {
        ("security_csrf_violation", _) => "error_csrf",
        ("self_service_flow_disabled", _) => "error_disabled",
        (_, 404 | 410) => "error_unknown",
        (_, 429 | 503) => "error_busy",
        (_, 500..) => "error_internal",
        _ => "error_other",
    };
    let again = again.filter(|_| advice != "error_disabled");
    context! {
        again,
        title => words.word("title_error"),
        advice => words.word(advice),
        status => error.status,
        id => error.id,
        reason => error.reason,
    }
}

/// An error, as far as a page tells it.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) status: u16,
    pub(super) id: &'a str,
    pub(super) reason: &'a str,
}

impl<'a> Told<'a> {
    pub(super) fn failure(failure: &'a Failure) -> Self {
        Self { status: failure.status(), id: failure.id(), reason: failure.reason() }
    }

    /// An error that was kept for a browser.
    pub(super) fn kept(error: &'a serde_json::Value) -> Self {
        let text = |name: &str| error.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let status = error.get("code").and_then(serde_json::Value::as_u64);
        let status = status.and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
        Self { status, id: text("id"), reason: text("reason") }
    }
}

/// The page "you are signed up".
pub(super) fn registered(words: &Words) -> Value {
    context! { title => words.word("title_registered") }
}

/// A page with one of everything, for templates to be tried on.
pub(super) fn sample(words: &Words, base: &BaseUrl) -> Value {
    use crate::message::catalogue;
    use crate::page::{Group, InputKind};
    let kinds = [
        InputKind::Hidden,
        InputKind::Text,
        InputKind::Checkbox,
        InputKind::Number,
        InputKind::Tel,
        InputKind::Anchor,
        InputKind::Submit,
        InputKind::Button,
    ];
    let label = || catalogue::TRAIT.with("title", "…");
    let field = |kind: InputKind| {
        let mut field = Field::input(Group::Default, kind, format!("traits.{}", kind.as_str())).label(label());
        field.messages = vec![catalogue::REQUIRED, catalogue::CODE_SENT];
        field.value("/")
    };
    let mut fields: Vec<Field> = kinds.into_iter().map(field).collect();
    let mut select = field(InputKind::Text);
    select.name = "traits.select".to_owned();
    select.options = vec!["/".into()];
    fields.push(select);
    fields.push(Field::input(Group::Password, InputKind::Password, "password").label(catalogue::PASSWORD));
    fields.push(Field::script(Group::Default, "script", Script::new("/script.js", "sha512-…", uuid::Uuid::nil())));
    let messages = [catalogue::NO_METHOD, catalogue::VERIFIED_EMAIL];
    form("title_registration", "/", &messages, &fields, words, base)
}
