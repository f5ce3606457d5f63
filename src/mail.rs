//! Letters: what is to be said to whom, while it waits.
//!
//! A waiting letter holds what it is about and the nonce of its proof, sealed; what it says is made when it is
//! delivered, so that no code lies in a database.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::identity::{Address, Channel, IdentityId};
use crate::proof::{Nonce, Proof};
use crate::seal::{Purpose, Seal};

/// What a letter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LetterKind {
    /// A code that completes a registration.
    RegistrationCode,
    /// A code that proves an address.
    VerificationCode,
    /// A link that proves an address.
    VerificationLink,
    /// Somebody wanted to prove an address by a code that no account has.
    UnknownAddressCode,
    /// Somebody wanted to prove an address by a link that no account has.
    UnknownAddressLink,
}

impl LetterKind {
    /// The name of the template, as message services know it.
    #[must_use]
    pub const fn template(self) -> &'static str {
        match self {
            Self::RegistrationCode => "registration_code_valid",
            Self::VerificationCode => "verification_code_valid",
            Self::VerificationLink => "verification_valid",
            Self::UnknownAddressCode => "verification_code_invalid",
            Self::UnknownAddressLink => "verification_invalid",
        }
    }

    /// What its proof is made for, where it carries one.
    pub(crate) const fn purpose(self) -> Option<Purpose> {
        match self {
            Self::RegistrationCode => Some(Purpose::RegistrationCode),
            Self::VerificationCode => Some(Purpose::VerificationCode),
            Self::VerificationLink => Some(Purpose::VerificationLink),
            Self::UnknownAddressCode | Self::UnknownAddressLink => None,
        }
    }
}

/// A letter to one address.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) to: Address,
    pub(crate) kind: LetterKind,
    /// Whose it is, once there is an identity.
    pub(crate) identity: Option<IdentityId>,
    pub(crate) flow: Uuid,
    pub(crate) nonce: Nonce,
    /// When what it says ends; it is not delivered afterwards.
    pub(crate) expires_at: OffsetDateTime,
    /// How long what it says lasts, as it was when the letter was written.
    pub(crate) minutes: i64,
    /// What the person told about themselves.
    pub(crate) traits: Value,
    /// What the client wants templates to see.
    pub(crate) transient: Value,
    /// The URL at which the person began.
    pub(crate) request_url: String,
    /// Headers of the request that caused the letter.
    pub(crate) headers: Value,
}

/// The layout of a sealed letter.
#[derive(Serialize, Deserialize)]
struct Sealed {
    via: String,
    to: String,
    kind: LetterKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    who: Option<Uuid>,
    flow: Uuid,
    nonce: Nonce,
    minutes: i64,
    traits: Value,
    transient: Value,
    url: String,
    headers: Value,
}

impl Letter {
    /// The code or token that the letter carries.
    pub(crate) fn proof(&self, seal: &Seal) -> Option<String> {
        let (flow, address, nonce) = (self.flow, &self.to, self.nonce);
        self.kind.purpose().map(|purpose| Proof { purpose, flow, address, nonce }.make(seal))
    }

    /// The body of the row in which the letter waits.
    pub(crate) fn seal(&self, seal: &Seal, row: Uuid, nonce: [u8; 24]) -> Option<Vec<u8>> {
        let plain = serde_json::to_vec(&Sealed {
            via: self.to.via().as_str().to_owned(),
            to: self.to.value().to_owned(),
            kind: self.kind,
            who: self.identity.map(|id| *id.as_uuid()),
            flow: self.flow,
            nonce: self.nonce,
            minutes: self.minutes,
            traits: self.traits.clone(),
            transient: self.transient.clone(),
            url: self.request_url.clone(),
            headers: self.headers.clone(),
        });
        seal.seal(Purpose::Letter, row.as_bytes(), &plain.ok()?, nonce)
    }

    /// The letter of a row; nothing when the row is another's, or no key opens it.
    pub(crate) fn open(seal: &Seal, row: Uuid, expires_at: OffsetDateTime, body: &[u8]) -> Option<Self> {
        let plain = seal.open(Purpose::Letter, row.as_bytes(), body)?;
        let sealed: Sealed = serde_json::from_slice(&plain).ok()?;
        Some(Self {
            to: Address::new(Channel::from_word(&sealed.via)?, sealed.to),
            kind: sealed.kind,
            identity: sealed.who.map(IdentityId::new),
            flow: sealed.flow,
            nonce: sealed.nonce,
            expires_at,
            minutes: sealed.minutes,
            traits: sealed.traits,
            transient: sealed.transient,
            request_url: sealed.url,
            headers: sealed.headers,
        })
    }
}
