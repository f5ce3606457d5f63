//! Somebody who has an identity is signed in to it.
//!
//! Either a method proved them in this request, or a native client brings both codes of a pair that somebody was proved
//! for: the first was handed out when the flow was begun, the second is known to whoever was led back at its end. Flow and
//! pair are used up in the unit that opens the session, so each of them opens one. An OAuth2 server that sent them is told.

use subtle::ConstantTimeEq;

use super::work::Work;
use crate::call::{Outcome, SignedIn};
use crate::engine::{Engine, Tell, Trouble, Visit};
use crate::flow::{Exchange, Flow, FlowKind, Proof};
use crate::host::{Kind, Put, Record, RecordId, Unit, Witness, WitnessKind};
use crate::identity::{Identity, IdentityId, IdentityState};
use crate::message::catalogue;
use crate::methods::Proved;
use crate::stop::{Failure, Stop};

impl Engine {
    /// Signs in the owner of what was proved; for a native client that waits elsewhere the proof is kept.
    pub(super) async fn sign_in(&self, visit: &mut Visit, work: &mut Work<'_>, who: Proved) -> Result<Outcome, Stop> {
        let Some(identity) = self.active(who.identity).await? else {
            return Err(Stop::refuse([catalogue::DISABLED.on_page()]));
        };
        let kind = work.flow.facts.kind;
        let method = who.authentication.method().as_str();
        let default = self.config.return_url(method);
        let return_url = self.return_to.decide(work.flow.facts.return_to.as_deref(), default)?;
        let spent = Flow { spent: Some(identity.id()), attempt: Some(self.new_id()?), ..work.flow.clone() };
        let spent = Self::record(&spent, work.version + 1)?;
        let mut unit = self.storage.begin().await?;
        if !unit.spend(&spent, work.version).await? {
            return Err(Failure::conflict().into());
        }
        if work.effects.write(unit.as_mut(), self.identities.as_ref(), visit.now).await? == Put::Stale {
            return Err(Failure::conflict().into());
        }
        if work.leads_to_application() {
            let proof = Proof { identity: identity.id(), authentication: who.authentication };
            self.keep_proof(unit.as_mut(), &work.flow, proof).await?;
            unit.commit().await?;
            return Ok(Outcome::SentAway { to: self.application(&work.flow, false)?, submitted: false });
        }
        let (witness, caller) = (WitnessKind::SubjectProved, &visit.caller);
        let (authentication, at) = (&who.authentication, visit.now);
        let witness = Witness { kind: witness, identity: &identity, authentication, caller, at };
        let opened = self.sessions.open(unit.as_mut(), witness).await?;
        unit.commit().await?;
        if kind == FlowKind::Browser {
            visit.session_cookie.clone_from(&opened.cookie);
            // Whoever is signed in begins anew.
            visit.visitor = self.csrf.renew(self.random.as_ref())?;
        }
        if let (FlowKind::Browser, Some(challenge)) = (kind, &work.flow.facts.login_challenge) {
            return Ok(Outcome::Leave { to: self.accept_login(challenge, &opened.session).await? });
        }
        let token = Some(opened.token).filter(|_| kind == FlowKind::Api);
        let signed_in = SignedIn { kind, identity, session: opened.session, token, return_url: Some(return_url) };
        Ok(Outcome::SignedIn(Box::new(signed_in)))
    }

    /// Keeps who was proved, in the unit that makes it so, for whoever brings both codes of the flow's pair.
    pub(super) async fn keep_proof(&self, unit: &mut dyn Unit, flow: &Flow, proof: Proof) -> Result<(), Failure> {
        let id = RecordId::new(flow.facts.exchange.unwrap_or_default());
        let missing = || Failure::internal("the pair of codes of a flow is gone");
        let pair = self.storage.get(Kind::Exchange, id).await?.ok_or_else(missing)?;
        let exchange = Exchange { flow: flow.facts.id, proof: Some(proof) };
        let body = exchange.encode().map_err(Failure::internal)?;
        let record = Record::new(Kind::Exchange, id, pair.version + 1, pair.expires_at, body);
        match unit.put(&record, Some(pair.version)).await? {
            Put::Stored => Ok(()),
            Put::Stale => Err(Failure::conflict()),
        }
    }

    /// Both codes of a pair are exchanged for a session.
    pub(super) async fn exchange(&self, visit: &Visit, init: &str, return_to: &str) -> Result<Outcome, Trouble> {
        self.exchanged(visit, init, return_to).await.map_err(|failure| Trouble::new(failure, Tell::Json))
    }

    async fn exchanged(&self, visit: &Visit, init: &str, return_to: &str) -> Result<Outcome, Failure> {
        if init.is_empty() || return_to.is_empty() {
            return Err(Failure::exchange_incomplete());
        }
        let pair = self.storage.get(Kind::Exchange, RecordId::of_secret(init)).await?;
        let usable = |pair: &Record| visit.now < pair.expires_at && pair.spent.is_none();
        let pair = pair.filter(usable).ok_or_else(Failure::exchange_unknown)?;
        let exchange = Exchange::decode(&pair.body).map_err(Failure::internal)?;
        let is = |code: String| bool::from(code.as_bytes().ct_eq(return_to.as_bytes()));
        if !self.return_codes(*exchange.flow.as_uuid()).any(is) {
            return Err(Failure::exchange_unknown());
        }
        let Some(proof) = exchange.proof else {
            let (flow, _) = self.load(exchange.flow).await?.ok_or_else(Failure::exchange_unknown)?;
            return Ok(Outcome::Pending(self.page(visit, &flow)?));
        };
        let identity = self.active(proof.identity).await?.ok_or_else(Failure::exchange_unknown)?;
        let mut unit = self.storage.begin().await?;
        let was = pair.version;
        let spent = Record { version: was + 1, spent: Some(identity.id()), ..pair };
        if !unit.spend(&spent, was).await? {
            return Err(Failure::exchange_unknown());
        }
        let (kind, authentication) = (WitnessKind::Exchanged, &proof.authentication);
        let who = Witness { kind, identity: &identity, authentication, caller: &visit.caller, at: visit.now };
        let opened = self.sessions.open(unit.as_mut(), who).await?;
        unit.commit().await.map_err(|error| match error.kind() {
            // The other one of two that bring the same pair was faster.
            crate::host::HostErrorKind::Conflict => Failure::exchange_unknown(),
            _ => error.into(),
        })?;
        let (session, token) = (opened.session, Some(opened.token));
        let signed_in = SignedIn { kind: FlowKind::Api, identity, session, token, return_url: None };
        Ok(Outcome::SignedIn(Box::new(signed_in)))
    }

    /// The identity, unless it may not sign in.
    pub(super) async fn active(&self, id: IdentityId) -> Result<Option<Identity>, Failure> {
        let identity = self.identities.identity(id).await?;
        Ok(identity.filter(|identity| identity.state() == IdentityState::Active))
    }
}
