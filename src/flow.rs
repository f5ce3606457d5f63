//! One attempt to register: its facts, and what each method remembers.
//!
//! Stored are facts only: which screen, which traits were typed, which messages. What a page shows is made from them
//! when it is asked for, so nothing is ever inserted into or removed from a stored form.

mod away;
mod exchange;
mod typed;
mod verification;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::config::BaseUrl;
use crate::identity::{IdentityId, MethodId};
use crate::message::{Message, MessageKind, Placed};
use crate::seal::Tag;

pub(crate) use away::Away;
pub(crate) use exchange::{Exchange, Proof};
pub use typed::Typed;
pub(crate) use typed::leaves;
pub(crate) use verification::{AwaitedLogin, Target, VerificationFlow};

/// The id of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowId(Uuid);

impl FlowId {
    /// The flow with this UUID.
    #[must_use]
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// Reads an id as clients write it: with or without dashes, in braces, or after `urn:uuid:`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse_uuid(text).filter(|id| !id.is_nil()).map(Self)
    }

    /// The UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

/// Reads a UUID in every form that the contract takes; the nil UUID is read too.
pub(crate) fn parse_uuid(text: &str) -> Option<Uuid> {
    let bare = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let bare = bare.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(bare);
    let plain = bare.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    plain.then(|| Uuid::try_parse(bare).ok()).flatten()
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who a flow was begun for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FlowKind {
    /// A browser or a single-page application: cookies and CSRF tokens.
    Browser,
    /// A native client: neither.
    Api,
}

impl FlowKind {
    /// The word used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Api => "api",
        }
    }
}

/// What the person sees at this point of the flow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Screen {
    /// Traits and all credentials on one page.
    Unified,
    /// The first of two steps: the traits.
    Profile,
    /// The second of two steps: the credentials.
    Credentials,
    /// One method, and the profile, go on alone.
    Only(MethodId),
    /// One method goes on alone, and asks for the traits itself: after somebody else's page was visited.
    Alone(MethodId),
}

/// How far a flow has come, in the words of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// A credential is to be chosen.
    ChooseMethod,
    /// A code was sent.
    SentEmail,
    /// A code was proved.
    PassedChallenge,
}

impl State {
    /// The word used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChooseMethod => "choose_method",
            Self::SentEmail => "sent_email",
            Self::PassedChallenge => "passed_challenge",
        }
    }
}

/// What is known of a flow to every method.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Facts {
    /// The id.
    pub id: FlowId,
    /// Who it was begun for.
    pub kind: FlowKind,
    /// When it was begun.
    pub issued_at: OffsetDateTime,
    /// When it can no longer be used.
    pub expires_at: OffsetDateTime,
    /// The query of the request that began it, as it came.
    pub query: String,
    /// Where the person asked to be led afterwards, as it came.
    pub return_to: Option<String>,
    /// The organization that the person registers for.
    pub organization: Option<Uuid>,
    /// The identity schema that was asked for by name.
    pub schema: Option<String>,
    /// The OAuth2 server that sent the person here knows them by this.
    pub login_challenge: Option<String>,
    /// What the person sees.
    pub screen: Screen,
    /// How far it has come.
    pub state: State,
    /// The method that is at work, where one is.
    pub active: Option<MethodId>,
    /// What the person is told.
    pub messages: Vec<Placed>,
    /// The traits typed so far.
    pub typed: Typed,
    /// The pair of codes that a native client exchanges for a session: its record.
    pub(crate) exchange: Option<Uuid>,
}

impl Facts {
    /// The URL that the flow was begun at: made from the configuration, only the query is the request's.
    pub(crate) fn request_url(&self, base: &BaseUrl) -> String {
        let mut url = base.join(match self.kind {
            FlowKind::Browser => "/self-service/registration/browser",
            FlowKind::Api => "/self-service/registration/api",
        });
        if !self.query.is_empty() {
            url.push('?');
            url.push_str(&self.query);
        }
        url
    }
}

/// A flow as it is stored: the facts, a drawer for each method, and what binds it.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) facts: Facts,
    /// What each method remembers, by its word.
    pub(crate) drawers: BTreeMap<String, Value>,
    /// The digest of the secret in the browser's CSRF cookie.
    pub(crate) binding: Option<Tag>,
    /// Whose this flow became.
    pub(crate) spent: Option<IdentityId>,
    /// The attempt that made it so: of two that do the same, one knows that it was the other.
    pub(crate) attempt: Option<Uuid>,
    /// The browser is at somebody else's, and is expected back.
    pub(crate) away: Option<Away>,
}

