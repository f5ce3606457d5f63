//! `identity`: the schemas.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::LoadError;
use super::section::Section;
use crate::builder::Builder;
use crate::schema::Schema;

pub(super) fn read(mut builder: Builder, mut section: Section) -> Result<Builder, LoadError> {
    let default = section.text("default_schema_id")?.unwrap_or_else(|| "default".to_owned());
    for mut entry in section.sections("schemas")? {
        let id = entry.text("id")?.ok_or_else(|| entry.fault("id", "is missing"))?;
        let url = entry.text("url")?.ok_or_else(|| entry.fault("url", "is missing"))?;
        let text = fetch(&entry, &url)?;
        let mut schema = Schema::parse(id, &text).map_err(|error| entry.fault("url", error.to_string()))?;
        if entry.flag("selfservice_selectable")?.unwrap_or(false) {
            schema = schema.selectable();
        }
        entry.end()?;
        builder = builder.schema(schema);
    }
    section.end()?;
    Ok(builder.default_schema(default))
}

/// Reads a schema that is part of the file, or a file beside it. Nothing is fetched from elsewhere.
fn fetch(entry: &Section, url: &str) -> Result<String, LoadError> {
    if let Some(encoded) = url.strip_prefix("base64://") {
        let bytes = STANDARD.decode(encoded).map_err(|error| entry.fault("url", format!("no base64: {error}")))?;
        return String::from_utf8(bytes).map_err(|_| entry.fault("url", "no UTF-8"));
    }
    if let Some(path) = url.strip_prefix("file://") {
        return std::fs::read_to_string(path).map_err(|error| entry.fault("url", format!("{path}: {error}")));
    }
    Err(entry.fault("url", "only `base64://` and `file://` are read; fetch the schema and keep it in a file"))
}
