//! A flow that cannot be used any more is replaced by a new one of the same kind, which shows what was typed.

use time::format_description::well_known::Rfc3339;

use super::submit::form_of;
use super::work::Work;
use crate::call::{Outcome, Replaced, Submitted};
use crate::csrf::check_native;
use crate::effects::Effects;
use crate::engine::{Engine, Visit};
use crate::flow::{Flow, FlowKind};
use crate::form::Submission;
use crate::message::catalogue;
use crate::page::TOKEN_FIELD;
use crate::schema::Schema;
use crate::stop::Failure;

impl Engine {
    /// Replaces a flow that has expired, or that has become somebody else. If it cannot be replaced, the client hears
    /// of the expiry alone.
    pub(super) async fn replace(&self, visit: &Visit, old: Flow, submitted: &Submitted) -> Result<Outcome, Failure> {
        let kind = old.facts.kind;
        // A flow that was used up ends now, not when it would have expired.
        let expired_at = old.facts.expires_at.min(visit.now);
        let since = visit.now - expired_at;
        let minutes = since.as_seconds_f64() / 60.0;
        let failure = Failure::flow_expired(minutes);
        if self.judge_opening(&submitted.query).is_err() {
            return Err(failure);
        }
        let schema = self.schemas.of(old.facts.schema.as_deref());
        let typed = self.typed(visit, &old, schema, submitted);
        // Another browser may know the id; what was typed is not its business.
        let whose = kind == FlowKind::Api || old.binding == visit.visitor.binding();
        let mut new = self.begin(visit, kind, &crate::call::Opening::default())?;
        new.facts.query = old.facts.query;
        new.facts.return_to = old.facts.return_to;
        new.facts.schema = old.facts.schema;
        // A challenge is good for the request that brings it.
        new.facts.login_challenge.clone_from(&submitted.query.login_challenge);
        let (effects, returned, leads_back) = (Effects::default(), false, false);
        let mut work = Work { flow: new, version: 0, schema, effects, returned, leads_back };
        if whose {
            work.flow.facts.typed = old.facts.typed;
        }
        typed.iter().for_each(|form| work.keep_typed(form));
        let mut new = work.flow;
        let at = expired_at.format(&Rfc3339).map_err(Failure::internal)?;
        let message = catalogue::FLOW_EXPIRED.with_text("minutes", format!("{minutes:.2}"));
        let message = message.with("expired_at", at).with("expired_at_unix", expired_at.unix_timestamp());
        new.facts.messages = vec![message.on_page()];
        let mut effects = self.prepare(visit, &mut new).await?;
        if self.ask_before_open(visit, &new, &mut effects).await.is_err() {
            return Err(failure);
        }
        self.store_new(&mut new, effects, false, visit.now).await?;
        Ok(Outcome::Replaced(Replaced { kind, by: new.facts.id, expired_at, since, failure }))
    }

    /// What this submission types, if it passes the guard: another site's page must not fill in the new form.
    fn typed(&self, visit: &Visit, old: &Flow, schema: &Schema, submitted: &Submitted) -> Option<Submission> {
        let form = schema.decode(form_of(&submitted.body)?.clone()).ok()?;
        match old.facts.kind {
            FlowKind::Api => check_native(&visit.caller).ok()?,
            FlowKind::Browser => {
                self.check_head(visit, old, &submitted.body).ok()?;
                let token = form.text(TOKEN_FIELD);
                self.csrf.check_token(&visit.caller, &visit.visitor, token.as_deref()).ok()?;
            }
        }
        Some(form)
    }
}
