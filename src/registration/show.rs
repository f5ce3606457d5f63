//! A flow is looked at again.
//!
//! 1. With registration switched off there is nothing to be seen; an unknown flow is unknown.
//! 2. A browser's flow is shown to the browser it was begun by.
//! 3. An expired one says where a new one is begun.
//! 4. What an OAuth2 server wants to know that began it is asked anew.

use serde_json::json;

use crate::call::Outcome;
use crate::engine::{Engine, Tell, Trouble, Visit};
use crate::flow::{Facts, FlowId, FlowKind};
use crate::stop::Failure;

impl Engine {
    pub(super) async fn show(&self, visit: &Visit, id: Option<FlowId>) -> Result<Outcome, Trouble> {
        let trouble = |failure: Failure| Trouble::new(failure, Tell::Json);
        if !self.config.enabled {
            return Err(Trouble::new(Failure::flow_disabled(), Tell::Forward));
        }
        let loaded = match id {
            Some(id) => self.load(id).await.map_err(trouble)?,
            None => None,
        };
        let Some((flow, _)) = loaded else { return Err(trouble(Failure::flow_unknown())) };
        if flow.facts.kind == FlowKind::Browser {
            let bound = self.csrf.check_binding(&visit.caller, &visit.visitor, flow.binding.as_ref());
            bound.map_err(trouble)?;
        }
        if visit.now >= flow.facts.expires_at {
            return Err(trouble(self.gone(&flow.facts)));
        }
        let page = self.page(visit, &flow).map_err(|error| trouble(error.into()))?;
        let page = self.with_login_request(page).await;
        Ok(Outcome::Shown(page.map_err(|failure| Trouble::new(failure, Tell::Forward))?))
    }

    /// Says where a new flow is begun, with the return URL of the old one.
    fn gone(&self, facts: &Facts) -> Failure {
        if facts.kind == FlowKind::Api {
            let reason = "The registration flow has expired. Call the registration flow init API endpoint to initialize \
                          a new registration flow.";
            let api = self.config.base.join("/self-service/registration/api");
            return Failure::flow_gone(reason, json!({ "api": api }));
        }
        let reason = "The registration flow has expired. Redirect the user to the registration flow init endpoint to \
                      initialize a new registration flow.";
        let mut begin = self.config.base.join("/self-service/registration/browser");
        let return_to = facts.return_to.as_deref().unwrap_or_default();
        if !return_to.is_empty() {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", return_to).finish();
            begin = format!("{begin}?{query}");
        }
        Failure::flow_gone(reason, json!({ "redirect_to": begin, "return_to": return_to }))
    }
}
