//! What both stories are told with: the parts, one request on its way, and how trouble reaches the client.

mod caught;
mod oauth2;

use std::sync::Arc;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::call::{Failed, Outcome};
use crate::caller::Caller;
use crate::config::Config;
use crate::csrf::{Csrf, Visitor};
use crate::effects::{Desk, Effects};
use crate::flow::FlowKind;
use crate::hashing::Governor;
use crate::host::{
    Clock, Hook, HostError, Identities, Kind, Linking, OAuth2Server, Put, Random, Record, RecordId, Sessions, Storage,
    Unit, Version,
};
use crate::limits::AddressLimits;
use crate::methods::Method;
use crate::return_to::ReturnTo;
use crate::schema::Schemas;
use crate::seal::Seal;
use crate::stop::{Failure, FailureKind};
use crate::trace;

pub(crate) use caught::caught;

/// How long an error is kept for the page that shows it.
const ERROR_LIFE: Duration = Duration::hours(24);

/// How often a submission is tried before the client is told to come back.
pub(crate) const TRIES: usize = 3;

/// Everything that the story needs, put together by the builder.
pub(crate) struct Engine {
    pub(crate) config: Config,
    pub(crate) seal: Arc<Seal>,
    pub(crate) csrf: Csrf,
    pub(crate) return_to: ReturnTo,
    pub(crate) schemas: Schemas,
    /// By rank.
    pub(crate) methods: Vec<Arc<dyn Method>>,
    pub(crate) hooks: Vec<Arc<dyn Hook>>,
    pub(crate) linking: Option<Arc<dyn Linking>>,
    pub(crate) oauth2: Option<Arc<dyn OAuth2Server>>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) identities: Arc<dyn Identities>,
    pub(crate) sessions: Arc<dyn Sessions>,
    pub(crate) governor: Governor,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) limits: AddressLimits,
    /// Rings when something was posted for the dispatcher.
    pub(crate) posted: Arc<Notify>,
}

/// One request on its way through the story.
pub(crate) struct Visit {
    pub(crate) caller: Caller,
    pub(crate) visitor: Visitor,
    pub(crate) session_cookie: Option<String>,
    pub(crate) continuity_cookie: Option<String>,
    pub(crate) now: OffsetDateTime,
    /// Until when the hooks of this request may take, all together.
    pub(crate) hooks_until: Instant,
}

/// How trouble is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tell {
    /// As JSON, whatever the client understands.
    Json,
    /// On the error page, to a client that does not ask for JSON.
    Forward,
}

/// Trouble on its way to the client.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) failure: Failure,
    tell: Tell,
    kind: Option<FlowKind>,
}

impl Trouble {
    pub(crate) fn new(failure: impl Into<Failure>, tell: Tell) -> Self {
        Self { failure: failure.into(), tell, kind: None }
    }

    /// Native flows hear of everything as JSON.
    pub(crate) fn in_flow(failure: impl Into<Failure>, kind: FlowKind) -> Self {
        let tell = if kind == FlowKind::Api { Tell::Json } else { Tell::Forward };
        Self { failure: failure.into(), tell, kind: Some(kind) }
    }
}

impl Engine {
    /// On guarded paths a verb that changes something needs a token, even where nothing would come of it.
    pub(crate) fn guard_path(&self, visit: &Visit, token: Option<&str>, safe: bool) -> Result<(), Trouble> {
        if safe {
            return Ok(());
        }
        let token = visit.caller.header("x-csrf-token").filter(|token| !token.is_empty()).or(token);
        self.csrf.check_token(&visit.caller, &visit.visitor, token).map_err(|failure| Trouble::new(failure, Tell::Json))
    }

