//! From a method's answer to an identity.
//!
//! 1. Hooks may refuse the draft or change it; changed traits are judged again.
//! 2. The return URL is judged once more, and whether an identifier is taken.
//! 3. The password is hashed: last, because everything above is cheaper.
//! 4. One unit: the flow is spent, the identity created, the hooks' rows written, the session opened. Commit.
//! 5. Hooks hear of it.
//!
//! Before the commit everything rolls back when the future is dropped; after it only the answer is lost.

use super::submit::Work;
use crate::call::{Outcome, Registered};
use crate::csrf::Visitor;
use crate::engine::{Engine, Visit};
use crate::flow::{Flow, FlowKind, leaves};
use crate::form::Submission;
use crate::hashing::SALT;
use crate::host::{CreateError, HookContext, HostErrorKind, Opened, Put, Witness, WitnessKind};
use crate::identity::{Draft, Identity, IdentityId, IdentityState, MethodId};
use crate::message::catalogue;
use crate::seal::{Purpose, shaped_as_v4};
use crate::stop::{Failure, FailureKind, Keep, Stop};
use crate::verification::Beginning;

use secrecy::SecretString;
use uuid::Uuid;

/// What is not done twice when a submission is tried again.
#[derive(Default)]
pub(super) struct Kept {
    hash: Option<String>,
    /// A draft before and after the hooks had their say.
    hooked: Option<(serde_json::Value, Draft)>,
}

impl Engine {
    /// Makes an identity of a draft. A refusal leaves in the flow what the page is to show.
    pub(super) async fn settle(
        &self,
        visit: &mut Visit,
        work: &mut Work<'_>,
        method: &MethodId,
        mut draft: Draft,
        form: &Submission,
        kept: &mut Kept,
    ) -> Result<Outcome, Stop> {
        let password = draft.password.take();
        draft.id = self.identity_id(work);
        draft.method = method.clone();
        draft.schema_id = work.schema.id().to_owned();
        draft.created_at = visit.now;
        let settled = self.make(visit, work, &mut draft, password, form, kept).await;
        match settled {
            Ok(registered) => Ok(Outcome::Registered(Box::new(registered))),
            Err(Stop::Fail(failure)) => Err(Stop::Fail(failure)),
            Err(refusal) => {
                // The page shows the traits as they would have been stored.
                keep_draft(work, &draft);
                Err(refusal.keeping(Keep::Nothing))
            }
        }
    }

    /// The id of the identity that this flow becomes.
    fn identity_id(&self, work: &Work<'_>) -> IdentityId {
        let flow = work.flow.facts.id.as_uuid().as_bytes();
        IdentityId::new(shaped_as_v4(&self.seal.sign(Purpose::Identity, &[flow])))
    }

    async fn make(
        &self,
        visit: &mut Visit,
        work: &mut Work<'_>,
        draft: &mut Draft,
        password: Option<SecretString>,
        form: &Submission,
        kept: &mut Kept,
    ) -> Result<Registered, Stop> {
        self.ask_before_create(visit, work, draft, form, kept).await?;
        let traits = match self.hooks.is_empty() {
            true => draft.judged().clone(),
            false => work.schema.traits(draft.traits()).map_err(Stop::refuse)?,
        };
        draft.complete(traits);
        let default = self.config.return_url(draft.method.as_str());
        let return_url = self.return_to.decide(work.flow.facts.return_to.as_deref(), default);
        let return_url = return_url
            .map_err(|failure| Stop::refuse([catalogue::INVALID.with("reason", failure.reason()).on_page()]))?;
        if let Some(owner) = self.identities.owner(&draft.unique()).await? {
            return Err(Stop::refuse([self.taken(Some(&owner)).on_page()]));
        }
        if let Some(password) = password {
            let hash = self.hash(password, kept).await?;
            draft.set_password_hash(&hash);
        }
        let beginning = self.begin_proving(visit, work, draft, form).await?;
        let (identity, opened) = self.commit(visit, work, draft, form, &beginning).await?;
        let Beginning { begun: verifications, visitor, .. } = beginning;
        let kind = work.flow.facts.kind;
        self.set_cookies(visit, kind, opened.as_ref(), visitor)?;
        self.after_commit(visit, work, draft, &identity, form).await?;
        let (session, token) = opened.map(|opened| (opened.session, opened.token)).unzip();
        let token = token.filter(|_| kind == FlowKind::Api);
        let leads_to_verification = self.config.shows_verification_ui(draft.method.as_str());
        Ok(Registered { kind, identity, session, token, return_url, verifications, leads_to_verification })
    }

    /// Begins the flows that prove the addresses of the draft, in the unit of the identity.
    async fn begin_proving(
        &self,
        visit: &Visit,
        work: &mut Work<'_>,
        draft: &mut Draft,
        form: &Submission,
    ) -> Result<Beginning, Failure> {
        let (facts, effects) = (&work.flow.facts, &mut work.effects);
        self.begin_verification(visit, facts, draft, &form.transient, effects).await
    }

    /// Asks the hooks about the draft, once for the same draft.
    async fn ask_before_create(
        &self,
        visit: &Visit,
        work: &Work<'_>,
        draft: &mut Draft,
        form: &Submission,
        kept: &mut Kept,
    ) -> Result<(), Stop> {
        if self.hooks.is_empty() {
            return Ok(());
        }
        let before = draft.traits().clone();
        if let Some((_, answered)) = kept.hooked.as_ref().filter(|(traits, _)| *traits == before) {
            *draft = answered.clone();
            return Ok(());
        }
        let method = draft.method.clone();
        let cx = HookContext::new(&work.flow.facts, &visit.caller, Some(&method), &form.transient);
        for hook in &self.hooks {
            hook.before_create(&cx, draft).await?;
        }
        kept.hooked = Some((before, draft.clone()));
        Ok(())
    }

