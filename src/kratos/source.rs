//! Documents that a file names: schemas and templates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::LoadError;
use super::section::Section;

/// Reads the document at an address: one that is part of the file, or a file beside it. Nothing is fetched from elsewhere.
pub(super) fn read(section: &Section, key: &str, address: &str) -> Result<String, LoadError> {
    if let Some(encoded) = address.strip_prefix("base64://") {
        let bytes = STANDARD.decode(encoded).map_err(|error| section.fault(key, format!("no base64: {error}")))?;
        return String::from_utf8(bytes).map_err(|_| section.fault(key, "no UTF-8"));
    }
    if let Some(path) = address.strip_prefix("file://") {
        return std::fs::read_to_string(path).map_err(|error| section.fault(key, format!("{path}: {error}")));
    }
    let why = "only `base64://` and `file://` are read; fetch the document once, keep it in a file and name that one";
    Err(section.fault(key, why))
}
