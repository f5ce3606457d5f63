//! A flow is begun.
//!
//! 1. A native client that is signed in is refused.
//! 2. Return URLs, the login challenge and the schema are judged, then whether registration is on.
//! 3. Hooks may object.
//! 4. An OAuth2 server is asked what it wants to know; a browser that is signed in is led on.
//! 5. The methods prepare what must exist before the first page; the flow is stored with it, and shown.

use std::collections::BTreeMap;

use serde_json::Value;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::call::{Opening, Outcome};
use crate::effects::Effects;
use crate::engine::{Engine, Tell, Trouble, Visit};
use crate::flow::{Exchange, Facts, Flow, FlowId, FlowKind, State, Typed};
use crate::host::{HookContext, HostError, Kind, Record, RecordId};
use crate::methods::{Context, Slot, first_screen};
use crate::schema::Unselectable;
use crate::stop::{Failure, FailureKind, Stop};

/// Letters and digits of one half of a pair.
const CODE_LENGTH: usize = 64;

impl Engine {
    pub(super) async fn open(&self, visit: &Visit, kind: FlowKind, opening: Opening) -> Result<Outcome, Trouble> {
        let tell = if kind == FlowKind::Api { Tell::Json } else { Tell::Forward };
        let trouble = |failure: Failure| Trouble::new(failure, tell);
        if kind == FlowKind::Api {
            let session = self.sessions.current(&visit.caller).await.map_err(|error| trouble(error.into()))?;
            if session.is_some() {
                return Err(trouble(Failure::session_already_available()));
            }
        }
        let return_url = self.judge_opening(&opening).map_err(trouble)?;
        let mut flow = self.begin(visit, kind, &opening).map_err(|error| trouble(error.into()))?;
        self.ask_before_open(visit, &flow).await.map_err(trouble)?;
        if kind == FlowKind::Browser {
            let login = match &opening.login_challenge {
                Some(challenge) => Some(self.login_request(challenge).await.map_err(trouble)?),
                None => None,
            };
            // For a browser trouble with its session counts as none: it may begin again.
            if let Ok(Some(session)) = self.sessions.current(&visit.caller).await {
                return self.lead_on(visit, &session, &opening, login.as_ref(), return_url).await.map_err(trouble);
            }
        }
        let effects = self.prepare(visit, &mut flow).await.map_err(trouble)?;
        let exchange = opening.wants_exchange && kind == FlowKind::Api;
        let code = self.store_new(&mut flow, effects, exchange, visit.now).await.map_err(trouble)?;
        let mut page = self.page(visit, &flow).map_err(|error| trouble(error.into()))?;
        page.exchange_code = code;
        Ok(Outcome::Opened(page))
    }

    /// Judges what the query asks for; where a browser that is signed in would be led.
    pub(super) fn judge_opening(&self, opening: &Opening) -> Result<String, Failure> {
        let default = &self.config.default_return_url;
        let return_url = self.return_to.decide(opening.return_to.as_deref(), default)?;
        self.return_to.decide(opening.after_verification_return_to.as_deref(), default)?;
        self.judge_challenge(opening.login_challenge.as_deref())?;
        self.schemas.select(opening.schema.as_deref()).map_err(|why| {
            let id = opening.schema.as_deref().unwrap_or_default();
            Failure::bad_request(match why {
                Unselectable::Unknown => format!("Requested identity schema \"{id}\" does not exist."),
                Unselectable::NotOffered => {
                    format!("Requested identity schema \"{id}\" is not enabled for self-service flows.")
                }
            })
        })?;
        match self.config.enabled {
            true => Ok(return_url),
            false => Err(Failure::flow_disabled()),
        }
    }

