//! The story of one registration.
//!
//! | chapter | what happens |
//! |---|---|
//! | [`open`] | a flow is begun |
//! | [`show`] | it is looked at again |
//! | [`submit`] | it is answered: load, guard, decode, whose is it, what comes of it |
//! | [`settle`] | an identity comes of it: hooks, taken?, hash, one commit |
//! | [`replace`] | a flow that cannot be used any more is replaced by a new one |
//! | [`lookups`] | what else registration clients ask for |

mod lookups;
mod open;
mod replace;
mod settle;
mod show;
mod submit;
mod taken;

use std::sync::Arc;

use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::call::{Answer, Call, Failed, Outcome, Wish};
use crate::caller::Caller;
use crate::config::Config;
use crate::csrf::{Csrf, Visitor};
use crate::flow::{Flow, FlowId, FlowKind};
use crate::hashing::Governor;
use crate::host::{Clock, Hook, HostError, Identities, Kind, Put, Random, Record, RecordId, Sessions, Storage};
use crate::methods::Method;
use crate::page::{Field, Page, View};
use crate::return_to::ReturnTo;
use crate::schema::Schemas;
use crate::seal::Seal;
use crate::stop::Failure;
use crate::trace;

/// How long an error is kept for the page that shows it.
const ERROR_LIFE: Duration = Duration::hours(24);

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
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) identities: Arc<dyn Identities>,
    pub(crate) sessions: Arc<dyn Sessions>,
    pub(crate) governor: Governor,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

/// One request on its way through the story.
struct Visit {
    caller: Caller,
    visitor: Visitor,
    session_cookie: Option<String>,
    now: OffsetDateTime,
}

/// How trouble is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tell {
    /// As JSON, whatever the client understands.
    Json,
    /// On the error page, to a client that does not ask for JSON.
    Forward,
}

/// Trouble on its way to the client.
#[derive(Debug)]
struct Trouble {
    failure: Failure,
    tell: Tell,
    kind: Option<FlowKind>,
}

impl Trouble {
    fn new(failure: impl Into<Failure>, tell: Tell) -> Self {
        Self { failure: failure.into(), tell, kind: None }
    }

    /// Native flows hear of everything as JSON.
    fn in_flow(failure: impl Into<Failure>, kind: FlowKind) -> Self {
        let tell = if kind == FlowKind::Api { Tell::Json } else { Tell::Forward };
        Self { failure: failure.into(), tell, kind: Some(kind) }
    }
}

impl Engine {
    /// Answers a request. Dropping the future is safe at any point.
    pub(crate) async fn answer(&self, call: Call) -> Answer {
        let Call { caller, guarded, wish } = call;
        let now = self.clock.now();
        let visitor = match self.csrf.greet(&caller, guarded, self.random.as_ref()) {
            Ok(visitor) => visitor,
            Err(error) => {
                trace::event(trace::Event::FailClosed);
                return Answer { outcome: failed(error.into(), None, None), cookies: Vec::new() };
            }
        };
        let mut visit = Visit { caller, visitor, session_cookie: None, now };
        let outcome = match self.chapter(&mut visit, wish).await {
            Ok(outcome) => outcome,
            Err(trouble) => self.tell(&visit, trouble).await,
        };
        let cookies = [self.csrf.cookie(&visit.visitor), visit.session_cookie];
        Answer { outcome, cookies: cookies.into_iter().flatten().collect() }
    }

    async fn chapter(&self, visit: &mut Visit, wish: Wish) -> Result<Outcome, Trouble> {
        match wish {
            Wish::Open(kind, opening) => self.open(visit, kind, opening).await,
            Wish::Show(id) => self.show(visit, id).await,
            Wish::Submit(submitted) => self.submit(visit, submitted).await,
            Wish::Whoami => self.whoami(visit).await,
            Wish::Schemas { page, per_page } => Ok(self.list_schemas(page, per_page)),
            Wish::Schema(id) => self.schema(&id),
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

    /// On guarded paths a verb that changes something needs a token, even where nothing would come of it.
    fn guard_path(&self, visit: &Visit, token: Option<&str>, safe: bool) -> Result<(), Trouble> {
        if safe {
            return Ok(());
        }
        let token = visit.caller.header("x-csrf-token").filter(|token| !token.is_empty()).or(token);
        self.csrf.check_token(&visit.caller, &visit.visitor, token).map_err(|failure| Trouble::new(failure, Tell::Json))
    }

    /// Draws the page of a flow.
    fn page(&self, visit: &Visit, flow: &Flow) -> Result<Page, HostError> {
        let token = match flow.facts.kind {
            FlowKind::Browser => self.csrf.token(&visit.visitor, self.random.as_ref())?,
            FlowKind::Api => String::new(),
        };
        let schema = self.schemas.of(flow.facts.schema.as_deref());
        let draw = |method: &Arc<dyn Method>| method.fields(&self.view(flow, schema.fields(), method.as_ref()));
        let fields: Vec<Field> = self.methods.iter().flat_map(draw).collect();
        Ok(Page::lay_out(flow.facts.clone(), fields, &token, schema.keys()))
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

    /// A random UUID of version 4.
    fn new_id(&self) -> Result<Uuid, HostError> {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes)?;
        Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Turns trouble into an answer; for a browser it is kept, and shown on the error page.
    async fn tell(&self, visit: &Visit, trouble: Trouble) -> Outcome {
        let Trouble { failure, tell, kind } = trouble;
        if tell == Tell::Json || visit.caller.wants.json {
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
        let body = lookups::encode_error(&error, now);
        let record = Record::new(Kind::Error, RecordId::new(id), 1, now + ERROR_LIFE, body);
        match self.storage.put(&record, None).await? {
            Put::Stored => Ok(id),
            Put::Stale => Err(HostError::other("the id of an error was taken")),
        }
    }
}

fn failed(failure: Failure, kind: Option<FlowKind>, kept: Option<Uuid>) -> Outcome {
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
