//! A flow is answered.
//!
//! 1. A flow that is unknown is unknown; one that has expired, or whose address is proved, is replaced.
//! 2. A body that cannot be read is refused; what is said of it is kept for a browser's page alone.
//! 3. A code or token is judged, whoever brings it: it is its own proof.
//! 4. An address needs the guard that a registration needs; then a letter is written.
//! 5. What comes of it is written with compare-and-set. When somebody else changed the flow meanwhile, all of this happens
//!    again from the load, at most twice.

use serde_json::Value;

use super::{Work, add, record};
use crate::call::{Body, Outcome, Telling};
use crate::config::ProofKind;
use crate::csrf::check_native;
use crate::engine::{Engine, Visit};
use crate::flow::{FlowKind, State, VerificationFlow};
use crate::form::Form;
use crate::message::{Placed, catalogue};
use crate::page::{ADDRESS_FIELD, CODE_FIELD, LINK_FIELD, TOKEN_FIELD};
use crate::schema::transient_of;
use crate::stop::{Failure, Stop};

/// The longest address that is looked at, in characters.
const LONGEST: usize = 320;
const METHOD: &str = "method";

/// What a submission asks for.
enum Asked {
    /// To judge this code or token.
    Proof(String),
    /// To write to this address.
    Letter(String),
}

impl Engine {
    /// Answers a form.
    pub(super) async fn submit_verification(
        &self,
        visit: &mut Visit,
        work: Work<'_>,
        body: &Body,
        request: &str,
    ) -> Result<Outcome, Failure> {
        if visit.now >= work.flow.expires_at {
            return self.replace_expired(visit, work.settings, &work.flow).await;
        }
        if work.flow.state == State::PassedChallenge {
            let (settings, telling) = (work.settings, Telling::Replaced("An error occured, please use the new flow."));
            let message = catalogue::VERIFY_DONE;
            return self.replace_verification(visit, settings, &work.flow, request, message, telling).await;
        }
        let unread = |reason: &str| catalogue::INVALID.with("reason", reason).on_page();
        let form = match body {
            Body::Form(form) => form,
            // A mistake of the client's program is not kept. Only a browser is led to the page, which has to show it.
            Body::Broken(reason) | Body::ByGet(reason) => {
                return match work.flow.kind == FlowKind::Browser && !visit.caller.wants.json {
                    true => self.refuse_verification(visit, work, unread(reason)).await,
                    false => self.show_refusal(visit, work.flow, unread(reason)),
                };
            }
        };
        let (transient, mistake) = transient_of(form);
        if let Some(mistake) = mistake {
            return self.refuse_verification(visit, work, mistake).await;
        }
        let asked = match asked(&work.flow, form) {
            Ok(asked) => asked,
            Err(mistake) => return self.refuse_verification(visit, work, mistake).await,
        };
        match asked {
            Asked::Proof(typed) => self.judge_proof(visit, work, &typed, transient, request).await,
            Asked::Letter(address) => match self.guard_letter(visit, &work.flow, form) {
                Ok(()) => self.send_proof(visit, work, &address, transient).await,
                Err(Stop::Fail(failure)) => Err(failure),
                Err(Stop::Refuse { messages, .. }) => match messages.into_iter().next() {
                    Some(mistake) => self.refuse_verification(visit, work, mistake).await,
                    None => Err(Failure::internal("a refusal without a message")),
                },
            },
        }
    }

    fn guard_letter(&self, visit: &Visit, flow: &VerificationFlow, form: &Form) -> Result<(), Stop> {
        if flow.kind == FlowKind::Api {
            return check_native(&visit.caller);
        }
        let token = form.text(TOKEN_FIELD);
        // The browser that opened a link last may ask for another letter too.
        let own = flow.bindings.iter().find(|bound| visit.visitor.binding().as_ref() == Some(*bound));
        let bound = own.or(flow.bindings.first());
        self.csrf.check_head(&visit.caller, &visit.visitor, bound, token.as_deref())?;
        Ok(self.csrf.check_token(&visit.caller, &visit.visitor, token.as_deref())?)
    }

    /// The same page, with one more message.
    pub(super) async fn refuse_verification(
        &self,
        visit: &Visit,
        mut work: Work<'_>,
        mistake: Placed,
    ) -> Result<Outcome, Failure> {
        add(&mut work.flow, mistake);
        work.flow.refused = true;
        self.save_verification(visit, &work).await?;
        Ok(self.tell_verification(visit, work.flow, Telling::Refused)?)
    }

    /// A refusal that is shown, not kept.
    pub(super) fn show_refusal(
        &self,
        visit: &Visit,
        mut flow: VerificationFlow,
        mistake: Placed,
    ) -> Result<Outcome, Failure> {
        add(&mut flow, mistake);
        flow.refused = true;
        Ok(self.tell_verification(visit, flow, Telling::Refused)?)
    }

    /// Writes the flow, unless somebody else did.
    pub(super) async fn save_verification(&self, visit: &Visit, work: &Work<'_>) -> Result<(), Failure> {
        self.save(&record(&work.flow, work.version + 1)?, Some(work.version), &work.effects, visit.now).await
    }
}

/// What a submission asks for: a code or token goes before an address.
fn asked(flow: &VerificationFlow, form: &Form) -> Result<Asked, Placed> {
    let nobody = || catalogue::NO_VERIFY_METHOD.on_page();
    let method = form.text(METHOD);
    let proof = match flow.proof {
        ProofKind::Code => form.text(CODE_FIELD),
        ProofKind::Link => form.text(LINK_FIELD),
    };
    match method.as_deref() {
        Some(word) if word == flow.proof.as_str() => {}
        None if proof.is_some() => {}
        // Where links are sent the word is not looked at before.
        Some(word) if flow.proof == ProofKind::Code && word != ProofKind::Link.as_str() => {
            let reason = "value must be one of \"code\", \"link\"";
            return Err(catalogue::INVALID.with("reason", reason).at(METHOD));
        }
        _ => return Err(nobody()),
    }
    if let Some(proof) = proof {
        return Ok(Asked::Proof(proof.into_owned()));
    }
    let Some(address) = form.text(ADDRESS_FIELD) else {
        return Err(catalogue::REQUIRED.with("property", ADDRESS_FIELD).at(ADDRESS_FIELD));
    };
    let length = address.chars().count();
    if length > LONGEST {
        let message = catalogue::MAX_LENGTH.with("max_length", LONGEST).with("actual_length", length);
        return Err(message.at(ADDRESS_FIELD));
    }
    if flow.proof == ProofKind::Link && !crate::schema::is_loose_email(&address) {
        return Err(catalogue::EMAIL_FORMAT.with("value", Value::from(address.as_ref())).at(ADDRESS_FIELD));
    }
    Ok(Asked::Letter(address.into_owned()))
}
