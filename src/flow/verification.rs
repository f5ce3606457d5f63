//! One attempt to prove an address.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::exchange::{Proof, StoredProof};
use super::{FlowId, FlowKind, State, StoredMessage, nanoseconds, read_nanoseconds};
use crate::config::{BaseUrl, ProofKind};
use crate::identity::{Address, Channel, IdentityId};
use crate::message::Placed;
use crate::proof::Nonce;
use crate::seal::Tag;

/// A verification flow: what its page shows, and what proves its address.
#[derive(Clone, Debug)]
pub(crate) struct VerificationFlow {
    pub(crate) id: FlowId,
    pub(crate) kind: FlowKind,
    pub(crate) issued_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    /// Path and query of the request that began it, below the base URL.
    pub(crate) request: String,
    pub(crate) proof: ProofKind,
    pub(crate) state: State,
    /// They pile up until a letter is sent or a code is judged.
    pub(crate) messages: Vec<Placed>,
    /// A submission was refused since the page was drawn anew.
    pub(crate) refused: bool,
    /// A registration began it, not the person.
    pub(crate) from_registration: bool,
    /// The address that is to be proved.
    pub(crate) target: Option<Target>,
    /// How many codes were judged.
    pub(crate) tries: u32,
    /// The digests of the secrets of the browsers that may see it: the one that began it, and the one that opened a link
    /// last.
    pub(crate) bindings: Vec<Tag>,
    /// What the link carried that was opened last, sealed.
    pub(crate) opened: Option<Vec<u8>>,
    /// The OAuth2 server that waits for the registration, until the address is proved.
    pub(crate) login: Option<AwaitedLogin>,
}

/// An OAuth2 server waits for somebody who registered and whose address is not proved yet.
#[derive(Clone, Debug)]
pub(crate) struct AwaitedLogin {
    /// What the server knows the person by.
    pub(crate) challenge: String,
    /// Who came of the registration, and how they were proved.
    pub(crate) proof: Proof,
}

/// An address, and what would prove it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: Address,
    /// The address as the person typed it.
    pub(crate) typed: String,
    /// Whose it is; nobody's, when nothing was sent.
    pub(crate) owner: Option<IdentityId>,
    pub(crate) nonce: Nonce,
    /// When the proof ends: Unix time in nanoseconds.
    pub(crate) until: i64,
}

impl VerificationFlow {
    /// The URL of the request that began it.
    pub(crate) fn request_url(&self, base: &BaseUrl) -> String {
        base.join(&self.request)
    }

    /// Where the person asked to be led afterwards.
    pub(crate) fn return_to(&self) -> Option<String> {
        let (_, query) = self.request.split_once('?')?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, value)| name == "return_to" && !value.is_empty()).map(|(_, value)| value.into_owned())
    }
}

/// The layout of a stored flow.
#[derive(Serialize, Deserialize)]
struct Stored {
    k: FlowKind,
    at: i64,
    req: String,
    link: bool,
    st: State,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    msg: Vec<StoredMessage>,
    #[serde(default)]
    refused: bool,
    #[serde(default)]
    reg: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<StoredTarget>,
    #[serde(default)]
    tries: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    b: Vec<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<Vec<u8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login: Option<StoredLogin>,
}

#[derive(Serialize, Deserialize)]
struct StoredLogin {
    c: String,
    p: StoredProof,
}

#[derive(Serialize, Deserialize)]
struct StoredTarget {
    via: String,
    to: String,
    typed: String,
    who: Option<uuid::Uuid>,
    nonce: Nonce,
    until: i64,
}

impl VerificationFlow {
    /// The body of the record that keeps this flow; id and expiry stand beside it.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Stored {
            k: self.kind,
            at: nanoseconds(self.issued_at),
            req: self.request.clone(),
            link: self.proof == ProofKind::Link,
            st: self.state,
            msg: self.messages.iter().map(StoredMessage::from).collect(),
            refused: self.refused,
            reg: self.from_registration,
            to: self.target.as_ref().map(|target| StoredTarget {
                via: target.address.via().as_str().to_owned(),
                to: target.address.value().to_owned(),
                typed: target.typed.clone(),
                who: target.owner.map(|id| *id.as_uuid()),
                nonce: target.nonce,
                until: target.until,
            }),
            tries: self.tries,
            b: self.bindings.clone(),
            open: self.opened.clone(),
            login: self.login.as_ref().map(|own| StoredLogin { c: own.challenge.clone(), p: (&own.proof).into() }),
        })
    }

    /// The flow that [`VerificationFlow::encode`] wrote.
    pub(crate) fn decode(id: FlowId, expires_at: OffsetDateTime, body: &[u8]) -> Result<Self, serde_json::Error> {
        let stored: Stored = serde_json::from_slice(body)?;
        Ok(Self {
            id,
            kind: stored.k,
            issued_at: read_nanoseconds(stored.at),
            expires_at,
            request: stored.req,
            proof: if stored.link { ProofKind::Link } else { ProofKind::Code },
            state: stored.st,
            messages: stored.msg.into_iter().map(Placed::from).collect(),
            refused: stored.refused,
            from_registration: stored.reg,
            target: stored.to.and_then(StoredTarget::read),
            tries: stored.tries,
            bindings: stored.b,
            opened: stored.open,
            login: stored.login.map(|own| AwaitedLogin { challenge: own.c, proof: own.p.into() }),
        })
    }
}

impl StoredTarget {
    fn read(self) -> Option<Target> {
        Some(Target {
            address: Address::new(Channel::from_word(&self.via)?, self.to),
            typed: self.typed,
            owner: self.who.map(IdentityId::new),
            nonce: self.nonce,
            until: self.until,
        })
    }
}
