//! A browser comes back from somebody else's page.
//!
//! 1. The `state` it brings is one of ours, and names the method and the errand of this path.
//! 2. Its flow is known, has not expired, and is waiting for exactly this departure; the browser is the one that left. A
//!    browser that is signed in is led on instead: it has been here before.
//! 3. The departure is used up, so that coming back twice does nothing, whatever happens from here on.
//! 4. The method answers, and what comes of it happens as for a submission.
//!
//! Until 3 nothing of the flow is changed, and trouble is told on the error page: whoever brings a wrong state learns
//! nothing about the flow. A native client's journey ends in its own application, with the second code of its pair.

use serde_json::{Map, Value};
use url::Url;

use super::settle::Kept;
use super::work::Work;
use crate::call::{Outcome, Returned};
use crate::continuity::{Ticket, is_same_browser};
use crate::effects::Effects;
use crate::engine::{Engine, TRIES, Tell, Trouble, Visit};
use crate::flow::{Away, Flow, FlowId, FlowKind};
use crate::form::{Form, Submission};
use crate::methods::{Method, Step};
use crate::stop::{Failure, FailureKind, Stop};

/// A flow whose browser came back, with the version at which its departure was used up.
struct Back {
    flow: Flow,
    version: i64,
}

impl Engine {
    pub(super) async fn resume(&self, visit: &mut Visit, returned: Returned) -> Result<Outcome, Trouble> {
        let forward = |failure: Failure| Trouble::new(failure, Tell::Forward);
        let method = self.methods.iter().find(|method| method.id().as_str() == returned.method);
        let method = method.ok_or_else(|| forward(Failure::method_disabled()))?;
        let ticket = self.ticket(&returned, visit).map_err(forward)?;
        let back = match self.welcome(visit, &ticket).await.map_err(forward)? {
            Ok(back) => back,
            Err(elsewhere) => return Ok(elsewhere),
        };
        let answered = self.finish(visit, method.as_ref(), back, returned.answer).await;
        // The browser of a native client is a browser.
        answered.map_err(forward)
    }

    /// Step 1.
    fn ticket(&self, returned: &Returned, visit: &Visit) -> Result<Ticket, Failure> {
        let state = returned.answer.text("state").ok_or_else(Failure::state_missing)?;
        let ticket = Ticket::open(&self.seal, &state).filter(|ticket| ticket.method == returned.method);
        let ticket = ticket.ok_or_else(Failure::state_invalid)?;
        if returned.errand.as_ref().is_some_and(|errand| *errand != ticket.errand) {
            return Err(Failure::errand_mismatch());
        }
        ticket.is_valid(visit.now).then_some(ticket).ok_or_else(Failure::nobody_left)
    }

    /// Steps 2 and 3; where the browser is led instead, if it has been here before.
    async fn welcome(&self, visit: &Visit, ticket: &Ticket) -> Result<Result<Back, Outcome>, Failure> {
        for _ in 0..TRIES {
            let loaded = self.load(FlowId::new(ticket.flow)).await?;
            let (mut flow, version) = loaded.ok_or_else(Failure::flow_unknown)?;
            if visit.now >= flow.facts.expires_at {
                return Err(Failure::flow_expired((visit.now - flow.facts.expires_at).as_seconds_f64() / 60.0));
            }
            if flow.facts.exchange != ticket.exchange {
                return Err(Failure::state_of_another_pair());
            }
            if flow.facts.kind == FlowKind::Browser && self.sessions.current(&visit.caller).await?.is_some() {
                let default = self.config.return_url(&ticket.method);
                let to = self.return_to.decide(flow.facts.return_to.as_deref(), default)?;
                return Ok(Err(Outcome::SentAway { to, submitted: false }));
            }
            let away = flow.away.take().filter(|_| flow.spent.is_none()).ok_or_else(Failure::nobody_left)?;
            is_expected(visit, &flow, &away, ticket)?;
            let record = Self::record(&flow, version + 1)?;
            match self.save(&record, Some(version), &Effects::default(), visit.now).await {
                Ok(()) => return Ok(Ok(Back { flow, version: version + 1 })),
                // Somebody else changed the flow: if it was the same browser coming back, nobody is expected any more.
                Err(failure) if failure.kind() == FailureKind::Conflict => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::conflict())
    }

    /// Step 4. The method is asked once: what it was given works once. Its answer is good for another try, though.
    async fn finish(
        &self,
        visit: &mut Visit,
        method: &dyn Method,
        back: Back,
        answer: Form,
    ) -> Result<Outcome, Failure> {
        let Back { flow, version } = back;
        let id = flow.facts.id;
        let schema = self.schemas.of(flow.facts.schema.as_deref());
        let empty = || Value::Object(Map::new());
        let mut form = Submission { form: answer, traits: empty(), transient: empty(), emptied: Vec::new() };
        let mut work = Work { flow, version, schema, effects: Effects::default(), returned: true, leads_back: true };
        let mut answered = self.ask(visit, &mut work, method, &mut form).await;
        let mut kept = Kept::default();
        for tries in 1.. {
            let again = copy(&answered).filter(|_| tries < TRIES);
            let (facts, drawers) = (work.flow.facts.clone(), work.flow.drawers.clone());
            let failure = match self.conclude(visit, work, &method.id(), answered, &form, &mut kept).await {
                Ok(outcome) => return Ok(outcome),
                Err(failure) => failure,
            };
            let Some(step) = again.filter(|_| failure.kind() == FailureKind::Conflict) else { return Err(failure) };
            let (mut flow, version) = self.load(id).await?.ok_or_else(Failure::flow_unknown)?;
            (flow.facts, flow.drawers) = (facts, drawers);
            work = Work { flow, version, schema, effects: Effects::default(), returned: true, leads_back: true };
            answered = Ok(step);
        }
        Err(Failure::conflict())
    }

    /// Where the browser of a native client is led in the end: to its application, with the second code of its pair, and
    /// with the flow if there is something to be done in it.
    pub(super) fn application(&self, flow: &Flow, unfinished: bool) -> Result<String, Failure> {
        let default = self.config.default_return_url.as_str();
        let to = self.return_to.decide(flow.facts.return_to.as_deref(), default)?;
        let mut url = Url::parse(&to).map_err(Failure::internal)?;
        let id = flow.facts.id;
        let code = self.return_codes(*id.as_uuid()).next().unwrap_or_default();
        url.query_pairs_mut().append_pair("code", &code);
        if unfinished {
            url.query_pairs_mut().append_pair("flow", &id.to_string());
        }
        Ok(url.into())
    }
}

/// Whether this is the return that the flow waits for.
fn is_expected(visit: &Visit, flow: &Flow, away: &Away, ticket: &Ticket) -> Result<(), Failure> {
    let same_browser = match flow.facts.kind {
        FlowKind::Browser => is_same_browser(&visit.caller, away),
        FlowKind::Api => flow.facts.exchange.is_some(),
    };
    match (same_browser, ticket.is_of(away)) {
        (false, _) => Err(Failure::nobody_left()),
        (true, false) => Err(Failure::state_of_another_trip()),
        (true, true) => Ok(()),
    }
}

/// An answer that can be acted upon once more.
fn copy(answered: &Result<Step, Stop>) -> Option<Step> {
    match answered {
        Ok(Step::Register(draft)) => Some(Step::Register(draft.clone())),
        Ok(Step::SignIn(proved)) => Some(Step::SignIn(proved.clone())),
        _ => None,
    }
}
