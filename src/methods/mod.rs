//! Ways to register. Every file has the same shape, and none knows another.
//!
//! A method answers, it does not act: it says which fields it asks for, whether a submission is meant for it, and what
//! the person's answer comes to. Loading, saving, guarding, expiry, showing again and creating happen once, for all
//! methods.
//!
//! A host adds a way of its own by implementing [`Method`] and handing it to the builder:
//!
//! ```
//! use tower_registration::methods::{Context, Method, Slot, Step};
//! use tower_registration::identity::{Draft, MethodId};
//! use tower_registration::page::{Field, Group, InputKind, View};
//! use tower_registration::{Stop, form::Submission, message::{Message, MessageKind}};
//!
//! /// Lets in who knows the word of the day.
//! struct Invitation { word: String }
//!
//! const ID: MethodId = MethodId::new("invitation");
//! const GROUP: Group = Group::Other("invitation");
//!
//! #[async_trait::async_trait]
//! impl Method for Invitation {
//!     fn id(&self) -> MethodId { ID }
//!
//!     fn fields(&self, view: &View<'_>) -> Vec<Field> {
//!         if !view.asks_credentials() { return Vec::new() }
//!         let label = Message::custom(9001, MessageKind::Info, "Join");
//!         vec![Field::input(GROUP, InputKind::Text, "word").required(), Field::submit(GROUP, "method", "invitation", label)]
//!     }
//!
//!     async fn submit(&self, cx: &Context<'_>, form: &Submission, _: &mut Slot<'_>) -> Result<Step, Stop> {
//!         let traits = cx.traits(form, &["word"])?;
//!         if form.text("word").as_deref() != Some(&self.word) {
//!             return Err(Message::custom(9002, MessageKind::Error, "That is not the word.").at("word").into());
//!         }
//!         Ok(Step::Register(Draft::new(traits)))
//!     }
//! }
//! ```

mod code;
#[cfg(feature = "webauthn")]
mod keys;
#[cfg(feature = "webauthn")]
mod passkey;
mod password;
mod profile;
mod similarity;
#[cfg(feature = "webauthn")]
mod webauthn;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;

use crate::caller::Caller;
use crate::config::{Config, Style};
use crate::effects::{Desk, Effects};
use crate::flow::{Facts, Screen, State};
use crate::form::Submission;
use crate::identity::{Address, Draft, MethodId, Traits};
use crate::limits::{Counted, Counter};
use crate::mail::Letter;
use crate::message::Message;
use crate::page::{Field, View};
use crate::schema::Schema;
use crate::stop::{Failure, Stop};

pub use code::Code;
#[cfg(feature = "webauthn")]
pub use keys::{Attachment, Attestation, AuthenticatorNames, Need, RelyingParty};
#[cfg(feature = "webauthn")]
pub use passkey::Passkey;
pub use password::{Password, WhenAway};
pub(crate) use profile::Profile;
#[cfg(feature = "webauthn")]
pub use webauthn::SecurityKey;

/// One way to register.
#[async_trait]
pub trait Method: Send + Sync + 'static {
    /// The word used on the wire, in the flow's memory and in the credential.
    fn id(&self) -> MethodId;

    /// Who is asked first whether a submission is meant for it, and who is drawn first: lower comes first. The
    /// library's own methods use multiples of ten from 10 to 60.
    fn rank(&self) -> u8 {
        100
    }

    /// Looks at the method's own settings, and at the service it is used in, when the service is built. What weakens or
    /// is probably not meant becomes a [warning](crate::Registration::warnings).
    ///
    /// # Errors
    ///
    /// Why the method cannot work like this, and what to change.
    fn review(&self, _setup: &Setup<'_>) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    /// A flow is begun: prepare what must exist before its first page, such as a challenge. It is stored together with
    /// the flow.
    ///
    /// # Errors
    ///
    /// [`Stop`] when the flow cannot be begun. There is no page yet that could carry messages, so a refusal is told as
    /// an inner error.
    async fn begin(&self, _cx: &Context<'_>, _slot: &mut Slot<'_>) -> Result<(), Stop> {
        Ok(())
    }

    /// What this method asks for on the current screen. Pure: the same view, the same fields.
    fn fields(&self, view: &View<'_>) -> Vec<Field>;

    /// Whether a submission is meant for this method: by its field `method`, unless the method says otherwise.
    fn claims(&self, _view: &View<'_>, form: &Submission) -> bool {
        form.text("method").as_deref() == Some(self.id().as_str())
    }

    /// The person answered.
    ///
    /// # Errors
    ///
    /// [`Stop::Refuse`] with what the person must mend, [`Stop::Fail`] when it is not the person's fault.
    async fn submit(&self, cx: &Context<'_>, form: &Submission, slot: &mut Slot<'_>) -> Result<Step, Stop>;
}

/// The service that a method is used in, as far as a method has to do with it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Setup<'a> {
    /// The identity schemas.
    pub schemas: &'a [Schema],
    /// Where clients find the service.
    pub base_url: &'a str,
    /// The page that shows a flow; it may be a path on the host of the base URL.
    pub registration_ui: &'a str,
}

/// What a method says when it is done.
#[derive(Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "it lives for one call")]
pub enum Step {
    /// Proved enough: make this identity.
    Register(Draft),
    /// Not yet: show this screen.
    Show(Show),
}

