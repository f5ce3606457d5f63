//! An OAuth2 server waits for somebody whose address had to be proved first.
//!
//! 1. Only the browser that registered is sent on, and only when the address it proves belongs to the identity that came of
//!    that registration. Whoever proves it elsewhere has proved an address, and nothing more.
//! 2. Their session is opened in the unit that proves the address.
//! 3. The server is told after the commit. If it does not go along the address stays proved, and the person signed in.

use serde_json::Value;

use super::{Work, began, record};
use crate::call::{Outcome, Telling};
use crate::engine::{Engine, Visit};
use crate::flow::{AwaitedLogin, FlowKind, VerificationFlow};
use crate::host::{Opened, Put, Witness, WitnessKind};
use crate::identity::{Identity, IdentityId, IdentityState};
use crate::page::CONTINUE_FIELD;
use crate::stop::Failure;

/// Somebody whom the server waits for, and who may go on.
pub(super) struct Due {
    login: AwaitedLogin,
    identity: Identity,
}

impl Engine {
    /// Whom an OAuth2 server is told about once this flow has proved an address of `owner`. It is told once, if at all.
    pub(super) async fn due_login(
        &self,
        visit: &Visit,
        flow: &mut VerificationFlow,
        owner: IdentityId,
    ) -> Result<Option<Due>, Failure> {
        let browser = flow.kind == FlowKind::Browser && began(&visit.visitor, flow);
        let login = flow.login.take().filter(|login| browser && login.proof.identity == owner);
        let Some(login) = login else { return Ok(None) };
        let identity = self.identities.identity(owner).await?;
        let identity = identity.filter(|identity| identity.state() == IdentityState::Active);
        Ok(identity.map(|identity| Due { login, identity }))
    }

    /// Ends the flow, signs the person in, and sends them on to the server.
    pub(super) async fn sign_in_proved(
        &self,
        visit: &mut Visit,
        mut work: Work<'_>,
        due: Due,
    ) -> Result<Outcome, Failure> {
        let known = self.sessions.current(&visit.caller).await;
        let known = matches!(known, Ok(Some(session)) if session.identity() == due.identity.id());
        // Whoever is signed in begins anew, and still sees this flow.
        let renewed = if known { None } else { Some(self.csrf.renew(self.random.as_ref())?) };
        if let Some(binding) = renewed.as_ref().and_then(crate::csrf::Visitor::binding) {
            work.flow.bindings = vec![binding];
        }
        let opened = self.commit_proved(visit, &work, &due).await?;
        visit.session_cookie.clone_from(&opened.cookie);
        visit.visitor = renewed.unwrap_or_else(|| visit.visitor.clone());
        let to = self.accept_login(&due.login.challenge, &opened.session).await?;
        if visit.caller.wants.browser {
            return Ok(Outcome::SentAway { to, submitted: false });
        }
        let mut outcome = self.tell_verification(visit, work.flow, Telling::Moved)?;
        if let Outcome::Verification(page, _) = &mut outcome {
            let link = page.fields.iter_mut().find(|field| field.name == CONTINUE_FIELD);
            link.into_iter().for_each(|link| link.value = Some(Value::from(to.as_str())));
        }
        Ok(outcome)
    }

    /// One unit: the flow, the address, the session.
    async fn commit_proved(&self, visit: &Visit, work: &Work<'_>, due: &Due) -> Result<Opened, Failure> {
        let mut unit = self.storage.begin().await?;
        if unit.put(&record(&work.flow, work.version + 1)?, Some(work.version)).await? == Put::Stale {
            return Err(Failure::conflict());
        }
        let (kind, authentication) = (WitnessKind::BoundVerification, &due.login.proof.authentication);
        let who = Witness { kind, identity: &due.identity, authentication, caller: &visit.caller, at: visit.now };
        let opened = self.sessions.open(unit.as_mut(), who).await?;
        match self.write_effects(unit, &work.effects, visit.now).await? {
            Put::Stored => Ok(opened),
            Put::Stale => Err(Failure::conflict()),
        }
    }
}
