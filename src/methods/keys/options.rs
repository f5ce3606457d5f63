//! What the page asks the browser for: the options for a new key.

use serde_json::{Value, json};
use time::Duration;

use super::Ceremony;
use super::party::RelyingParty;

/// The kinds of key that are offered, by their COSE numbers and in the order of preference: ECDSA on P-256, P-384 and
/// P-521, RSA with SHA-256, 384 and 512, RSA-PSS with the same, and EdDSA.
pub(super) const ALGORITHMS: [i64; 10] = [-7, -35, -36, -257, -258, -259, -37, -38, -39, -8];

/// How much something is wanted of an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// It must be so.
    Required,
    /// Better so.
    Preferred,
    /// Better not.
    Discouraged,
}

impl Need {
    /// The word used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
            Self::Discouraged => "discouraged",
        }
    }
}

/// Which authenticators are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attachment {
    /// The device that the browser runs on.
    Platform,
    /// One that is carried along: a stick, a phone.
    CrossPlatform,
}

impl Attachment {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::CrossPlatform => "cross-platform",
        }
    }
}

/// How much an authenticator is asked to tell about its make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attestation {
    /// Nothing.
    None,
    /// Something, which the browser may make anonymous.
    Indirect,
    /// What its maker signed; browsers ask the person first.
    Direct,
    /// What identifies the very device, where its owner allows that.
    Enterprise,
}

impl Attestation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Indirect => "indirect",
            Self::Direct => "direct",
            Self::Enterprise => "enterprise",
        }
    }
}

/// What a method asks of the authenticator.
#[derive(Clone, Debug)]
pub(in crate::methods) struct Wishes {
    pub(in crate::methods) attachment: Option<Attachment>,
    /// Nothing is said of it where it is absent.
    pub(in crate::methods) resident_key: Option<Need>,
    pub(in crate::methods) user_verification: Need,
    pub(in crate::methods) attestation: Option<Attestation>,
    /// How long the browser waits for the person, where that was chosen.
    pub(in crate::methods) timeout: Option<Duration>,
}

impl Wishes {
    /// The time that the browser gives the person.
    fn timeout(&self) -> Duration {
        let default = match self.user_verification {
            Need::Discouraged => Duration::minutes(2),
            Need::Required | Need::Preferred => Duration::minutes(5),
        };
        self.timeout.unwrap_or(default)
    }

    /// Refuses a time that no browser keeps.
    pub(in crate::methods) fn review(&self) -> Result<(), String> {
        let timeout = self.timeout();
        match timeout >= Duration::SECOND && timeout <= Duration::HOUR {
            true => Ok(()),
            false => Err("`.timeout(…)` must be between a second and an hour: a person has to find the key".to_owned()),
        }
    }

    /// The options for `navigator.credentials.create`. The person's name is not known yet: the party's stands in.
    pub(in crate::methods) fn options(&self, party: &RelyingParty, ceremony: &Ceremony) -> Value {
        let mut selection = json!({ "userVerification": self.user_verification.as_str() });
        if let Some(attachment) = self.attachment {
            selection["authenticatorAttachment"] = attachment.as_str().into();
        }
        if let Some(need) = self.resident_key {
            selection["requireResidentKey"] = (need == Need::Required).into();
            selection["residentKey"] = need.as_str().into();
        }
        let kinds: Vec<Value> = ALGORITHMS.iter().map(|alg| json!({ "type": "public-key", "alg": alg })).collect();
        let mut options = json!({
            "rp": { "name": party.name, "id": party.id },
            "user": { "name": party.name, "displayName": party.name, "id": ceremony.user },
            "challenge": ceremony.challenge,
            "pubKeyCredParams": kinds,
            "timeout": i64::try_from(self.timeout().whole_milliseconds()).unwrap_or(i64::MAX),
            "authenticatorSelection": selection,
        });
        if let Some(attestation) = self.attestation {
            options["attestation"] = attestation.as_str().into();
        }
        json!({ "publicKey": options })
    }
}
