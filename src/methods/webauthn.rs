//! Sign up with a security key.
//!
//! The person sees a field for the name of the key, `webauthn_register_displayname`, and a button,
//! `webauthn_register_trigger`, whose value holds the options. It calls the page's script, which asks the browser for a key
//! and sends what comes back as `webauthn_register`, with all other fields of the form and without a `method`. Remembered
//! are the challenge and the person's handle. Only browsers are asked.
//!
//! A submission is meant for this method if it comes from a browser and `webauthn_register` is there. It is judged in
//! this order:
//!
//! 1. the traits follow the schema, else the messages of the schema;
//! 2. the answer can be read, else 4000001;
//! 3. it makes a key: it answers the challenge of this flow, on an accepted page, for our domain, with a person present;
//!    the kind of key was offered, its attestation is true. Else 4000001, and the next page has another challenge;
//! 4. a trait names the person for a security key, else 4000009: the name is typed at sign-in, before the key is asked;
//! 5. nobody has this name or this key, else 4000007.
//!
//! The ceremony happens in the browser: pages need TLS, or `localhost`, and a host name instead of an address.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::Duration;

use super::keys::{Ceremony, Demand, Need, RelyingParty, Wishes, review};
use super::slot::remembered;
use super::{Context, Method, Setup, Slot, Step};
use crate::flow::FlowKind;
use crate::form::Submission;
use crate::identity::{Credential, Draft, MethodId};
use crate::message::catalogue;
use crate::page::{Field, Group, InputKind, View};
use crate::stop::Stop;

const ID: MethodId = MethodId::new("webauthn");
const GROUP: Group = Group::WebAuthn;
const RANK: u8 = 60;
const FIELD: &str = "webauthn_register";
const NAME: &str = "webauthn_register_displayname";
const TRIGGER: &str = "webauthn_register_trigger";
const FUNCTION: &str = "oryWebAuthnRegistration";

/// The security key method. Hand it to the builder:
/// `.method(SecurityKey::new(RelyingParty::new("example.org", "Example").origin("https://app.example.org")))`.
#[derive(Clone, Debug)]
#[must_use]
pub struct SecurityKey {
    party: RelyingParty,
    wishes: Wishes,
}

impl SecurityKey {
    /// A method that takes keys of every kind, without verifying the person beside their presence.
    pub fn new(party: RelyingParty) -> Self {
        let wishes = Wishes {
            attachment: None,
            resident_key: None,
            user_verification: Need::Discouraged,
            attestation: None,
            timeout: None,
        };
        Self { party, wishes }
    }

    /// Sets how long the browser waits for the person; two minutes otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.wishes.timeout = Some(timeout);
        self
    }
}

#[derive(Serialize, Deserialize)]
struct Memory {
    ceremony: Ceremony,
    /// What the key is to be called, where an answer was refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
}

impl Memory {
    fn begin(cx: &Context<'_>) -> Result<Self, Stop> {
        Ok(Self { ceremony: Ceremony::begin(cx, &cx.random::<16>()?)?, name: String::new() })
    }
}

#[async_trait]
impl Method for SecurityKey {
    fn id(&self) -> MethodId {
        ID
    }

    fn rank(&self) -> u8 {
        RANK
    }

    fn review(&self, setup: &Setup<'_>) -> Result<Vec<String>, String> {
        let mut warnings = review(&self.party, &self.wishes, setup)?;
        let nameless = setup.schemas.iter().filter(|schema| !schema.has_identifiers(&ID));
        warnings.extend(nameless.map(|schema| {
            let mark = "\"ory.sh/kratos\": { \"credentials\": { \"webauthn\": { \"identifier\": true } } }";
            format!(
                "no trait of the identity schema `{}` names a person for a security key; mark one with {mark}",
                schema.id()
            )
        }));
        Ok(warnings)
    }

    async fn begin(&self, cx: &Context<'_>, slot: &mut Slot<'_>) -> Result<(), Stop> {
        match cx.flow.kind {
            FlowKind::Browser => slot.remember(&Memory::begin(cx)?),
            FlowKind::Api => Ok(()),
        }
    }

    fn fields(&self, view: &View<'_>) -> Vec<Field> {
        let Some(memory) = remembered::<Memory>(view).filter(|_| view.asks_credentials()) else { return Vec::new() };
        let options = self.wishes.options(&self.party, &memory.ceremony).to_string();
        let call = format!("window.{FUNCTION}({options})");
        let trigger = Field::button(GROUP, TRIGGER, FUNCTION, Some(call)).value(options);
        vec![
            Field::input(GROUP, InputKind::Text, NAME).value(memory.name).label(catalogue::KEY_NAME),
            Field::input(GROUP, InputKind::Hidden, FIELD).value(""),
            trigger.label(catalogue::SIGN_UP_SECURITY_KEY),
            memory.ceremony.script(),
        ]
    }

    fn claims(&self, view: &View<'_>, form: &Submission) -> bool {
        view.facts.kind == FlowKind::Browser && form.text(FIELD).is_some()
    }

    async fn submit(&self, cx: &Context<'_>, form: &Submission, slot: &mut Slot<'_>) -> Result<Step, Stop> {
        let traits = cx.traits(form, &[])?;
        let answer = form.text(FIELD).unwrap_or_default();
        let name = form.text(NAME).unwrap_or_default().into_owned();
        let memory: Option<Memory> = slot.memory();
        let demand = Demand::of(&self.party, &self.wishes, cx);
        let key = match demand.judge(&answer, memory.as_ref().map(|memory| &memory.ceremony)) {
            Ok(key) => key,
            Err(refusal) => {
                // Nobody gets a second try at the same challenge.
                slot.remember(&Memory { name, ..Memory::begin(cx)? })?;
                return Err(refusal);
            }
        };
        if traits.identifiers_of(&ID).next().is_none() {
            memory.map_or(Ok(()), |memory| slot.remember(&Memory { name, ..memory }))?;
            return Err(Stop::refuse([catalogue::NO_IDENTIFIER.on_page()]));
        }
        let config = key.config(&name, cx);
        Ok(Step::Register(Draft::new(traits).credential(Credential::new(ID, config))))
    }
}
