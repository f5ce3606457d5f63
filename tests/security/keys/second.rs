//! A second verifier of new keys, written from the text of Web Authentication (level 3, section 7.1) and apart from the
//! service: it knows keys on P-256 and the formats `none` and `packed` without certificates, and refuses everything else.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet::URL_SAFE, engine::DecodePaddingMode};
use ciborium::Value as Cbor;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use serde_json::Value;
use sha2::{Digest, Sha256};

const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a new key must comply with.
pub(super) struct Expected<'a> {
    pub(super) challenge: &'a str,
    pub(super) origin: &'a str,
    pub(super) party: &'a str,
    pub(super) verified: bool,
}

/// Whether this answer makes a key; else at which step it does not.
pub(super) fn verify(answer: &str, expected: &Expected<'_>) -> Result<(), &'static str> {
    let answer: Value = serde_json::from_str(answer).map_err(|_| "the answer is no JSON")?;
    let part = |name: &str| {
        let text = member(member(&answer, "response")?, name)?.as_str()?;
        BASE64URL.decode(text).ok()
    };
    let client_data = part("clientDataJSON").ok_or("there is no client data")?;
    let attestation = part("attestationObject").ok_or("there is no attestation object")?;
    client(&client_data, expected)?;
    let object: Cbor = ciborium::from_reader(attestation.as_slice()).map_err(|_| "the attestation is no CBOR")?;
    let data = text_member(&object, "authData").and_then(Cbor::as_bytes).ok_or("there is no authenticator data")?;
    let (key, id_length) = authenticator(data, expected)?;
    if !(1..=1023).contains(&id_length) {
        return Err("the id of the key is too long");
    }
    let statement = text_member(&object, "attStmt").and_then(Cbor::as_map).ok_or("there is no statement")?;
    match text_member(&object, "fmt").and_then(Cbor::as_text) {
        Some("none") if statement.is_empty() => Ok(()),
        Some("packed") => packed(&object, data, &client_data, &key),
        _ => Err("the attestation cannot be verified"),
    }
}

fn client(bytes: &[u8], expected: &Expected<'_>) -> Result<(), &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the client data is no UTF-8")?;
    let said: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| "it is no JSON")?;
    let is = |name: &str, value: &str| said.get(name).and_then(Value::as_str) == Some(value);
    match () {
        () if !is("type", "webauthn.create") => Err("it is about something else"),
        () if !is("challenge", expected.challenge) => Err("it answers another challenge"),
        () if !said["origin"].as_str().is_some_and(|origin| same_origin(origin, expected.origin)) => {
            Err("it comes from another page")
        }
        () if said["crossOrigin"] == true || !said["topOrigin"].is_null() => Err("it comes from a frame"),
        () => Ok(()),
    }
}

/// The case of letters does not count, nor does a path.
fn same_origin(origin: &str, expected: &str) -> bool {
    let lower = origin.to_ascii_lowercase();
    lower.strip_prefix(expected).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The key, and how long its id is.
fn authenticator(data: &[u8], expected: &Expected<'_>) -> Result<(VerifyingKey, usize), &'static str> {
    if data.len() < 55 || data[..32] != Sha256::digest(expected.party.as_bytes())[..] {
        return Err("the key is for somebody else");
    }
    let bit = |bit: u8| data[32] & bit != 0;
    if !bit(0x01) || !bit(0x40) || (expected.verified && !bit(0x04)) || (bit(0x10) && !bit(0x08)) {
        return Err("the flags are wrong");
    }
    let id_length = usize::from(u16::from_be_bytes([data[53], data[54]]));
    let mut rest = data.get(55 + id_length..).ok_or("the id of the key ends early")?;
    let key: Cbor = ciborium::from_reader(&mut rest).map_err(|_| "the key is no CBOR")?;
    if bit(0x80) {
        let extensions: Cbor = ciborium::from_reader(&mut rest).map_err(|_| "the extensions are no CBOR")?;
        extensions.as_map().ok_or("the extensions are no map")?;
    }
    match rest.is_empty() {
        true => Ok((point(&key)?, id_length)),
        false => Err("something stands behind the end"),
    }
}

/// A key on P-256 for ECDSA with SHA-256.
fn point(key: &Cbor) -> Result<VerifyingKey, &'static str> {
    let number = |label: i64| numbered(key, label).and_then(Cbor::as_integer).and_then(|n| i64::try_from(n).ok());
    if (number(1), number(3), number(-1)) != (Some(2), Some(-7), Some(1)) {
        return Err("the key is of a kind that this verifier does not know");
    }
    let half = |label: i64| numbered(key, label).and_then(Cbor::as_bytes).filter(|half| half.len() == 32);
    let (x, y) = (half(-2).ok_or("there is no x")?, half(-3).ok_or("there is no y")?);
    let sec1 = [&[4_u8], x.as_slice(), y.as_slice()].concat();
    VerifyingKey::from_sec1_bytes(&sec1).map_err(|_| "the point is not on the curve")
}

/// The new key signs itself.
fn packed(object: &Cbor, data: &[u8], client_data: &[u8], key: &VerifyingKey) -> Result<(), &'static str> {
    let statement = text_member(object, "attStmt").ok_or("there is no statement")?;
    if text_member(statement, "x5c").is_some() {
        return Err("certificates are not known to this verifier");
    }
    let alg = text_member(statement, "alg").and_then(Cbor::as_integer).and_then(|alg| i64::try_from(alg).ok());
    let sig = text_member(statement, "sig").and_then(Cbor::as_bytes).ok_or("nothing is signed")?;
    let sig = DerSignature::from_bytes(sig).map_err(|_| "the signature is none")?;
    let signed = [data, Sha256::digest(client_data).as_slice()].concat();
    match alg == Some(-7) && key.verify(&signed, &sig).is_ok() {
        true => Ok(()),
        false => Err("the signature is wrong"),
    }
}

fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn text_member<'v>(object: &'v Cbor, name: &str) -> Option<&'v Cbor> {
    object.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

fn numbered(object: &Cbor, label: i64) -> Option<&Cbor> {
    object.as_map()?.iter().find(|(key, _)| *key == Cbor::from(label)).map(|(_, value)| value)
}