    /// What writing a letter needs.
    pub(crate) fn desk(&self, now: OffsetDateTime) -> Desk<'_> {
        let (storage, identities) = (self.storage.as_ref(), self.identities.as_ref());
        let (seal, random) = (self.seal.as_ref(), self.random.as_ref());
        Desk { storage, identities, seal, random, limits: &self.limits, now }
    }

    /// Writes a record over this version together with what goes along, unless somebody else was faster.
    pub(crate) async fn save(
        &self,
        record: &Record,
        was: Option<Version>,
        effects: &Effects,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        let stored = if effects.is_empty() {
            self.storage.put(record, was).await?
        } else {
            let mut unit = self.storage.begin().await?;
            match unit.put(record, was).await? {
                Put::Stored => self.write_effects(unit, effects, now).await?,
                Put::Stale => Put::Stale,
            }
        };
        match stored {
            Put::Stored => Ok(()),
            Put::Stale => Err(Failure::conflict()),
        }
    }

    /// Writes a fresh record together with what goes along. Whoever was in the way of somebody else's transaction tries
    /// again: there is no chapter to begin anew.
    pub(crate) async fn save_new(
        &self,
        record: &Record,
        effects: &Effects,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        let in_the_way = |failure: &Failure| failure.kind() == FailureKind::Conflict && failure.source().is_some();
        for _ in 1..TRIES {
            match self.save(record, None, effects, now).await {
                Err(failure) if in_the_way(&failure) => {}
                done => return done,
            }
        }
        self.save(record, None, effects, now).await
    }

    /// Commits the unit with what goes along.
    pub(crate) async fn write_effects(
        &self,
        mut unit: Box<dyn Unit>,
        effects: &Effects,
        now: OffsetDateTime,
    ) -> Result<Put, HostError> {
        if effects.write(unit.as_mut(), self.identities.as_ref(), now).await? == Put::Stale {
            return Ok(Put::Stale);
        }
        unit.commit().await?;
        if effects.has_outgoing() {
            self.posted.notify_one();
        }
        Ok(Put::Stored)
    }

    /// A random UUID of version 4.
    pub(crate) fn new_id(&self) -> Result<Uuid, HostError> {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes)?;
        Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Turns trouble into an answer; for a browser it is kept, and shown on the error page.
    pub(crate) async fn tell(&self, visit: &Visit, trouble: Trouble) -> Outcome {
        let Trouble { failure, tell, kind } = trouble;
        // "Come again" is told at once: nothing is written to say so.
        if tell == Tell::Json || visit.caller.wants.json || failure.retry_after().is_some() {
            return failed(failure, kind, None);
        }
        match self.keep_error(&failure, visit.now).await {
            Ok(id) => failed(failure, kind, Some(id)),
            // Without a place to keep it, the client is told directly.
            Err(_) => failed(failure, kind, None),
        }
    }

    async fn keep_error(&self, failure: &Failure, now: OffsetDateTime) -> Result<Uuid, HostError> {
        let id = self.new_id()?;
        let mut error = json!({ "code": failure.status(), "message": failure.message() });
        if let Some(members) = error.as_object_mut() {
            let optional = [("id", failure.id()), ("reason", failure.reason())];
            members.extend(
                optional.into_iter().filter(|(_, text)| !text.is_empty()).map(|(k, v)| (k.to_owned(), v.into())),
            );
            members.extend(failure.details().map(|details| ("details".to_owned(), details.clone())));
        }
        let body = encode_error(&error, now);
        let record = Record::new(Kind::Error, RecordId::new(id), 1, now + ERROR_LIFE, body);
        match self.storage.put(&record, None).await? {
            Put::Stored => Ok(id),
            Put::Stale => Err(HostError::other("the id of an error was taken")),
        }
    }
}

pub(crate) fn failed(failure: Failure, kind: Option<FlowKind>, kept: Option<Uuid>) -> Outcome {
    if let (Some(cause), Some(reference)) = (failure.source(), failure.reference()) {
        trace::failure(&reference, cause);
    }
    Outcome::Failed(Failed { failure, kind, kept })
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let methods: Vec<String> = self.methods.iter().map(|method| method.id().to_string()).collect();
        f.debug_struct("Engine")
            .field("base", &self.config.base.as_str())
            .field("methods", &methods)
            .finish_non_exhaustive()
    }
}

/// The body of the record that keeps an error.
fn encode_error(error: &Value, at: OffsetDateTime) -> Vec<u8> {
    let microseconds = i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or_default();
    json!({ "at": microseconds, "error": error }).to_string().into_bytes()
}
