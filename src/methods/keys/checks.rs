//! Whether an answer makes a key, step by step as Web Authentication has them.
//!
//! 1. The client data is about making a key, answers our challenge, and comes from an accepted origin; a frame only
//!    inside of accepted pages.
//! 2. The authenticator worked for our relying party, a person was there, and proved who they are where that is
//!    required. A key that is backed up says that it can be.
//! 3. The key is of a kind that was offered.
//! 4. The statement of the attestation is empty for `none`; every other one is [verified](super::trust), as is the key.

use subtle::ConstantTimeEq;

use super::flaw::Flaw;
use super::options::{ALGORITHMS, Need};
use super::response::Response;
use super::trust;
use super::{Ceremony, Demand};
use crate::seal::sha256;

/// Takes an answer apart and checks all of it.
pub(super) fn check(text: &str, ceremony: &Ceremony, demand: &Demand<'_>) -> Result<Response, Flaw> {
    let response = Response::read(text).ok_or(Flaw::Unreadable)?;
    check_client(&response, ceremony, demand)?;
    check_authenticator(&response, demand)?;
    if !ALGORITHMS.contains(&response.authenticator.key.algorithm) {
        return Err(Flaw::Algorithm);
    }
    if response.format == "none" && response.has_statement {
        return Err(Flaw::Attestation);
    }
    trust::verify(&response, demand)?;
    Ok(response)
}

fn check_client(response: &Response, ceremony: &Ceremony, demand: &Demand<'_>) -> Result<(), Flaw> {
    let client = &response.client;
    if client.kind != "webauthn.create" {
        return Err(Flaw::Kind);
    }
    if !bool::from(client.challenge.as_bytes().ct_eq(ceremony.challenge.as_bytes())) {
        return Err(Flaw::Challenge);
    }
    let framed = client.cross_origin || client.top_origin.is_some();
    let frame_allowed = !framed || demand.party.accepts_frame(client.top_origin.as_deref());
    match frame_allowed && demand.party.accepts(&client.origin, demand.base_url) {
        true => Ok(()),
        false => Err(Flaw::Origin),
    }
}

fn check_authenticator(response: &Response, demand: &Demand<'_>) -> Result<(), Flaw> {
    let (data, flags) = (&response.authenticator, response.authenticator.flags);
    let ours = data.rp_id_hash == sha256(demand.party.id.as_bytes());
    let verified = flags.user_verified() || demand.user_verification != Need::Required;
    let backup = flags.backup_eligible() || !flags.backup_state();
    match ours && flags.user_present() && verified && backup {
        true => Ok(()),
        false => Err(Flaw::Authenticator),
    }
}
