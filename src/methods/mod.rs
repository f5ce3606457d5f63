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
#[cfg(feature = "oidc")]
pub mod oidc;
#[cfg(feature = "webauthn")]
mod passkey;
mod password;
mod profile;
mod similarity;
mod slot;
mod step;
#[cfg(feature = "webauthn")]
mod webauthn;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::caller::Caller;
use crate::config::{Config, Style};
use crate::effects::Desk;
use crate::flow::{Facts, Screen};
use crate::form::Submission;
use crate::identity::{MethodId, Owner, Traits, Unique};
use crate::message::Placed;
use crate::page::{Field, View};
use crate::schema::Schema;
use crate::seal::Purpose;
use crate::stop::{Failure, Stop};

pub use crate::continuity::Departure;
pub use code::Code;
#[cfg(feature = "webauthn")]
pub use keys::{Attachment, Attestation, AuthenticatorNames, Need, RelyingParty};
#[cfg(feature = "oidc")]
pub use oidc::Oidc;
#[cfg(feature = "webauthn")]
pub use passkey::Passkey;
pub use password::{Password, WhenAway};
pub(crate) use profile::Profile;
pub(crate) use slot::Asides;
pub use slot::Slot;
pub use step::{Leave, Proved, Show, Step};
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

    /// Whether fields may also stand in the query of the URL that a form is sent to. The CSRF token never does.
    fn reads_query(&self) -> bool {
        false
    }

    /// The person answered.
    ///
    /// # Errors
    ///
    /// [`Stop::Refuse`] with what the person must mend, [`Stop::Fail`] when it is not the person's fault.
    async fn submit(&self, cx: &Context<'_>, form: &Submission, slot: &mut Slot<'_>) -> Result<Step, Stop>;

    /// The browser that this method sent to somebody else came back, with what they gave it in the query. That it is the
    /// one that left, and that it has not come back before, is certain.
    ///
    /// # Errors
    ///
    /// As from [`submit`](Method::submit).
    async fn resume(&self, _cx: &Context<'_>, _answer: &Submission, _slot: &mut Slot<'_>) -> Result<Step, Stop> {
        Err(Failure::internal("a method that sends nobody away was come back to").into())
    }

    /// URLs of the places that people are sent to, as far as they are known beforehand: the library's own pages let their
    /// forms end at those origins.
    fn destinations(&self) -> Vec<String> {
        Vec::new()
    }
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

    /// The traits of a submission in which another field is wrong, or none: all mistakes at once.
    fn traits_or(&self, form: &Submission, wrong: Option<Placed>) -> Result<Traits, Stop> {
        let judged = self.schema.judge(form, &[]);
        let Some(wrong) = wrong else { return judged.map_err(Stop::refuse) };
        Err(Stop::refuse(judged.err().into_iter().flatten().chain([wrong])))
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

    /// Who owns one of these values.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] when it cannot be said.
    pub async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, Stop> {
        Ok(self.desk.identities.owner(of).await?)
    }

    /// A departure to somebody else on this errand, which the method has a word for.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] when there is no randomness.
    pub fn departure(&self, method: &MethodId, errand: &str) -> Result<Departure, Stop> {
        let (seal, random) = (self.desk.seal, self.desk.random);
        Ok(Departure::new(self.flow, method.as_str(), errand, self.now, seal, random)?)
    }

    /// Seals what a method keeps in this flow and what nobody may read who reads the storage.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] when there is no randomness.
    pub fn conceal(&self, plain: &[u8]) -> Result<String, Stop> {
        let flow = self.flow.id.as_uuid().as_bytes();
        let sealed = self.desk.seal.seal(Purpose::Drawer, flow, plain, self.random()?);
        let sealed = sealed.ok_or_else(|| Failure::internal("what a method keeps could not be sealed"))?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`conceal`](Context::conceal) sealed in this flow.
    #[must_use]
    pub fn reveal(&self, concealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = URL_SAFE_NO_PAD.decode(concealed).ok()?;
        self.desk.seal.open(Purpose::Drawer, self.flow.id.as_uuid().as_bytes(), &sealed)
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
