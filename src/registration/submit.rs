//! A flow is answered.
//!
//! 1. Somebody who is signed in is sent away; a flow that is unknown is unknown, an expired one is replaced.
//! 2. The head is judged: a browser's cookie and the page it comes from, a native client's lack of both.
//! 3. The body is decoded by the schema of the flow, then a browser's token is judged.
//! 4. The first method that claims the submission answers it.
//! 5. What comes of it is written with compare-and-set: a page, a refusal, or an identity.
//!
//! When somebody else changed the flow meanwhile, all of this happens again from the load, at most twice.

use serde_json::Value;

use super::settle::Kept;
use super::work::Work;
use crate::call::{Body, Outcome, Submitted};
use crate::csrf::check_native;
use crate::effects::Effects;
use crate::engine::{Engine, TRIES, Tell, Trouble, Visit};
use crate::flow::{Flow, FlowKind, Screen, State, leaves};
use crate::form::{Form, Submission};
use crate::identity::MethodId;
use crate::message::catalogue;
use crate::methods::{Asides, Context, Method, Show, Slot, Step, names_disabled_method};
use crate::page::TOKEN_FIELD;
use crate::stop::{Failure, FailureKind, Keep, Stop};

/// Why a submission got no page and no identity.
enum End {
    /// The page shows it. Whether it is written into the flow is told beside it.
    Refused(Stop, Saved),
    /// No page can show it.
    Failed(Failure),
}

/// Whether a refusal is written into the flow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Saved {
    Yes,
    No,
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Fail(failure) => Self::Failed(failure),
            refusal => Self::Refused(refusal, Saved::Yes),
        }
    }
}

impl Engine {
    pub(super) async fn submit(&self, visit: &mut Visit, submitted: Submitted) -> Result<Outcome, Trouble> {
        let session = self.sessions.current(&visit.caller).await;
        let session = session.map_err(|error| Trouble::new(error, Tell::Json))?;
        if session.is_some() {
            return match visit.caller.wants.json {
                true => Err(Trouble::new(Failure::session_already_available(), Tell::Json)),
                false => {
                    let asked = submitted.query.return_to.as_deref();
                    let to = self.return_to.within(asked, &self.config.default_return_url);
                    Ok(Outcome::SentAway { to, submitted: true })
                }
            };
        }
        let Some(id) = submitted.flow else { return Err(Trouble::new(Failure::flow_missing(), Tell::Forward)) };
        let mut kept = Kept::default();
        let mut tries = 0;
        loop {
            tries += 1;
            let loaded = self.load(id).await.map_err(|failure| Trouble::new(failure, Tell::Forward))?;
            let Some((flow, version)) = loaded else {
                return Err(Trouble::new(Failure::flow_unknown(), Tell::Forward));
            };
            let kind = flow.facts.kind;
            match self.answer_flow(visit, flow, version, &submitted, &mut kept).await {
                Err(failure) if failure.kind() == FailureKind::Conflict && tries < TRIES => {}
                Err(failure) => return Err(Trouble::in_flow(failure, kind)),
                Ok(outcome) => return Ok(outcome),
            }
        }
    }

    async fn answer_flow(
        &self,
        visit: &mut Visit,
        flow: Flow,
        version: i64,
        submitted: &Submitted,
        kept: &mut Kept,
    ) -> Result<Outcome, Failure> {
        if visit.now >= flow.facts.expires_at {
            return self.replace(visit, flow, submitted).await;
        }
        let schema = self.schemas.of(flow.facts.schema.as_deref());
        let effects = Effects::default();
        let mut work = Work { flow, version, schema, effects, returned: false, leads_back: false };
        let mut form = match self.read(visit, &mut work, &submitted.body) {
            Ok(form) => form,
            Err(End::Failed(failure)) => return Err(failure),
            Err(End::Refused(refusal, saved)) => return self.refuse(visit, work, None, refusal, saved).await,
        };
        let with_query = submitted.with_query.clone().and_then(|form| work.schema.decode(form).ok());
        let method = match self.claim(&work, &form, with_query.as_ref()) {
            Ok(method) => method,
            Err(Stop::Fail(failure)) => return Err(failure),
            Err(refusal) => return self.refuse(visit, work, Some(&form), refusal, Saved::Yes).await,
        };
        form = with_query.filter(|_| method.reads_query()).unwrap_or(form);
        if work.flow.spent.is_some() {
            return self.replay(visit, work, &form, submitted).await;
        }
        let answered = self.ask(visit, &mut work, method, &mut form).await;
        self.conclude(visit, work, &method.id(), answered, &form, kept).await
    }

