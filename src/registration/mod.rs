//! The story of one registration.
//!
//! | chapter | what happens |
//! |---|---|
//! | [`open`] | a flow is begun |
//! | [`show`] | it is looked at again |
//! | [`submit`] | it is answered: load, guard, decode, whose is it, what comes of it |
//! | [`settle`] | an identity comes of it: hooks, taken?, hash, one commit |
//! | [`errands`] | what the hooks have to do after a commit |
//! | [`leave`] | the browser goes to somebody else |
//! | [`resume`] | it comes back: the same from whose is it? on |
//! | [`oauth2`] | an OAuth2 server began it, and is told who came of it |
//! | [`sign_in`] | somebody who has an identity is signed in to it, or exchanges a pair of codes for a session |
//! | [`replace`] | a flow that cannot be used any more is replaced by a new one |
//! | [`lookups`] | what else registration clients ask for |

mod errands;
mod leave;
mod lookups;
mod oauth2;
mod open;
mod replace;
mod resume;
mod settle;
mod show;
mod sign_in;
mod submit;
mod taken;
mod work;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::call::{Answer, Call, Outcome, Wish};
use crate::engine::{Engine, Tell, Trouble, Visit, caught, failed};
use crate::flow::{Facts, Flow, FlowId, FlowKind};
use crate::host::{Around, Draw, HookContext, HostError, Kind, Record, RecordId};
use crate::identity::MethodId;
use crate::methods::{KEY_SCRIPT, Method};
use crate::page::{Field, Page, View};
use crate::stop::Failure;
use crate::trace;

/// How long the hooks of one request may take, all together: a client does not wait for ever, and neither does a host that
/// wants to end.
const HOOKS_PATIENCE: Duration = Duration::from_secs(60);

impl Engine {
    /// Answers a request. Dropping the future is safe at any point.
    pub(crate) async fn answer(&self, call: Call) -> Answer {
        let Call { caller, guarded, wish } = call;
        let now = self.clock.now();
        // Databases keep microseconds: what is answered now is what is read later.
        let now = now.replace_nanosecond(now.microsecond() * 1_000).unwrap_or(now);
        let visitor = match self.csrf.greet(&caller, guarded, self.random.as_ref()) {
            Ok(visitor) => visitor,
            Err(error) => {
                trace::event(trace::Event::FailClosed);
                return Answer { outcome: failed(error.into(), None, None), cookies: Vec::new() };
            }
        };
        let hooks_until = Instant::now() + HOOKS_PATIENCE;
        let mut visit = Visit { caller, visitor, session_cookie: None, continuity_cookie: None, now, hooks_until };
        let told = caught(self.chapter(&mut visit, wish)).await;
        let outcome =
            match told.unwrap_or_else(|panicked| Err(Trouble::new(Failure::internal(panicked), Tell::Forward))) {
                Ok(outcome) => outcome,
                Err(trouble) => caught(self.tell(&visit, trouble))
                    .await
                    .unwrap_or_else(|panicked| failed(Failure::internal(panicked), None, None)),
            };
        let cookies = [self.csrf.cookie(&visit.visitor), visit.session_cookie, visit.continuity_cookie];
        Answer { outcome, cookies: cookies.into_iter().flatten().collect() }
    }

    async fn chapter(&self, visit: &mut Visit, wish: Wish) -> Result<Outcome, Trouble> {
        match wish {
            Wish::Open(kind, opening) => self.open(visit, kind, opening).await,
            Wish::Show(id) => self.show(visit, id).await,
            Wish::Submit(submitted) => self.submit(visit, submitted).await,
            Wish::Resume(returned) => self.resume(visit, returned).await,
            Wish::MoveTo(to) => Ok(Outcome::SentAway { to, submitted: true }),
            Wish::Verify(wish) => self.verify(visit, wish).await,
            Wish::Whoami => self.whoami(visit).await,
            Wish::Schemas { page, per_page } => Ok(self.list_schemas(page, per_page)),
            Wish::Schema(id) => self.schema(&id),
            Wish::KeyScript => Ok(KEY_SCRIPT.map_or(Outcome::Unknown, Outcome::Script)),
            Wish::ShowError(id) => self.show_error(&id, visit.now).await,
            Wish::Exchange { init, return_to } => self.exchange(visit, &init, &return_to).await,
            Wish::WrongVerb { allow, token, safe } => {
                self.guard_path(visit, token.as_deref(), safe)?;
                Ok(Outcome::WrongVerb { allow })
            }
            Wish::Unknown { token, safe } => {
                self.guard_path(visit, token.as_deref(), safe)?;
                Ok(Outcome::Unknown)
            }
        }
    }

    /// Draws the page of a flow.
    fn page(&self, visit: &Visit, flow: &Flow) -> Result<Page, HostError> {
        let token = match flow.facts.kind {
            FlowKind::Browser => self.csrf.token(&visit.visitor, self.random.as_ref())?,
            FlowKind::Api => String::new(),
        };
        Ok(self.lay_out(flow, &token))
    }

    fn lay_out(&self, flow: &Flow, token: &str) -> Page {
        let schema = self.schemas.of(flow.facts.schema.as_deref());
        let draw = |method: &Arc<dyn Method>| method.fields(&self.view(flow, schema.fields(), method.as_ref()));
        let fields: Vec<Field> = self.methods.iter().flat_map(draw).collect();
        Page::lay_out(flow.facts.clone(), fields, token, schema.keys())
    }

    /// The page of a flow as hooks see it. Its token is the browser's business alone.
    fn sketch(&self, flow: &Flow, transient: &Value) -> Page {
        let transient = Some(transient).filter(|transient| !transient.is_null());
        Page { transient: transient.cloned(), ..self.lay_out(flow, "") }
    }

    /// What a hook may know.
    fn hook_context<'a>(
        &'a self,
        visit: &'a Visit,
        facts: &'a Facts,
        method: Option<&'a MethodId>,
        transient: &'a Value,
        draw: &'a Draw<'a>,
    ) -> HookContext<'a> {
        let around = Around { config: &self.config, draw, until: visit.hooks_until };
        HookContext { flow: facts, caller: &visit.caller, method, transient, around }
    }

    fn view<'a>(&self, flow: &'a Flow, traits: &'a [Field], method: &dyn Method) -> View<'a> {
        View::new(&flow.facts, traits, flow.drawers.get(method.id().as_str()))
    }

    /// Reads a flow with the version it has.
    async fn load(&self, id: FlowId) -> Result<Option<(Flow, i64)>, Failure> {
        let Some(record) = self.storage.get(Kind::Flow, RecordId::new(*id.as_uuid())).await? else { return Ok(None) };
        let flow = Flow::decode(id, record.expires_at, record.spent, &record.body).map_err(Failure::internal)?;
        Ok(Some((flow, record.version)))
    }

    /// The record of a flow, to be stored as this version.
    fn record(flow: &Flow, version: i64) -> Result<Record, Failure> {
        let id = RecordId::new(*flow.facts.id.as_uuid());
        let body = flow.encode().map_err(Failure::internal)?;
        Ok(Record::new(Kind::Flow, id, version, flow.facts.expires_at, body).with_spent(flow.spent))
    }
}
