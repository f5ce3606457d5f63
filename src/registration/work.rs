//! A flow being answered, and what is kept of an answer.

use serde_json::Value;

use crate::effects::Effects;
use crate::flow::{Flow, FlowKind, leaves};
use crate::form::Submission;
use crate::schema::Schema;

/// A flow being answered, with the version it was loaded at.
pub(super) struct Work<'a> {
    pub(super) flow: Flow,
    pub(super) version: i64,
    pub(super) schema: &'a Schema,
    /// What is written beside the flow.
    pub(super) effects: Effects,
    /// The browser came back from somebody else's page.
    pub(super) returned: bool,
    /// A refusal is shown where the journey through somebody else's page would have ended.
    pub(super) leads_back: bool,
}

impl Work<'_> {
    /// Whether a native client waits for what comes of this in another program than the browser.
    pub(super) fn leads_to_application(&self) -> bool {
        self.returned && self.flow.facts.kind == FlowKind::Api && self.flow.facts.exchange.is_some()
    }

    /// Keeps what was typed into the fields of the page; a field that was emptied is empty from now on, one that was left
    /// out keeps what it had.
    pub(super) fn keep_typed(&mut self, form: &Submission) {
        self.keep(form, &form.traits);
    }

    /// The same with these traits, to which somebody else may have added.
    pub(super) fn keep(&mut self, form: &Submission, traits: &Value) {
        let typed = &mut self.flow.facts.typed;
        form.emptied.iter().for_each(|name| typed.set(name, &Value::Null));
        for (name, value) in leaves(traits, "traits") {
            if typed.get(&name).is_some() || self.schema.fields().iter().any(|field| field.name == name) {
                typed.set(&name, &value);
            }
        }
    }
}
