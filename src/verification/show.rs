//! A flow is looked at again: by the browser that it was begun by, or that opened its link.

use serde_json::json;

use super::is_bound;
use crate::call::{Outcome, Telling};
use crate::engine::{Engine, Tell, Trouble, Visit};
use crate::flow::{FlowId, FlowKind, VerificationFlow};
use crate::stop::Failure;

impl Engine {
    pub(super) async fn show_verification(&self, visit: &Visit, id: Option<FlowId>) -> Result<Outcome, Trouble> {
        let trouble = |failure: Failure| Trouble::new(failure, Tell::Json);
        let loaded = match id {
            Some(id) => self.load_verification(id).await.map_err(trouble)?,
            None => None,
        };
        let Some((flow, _)) = loaded else { return Err(trouble(Failure::flow_unknown())) };
        if flow.kind == FlowKind::Browser && !is_bound(&visit.visitor, &flow) {
            return Err(trouble(self.csrf.violation(&visit.caller, None)));
        }
        if visit.now >= flow.expires_at {
            return Err(trouble(self.verification_gone(&flow)));
        }
        self.tell_verification(visit, flow, Telling::Shown).map_err(|error| trouble(error.into()))
    }

    /// Says where a new flow is begun, with the return URL of the old one.
    fn verification_gone(&self, flow: &VerificationFlow) -> Failure {
        if flow.kind == FlowKind::Api {
            let reason = "The verification flow has expired. Call the verification flow init API endpoint to \
                          initialize a new verification flow.";
            let api = self.config.base.join("/self-service/verification/api");
            return Failure::verification_gone(reason, json!({ "api": api }));
        }
        let reason = "The verification flow has expired. Redirect the user to the verification flow init endpoint to \
                      initialize a new verification flow.";
        let mut begin = self.config.base.join("/self-service/verification/browser");
        let return_to = flow.return_to().unwrap_or_default();
        if !return_to.is_empty() {
            let mut query = form_urlencoded::Serializer::new(String::new());
            begin = format!("{begin}?{}", query.append_pair("return_to", &return_to).finish());
        }
        Failure::verification_gone(reason, json!({ "redirect_to": begin, "return_to": return_to }))
    }
}
