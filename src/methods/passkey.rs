//! Sign up with a passkey.
//!
//! The person sees a button, `passkey_register_trigger`. It calls the page's script, which asks the browser for a key by
//! the options in `passkey_create_data` and sends what comes back as `passkey_register`, with all other fields of the
//! form and without a `method`. The name that the passkey gets is taken from the first of the fields
//! `displayNameFieldNames` that is filled in. Remembered are the challenge, the person's handle and those names.
//!
//! A submission is meant for this method if `passkey_register` is there and is not the word `true`. It is judged in this
//! order:
//!
//! 1. the traits follow the schema, else the messages of the schema;
//! 2. the answer can be read, else 4000001;
//! 3. it makes a key: it answers the challenge of this flow, on an accepted page, for our domain, with a person
//!    present, and verified where that is required; the kind of key was offered, its attestation is true. Else 4000001,
//!    and the next page has another challenge;
//! 4. nobody has this key, else 4000007.
//!
//! The identifier of the credential is the person's handle, 64 letters and digits: people sign in without typing a name.
//!
//! The ceremony happens in the browser: pages need TLS, or `localhost`, and a host name instead of an address.

use std::borrow::Cow;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::Duration;

use super::keys::{Attachment, Attestation, AuthenticatorNames, Ceremony, Demand, Need, RelyingParty, Wishes, review};
use super::slot::remembered;
use super::{Context, Method, Setup, Slot, Step};
use crate::flow::FlowKind;
use crate::form::Submission;
use crate::identity::{Credential, Draft, MethodId};
use crate::message::catalogue;
use crate::page::{Field, Group, InputKind, View};
use crate::seal::alphanumeric;
use crate::stop::Stop;

const ID: MethodId = MethodId::new("passkey");
const GROUP: Group = Group::Passkey;
const RANK: u8 = 50;
const FIELD: &str = "passkey_register";
const TRIGGER: &str = "passkey_register_trigger";
const DATA: &str = "passkey_create_data";
const FUNCTION: &str = "oryPasskeyRegistration";
/// Letters and digits of the person's handle.
const HANDLE_LENGTH: usize = 64;

/// The passkey method.
///
/// ```
/// use tower_registration::methods::{Passkey, RelyingParty};
///
/// let party = RelyingParty::new("example.org", "Example").origin("https://app.example.org");
/// let method = Passkey::new(party); // builder.method(method)
/// # let _ = method;
/// ```
///
/// # Pages
///
/// A page shows the fields of the flow and loads the script that one of them names, `/.well-known/ory/webauthn.js` below the
/// base URL. It needs no script of its own: a button with `data-onclick-trigger="oryPasskeyRegistration"` is enough, so a
/// content security policy with `script-src 'self'`, or the base URL's origin, can stay. Pages made for Kratos call
/// `window.oryPasskeyRegistration()` themselves.
///
/// Browsers make keys on pages with TLS and on `localhost`, never at an IP address.
#[derive(Clone, Debug)]
#[must_use]
pub struct Passkey {
    party: RelyingParty,
    wishes: Wishes,
    names: AuthenticatorNames,
}

impl Passkey {
    /// A method that asks for keys which authenticators list by themselves, that verifies people where their
    /// authenticator can, and asks for no attestation.
    pub fn new(party: RelyingParty) -> Self {
        let wishes = Wishes {
            attachment: None,
            resident_key: Some(Need::Required),
            user_verification: Need::Preferred,
            attestation: Some(Attestation::None),
            timeout: None,
        };
        Self { party, wishes, names: AuthenticatorNames::default() }
    }

    /// Sets which authenticators are asked for; all otherwise.
    pub fn attachment(mut self, attachment: Attachment) -> Self {
        self.wishes.attachment = Some(attachment);
        self
    }

    /// Sets whether the authenticator keeps the key so that people sign in without typing a name; required otherwise.
    pub fn resident_key(mut self, need: Need) -> Self {
        self.wishes.resident_key = Some(need);
        self
    }

    /// Sets whether the authenticator verifies the person, by a finger or a PIN. Where it is required, a key that was made
    /// without is refused; preferred otherwise.
    pub fn user_verification(mut self, need: Need) -> Self {
        self.wishes.user_verification = need;
        self
    }

    /// Sets how much the authenticator is asked to tell about its make; nothing otherwise.
    pub fn attestation(mut self, attestation: Attestation) -> Self {
        self.wishes.attestation = Some(attestation);
        self
    }

