//! The statement of an attestation and the key itself. The only place that knows the library behind it.
//!
//! No list of makers is asked: a statement must be true in itself, whoever made the authenticator. Where nothing can be
//! said against one, the key counts as a key without attestation.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use url::Url;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::error::WebauthnError;
use webauthn_rs_core::proto::{
    AuthenticatorAttestationResponseRaw, COSEAlgorithm, RegisterPublicKeyCredential, RegistrationState,
    UserVerificationPolicy,
};

use super::Demand;
use super::flaw::Flaw;
use super::options::Need;
use super::response::Response;

/// Verifies the statement and the key. The answer passed all other checks, so they are asked for as they were answered.
pub(super) fn verify(response: &Response, demand: &Demand<'_>) -> Result<(), Flaw> {
    let origin = Url::parse(&response.client.origin).map_err(|_| Flaw::Origin)?;
    let party = demand.party;
    // It waits for nobody: the time is the browser's.
    let core = WebauthnCore::new_unsafe_experts_only(&party.name, &party.id, vec![origin], Duration::ZERO, None, None);
    let policy = match demand.user_verification {
        Need::Required => UserVerificationPolicy::Required,
        Need::Preferred => UserVerificationPolicy::Preferred,
        Need::Discouraged => UserVerificationPolicy::Discouraged_DO_NOT_USE,
    };
    let state = state(&core, policy, &response.client.challenge).ok_or(Flaw::Challenge)?;
    let answer = RegisterPublicKeyCredential {
        id: URL_SAFE_NO_PAD.encode(&response.authenticator.key.id),
        raw_id: response.authenticator.key.id.clone(),
        response: AuthenticatorAttestationResponseRaw {
            attestation_object: response.attestation.clone(),
            client_data_json: client_data(response),
            transports: None,
        },
        type_: "public-key".to_owned(),
        extensions: Default::default(),
    };
    core.register_credential(&answer, &state, None).map(drop).map_err(|error| flaw(&error))
}

/// The client data as the library reads it. In the format `none` nothing is signed over its bytes, so that what was
/// checked here (a mark in front, a frame) is left out; elsewhere they stay, and such answers are refused.
fn client_data(response: &Response) -> Vec<u8> {
    let client = &response.client;
    match response.format.as_str() {
        "none" => json!({ "type": client.kind, "challenge": client.challenge, "origin": client.origin })
            .to_string()
            .into_bytes(),
        _ => response.client_data.clone(),
    }
}

/// What the library remembers of a ceremony, for a challenge that we made.
fn state(core: &WebauthnCore, policy: UserVerificationPolicy, challenge: &str) -> Option<RegistrationState> {
    let wish = core.new_challenge_register_builder(&[0], "nobody", "nobody").ok()?;
    let wish = wish.user_verification_policy(policy).credential_algorithms(COSEAlgorithm::all_possible_algs());
    let (_, state) = core.generate_challenge_register(wish).ok()?;
    let mut state = serde_json::to_value(state).ok()?;
    *state.get_mut("challenge")? = challenge.into();
    serde_json::from_value(state).ok()
}

fn flaw(error: &WebauthnError) -> Flaw {
    match error {
        WebauthnError::COSEKeyInvalidCBORValue
        | WebauthnError::COSEKeyInvalidType
        | WebauthnError::COSEKeyEDUnsupported
        | WebauthnError::COSEKeyECDSAXYInvalid
        | WebauthnError::COSEKeyRSANEInvalid
        | WebauthnError::COSEKeyECDSAInvalidCurve
        | WebauthnError::COSEKeyEDDSAXInvalid
        | WebauthnError::COSEKeyEDDSAInvalidCurve
        | WebauthnError::COSEKeyInvalidAlgorithm
        | WebauthnError::CredentialInsecureCryptography
        | WebauthnError::CredentialAlteredAlgFromRequest => Flaw::Algorithm,
        WebauthnError::InvalidRPIDHash | WebauthnError::UserNotPresent | WebauthnError::UserNotVerified => {
            Flaw::Authenticator
        }
        WebauthnError::CredentialCrossOrigin | WebauthnError::InvalidRPOrigin => Flaw::Origin,
        WebauthnError::ParseCBORFailure(_) | WebauthnError::ParseNOMFailure | WebauthnError::ParseJSONFailure(_) => {
            Flaw::Unreadable
        }
        _ => Flaw::Attestation,
    }
}
