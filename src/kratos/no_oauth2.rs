//! Without the feature `hydra` no OAuth2 server is asked.

use super::LoadError;
use super::clients::Clients;
use super::section::Section;
use crate::builder::Builder;

pub(super) fn read(builder: Builder, mut section: Section, _: &Clients) -> Result<Builder, LoadError> {
    if section.text("url")?.is_some() {
        return Err(section.fault("url", "login challenges need the feature `hydra`"));
    }
    section.ignore(&["headers", "override_return_to"]);
    section.end()?;
    Ok(builder)
}
