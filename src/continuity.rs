//! A browser that visits somebody else comes back as the one that left.
//!
//! 1. Whoever leaves takes a `state` along: sealed, so that nobody else can make one. It names the flow, the method, the
//!    errand, and the pair of codes of a native client, and it ends after half an hour.
//! 2. The flow remembers the last departure only. Coming back uses it up, whatever comes of it.
//! 3. A browser also bears a random secret in a cookie, of which the flow keeps the digest: the state alone, read out of
//!    a log or sent by somebody else, is nothing.
//! 4. A native client's journey ends in another program's browser. What comes of it is kept for whoever has both codes of
//!    the pair.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::caller::Caller;
use crate::config::{CookieSettings, Keep, SameSite};
use crate::flow::{Away, Facts, FlowKind, nanoseconds};
use crate::host::{HostError, Random};
use crate::seal::{Purpose, Seal, Tag, sha256};

/// How long a browser may be away.
const LIFE: Duration = Duration::minutes(30);
const COOKIE: &str = "ory_kratos_continuity";
const CONTEXT: &[u8] = b"state";
/// The longest state that is opened, in letters.
const LONGEST: usize = 2_048;

/// One departure, as the method that sends the browser away sees it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Departure {
    pub(crate) method: String,
    pub(crate) trip: [u8; 16],
    pub(crate) until: OffsetDateTime,
    state: String,
}

/// What `state` says.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ticket {
    /// The flow.
    #[serde(rename = "f")]
    pub(crate) flow: Uuid,
    /// The word of the method.
    #[serde(rename = "m")]
    pub(crate) method: String,
    /// The method's errand: which provider.
    #[serde(rename = "e")]
    pub(crate) errand: String,
    /// The record of the pair of codes.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(crate) exchange: Option<Uuid>,
    #[serde(rename = "t")]
    trip: [u8; 16],
    #[serde(rename = "u")]
    until: i64,
}

impl Departure {
    /// A departure from this flow, now.
    pub(crate) fn new(
        facts: &Facts,
        method: &str,
        errand: &str,
        now: OffsetDateTime,
        seal: &Seal,
        random: &dyn Random,
    ) -> Result<Self, HostError> {
        let (mut trip, mut nonce) = ([0; 16], [0; 24]);
        random.fill(&mut trip)?;
        random.fill(&mut nonce)?;
        let until = now + LIFE;
        let ticket = Ticket {
            flow: *facts.id.as_uuid(),
            method: method.to_owned(),
            errand: errand.to_owned(),
            exchange: facts.exchange,
            trip,
            until: nanoseconds(until),
        };
        let plain = serde_json::to_vec(&ticket).map_err(HostError::other)?;
        let sealed = seal.seal(Purpose::State, CONTEXT, &plain, nonce);
        let sealed = sealed.ok_or_else(|| HostError::other("a state could not be sealed"))?;
        Ok(Self { method: method.to_owned(), trip, until, state: URL_SAFE_NO_PAD.encode(sealed) })
    }

    /// What the other page must give back, as the parameter `state`.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// What the flow remembers.
    pub(crate) fn away(&self, bound: Option<Tag>) -> Away {
        Away { method: self.method.clone(), trip: self.trip, bound }
    }
}

impl Ticket {
    /// Opens what a browser brought back.
    pub(crate) fn open(seal: &Seal, state: &str) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(state.get(..state.len().min(LONGEST))?).ok()?;
        let plain = seal.open(Purpose::State, CONTEXT, &sealed)?;
        serde_json::from_slice(&plain).ok()
    }

    /// Whether this belongs to the departure that the flow remembers.
    pub(crate) fn is_of(&self, away: &Away) -> bool {
        self.method == away.method && bool::from(self.trip.ct_eq(&away.trip))
    }

    /// Whether it can still be used.
    pub(crate) fn is_valid(&self, now: OffsetDateTime) -> bool {
        nanoseconds(now) < self.until
    }
}

/// Without what it holds.
impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Gives the browser that leaves a cookie to come back with: its digest, and the value of the `Set-Cookie` header. A
/// native client has no cookies.
pub(crate) fn bind(
    kind: FlowKind,
    settings: &CookieSettings,
    until: OffsetDateTime,
    random: &dyn Random,
) -> Result<Option<(Tag, String)>, HostError> {
    if kind == FlowKind::Api {
        return Ok(None);
    }
    let mut secret = Zeroizing::new([0_u8; 32]);
    random.fill(secret.as_mut())?;
    let mut settings = settings.clone();
    if settings.same_site == SameSite::Strict {
        // Browsers would not send it when somebody else's page leads back.
        settings.same_site = SameSite::Lax;
    }
    let value = URL_SAFE_NO_PAD.encode(secret.as_slice());
    Ok(Some((sha256(secret.as_slice()), settings.bake(COOKIE, &value, Keep::ForUntil(LIFE, until)))))
}

/// Whether the caller is the browser that left. Two cookies of this name are none: one was planted.
pub(crate) fn is_same_browser(caller: &Caller, away: &Away) -> bool {
    let mut cookies = caller.cookies(COOKIE);
    let (Some(value), None, Some(bound)) = (cookies.next(), cookies.next(), &away.bound) else { return false };
    let secret = URL_SAFE_NO_PAD.decode(value).map(Zeroizing::new);
    secret.is_ok_and(|secret| sha256(&secret).ct_eq(bound).into())
}
