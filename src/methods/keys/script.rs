//! The script that pages load to make a key.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha512};

/// Where the script is served, below the base URL.
pub(super) const PATH: &str = "/.well-known/ory/webauthn.js";

/// The script as it is served.
pub(crate) const SOURCE: &str = include_str!("webauthn.js");

static INTEGRITY: LazyLock<String> =
    LazyLock::new(|| format!("sha512-{}", STANDARD.encode(Sha512::digest(SOURCE.as_bytes()))));

/// What pages compare the bytes of the script with.
pub(super) fn integrity() -> String {
    INTEGRITY.clone()
}