    /// Step 5: what comes of a method's answer.
    pub(super) async fn conclude(
        &self,
        visit: &mut Visit,
        mut work: Work<'_>,
        method: &MethodId,
        answered: Result<Step, Stop>,
        form: &Submission,
        kept: &mut Kept,
    ) -> Result<Outcome, Failure> {
        let settled = match answered {
            Ok(Step::Show(next)) => return self.move_on(visit, work, form, next).await,
            Ok(Step::Leave(leave)) => return self.leave(visit, work, leave).await,
            Ok(Step::Register(draft)) => self.settle(visit, &mut work, method, draft, form, kept).await,
            Ok(Step::SignIn(proved)) => self.sign_in(visit, &mut work, proved).await,
            Err(Stop::Fail(failure)) => return Err(failure),
            Err(refusal) => return self.refuse(visit, work, Some(form), refusal, Saved::Yes).await,
        };
        match settled {
            Ok(outcome) => Ok(outcome),
            Err(Stop::Fail(failure)) => Err(failure),
            Err(refusal) => {
                // What would have gone along with the identity does not happen.
                work.effects = Effects::default();
                self.refuse(visit, work, Some(form), refusal, Saved::Yes).await
            }
        }
    }

    /// Steps 2 and 3: guard and decode.
    fn read(&self, visit: &Visit, work: &mut Work<'_>, body: &Body) -> Result<Submission, End> {
        let kind = work.flow.facts.kind;
        if kind == FlowKind::Browser {
            self.check_head(visit, &work.flow, body)?;
        }
        let form = match body {
            Body::Form(form) => form.clone(),
            Body::ByGet(reason) => return Err(End::Refused(undecodable(reason), Saved::No)),
            Body::Broken(reason) => return Err(self.broken(visit, kind, reason)),
        };
        let decoded = work.schema.decode(form).map_err(|why| self.broken(visit, kind, &why.0));
        match kind {
            FlowKind::Api => {
                // The guard's word counts more than the body's, and the traits typed are kept where they can be read.
                check_native(&visit.caller).inspect_err(|_| {
                    decoded.iter().for_each(|form| work.keep_typed(form));
                })?;
                decoded
            }
            FlowKind::Browser => {
                let form = decoded?;
                let token = form.text(TOKEN_FIELD);
                self.csrf.check_token(&visit.caller, &visit.visitor, token.as_deref())?;
                Ok(form)
            }
        }
    }

    pub(super) fn check_head(&self, visit: &Visit, flow: &Flow, body: &Body) -> Result<(), Failure> {
        let token = match body {
            Body::Form(form) => form.text(TOKEN_FIELD),
            Body::Broken(_) | Body::ByGet(_) => None,
        };
        self.csrf.check_head(&visit.caller, &visit.visitor, flow.binding.as_ref(), token.as_deref())
    }

    /// A body that cannot be decoded is a mistake of the client's program, so the flow keeps nothing of it. Only a
    /// browser is led to the page, which has to show the reason.
    fn broken(&self, visit: &Visit, kind: FlowKind, reason: &str) -> End {
        let navigates = kind == FlowKind::Browser && !visit.caller.wants.json;
        let saved = if navigates { Saved::Yes } else { Saved::No };
        End::Refused(undecodable(reason), saved)
    }

    /// Step 4: whose is it?
    fn claim(&self, work: &Work<'_>, form: &Submission, with_query: Option<&Submission>) -> Result<&dyn Method, Stop> {
        let claims = |method: &&dyn Method| {
            let form = with_query.filter(|_| method.reads_query()).unwrap_or(form);
            method.claims(&self.view(&work.flow, work.schema.fields(), *method), form)
        };
        if let Some(method) = self.methods.iter().map(AsRef::as_ref).find(claims) {
            return Ok(method);
        }
        let offered = |word: &str| self.methods.iter().any(|method| method.id().as_str() == word);
        match names_disabled_method(form, offered) {
            true => Err(Failure::method_disabled().into()),
            false => Err(Stop::refuse_all(catalogue::NO_METHOD)),
        }
    }

    /// Asks the method, and notes down what it says beside its answer.
    pub(super) async fn ask(
        &self,
        visit: &Visit,
        work: &mut Work<'_>,
        method: &dyn Method,
        form: &mut Submission,
    ) -> Result<Step, Stop> {
        let word = method.id().to_string();
        let mut drawer = work.flow.drawers.get(&word).cloned();
        let desk = self.desk(visit.now);
        let cx = Context::new(&work.flow.facts, &visit.caller, &self.config, desk, work.schema);
        let mut slot = Slot::new(&mut drawer, &mut work.effects, desk);
        let step = match work.returned {
            true => method.resume(&cx, form, &mut slot).await,
            false => method.submit(&cx, form, &mut slot).await,
        };
        let asides = slot.into_asides();
        match drawer {
            Some(memory) => drop(work.flow.drawers.insert(word, memory)),
            None => drop(work.flow.drawers.remove(&word)),
        }
        // Whoever presses "back" over there finds the page as it was.
        let alone = asides.alone && !matches!(step, Ok(Step::Leave(_)));
        note(work, form, method.id(), Asides { alone, ..asides });
        step
    }

