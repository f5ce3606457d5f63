//! From a method's answer to an identity.
//!
//! 1. Hooks may refuse the draft or change it; changed traits are judged again.
//! 2. The return URL is judged once more, and whether an identifier is taken.
//! 3. The password is hashed: last, because everything above is cheaper.
//! 4. One unit: the flow is spent, the identity created, the hooks' rows and errands written, the session opened. Commit.
//! 5. The errands are done, then the person is signed in, then hooks hear of it, then the OAuth2 server that sent the person.
//!
//! Before the commit everything rolls back when the future is dropped; after it only the answer is lost.

use super::errands::Chores;
use super::oauth2::Told;
use super::work::Work;
use crate::call::{Outcome, Registered};
use crate::engine::{Engine, Visit};
use crate::flow::{Flow, FlowKind, Proof, leaves};
use crate::form::Submission;
use crate::hashing::SALT;
use crate::host::{CreateError, HostErrorKind, Opened, Put, Unit, Witness, WitnessKind};
use crate::identity::{AuthenticationMethod, Draft, Identity, IdentityId, IdentityState, MethodId, Traits};
use crate::message::catalogue;
use crate::seal::{Purpose, shaped_as_v4};
use crate::stop::{Failure, FailureKind, Keep, Stop};
use crate::verification::{Aside, Beginning};

use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

/// What is not done twice when a submission is tried again.
#[derive(Default)]
pub(super) struct Kept {
    hash: Option<String>,
    /// A draft before and after the hooks had their say.
    hooked: Option<(Value, Draft)>,
}

