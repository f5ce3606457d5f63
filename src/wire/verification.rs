//! The page of a flow that proves an address, as the contract tells it.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use serde_json::Value;

use super::error::Envelope;
use super::flow::{MessageJson, Ui, nodes};
use super::json::time;
use super::query::with_pair;
use super::respond::Writer;
use crate::call::Telling;
use crate::config::Config;
use crate::flow::{FlowId, FlowKind};
use crate::page::VerificationPage;
use crate::stop::Failure;

#[derive(Serialize)]
struct VerificationJson<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    expires_at: String,
    issued_at: String,
    request_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_to: Option<String>,
    active: &'static str,
    ui: Ui<'a>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transient_payload: Option<&'a Value>,
}

impl<'a> VerificationJson<'a> {
    fn new(page: &'a VerificationPage, config: &Config) -> Self {
        let flow = &page.flow;
        let submit = || config.base.join(&format!("/self-service/verification?flow={}", flow.id));
        Self {
            id: flow.id.to_string(),
            kind: flow.kind.as_str(),
            expires_at: time(flow.expires_at),
            issued_at: time(flow.issued_at),
            request_url: flow.request_url(&config.base),
            return_to: flow.return_to(),
            active: flow.proof.as_str(),
            ui: Ui {
                action: page.continue_url.clone().unwrap_or_else(submit),
                method: if page.continue_url.is_some() { "GET" } else { "POST" },
                nodes: Some(nodes(&page.fields, &config.base)),
                messages: page.messages.iter().map(MessageJson::from).collect(),
            },
            state: flow.state.as_str(),
            transient_payload: page.transient.as_ref(),
        }
    }
}

impl Writer<'_> {
    /// Whether an answer is a redirect to the page or JSON depends on what happened: on what the client accepts, on the
    /// type of its body too, or on the kind of the flow.
    pub(super) fn verification(&self, page: &VerificationPage, telling: Telling) -> Response<Full<Bytes>> {
        let kind = page.flow.kind;
        let flow = |status| self.json(status, &VerificationJson::new(page, self.config));
        let ui = || self.redirect(StatusCode::SEE_OTHER, &self.verification_ui(page.flow.id));
        match telling {
            Telling::Opened if kind == FlowKind::Api || self.reply.json_page => flow(StatusCode::OK),
            Telling::Shown => flow(StatusCode::OK),
            Telling::Moved if !self.reply.browser => flow(StatusCode::OK),
            Telling::Refused if kind == FlowKind::Api || self.reply.json => flow(StatusCode::BAD_REQUEST),
            Telling::Replaced(reason) if self.reply.json => {
                let failure = Failure::verification_replaced(reason);
                self.error(StatusCode::GONE, &failure, &Envelope::use_flow(&failure, page.flow.id))
            }
            Telling::Expired if self.reply.json => {
                let show = self.config.base.join(&format!("/self-service/verification/flows?id={}", page.flow.id));
                self.redirect(StatusCode::SEE_OTHER, &show)
            }
            Telling::Opened
            | Telling::Moved
            | Telling::Refused
            | Telling::Replaced(_)
            | Telling::Expired
            | Telling::Followed => ui(),
        }
    }

    /// The page that shows a flow.
    pub(super) fn verification_ui(&self, flow: FlowId) -> String {
        let ui = self.config.verification.as_ref().map(|settings| settings.ui.as_str()).unwrap_or_default();
        with_pair(ui, "flow", &flow.to_string())
    }
}