    /// Sets how long the browser waits for the person; five minutes otherwise, two where verification is discouraged.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.wishes.timeout = Some(timeout);
        self
    }

    /// Sets what authenticators are called.
    pub fn authenticator_names(mut self, names: AuthenticatorNames) -> Self {
        self.names = names;
        self
    }
}

#[derive(Serialize, Deserialize)]
struct Memory {
    ceremony: Ceremony,
    /// The fields that the passkey may be named by.
    names: Vec<String>,
}

impl Memory {
    fn begin(cx: &Context<'_>) -> Result<Self, Stop> {
        let mut handle = String::with_capacity(HANDLE_LENGTH);
        while handle.len() < HANDLE_LENGTH {
            handle.extend(alphanumeric(&cx.random::<HANDLE_LENGTH>()?));
            handle.truncate(HANDLE_LENGTH);
        }
        Ok(Self { ceremony: Ceremony::begin(cx, handle.as_bytes())?, names: cx.schema.key_names() })
    }
}

#[async_trait]
impl Method for Passkey {
    fn id(&self) -> MethodId {
        ID
    }

    fn rank(&self) -> u8 {
        RANK
    }

    fn review(&self, setup: &Setup<'_>) -> Result<Vec<String>, String> {
        let mut warnings = review(&self.party, &self.wishes, setup)?;
        let nameless = setup.schemas.iter().filter(|schema| schema.key_names().is_empty());
        warnings.extend(nameless.map(|schema| {
            let mark = "\"ory.sh/kratos\": { \"credentials\": { \"passkey\": { \"display_name\": true } } }";
            format!(
                "no trait of the identity schema `{}` gives a passkey its name, so none is offered; mark one with {mark}",
                schema.id()
            )
        }));
        Ok(warnings)
    }

    async fn begin(&self, cx: &Context<'_>, slot: &mut Slot<'_>) -> Result<(), Stop> {
        slot.remember(&Memory::begin(cx)?)
    }

    fn fields(&self, view: &View<'_>) -> Vec<Field> {
        let Some(memory) = remembered::<Memory>(view).filter(|memory| !memory.names.is_empty()) else {
            return Vec::new();
        };
        if !view.asks_credentials() {
            return Vec::new();
        }
        let in_browser = view.facts.kind == FlowKind::Browser;
        let call = in_browser.then(|| format!("window.{FUNCTION}()"));
        let data = json!({
            "credentialOptions": self.wishes.options(&self.party, &memory.ceremony),
            "displayNameFieldName": memory.names.first(),
            "displayNameFieldNames": memory.names,
        });
        let mut fields = vec![
            Field::button(GROUP, TRIGGER, FUNCTION, call).label(catalogue::SIGN_UP_PASSKEY),
            Field::input(GROUP, InputKind::Hidden, FIELD),
            Field::input(GROUP, InputKind::Hidden, DATA).value(data.to_string()),
        ];
        fields.extend(in_browser.then(|| memory.ceremony.script()));
        fields
    }

    fn claims(&self, _: &View<'_>, form: &Submission) -> bool {
        answer(form).is_some()
    }

    async fn submit(&self, cx: &Context<'_>, form: &Submission, slot: &mut Slot<'_>) -> Result<Step, Stop> {
        let traits = cx.traits(form, &[])?;
        let answer = answer(form).unwrap_or_default();
        let memory: Option<Memory> = slot.memory();
        let demand = Demand::of(&self.party, &self.wishes, cx);
        let key = match demand.judge(&answer, memory.as_ref().map(|memory| &memory.ceremony)) {
            Ok(key) => key,
            Err(refusal) => {
                // Nobody gets a second try at the same challenge.
                slot.remember(&Memory::begin(cx)?)?;
                return Err(refusal);
            }
        };
        let handle = String::from_utf8_lossy(key.user_handle()).into_owned();
        let config = key.config(self.names.of(key.aaguid()), cx);
        Ok(Step::Register(Draft::new(traits).credential(Credential::new(ID, config).with_identifiers([handle]))))
    }
}

/// What the ceremony filled in. Some pages send the word `true` for a field that is empty.
fn answer(form: &Submission) -> Option<Cow<'_, str>> {
    form.text(FIELD).filter(|text| text != "true")
}
