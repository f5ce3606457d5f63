//! A flow is begun: by the person who asks for it, or by a registration that left an address unproved.

use crate::call::{Begun, Outcome, Telling};
use crate::config::{BaseUrl, ProofKind, Verification};
use crate::csrf::Visitor;
use crate::effects::Effects;
use crate::engine::{Engine, Tell, Trouble, Visit};
use crate::flow::{AwaitedLogin, Facts, FlowId, FlowKind, State, Target, VerificationFlow, nanoseconds};
use crate::host::{HostError, Record};
use crate::identity::{Address, Channel, Draft};
use crate::mail::{Letter, LetterKind};
use crate::message::{Message, catalogue};
use crate::stop::Failure;

use super::record;

/// The flows that a registration begins, to be written in its unit.
#[derive(Debug, Default)]
pub(crate) struct Beginning {
    /// The records of the flows.
    pub(crate) records: Vec<Record>,
    /// What the client is told about them.
    pub(crate) begun: Vec<Begun>,
    /// The secret of the browser that the flows are bound to, which it gets with the answer.
    pub(crate) visitor: Option<Visitor>,
}

/// What goes along with the flows that a registration begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aside<'a> {
    /// What the client asked to hand on to letters.
    pub(crate) transient: &'a serde_json::Value,
    /// The OAuth2 server that awaits the proof.
    pub(crate) awaited: Option<&'a AwaitedLogin>,
}

impl Engine {
    pub(super) async fn open_verification(
        &self,
        visit: &Visit,
        settings: &Verification,
        kind: FlowKind,
        return_to: Option<String>,
        request: String,
    ) -> Result<Outcome, Trouble> {
        let trouble = |failure: Failure| Trouble::new(failure, Tell::Json);
        self.return_to.decide(return_to.as_deref(), &self.config.default_return_url).map_err(trouble)?;
        let flow = self.new_verification(visit, settings, kind, request).map_err(|error| trouble(error.into()))?;
        self.save_new(&record(&flow, 1).map_err(trouble)?, &Effects::default(), visit.now).await.map_err(trouble)?;
        self.tell_verification(visit, flow, Telling::Opened).map_err(|error| trouble(error.into()))
    }

    /// A fresh flow, not stored yet.
    pub(super) fn new_verification(
        &self,
        visit: &Visit,
        settings: &Verification,
        kind: FlowKind,
        request: String,
    ) -> Result<VerificationFlow, HostError> {
        let binding = visit.visitor.binding().filter(|_| kind == FlowKind::Browser);
        Ok(VerificationFlow {
            id: FlowId::new(self.new_id()?),
            kind,
            issued_at: visit.now,
            expires_at: visit.now + settings.lifespan,
            request,
            proof: settings.proof,
            state: State::ChooseMethod,
            messages: Vec::new(),
            refused: false,
            from_registration: false,
            target: None,
            tries: 0,
            bindings: binding.into_iter().collect(),
            opened: None,
            login: None,
        })
    }

    /// Begins a flow for the first address of a draft that is not proved, or for each. The letters wait in `effects`. An
    /// OAuth2 server that awaits the proof awaits the last: the one whose page a browser is led to.
    pub(crate) async fn begin_verification(
        &self,
        visit: &Visit,
        facts: &Facts,
        draft: &mut Draft,
        aside: Aside<'_>,
        effects: &mut Effects,
    ) -> Result<Beginning, Failure> {
        let Some(settings) = &self.config.verification else { return Ok(Beginning::default()) };
        let most = if settings.every_address { usize::MAX } else { 1 };
        let addresses: Vec<Address> = draft.unproved_addresses().take(most).collect();
        let mut beginning = Beginning::default();
        if addresses.is_empty() {
            return Ok(beginning);
        }
        if facts.kind == FlowKind::Browser {
            beginning.visitor = Some(self.csrf.renew(self.random.as_ref())?);
        }
        let binding = beginning.visitor.as_ref().and_then(Visitor::binding);
        let last = addresses.len() - 1;
        for (at, address) in addresses.into_iter().enumerate() {
            let mut flow = self.new_verification(visit, settings, facts.kind, request_of(facts, &self.config.base))?;
            flow.bindings = binding.into_iter().collect();
            flow.state = State::SentEmail;
            flow.from_registration = true;
            flow.login = aside.awaited.filter(|_| at == last).cloned();
            flow.messages =
                sent_message(settings.proof, address.via(), true).into_iter().map(Message::on_page).collect();
            let nonce = self.desk(visit.now).nonce()?;
            let until = visit.now + settings.proof_lifespan;
            let letter = Letter {
                to: address.clone(),
                kind: letter_kind(settings.proof),
                identity: Some(draft.id()),
                flow: *flow.id.as_uuid(),
                nonce,
                expires_at: until,
                minutes: settings.proof_lifespan.whole_minutes(),
                traits: draft.traits().clone(),
                transient: aside.transient.clone(),
                request_url: flow.request_url(&self.config.base),
                headers: visit.caller.told(&self.config.letter_headers),
            };
            effects.post(self.desk(visit.now), &letter).await?;
            let (typed, owner) = (address.value().to_owned(), Some(draft.id()));
            flow.target = Some(Target { address: address.clone(), typed, owner, nonce, until: nanoseconds(until) });
            draft.set_sent(address.clone());
            beginning.records.push(record(&flow, 1)?);
            beginning.begun.push(Begun { flow: flow.id, address });
        }
        Ok(beginning)
    }
}

pub(super) fn letter_kind(proof: ProofKind) -> LetterKind {
    match proof {
        ProofKind::Code => LetterKind::VerificationCode,
        ProofKind::Link => LetterKind::VerificationLink,
    }
}

/// What the page says when a letter was sent; a registration's link says nothing.
pub(super) fn sent_message(proof: ProofKind, via: Channel, from_registration: bool) -> Option<Message> {
    match (proof, via) {
        (ProofKind::Code, Channel::Email) => Some(catalogue::VERIFY_CODE_SENT),
        (ProofKind::Code, Channel::Sms) => Some(catalogue::VERIFY_SMS_SENT),
        (ProofKind::Link, _) => (!from_registration).then_some(catalogue::VERIFY_LINK_SENT),
    }
}

/// The request that began the registration, with its `return_to` replaced by what is to follow the verification.
fn request_of(facts: &Facts, base: &BaseUrl) -> String {
    let url = facts.request_url(base);
    let request = url.strip_prefix(base.join("").as_str()).unwrap_or(&url);
    let Some((path, query)) = request.split_once('?') else { return request.to_owned() };
    let pairs = || form_urlencoded::parse(query.as_bytes());
    const AFTER: &str = "after_verification_return_to";
    let after = pairs().find(|(name, value)| name == AFTER && !value.is_empty()).map(|(_, value)| value);
    if after.is_none() && !pairs().any(|(name, _)| name == AFTER) {
        return request.to_owned();
    }
    let mut rest: Vec<_> =
        pairs().filter(|(name, _)| name != AFTER && (after.is_none() || name != "return_to")).collect();
    rest.extend(after.map(|value| ("return_to".into(), value)));
    rest.sort();
    match form_urlencoded::Serializer::new(String::new()).extend_pairs(rest).finish() {
        empty if empty.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}
