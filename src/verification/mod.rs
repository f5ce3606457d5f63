//! The story of proving an address.
//!
//! | chapter | what happens |
//! |---|---|
//! | [`open`] | a flow is begun: by the person, or by a registration |
//! | [`show`] | it is looked at again |
//! | [`submit`] | it is answered: an address asks for a letter, a code or token proves |
//! | [`send`] | a letter is written to an address, or looks as if it were |
//! | [`prove`] | a code or token is judged, and the address is proved |
//! | [`oauth2`] | an OAuth2 server that waits for the proof is told who it is |
//! | [`follow`] | the link of a letter is opened, which proves nothing yet |
//! | [`replace`] | a flow that cannot be used any more is replaced by a new one |
//!
//! Nothing here tells an address that has an account from one that has none.

mod follow;
mod oauth2;
mod open;
mod prove;
mod replace;
mod send;
mod show;
mod submit;

use crate::call::{Body, Outcome, Telling, Verify};
use crate::config::Verification;
use crate::csrf::Visitor;
use crate::effects::Effects;
use crate::engine::{Engine, TRIES, Tell, Trouble, Visit};
use crate::flow::{FlowId, FlowKind, VerificationFlow};
use crate::host::{HostError, Kind, Record, RecordId};
use crate::message::Placed;
use crate::page::{Drawing, VerificationPage};
use crate::seal::{Purpose, Tag};
use crate::stop::{Failure, FailureKind};

use follow::Link;
pub(crate) use open::{Aside, Beginning};

/// Messages pile up on a flow; these many are kept.
const MOST_MESSAGES: usize = 50;

/// A flow being answered, with the version it was loaded at and what is written beside it.
struct Work<'a> {
    flow: VerificationFlow,
    version: i64,
    settings: &'a Verification,
    effects: Effects,
}

/// What answers a flow.
enum Answer {
    /// A form, or what a program sends.
    Form { body: Body, request: String },
    /// The link of a letter.
    Link(Link),
}

impl Engine {
    /// Answers a request about a flow that proves an address.
    pub(crate) async fn verify(&self, visit: &mut Visit, wish: Verify) -> Result<Outcome, Trouble> {
        let Some(settings) = &self.config.verification else {
            // An answer is not guarded by the switch; it finds no flow.
            let failure = match wish {
                Verify::Open { .. } | Verify::Show(_) => Failure::verification_disabled(),
                Verify::Submit { flow: None, .. } | Verify::Follow { flow: None, .. } => Failure::flow_missing(),
                Verify::Submit { .. } | Verify::Follow { .. } => Failure::verification_unknown(),
            };
            return Err(Trouble::new(failure, Tell::Forward));
        };
        match wish {
            Verify::Open { kind, return_to, request } => {
                self.open_verification(visit, settings, kind, return_to, request).await
            }
            Verify::Show(id) => self.show_verification(visit, id).await,
            Verify::Submit { flow, body, request } => {
                self.answer_verification(visit, settings, flow, &Answer::Form { body, request }).await
            }
            Verify::Follow { flow, code, token, head, request } => {
                let link = Link { code, token, head, request };
                self.answer_verification(visit, settings, flow, &Answer::Link(link)).await
            }
        }
    }

    /// Loads a flow and answers it; when somebody else changed it meanwhile, anew from the load.
    async fn answer_verification(
        &self,
        visit: &mut Visit,
        settings: &Verification,
        id: Option<FlowId>,
        answer: &Answer,
    ) -> Result<Outcome, Trouble> {
        let Some(id) = id else { return Err(Trouble::new(Failure::flow_missing(), Tell::Forward)) };
        let mut tries = 0;
        loop {
            tries += 1;
            let loaded = self.load_verification(id).await.map_err(|failure| Trouble::new(failure, Tell::Forward))?;
            let Some((flow, version)) = loaded else {
                return Err(Trouble::new(Failure::verification_unknown(), Tell::Forward));
            };
            let kind = flow.kind;
            let work = Work { flow, version, settings, effects: Effects::default() };
            let answered = match answer {
                Answer::Form { body, request } => self.submit_verification(visit, work, body, request).await,
                Answer::Link(link) => self.follow(visit, work, link).await,
            };
            match answered {
                Err(failure) if failure.kind() == FailureKind::Conflict && tries < TRIES => {}
                Err(failure) => return Err(Trouble::in_flow(failure, kind)),
                Ok(outcome) => return Ok(outcome),
            }
        }
    }

    /// Draws the page of a flow and tells it.
    fn tell_verification(&self, visit: &Visit, flow: VerificationFlow, telling: Telling) -> Result<Outcome, HostError> {
        let token = match (flow.kind, visit.visitor.is_fresh()) {
            // A native client that was just given a cookie has no use for its token.
            (FlowKind::Api, true) => String::new(),
            _ => self.csrf.token(&visit.visitor, self.random.as_ref())?,
        };
        let opened = flow.opened.as_ref().and_then(|sealed| self.open_link(flow.id, sealed));
        let continue_url = self.continue_url(&flow);
        let drawing = Drawing { token, sends_sms: self.config.sends_sms, opened, continue_url };
        Ok(Outcome::Verification(Box::new(VerificationPage::draw(flow, drawing)), telling))
    }

    /// Where a person is led who proved the address.
    fn continue_url(&self, flow: &VerificationFlow) -> String {
        let own = self.config.verification.as_ref().and_then(|settings| settings.return_url.as_deref());
        let default = own.unwrap_or(&self.config.default_return_url);
        self.return_to.decide(flow.return_to().as_deref(), default).unwrap_or_else(|_| default.to_owned())
    }

    fn open_link(&self, id: FlowId, sealed: &[u8]) -> Option<String> {
        let plain = self.seal.open(Purpose::OpenedLink, id.as_uuid().as_bytes(), sealed)?;
        String::from_utf8(plain.to_vec()).ok()
    }

    /// Reads a flow with the version it has.
    async fn load_verification(&self, id: FlowId) -> Result<Option<(VerificationFlow, i64)>, Failure> {
        let id_of_record = RecordId::new(*id.as_uuid());
        let Some(record) = self.storage.get(Kind::Verification, id_of_record).await? else { return Ok(None) };
        let flow = VerificationFlow::decode(id, record.expires_at, &record.body).map_err(Failure::internal)?;
        Ok(Some((flow, record.version)))
    }
}

/// The record of a flow, to be stored as this version.
fn record(flow: &VerificationFlow, version: i64) -> Result<Record, Failure> {
    let id = RecordId::new(*flow.id.as_uuid());
    let body = flow.encode().map_err(Failure::internal)?;
    Ok(Record::new(Kind::Verification, id, version, flow.expires_at, body))
}

/// Adds a message to those that are there.
fn add(flow: &mut VerificationFlow, message: Placed) {
    let surplus = (flow.messages.len() + 1).saturating_sub(MOST_MESSAGES);
    flow.messages.drain(..surplus);
    flow.messages.push(message);
}

/// Whether this browser may see the flow.
fn is_bound(visitor: &Visitor, flow: &VerificationFlow) -> bool {
    flow.bindings.iter().any(|bound| bears(visitor, bound))
}

/// Whether this is the browser that began the flow.
fn began(visitor: &Visitor, flow: &VerificationFlow) -> bool {
    flow.bindings.first().is_some_and(|bound| bears(visitor, bound))
}

fn bears(visitor: &Visitor, bound: &Tag) -> bool {
    use subtle::ConstantTimeEq;
    visitor.binding().is_some_and(|own| !visitor.is_fresh() && own.ct_eq(bound).into())
}