    /// The flow moves on to another screen.
    async fn move_on(
        &self,
        visit: &Visit,
        mut work: Work<'_>,
        form: &Submission,
        next: Show,
    ) -> Result<Outcome, Failure> {
        let facts = &mut work.flow.facts;
        facts.screen = next.screen;
        if let Some((state, active)) = next.progress {
            (facts.state, facts.active) = (state, active);
        }
        facts.messages = next.messages.into_iter().map(|message| message.on_page()).collect();
        if let Screen::Only(_) = facts.screen {
            work.keep(form, &next.traits);
        } else {
            // A step of the profile shows everything, also what no field is drawn for.
            form.emptied.iter().for_each(|name| facts.typed.set(name, &Value::Null));
            leaves(&next.traits, "traits").iter().for_each(|(name, value)| facts.typed.set(name, value));
        }
        let mut page = self.page(visit, &work.flow)?;
        page.transient = next.repeats_transient.then(|| form.transient.clone());
        // Of the screens that follow each other only the one for a code says who asks; no code is sent while that cannot
        // be known.
        if page.facts.state == State::SentEmail {
            page = self.with_login_request(page).await?;
        }
        self.save_flow(visit, &work).await?;
        Ok(Outcome::Moved(page))
    }

    /// The same page, with what the person must mend.
    async fn refuse(
        &self,
        visit: &Visit,
        mut work: Work<'_>,
        form: Option<&Submission>,
        refusal: Stop,
        saved: Saved,
    ) -> Result<Outcome, Failure> {
        let (messages, keep) = match refusal {
            Stop::Refuse { messages, keep } => (messages, keep),
            Stop::Fail(failure) => return Err(failure),
        };
        if let (Keep::Traits, Some(form)) = (keep, form) {
            work.keep_typed(form);
        }
        work.flow.facts.messages = messages;
        if saved == Saved::Yes {
            self.save_flow(visit, &work).await?;
        }
        let facts = &work.flow.facts;
        if work.leads_back && facts.kind == FlowKind::Api && facts.exchange.is_some() {
            return Ok(Outcome::SentAway { to: self.application(&work.flow, true)?, submitted: false });
        }
        let page = self.page(visit, &work.flow)?;
        Ok(Outcome::Refused(self.shown(visit, page).await?))
    }

    /// Writes the flow, unless somebody else did.
    pub(super) async fn save_flow(&self, visit: &Visit, work: &Work<'_>) -> Result<(), Failure> {
        let record = Self::record(&work.flow, work.version + 1)?;
        self.save(&record, Some(work.version), &work.effects, visit.now).await
    }

    /// A flow that already became somebody: their identifiers are taken, everybody else begins anew. No hash either way.
    async fn replay(
        &self,
        visit: &mut Visit,
        work: Work<'_>,
        form: &Submission,
        submitted: &Submitted,
    ) -> Result<Outcome, Failure> {
        let traits = match work.schema.judge(form, &[]) {
            Ok(traits) => traits,
            Err(mistakes) => {
                return self.refuse(visit, work, Some(form), Stop::refuse(mistakes), Saved::Yes).await;
            }
        };
        let owner = self.owner_of(traits).await?;
        match owner.filter(|owner| Some(owner.identity()) == work.flow.spent) {
            Some(owner) => {
                let refusal = Stop::refuse([self.taken(Some(&owner)).on_page()]);
                self.refuse(visit, work, Some(form), refusal, Saved::Yes).await
            }
            None => self.replace(visit, work.flow, submitted).await,
        }
    }
}

/// What a method said beside its answer counts for every page that comes of it.
fn note(work: &mut Work<'_>, form: &mut Submission, method: MethodId, asides: Asides) {
    work.leads_back |= asides.alone;
    let facts = &mut work.flow.facts;
    if asides.active {
        facts.active = Some(method.clone());
    }
    if asides.alone {
        facts.screen = Screen::Alone(method);
    }
    for (name, value) in asides.traits.iter().flat_map(|traits| leaves(traits, "traits")) {
        facts.typed.set(&name, &value);
    }
    if let Some(transient) = asides.transient {
        form.transient = transient;
    }
}

fn undecodable(reason: &str) -> Stop {
    Stop::refuse_all(catalogue::INVALID.with("reason", reason))
}

/// The form of a body, where there is one.
pub(super) fn form_of(body: &Body) -> Option<&Form> {
    match body {
        Body::Form(form) => Some(form),
        Body::Broken(_) | Body::ByGet(_) => None,
    }
}