    /// A fresh flow, not stored yet.
    pub(super) fn begin(&self, visit: &Visit, kind: FlowKind, opening: &Opening) -> Result<Flow, HostError> {
        let facts = Facts {
            id: FlowId::new(self.new_id()?),
            kind,
            issued_at: visit.now,
            expires_at: visit.now + self.config.lifespan,
            query: opening.raw.clone(),
            return_to: opening.return_to.clone().filter(|url| !url.is_empty()),
            organization: opening.organization,
            schema: opening.schema.clone(),
            login_challenge: opening.login_challenge.clone(),
            screen: first_screen(self.config.style),
            state: State::ChooseMethod,
            active: None,
            messages: Vec::new(),
            typed: Typed::default(),
            exchange: None,
        };
        let binding = visit.visitor.binding().filter(|_| kind == FlowKind::Browser);
        Ok(Flow { facts, drawers: BTreeMap::new(), binding, spent: None, attempt: None, away: None })
    }

    /// Asks the hooks. There is no page yet that could carry messages.
    pub(super) async fn ask_before_open(&self, visit: &Visit, flow: &Flow) -> Result<(), Failure> {
        for hook in &self.hooks {
            let asked = hook.before_open(&HookContext::new(&flow.facts, &visit.caller, None, &Value::Null)).await;
            match asked {
                Ok(()) => {}
                Err(stop) => return Err(without_page(stop, "a hook")),
            }
        }
        Ok(())
    }

    /// Lets every method prepare what must exist before the first page.
    pub(super) async fn prepare(&self, visit: &Visit, flow: &mut Flow) -> Result<Effects, Failure> {
        let desk = self.desk(visit.now);
        let schema = self.schemas.of(flow.facts.schema.as_deref());
        let mut effects = Effects::default();
        for method in &self.methods {
            let mut drawer = None;
            let cx = Context::new(&flow.facts, &visit.caller, &self.config, desk, schema);
            let begun = method.begin(&cx, &mut Slot::new(&mut drawer, &mut effects, desk)).await;
            begun.map_err(|stop| without_page(stop, "a method"))?;
            flow.drawers.extend(drawer.map(|memory| (method.id().to_string(), memory)));
        }
        Ok(effects)
    }

    /// Stores a fresh flow with what goes along; for a native client that asks for a pair of codes, together with the
    /// pair.
    pub(super) async fn store_new(
        &self,
        flow: &mut Flow,
        mut effects: Effects,
        exchange: bool,
        now: OffsetDateTime,
    ) -> Result<Option<String>, Failure> {
        let code = if exchange { Some(self.new_code()?) } else { None };
        if let Some(code) = &code {
            let id = RecordId::of_secret(code);
            flow.facts.exchange = Some(*id.as_uuid());
            let body = Exchange::new(flow.facts.id).encode().map_err(Failure::internal)?;
            effects.also(Record::new(Kind::Exchange, id, 1, flow.facts.expires_at, body));
        }
        let record = Self::record(flow, 1)?;
        self.save(&record, None, &effects, now).await.map_err(|failure| match failure.kind() {
            FailureKind::Conflict => Failure::internal("the id of a flow was taken"),
            _ => failure,
        })?;
        Ok(code)
    }

    /// A random code of letters and digits.
    fn new_code(&self) -> Result<String, HostError> {
        let mut code = String::with_capacity(CODE_LENGTH);
        let mut bytes = Zeroizing::new([0_u8; CODE_LENGTH]);
        while code.len() < CODE_LENGTH {
            self.random.fill(bytes.as_mut())?;
            code.extend(crate::seal::alphanumeric(bytes.as_slice()));
            code.truncate(CODE_LENGTH);
        }
        Ok(code)
    }
}

/// There is no page yet that could carry messages.
fn without_page(stop: Stop, who: &str) -> Failure {
    match stop {
        Stop::Fail(failure) => failure,
        Stop::Refuse { messages, .. } => {
            let texts: Vec<String> = messages.iter().map(|placed| placed.message().text()).collect();
            Failure::internal(format!("{who} refused to begin a flow: {}", texts.join("; ")))
        }
    }
}
