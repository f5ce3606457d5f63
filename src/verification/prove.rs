//! A code or token is judged. If it is the right one, the address is proved in the unit that ends the flow.

use serde_json::Value;

use super::Work;
use super::replace::expired;
use crate::call::{Outcome, Telling};
use crate::config::ProofKind;
use crate::engine::{Engine, Visit};
use crate::flow::{State, Target, VerificationFlow, nanoseconds, read_nanoseconds};
use crate::identity::{AddressState, Channel};
use crate::limits::Counted;
use crate::message::{Message, catalogue};
use crate::proof::Proof;
use crate::seal::Purpose;
use crate::stop::Failure;

impl Engine {
    pub(super) async fn judge_proof(
        &self,
        visit: &mut Visit,
        mut work: Work<'_>,
        typed: &str,
        transient: Value,
        request: &str,
    ) -> Result<Outcome, Failure> {
        work.flow.tries = work.flow.tries.saturating_add(1);
        let is_code = work.flow.proof == ProofKind::Code;
        if is_code && (work.flow.tries > work.settings.max_submissions || self.is_over(visit, &mut work).await?) {
            self.save_verification(visit, &work).await?;
            let reason = "The request was submitted too often. Please request another code.";
            return self.begin_anew(visit, &work, request, catalogue::INVALID.with("reason", reason)).await;
        }
        let target = work.flow.target.clone().filter(|target| self.is_proof(visit, &work.flow, target, typed));
        let Some((target, owner)) = target.and_then(|target| target.owner.map(|owner| (target, owner))) else {
            return self.refuse_proof(visit, work, typed, transient, request).await;
        };
        if is_code {
            let desk = self.desk(visit.now);
            work.effects.counter(desk, Counted::WrongCodes, &target.address).await?.clear();
        }
        let message = match target.address.via() {
            Channel::Email => catalogue::VERIFIED_EMAIL,
            Channel::Sms => catalogue::VERIFIED_PHONE,
        };
        work.flow.state = State::PassedChallenge;
        work.flow.refused = false;
        work.flow.opened = None;
        work.flow.messages = vec![message.on_page()];
        work.effects.address_changed(owner, target.address, AddressState::Verified(visit.now));
        if let Some(login) = self.due_login(visit, &mut work.flow, owner).await? {
            return self.sign_in_proved(visit, work, login).await;
        }
        self.save_verification(visit, &work).await?;
        Ok(self.tell_verification(visit, work.flow, Telling::Moved)?)
    }

    fn is_proof(&self, visit: &Visit, flow: &VerificationFlow, target: &Target, typed: &str) -> bool {
        self.was_sent(flow, target, typed) && nanoseconds(visit.now) < target.until
    }

    /// Whether this is what was sent to the address of the flow. All of it is worked out for an address that nobody has
    /// too.
    fn was_sent(&self, flow: &VerificationFlow, target: &Target, typed: &str) -> bool {
        let purpose = match flow.proof {
            ProofKind::Code => Purpose::VerificationCode,
            ProofKind::Link => Purpose::VerificationLink,
        };
        let (flow, address, nonce) = (*flow.id.as_uuid(), &target.address, target.nonce);
        (Proof { purpose, flow, address, nonce }).is(&self.seal, typed)
    }

    /// What is wrong with the token of a link: it was never sent here or is good no more, or it has ended.
    pub(super) fn wrong_link(
        &self,
        visit: &Visit,
        flow: &VerificationFlow,
        token: &str,
    ) -> Result<Option<Message>, Failure> {
        let target = flow.target.as_ref().filter(|target| self.was_sent(flow, target, token));
        match target.map(|target| target.until) {
            None => Ok(Some(catalogue::VERIFY_TOKEN_WRONG)),
            Some(until) if nanoseconds(visit.now) < until => Ok(None),
            Some(until) => Ok(Some(expired(visit.now, read_nanoseconds(until))?)),
        }
    }

    /// Whether the address has seen too many wrong codes.
    async fn is_over(&self, visit: &Visit, work: &mut Work<'_>) -> Result<bool, Failure> {
        let Some(target) = &work.flow.target else { return Ok(false) };
        let counter = work.effects.counter(self.desk(visit.now), Counted::WrongCodes, &target.address).await?;
        Ok(!counter.allows_one_more(visit.now))
    }

    async fn refuse_proof(
        &self,
        visit: &mut Visit,
        mut work: Work<'_>,
        typed: &str,
        transient: Value,
        request: &str,
    ) -> Result<Outcome, Failure> {
        if work.flow.proof == ProofKind::Link {
            self.save_verification(visit, &work).await?;
            let wrong = self.wrong_link(visit, &work.flow, typed)?.unwrap_or(catalogue::VERIFY_TOKEN_WRONG);
            return self.begin_anew(visit, &work, request, wrong).await;
        }
        if let Some(address) = work.flow.target.as_ref().map(|target| target.address.clone()) {
            work.effects.counter(self.desk(visit.now), Counted::WrongCodes, &address).await?.add(visit.now);
        }
        work.flow.messages.retain(|placed| placed.field().is_some());
        work.flow.messages.push(catalogue::VERIFY_CODE_WRONG.on_page());
        self.save_verification(visit, &work).await?;
        let mut outcome = self.tell_verification(visit, work.flow, Telling::Moved)?;
        if let Outcome::Verification(page, _) = &mut outcome {
            page.transient = Some(transient);
        }
        Ok(outcome)
    }

    async fn begin_anew(
        &self,
        visit: &mut Visit,
        work: &Work<'_>,
        request: &str,
        message: Message,
    ) -> Result<Outcome, Failure> {
        let telling = Telling::Replaced("An error occured, please retry the flow.");
        self.replace_verification(visit, work.settings, &work.flow, request, message, telling).await
    }
}
