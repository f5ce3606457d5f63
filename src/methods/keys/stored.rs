//! What is kept of a key, as the contract lays it out. Bytes are written in padded base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::response::Response;
use crate::seal::sha256;

/// The configuration of a credential with this one key.
pub(super) fn config(response: &Response, user_handle: &[u8], name: &str, now: OffsetDateTime) -> Value {
    let (data, flags) = (&response.authenticator, response.authenticator.flags);
    let added_at = now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default();
    let mut key = json!({
        "id": STANDARD.encode(&data.key.id),
        "public_key": STANDARD.encode(&data.key.public),
        "attestation_type": response.format,
        "authenticator": {
            "aaguid": STANDARD.encode(data.key.aaguid),
            "sign_count": data.sign_count,
            "clone_warning": false,
        },
        "display_name": name,
        "added_at": added_at,
        "is_passwordless": true,
        "flags": {
            "user_present": flags.user_present(),
            "user_verified": flags.user_verified(),
            "backup_eligible": flags.backup_eligible(),
            "backup_state": flags.backup_state(),
        },
    });
    if !response.transports.is_empty() {
        key["transport"] = response.transports.iter().map(|way| Value::from(way.as_str())).collect();
    }
    if response.has_statement {
        // A host that asks for attestation may want to judge it by a list of makers.
        key["attestation"] = json!({
            "client_dataJSON": STANDARD.encode(&response.client_data),
            "client_data_hash": STANDARD.encode(sha256(&response.client_data)),
            "authenticator_data": STANDARD.encode(&data.bytes),
            "public_key_algorithm": data.key.algorithm,
            "object": STANDARD.encode(&response.attestation),
        });
    }
    json!({ "credentials": [key], "user_handle": STANDARD.encode(user_handle) })
}
