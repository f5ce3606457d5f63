//! Without the feature `oidc` nobody signs up with an account elsewhere: a file that wants it cannot be taken over.

use super::LoadError;
use super::clients::Clients;
use super::section::Section;
use crate::builder::Builder;

pub(super) fn read(builder: Builder, mut section: Section, _: &Clients, _: bool) -> Result<(Builder, bool), LoadError> {
    section.must_be_off("enabled", "needs the feature `oidc`")?;
    section.ignore(&["config"]);
    section.end()?;
    Ok((builder, false))
}
