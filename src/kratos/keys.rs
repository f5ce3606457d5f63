//! `selfservice.methods.passkey` and `.webauthn`.

use super::LoadError;
use super::section::Section;
use crate::builder::Builder;
use crate::methods::{Attachment, Attestation, Need, Passkey, RelyingParty, SecurityKey};

/// Adds the methods that are on; says which.
pub(super) fn read(mut builder: Builder, methods: &mut Section) -> Result<(Builder, Vec<&'static str>), LoadError> {
    let mut on = Vec::new();
    let mut passkey = methods.section("passkey")?;
    let enabled = passkey.flag("enabled")?.unwrap_or(false);
    let config = passkey.section("config")?;
    passkey.end()?;
    if enabled {
        builder = builder.method(passkey_method(config)?);
        on.push("passkey");
    }
    let mut webauthn = methods.section("webauthn")?;
    let enabled = webauthn.flag("enabled")?.unwrap_or(false);
    let mut config = webauthn.section("config")?;
    webauthn.end()?;
    // Otherwise a security key is a second factor, which nobody registers with.
    if enabled && config.flag("passwordless")?.unwrap_or(false) {
        builder = builder.method(security_key_method(config)?);
        on.push("webauthn");
    }
    Ok((builder, on))
}

fn passkey_method(mut config: Section) -> Result<Passkey, LoadError> {
    let mut method = Passkey::new(party(&mut config)?);
    let mut selection = config.section("authenticator_selection")?;
    match selection.text("attachment")?.as_deref() {
        None | Some("") => {}
        Some("platform") => method = method.attachment(Attachment::Platform),
        Some("cross-platform") => method = method.attachment(Attachment::CrossPlatform),
        Some(_) => return Err(selection.fault("attachment", "must be `platform` or `cross-platform`")),
    }
    if let Some(need) = need(&mut selection, "resident_key")? {
        method = method.resident_key(need);
    }
    if let Some(need) = need(&mut selection, "user_verification")? {
        method = method.user_verification(need);
    }
    selection.end()?;
    let mut attestation = config.section("attestation")?;
    method = match attestation.text("preference")?.as_deref() {
        None => method,
        Some("none") => method.attestation(Attestation::None),
        Some("indirect") => method.attestation(Attestation::Indirect),
        Some("direct") => method.attestation(Attestation::Direct),
        Some("enterprise") => method.attestation(Attestation::Enterprise),
        Some(_) => {
            return Err(attestation.fault("preference", "must be `none`, `indirect`, `direct` or `enterprise`"));
        }
    };
    attestation.end()?;
    let mut timeouts = config.section("timeouts")?;
    if let Some(timeout) = timeouts.duration("registration")? {
        method = method.timeout(timeout);
    }
    timeouts.ignore(&["login"]);
    timeouts.end()?;
    config.end()?;
    Ok(method)
}

fn security_key_method(mut config: Section) -> Result<SecurityKey, LoadError> {
    let method = SecurityKey::new(party(&mut config)?);
    config.end()?;
    Ok(method)
}

fn party(config: &mut Section) -> Result<RelyingParty, LoadError> {
    let mut rp = config.section("rp")?;
    let id = rp.text("id")?.ok_or_else(|| rp.fault("id", "is missing"))?;
    let name = rp.text("display_name")?.ok_or_else(|| rp.fault("display_name", "is missing"))?;
    let mut origins = rp.texts("origins")?;
    // The older key, for one origin.
    match rp.text("origin")? {
        Some(_) if !origins.is_empty() => return Err(rp.fault("origin", "stands beside `origins`; keep the latter")),
        older => origins.extend(older),
    }
    rp.ignore(&["icon"]);
    rp.end()?;
    Ok(origins.into_iter().fold(RelyingParty::new(id, name), RelyingParty::origin))
}

fn need(section: &mut Section, key: &str) -> Result<Option<Need>, LoadError> {
    match section.text(key)?.as_deref() {
        None => Ok(None),
        Some("required") => Ok(Some(Need::Required)),
        Some("preferred") => Ok(Some(Need::Preferred)),
        Some("discouraged") => Ok(Some(Need::Discouraged)),
        Some(_) => Err(section.fault(key, "must be `required`, `preferred` or `discouraged`")),
    }
}
