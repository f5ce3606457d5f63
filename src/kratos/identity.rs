//! `identity`: the schemas.

use super::section::Section;
use super::{LoadError, source};
use crate::builder::Builder;
use crate::schema::Schema;

pub(super) fn read(mut builder: Builder, mut section: Section) -> Result<Builder, LoadError> {
    let default = section.text("default_schema_id")?.unwrap_or_else(|| "default".to_owned());
    for mut entry in section.sections("schemas")? {
        let id = entry.text("id")?.ok_or_else(|| entry.fault("id", "is missing"))?;
        let url = entry.text("url")?.ok_or_else(|| entry.fault("url", "is missing"))?;
        let text = source::read(&entry, "url", &url)?;
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