/// The next screen.
#[derive(Debug)]
#[must_use]
pub struct Show {
    pub(crate) screen: Screen,
    pub(crate) traits: Value,
    pub(crate) progress: Option<(State, Option<MethodId>)>,
    pub(crate) messages: Vec<Message>,
    pub(crate) repeats_transient: bool,
}

impl Show {
    /// A screen that shows these traits; how far the flow has come stays as it is.
    pub fn new(screen: Screen, traits: Value) -> Self {
        Self { screen, traits, progress: None, messages: Vec::new(), repeats_transient: false }
    }

    /// Sets how far the flow has come, and the method that is at work.
    pub fn progress(mut self, state: State, active: Option<MethodId>) -> Self {
        self.progress = Some((state, active));
        self
    }

    /// Adds what the person is told on the page.
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Repeats the client's `transient_payload` in the answer.
    pub fn repeat_transient(mut self) -> Self {
        self.repeats_transient = true;
        self
    }
}

/// What a method may ask while it answers.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Context<'a> {
    /// The facts of the flow.
    pub flow: &'a Facts,
    /// Who asks.
    pub caller: &'a Caller,
    /// The time.
    pub now: OffsetDateTime,
    pub(crate) config: &'a Config,
    pub(crate) desk: Desk<'a>,
    schema: &'a Schema,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        flow: &'a Facts,
        caller: &'a Caller,
        config: &'a Config,
        desk: Desk<'a>,
        schema: &'a Schema,
    ) -> Self {
        Self { flow, caller, now: desk.now, config, desk, schema }
    }

    /// The traits of a submission, judged by the schema together with the fields that must be there.
    ///
    /// # Errors
    ///
    /// [`Stop::Refuse`] with all mistakes at once.
    pub fn traits(&self, form: &Submission, required: &[&str]) -> Result<Traits, Stop> {
        self.schema.judge(form, required).map_err(Stop::refuse)
    }

    /// Random bytes, from the source that the service was built with.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] when there is no randomness.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], Stop> {
        let mut bytes = [0; N];
        self.desk.random.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Traits that the method kept, judged again.
    ///
    /// # Errors
    ///
    /// [`Stop::Refuse`] with all mistakes at once.
    pub fn kept_traits(&self, traits: &Value) -> Result<Traits, Stop> {
        self.schema.traits(traits).map_err(Stop::refuse)
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("flow", &self.flow.id).finish_non_exhaustive()
    }
}

/// What a method keeps in the flow: its own drawer, which dies with the flow. Letters are posted through it.
#[derive(Debug)]
pub struct Slot<'a> {
    drawer: &'a mut Option<Value>,
    effects: &'a mut Effects,
    desk: Desk<'a>,
}

impl<'a> Slot<'a> {
    pub(crate) fn new(drawer: &'a mut Option<Value>, effects: &'a mut Effects, desk: Desk<'a>) -> Self {
        Self { drawer, effects, desk }
    }

    /// What the method remembers; nothing when it kept nothing, or something of another shape.
    #[must_use]
    pub fn memory<T: DeserializeOwned>(&self) -> Option<T> {
        self.drawer.as_ref().and_then(|value| T::deserialize(value).ok())
    }

    /// Keeps this, in place of what was there. It is stored together with the answer.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] for what cannot be JSON.
    pub fn remember<T: Serialize>(&mut self, memory: &T) -> Result<(), Stop> {
        *self.drawer = Some(serde_json::to_value(memory).map_err(Failure::internal)?);
        Ok(())
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        *self.drawer = None;
    }

    /// Posts a letter together with the answer. Says whether it will be sent.
    pub(crate) async fn post(&mut self, letter: &Letter) -> Result<bool, Stop> {
        Ok(self.effects.post(self.desk, letter).await?)
    }

    /// What is counted of an address; what is added is written together with the answer.
    pub(crate) async fn counter(&mut self, what: Counted, address: &Address) -> Result<&mut Counter, Stop> {
        Ok(self.effects.counter(self.desk, what, address).await?)
    }
}

/// A word of the wire and what a submission for it looks like.
type WireMethod = (&'static str, fn(&Submission) -> bool);

/// The words that answer "disabled" when no method of this name is on; every other submission that nobody claims is a
/// mistake of the form.
const WIRE_METHODS: &[WireMethod] = &[
    ("password", |form| form.text("method").as_deref() == Some("password")),
    ("oidc", |form| {
        let method = form.text("method");
        form.text("provider").is_some() && method.is_none_or(|method| method.eq_ignore_ascii_case("oidc"))
    }),
    ("code", |form| form.text("method").as_deref() == Some("code")),
    ("passkey", |form| form.text("passkey_register").is_some()),
];

/// Whether a submission is meant for a method that the wire knows and this service does not offer.
pub(crate) fn names_disabled_method(form: &Submission, offered: impl Fn(&str) -> bool) -> bool {
    WIRE_METHODS.iter().any(|(word, claims)| !offered(word) && claims(form))
}

/// The script that pages load to make keys, where keys are part of this build.
pub(crate) const KEY_SCRIPT: Option<&str> = {
    #[cfg(feature = "webauthn")]
    let script = Some(keys::SOURCE);
    #[cfg(not(feature = "webauthn"))]
    let script = None;
    script
};

/// The screen that a flow begins with.
pub(crate) fn first_screen(style: Style) -> Screen {
    match style {
        Style::Unified => Screen::Unified,
        Style::ProfileFirst => Screen::Profile,
    }
}
