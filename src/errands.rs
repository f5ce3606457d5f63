//! Errands while they wait: sealed in a row of the outbox, under the name of the hook that does them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::Duration;
use uuid::Uuid;

use crate::host::Errand;
use crate::seal::{Purpose, Seal};

/// For how long an errand that cannot be done is tried.
pub(crate) const LIFE: Duration = Duration::DAY;

/// The layout of a sealed errand.
#[derive(Serialize, Deserialize)]
struct Sealed {
    hook: String,
    body: Value,
}

/// The body of the row in which the errand of a hook waits.
pub(crate) fn seal(errand: &Errand, hook: &str, seal: &Seal, nonce: [u8; 24]) -> Option<Vec<u8>> {
    let plain = serde_json::to_vec(&Sealed { hook: hook.to_owned(), body: errand.body.clone() }).ok()?;
    seal.seal(Purpose::Errand, errand.id.as_bytes(), &plain, nonce)
}

/// The errand of a row and the name of its hook; nothing when the row is a letter's, or no key opens it.
pub(crate) fn open(seal: &Seal, row: Uuid, body: &[u8]) -> Option<(String, Errand)> {
    let plain = seal.open(Purpose::Errand, row.as_bytes(), body)?;
    let sealed: Sealed = serde_json::from_slice(&plain).ok()?;
    Some((sealed.hook, Errand::new(sealed.body).with_id(row)))
}