    async fn hash(&self, password: SecretString, kept: &mut Kept) -> Result<String, Stop> {
        if let Some(hash) = &kept.hash {
            return Ok(hash.clone());
        }
        let mut salt = [0; SALT];
        self.random.fill(&mut salt)?;
        let hashed = self.governor.hash(password, salt).await.map_err(|busy| Failure::busy(busy.retry_after))?;
        let hash = hashed.map_err(Failure::internal)?;
        Ok(kept.hash.insert(hash).clone())
    }

    /// Step 4: all of it or nothing.
    async fn commit(
        &self,
        visit: &Visit,
        work: &mut Work<'_>,
        draft: &Draft,
        form: &Submission,
        beginning: &Beginning,
    ) -> Result<(Identity, Option<Opened>), Stop> {
        let attempt = self.new_id()?;
        let spent = Flow { spent: Some(draft.id), attempt: Some(attempt), ..work.flow.clone() };
        let spent = Self::record(&spent, work.version + 1)?;
        let mut unit = self.storage.begin().await?;
        if !unit.spend(&spent, work.version).await? {
            return Err(Failure::conflict().into());
        }
        let identity = match self.identities.create(unit.as_mut(), draft).await {
            Ok(identity) => identity,
            Err(CreateError::Taken) => {
                drop(unit);
                let owner = self.identities.owner(&draft.unique()).await?;
                return Err(Stop::refuse([self.taken(owner.as_ref()).on_page()]));
            }
            Err(CreateError::Stop(stop)) => return Err(stop),
            Err(CreateError::Host(error)) => return Err(error.into()),
        };
        let cx = HookContext::new(&work.flow.facts, &visit.caller, Some(&draft.method), &form.transient);
        for hook in &self.hooks {
            hook.in_commit(&cx, unit.as_mut(), &identity).await?;
        }
        let opens = self.config.opens_session(draft.method.as_str()) && identity.state() == IdentityState::Active;
        let opened = match opens {
            true => {
                let (kind, method, caller) = (WitnessKind::Inserted, &draft.method, &visit.caller);
                let who = Witness { kind, identity: &identity, method, caller, at: visit.now };
                Some(self.sessions.open(unit.as_mut(), who).await?)
            }
            false => None,
        };
        for record in &beginning.records {
            if unit.put(record, None).await? == Put::Stale {
                return Err(Failure::internal("the id of a flow was taken").into());
            }
        }
        if work.effects.write(unit.as_mut(), self.identities.as_ref(), visit.now).await? == Put::Stale {
            return Err(Failure::conflict().into());
        }
        if let Err(error) = unit.commit().await {
            self.read_back(work, attempt, error.into()).await?;
        }
        if work.effects.has_letters() {
            self.posted.notify_one();
        }
        work.flow.spent = Some(draft.id);
        work.version += 1;
        Ok((identity, opened))
    }

    /// After a commit that nobody knows the outcome of, the flow tells: it was used up by this attempt, or by another
    /// one, or by nobody.
    ///
    /// It is written over before it is read: a commit that is still on its way is waited for, or cannot happen any more.
    /// Whoever only read would take it for not happened, try again, and be told that the person exists already.
    async fn read_back(&self, work: &Work<'_>, attempt: Uuid, failure: Failure) -> Result<(), Failure> {
        if failure.kind() != FailureKind::CommitUnknown {
            return Err(failure);
        }
        let same = Self::record(&work.flow, work.version + 1)?;
        match self.storage.put(&same, Some(work.version)).await {
            Ok(Put::Stored) => return Err(failure.with_kind(FailureKind::Conflict)),
            Ok(Put::Stale) => {}
            // Waited for, at an isolation level that does not go on then.
            Err(error) if error.kind() == HostErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
        match self.load(work.flow.facts.id).await? {
            Some((flow, _)) if flow.attempt == Some(attempt) => Ok(()),
            Some(_) => Err(failure.with_kind(FailureKind::Conflict)),
            None => Err(failure),
        }
    }

    /// The cookies of what was committed go out whatever the hooks say.
    fn set_cookies(
        &self,
        visit: &mut Visit,
        kind: FlowKind,
        opened: Option<&Opened>,
        bound: Option<Visitor>,
    ) -> Result<(), Failure> {
        if let (FlowKind::Browser, Some(opened)) = (kind, opened) {
            visit.session_cookie.clone_from(&opened.cookie);
        }
        match bound {
            Some(visitor) => visit.visitor = visitor,
            // Whoever is signed in begins anew.
            None if kind == FlowKind::Browser && opened.is_some() => {
                visit.visitor = self.csrf.renew(self.random.as_ref())?;
            }
            None => {}
        }
        Ok(())
    }

    /// Step 5.
    async fn after_commit(
        &self,
        visit: &Visit,
        work: &Work<'_>,
        draft: &Draft,
        identity: &Identity,
        form: &Submission,
    ) -> Result<(), Stop> {
        if identity.state() != IdentityState::Active {
            return Err(Stop::refuse([catalogue::DISABLED.on_page()]));
        }
        let cx = HookContext::new(&work.flow.facts, &visit.caller, Some(&draft.method), &form.transient);
        for hook in &self.hooks {
            hook.after_commit(&cx, identity).await?;
        }
        Ok(())
    }
}

/// Fills the fields of the page with the traits of the draft.
fn keep_draft(work: &mut Work<'_>, draft: &Draft) {
    for (name, value) in leaves(draft.traits(), "traits") {
        let typed = &mut work.flow.facts.typed;
        if typed.get(&name).is_some() || work.schema.fields().iter().any(|field| field.name == name) {
            typed.set(&name, &value);
        }
    }
}
