//! What passkeys and security keys have in common: the ceremony that makes a key.
//!
//! | file | |
//! |---|---|
//! | [`party`] | for whom keys are made, and on which pages |
//! | [`options`] | what the page asks the browser for |
//! | [`response`] | what the browser answered, taken apart |
//! | [`checks`] | whether the answer makes a key |
//! | [`flaw`] | what can be wrong with it |
//! | [`trust`] | the statement of the attestation and the key itself |
//! | [`stored`] | what is kept of a key |
//! | [`names`] | what authenticators are called |
//! | [`script`] | the page's script |
//!
//! A ceremony's challenge lives in the flow. It is spent by an answer that fails, in the write that stores the refusal,
//! and by one that becomes an identity, in the unit that creates it. A refusal after a good answer (the address is
//! taken, a hook objects) leaves it, and so does one before the answer was looked at.

mod checks;
mod flaw;
mod names;
mod options;
mod party;
mod response;
mod script;
mod stored;
mod trust;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Context, Setup};
use crate::message::catalogue;
use crate::page::{Field, Group, Script};
use crate::seal::{sha256, shaped_as_v4};
use crate::stop::Stop;

pub use names::AuthenticatorNames;
pub(super) use options::Wishes;
pub use options::{Attachment, Attestation, Need};
pub use party::RelyingParty;
pub(crate) use script::SOURCE;

/// What is remembered of a ceremony.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Ceremony {
    /// Random bytes in base64url.
    pub(super) challenge: String,
    /// The user handle in base64url: what the authenticator knows the person by.
    pub(super) user: String,
}

/// What an answer has to comply with.
#[derive(Clone, Copy)]
pub(super) struct Demand<'a> {
    pub(super) party: &'a RelyingParty,
    pub(super) user_verification: Need,
    pub(super) base_url: &'a str,
}

impl<'a> Demand<'a> {
    /// What a method with these settings demands here.
    pub(super) fn of(party: &'a RelyingParty, wishes: &Wishes, cx: &Context<'a>) -> Self {
        Self { party, user_verification: wishes.user_verification, base_url: cx.config.base.as_str() }
    }

    /// Judges an answer by the ceremony of its flow. Without one there is nothing that it could answer: the flow was begun
    /// before the method was there.
    ///
    /// # Errors
    ///
    /// A refusal with what is wrong: then the ceremony is over.
    pub(super) fn judge(&self, answer: &str, ceremony: Option<&Ceremony>) -> Result<NewKey, Stop> {
        let ceremony =
            ceremony.ok_or_else(|| refusal("Unable to create WebAuthn credential: Error validating challenge"))?;
        let checked = checks::check(answer, ceremony, self);
        let response = checked.map_err(|flaw| refusal(flaw.text()))?;
        Ok(NewKey { response, user_handle: ceremony.user_handle() })
    }
}

/// A key that was made, ready to be stored.
pub(super) struct NewKey {
    response: response::Response,
    user_handle: Vec<u8>,
}

impl Ceremony {
    /// A ceremony for the person with this handle.
    pub(super) fn begin(cx: &Context<'_>, user_handle: &[u8]) -> Result<Self, Stop> {
        let challenge = URL_SAFE_NO_PAD.encode(cx.random::<32>()?);
        Ok(Self { challenge, user: URL_SAFE_NO_PAD.encode(user_handle) })
    }

    /// The handle of the person.
    pub(super) fn user_handle(&self) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(&self.user).unwrap_or_default()
    }

    /// The script that the page needs; its nonce changes with the ceremony.
    pub(super) fn script(&self) -> Field {
        let nonce = shaped_as_v4(&sha256(format!("nonce of the script {}", self.challenge).as_bytes()));
        let script = Script::new(script::PATH, script::integrity(), nonce);
        Field::script(Group::WebAuthn, "webauthn_script", script)
    }
}

impl NewKey {
    /// The make of the authenticator, where it says so.
    pub(super) fn aaguid(&self) -> Uuid {
        Uuid::from_bytes(self.response.authenticator.key.aaguid)
    }

    /// What the authenticator knows the person by.
    pub(super) fn user_handle(&self) -> &[u8] {
        &self.user_handle
    }

    /// What the credential keeps.
    pub(super) fn config(&self, name: &str, cx: &Context<'_>) -> Value {
        stored::config(&self.response, &self.user_handle, name, cx.now)
    }
}

fn refusal(text: &str) -> Stop {
    catalogue::INVALID.with("reason", text).on_page().into()
}

/// Looks at settings that both methods have.
pub(super) fn review(party: &RelyingParty, wishes: &Wishes, setup: &Setup<'_>) -> Result<Vec<String>, String> {
    wishes.review()?;
    party.review(setup)
}