/// The layout of a stored flow. Keys are short: a row holds little besides the traits.
#[derive(Serialize, Deserialize)]
struct Stored {
    k: FlowKind,
    /// Unix time in nanoseconds.
    at: i64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    q: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    org: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sc: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lc: Option<String>,
    scr: StoredScreen,
    st: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    msg: Vec<StoredMessage>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    t: Vec<(String, Value)>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    d: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    b: Option<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aw: Option<Away>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredScreen {
    Unified,
    Profile,
    Credentials,
    Only(String),
    Alone(String),
}

#[derive(Serialize, Deserialize)]
struct StoredMessage {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    f: Option<String>,
    i: u32,
    k: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    x: Vec<(String, Option<Value>, Option<String>)>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    c: bool,
}

impl Flow {
    /// The body of the record that keeps this flow; id, expiry and whose it became stand beside it.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let facts = &self.facts;
        serde_json::to_vec(&Stored {
            k: facts.kind,
            at: nanoseconds(facts.issued_at),
            q: facts.query.clone(),
            rt: facts.return_to.clone(),
            org: facts.organization,
            sc: facts.schema.clone(),
            lc: facts.login_challenge.clone(),
            scr: match &facts.screen {
                Screen::Unified => StoredScreen::Unified,
                Screen::Profile => StoredScreen::Profile,
                Screen::Credentials => StoredScreen::Credentials,
                Screen::Only(method) => StoredScreen::Only(method.to_string()),
                Screen::Alone(method) => StoredScreen::Alone(method.to_string()),
            },
            st: facts.state,
            act: facts.active.as_ref().map(MethodId::to_string),
            msg: facts.messages.iter().map(StoredMessage::from).collect(),
            t: facts.typed.0.clone(),
            d: self.drawers.clone(),
            b: self.binding,
            by: self.attempt,
            x: facts.exchange,
            aw: self.away.clone(),
        })
    }

    /// The flow that [`Flow::encode`] wrote.
    pub(crate) fn decode(
        id: FlowId,
        expires_at: OffsetDateTime,
        spent: Option<IdentityId>,
        body: &[u8],
    ) -> Result<Self, serde_json::Error> {
        let stored: Stored = serde_json::from_slice(body)?;
        let facts = Facts {
            id,
            kind: stored.k,
            issued_at: read_nanoseconds(stored.at),
            expires_at,
            query: stored.q,
            return_to: stored.rt,
            organization: stored.org,
            schema: stored.sc,
            login_challenge: stored.lc,
            screen: match stored.scr {
                StoredScreen::Unified => Screen::Unified,
                StoredScreen::Profile => Screen::Profile,
                StoredScreen::Credentials => Screen::Credentials,
                StoredScreen::Only(method) => Screen::Only(MethodId::stored(method)),
                StoredScreen::Alone(method) => Screen::Alone(MethodId::stored(method)),
            },
            state: stored.st,
            active: stored.act.map(MethodId::stored),
            messages: stored.msg.into_iter().map(Placed::from).collect(),
            typed: Typed(stored.t),
            exchange: stored.x,
        };
        Ok(Self { facts, drawers: stored.d, binding: stored.b, spent, attempt: stored.by, away: stored.aw })
    }
}

/// Unix time in nanoseconds, as records keep times.
pub(crate) fn nanoseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos()).unwrap_or(i64::MAX)
}

pub(crate) fn read_nanoseconds(at: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(at.into()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

impl From<&Placed> for StoredMessage {
    fn from(placed: &Placed) -> Self {
        let parts = placed.message().parts();
        let owned = |(name, value, shown): (&str, Option<&Value>, Option<&str>)| {
            (name.to_owned(), value.cloned(), shown.map(str::to_owned))
        };
        Self {
            f: placed.field().map(str::to_owned),
            i: parts.id,
            k: parts.kind.as_str().to_owned(),
            t: parts.text.map(|text| text.into_owned()),
            x: parts.facts.into_iter().map(owned).collect(),
            c: parts.has_context,
        }
    }
}

impl From<StoredMessage> for Placed {
    fn from(stored: StoredMessage) -> Self {
        let message = Message::restore(stored.i, MessageKind::from_word(&stored.k), stored.t).restore_context(stored.c);
        let add = |message: Message, (name, value, shown)| message.restore_fact(name, value, shown);
        let message = stored.x.into_iter().fold(message, add);
        match stored.f {
            Some(field) => message.at(field),
            None => message.on_page(),
        }
    }
}

#[cfg(test)]
mod tests;