/// What was committed, and what that leaves to be done.
struct Committed {
    identity: Identity,
    opened: Option<Opened>,
    chores: Chores,
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
            Ok(outcome) => Ok(outcome),
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
    ) -> Result<Outcome, Stop> {
        self.ask_before_create(visit, work, draft, form, kept).await?;
        let traits = match self.hooks.is_empty() {
            true => draft.judged().clone(),
            false => self.judge_again(draft)?,
        };
        draft.complete(traits);
        let default = self.config.return_url(draft.method.as_str());
        let return_url = self.judge_return_url(work.flow.facts.return_to.as_deref(), default)?;
        if let Some(owner) = self.identities.owner(&draft.unique()).await? {
            return self.meet_owner(visit, work, draft, &owner, form).await;
        }
        self.judge_request(visit, draft)?;
        self.check_challenge(work, draft).await?;
        if let Some(password) = password {
            let hash = self.hash(password, kept).await?;
            draft.set_password_hash(&hash);
        }
        let told = self.when_told(visit, work, draft);
        let beginning = self.begin_proving(visit, work, draft, form, told).await?;
        let committed = match self.commit(visit, work, draft, form, &beginning, told).await? {
            Some(committed) => committed,
            // Somebody with the same identifier was faster.
            None => return self.meet(visit, work, draft, form).await,
        };
        let Committed { identity, opened, chores } = committed;
        let session = opened.as_ref().map(|opened| opened.session.clone());
        let opened = opened.filter(|_| self.config.opens_session(draft.method.as_str()));
        let Beginning { begun: verifications, visitor, .. } = beginning;
        let kind = work.flow.facts.kind;
        let bound = visitor.is_some();
        if let Some(visitor) = visitor {
            visit.visitor = visitor;
        }
        self.do_chores(visit, chores).await?;
        self.sign_in_registered(visit, kind, opened.as_ref(), bound)?;
        self.after_commit(visit, work, draft, &identity, form).await?;
        if work.leads_to_application() {
            return Ok(Outcome::SentAway { to: self.application(&work.flow, false)?, submitted: false });
        }
        let return_url = match (told, &work.flow.facts.login_challenge, session) {
            (Told::Now, Some(challenge), Some(session)) => self.accept_login(challenge, &session).await?,
            _ => return_url,
        };
        let (session, token) = opened.map(|opened| (opened.session, opened.token)).unzip();
        let token = token.filter(|_| kind == FlowKind::Api);
        let leads_to_verification = self.config.shows_verification_ui(draft.method.as_str());
        let registered =
            Registered { kind, identity, session, token, return_url, verifications, leads_to_verification };
        Ok(Outcome::Registered(Box::new(registered)))
    }

    fn judge_return_url(&self, asked: Option<&str>, default: &str) -> Result<String, Stop> {
        let decided = self.return_to.decide(asked, default);
        decided.map_err(|failure| Stop::refuse([catalogue::INVALID.with("reason", failure.reason()).on_page()]))
    }

    /// A flow that proves an address is begun by the request that registers: where that wants to return to counts.
    fn judge_request(&self, visit: &Visit, draft: &Draft) -> Result<(), Stop> {
        let own = visit.caller.parameter("return_to").filter(|_| self.proves(draft));
        self.judge_return_url(own.as_deref(), &self.config.default_return_url).map(drop)
    }

    /// Begins the flows that prove the addresses of the draft, in the unit of the identity.
    async fn begin_proving(
        &self,
        visit: &Visit,
        work: &mut Work<'_>,
        draft: &mut Draft,
        form: &Submission,
        told: Told,
    ) -> Result<Beginning, Failure> {
        let how = authentication(visit, draft);
        let awaited = match told {
            Told::OnceProved => self.awaited(work, draft, &how),
            Told::Now | Told::Never => None,
        };
        let aside = Aside { transient: &form.transient, awaited: awaited.as_ref() };
        self.begin_verification(visit, &work.flow.facts, draft, aside, &mut work.effects).await
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
        let draw = || self.sketch(&work.flow, &form.transient);
        let cx = self.hook_context(visit, &work.flow.facts, Some(&method), &form.transient, &draw);
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
        told: Told,
    ) -> Result<Option<Committed>, Stop> {
        let attempt = self.new_id()?;
        let spent = Flow { spent: Some(draft.id), attempt: Some(attempt), ..work.flow.clone() };
        let spent = Self::record(&spent, work.version + 1)?;
        let mut unit = self.storage.begin().await?;
        if !unit.spend(&spent, work.version).await? {
            return Err(Failure::conflict().into());
        }
        let identity = match self.identities.create(unit.as_mut(), draft).await {
            Ok(identity) => identity,
            Err(CreateError::Taken) => return Ok(None),
            Err(CreateError::Stop(stop)) => return Err(stop),
            Err(CreateError::Host(error)) => return Err(error.into()),
        };
        let draw = || self.sketch(&work.flow, &form.transient);
        let cx = self.hook_context(visit, &work.flow.facts, Some(&draft.method), &form.transient, &draw);
        for hook in &self.hooks {
            hook.in_commit(&cx, unit.as_mut(), &identity).await?;
        }
        let chores = self.post_errands(&cx, unit.as_mut(), &identity, visit.now).await?;
        let opened = self.open_session(visit, work, draft, &identity, unit.as_mut(), told).await?;
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
        if work.effects.has_outgoing() || chores.rings {
            self.posted.notify_one();
        }
        work.flow.spent = Some(draft.id);
        work.version += 1;
        Ok(Some(Committed { identity, opened, chores }))
    }

    /// Judges what the hooks made of the traits, by the schema that they may have chosen.
    fn judge_again(&self, draft: &mut Draft) -> Result<Traits, Stop> {
        let Some(schema) = self.schemas.find(draft.schema_id()) else {
            let reason = format!("Unable to find JSON Schema ID: {}", draft.schema_id());
            return Err(Stop::refuse([catalogue::INVALID.with("reason", reason).on_page()]));
        };
        schema.traits(draft.traits()).map_err(|mistakes| {
            // They are not what the person typed: the page shows none of them.
            draft.set_traits(Value::Null);
            Stop::refuse(mistakes)
        })
    }

    /// Opens the session of a new identity, if it is to have one or an OAuth2 server is told of one. Where a native client
    /// waits in another program, the proof is kept for it instead.
    async fn open_session(
        &self,
        visit: &Visit,
        work: &Work<'_>,
        draft: &Draft,
        identity: &Identity,
        unit: &mut dyn Unit,
        told: Told,
    ) -> Result<Option<Opened>, Stop> {
        let authentication = authentication(visit, draft);
        if work.leads_to_application() {
            self.keep_proof(unit, &work.flow, Proof { identity: identity.id(), authentication }).await?;
            return Ok(None);
        }
        let opens = self.config.opens_session(draft.method.as_str()) || told == Told::Now;
        if !opens || identity.state() != IdentityState::Active {
            return Ok(None);
        }
        let (kind, authentication, caller) = (WitnessKind::Inserted, &authentication, &visit.caller);
        let who = Witness { kind, identity, authentication, caller, at: visit.now };
        Ok(Some(self.sessions.open(unit, who).await?))
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

    /// Signs the browser in. From here on the cookies of what was committed go out whatever the hooks say.
    fn sign_in_registered(
        &self,
        visit: &mut Visit,
        kind: FlowKind,
        opened: Option<&Opened>,
        bound: bool,
    ) -> Result<(), Failure> {
        let (FlowKind::Browser, Some(opened)) = (kind, opened) else { return Ok(()) };
        visit.session_cookie.clone_from(&opened.cookie);
        // Whoever is signed in begins anew, unless a verification has bound the browser just now.
        if !bound {
            visit.visitor = self.csrf.renew(self.random.as_ref())?;
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
        let draw = || self.sketch(&work.flow, &form.transient);
        let cx = self.hook_context(visit, &work.flow.facts, Some(&draft.method), &form.transient, &draw);
        for hook in &self.hooks {
            hook.after_commit(&cx, identity).await?;
        }
        Ok(())
    }
}

/// How the person was proved.
fn authentication(visit: &Visit, draft: &Draft) -> AuthenticationMethod {
    let plain = || AuthenticationMethod::new(draft.method.clone(), visit.now);
    draft.authentication.clone().unwrap_or_else(plain)
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
