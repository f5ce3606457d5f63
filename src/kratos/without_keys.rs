//! `selfservice.methods.passkey` and `.webauthn`, in a build without keys.

use super::LoadError;
use super::section::Section;
use crate::builder::Builder;

/// Refuses the methods where they are on.
pub(super) fn read(builder: Builder, methods: &mut Section) -> Result<(Builder, Vec<&'static str>), LoadError> {
    for name in ["passkey", "webauthn"] {
        let mut method = methods.section(name)?;
        method.must_be_off("enabled", "needs the feature `webauthn` of tower-registration")?;
        method.ignore(&["config"]);
        method.end()?;
    }
    Ok((builder, Vec::new()))
}
