//! Secrets, hashing, cookies and sessions, flags.

use super::section::Section;
use super::{LoadError, units};
use crate::builder::Builder;
use crate::config::{CookieSettings, SameSite, SessionSettings};
use crate::hashing::Hashing;
use crate::seal::Secret;

/// `secrets`: those for cookies, else the default ones, else random ones that end with the process.
pub(super) fn secrets(mut builder: Builder, mut section: Section) -> Result<Builder, LoadError> {
    section.ignore(&["cipher", "pagination"]);
    let cookie = section.texts("cookie")?;
    let default = section.texts("default")?;
    let (key, secrets) = if cookie.is_empty() { ("default", default) } else { ("cookie", cookie) };
    for text in &secrets {
        builder = builder.secret(Secret::new(text).map_err(|error| section.fault(key, error.to_string()))?);
    }
    if secrets.is_empty() {
        let random = Secret::random_until_restart().map_err(|error| section.fault("default", error.to_string()))?;
        builder = builder.secret(random);
    }
    section.end()?;
    Ok(builder)
}

/// `hashers`: argon2 only.
pub(super) fn hashing(builder: Builder, mut section: Section) -> Result<Builder, LoadError> {
    let algorithm = section.text("algorithm")?;
    section.ignore(&["bcrypt"]);
    if algorithm.as_deref() == Some("bcrypt") {
        return Err(section.fault("algorithm", "`bcrypt` is not supported; new passwords are hashed with `argon2`"));
    }
    let mut argon2 = section.section("argon2")?;
    section.end()?;
    argon2.ignore(&["expected_duration", "expected_deviation", "dedicated_memory", "salt_length", "key_length"]);
    let mut hashing = Hashing::new();
    let memory = match argon2.text("memory")? {
        None => u64::from(hashing.memory_kib),
        Some(text) => match units::bytes(&text) {
            Some(bytes) => bytes >> 10,
            None => return Err(argon2.fault("memory", "must be a size such as `19456KB`")),
        },
    };
    let memory = u32::try_from(memory).map_err(|_| argon2.fault("memory", "is too large"))?;
    let passes = argon2.number("iterations")?.map_or(Ok(hashing.passes), u32::try_from);
    let passes = passes.map_err(|_| argon2.fault("iterations", "is too large"))?;
    let lanes = argon2.number("parallelism")?.map_or(Ok(1), u32::try_from);
    let lanes = lanes.map_err(|_| argon2.fault("parallelism", "is too large"))?;
    argon2.end()?;
    hashing = hashing.cost(memory, passes).lanes(lanes);
    Ok(builder.hashing(hashing))
}

/// `cookies` and `session`.
pub(super) fn cookies(
    builder: Builder,
    mut cookies: Section,
    mut session: Section,
    dev: bool,
) -> Result<Builder, LoadError> {
    let mut own = CookieSettings::new();
    own.domain = cookies.text("domain")?;
    own.path = cookies.text("path")?.unwrap_or(own.path);
    own.same_site = same_site(&mut cookies)?.unwrap_or(own.same_site);
    own.secure = secure(&mut cookies)?.unwrap_or(!dev);
    cookies.end()?;
    let mut settings = SessionSettings::new();
    settings.lifespan = session.duration("lifespan")?.unwrap_or(settings.lifespan);
    let mut cookie = session.section("cookie")?;
    settings.cookie_name = cookie.text("name")?.unwrap_or(settings.cookie_name);
    settings.domain = cookie.text("domain")?;
    settings.path = cookie.text("path")?;
    settings.same_site = same_site(&mut cookie)?;
    settings.secure = secure(&mut cookie)?.unwrap_or(!dev);
    settings.persistent = cookie.flag("persistent")?.unwrap_or(settings.persistent);
    cookie.end()?;
    session.ignore(&["whoami", "earliest_possible_extend"]);
    session.end()?;
    Ok(builder.cookies(own).session(settings))
}

fn same_site(section: &mut Section) -> Result<Option<SameSite>, LoadError> {
    match section.text("same_site")?.as_deref() {
        None => Ok(None),
        Some("Lax") => Ok(Some(SameSite::Lax)),
        Some("Strict") => Ok(Some(SameSite::Strict)),
        Some("None") => Ok(Some(SameSite::None)),
        Some(_) => Err(section.fault("same_site", "must be `Lax`, `Strict` or `None`")),
    }
}

/// A switch that the file writes as a text.
fn secure(section: &mut Section) -> Result<Option<bool>, LoadError> {
    match section.text("secure")?.as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(section.fault("secure", "must be \"true\" or \"false\"")),
    }
}

/// What `feature_flags` says about a registration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flags {
    /// Every address of a registration is proved at once.
    pub(super) every_address: bool,
    /// Traits that are missing after a social sign-up stand in its own group.
    pub(super) legacy_oidc_group: bool,
}

pub(super) fn flags(root: &mut Section) -> Result<Flags, LoadError> {
    let mut flags = root.section("feature_flags")?;
    flags.ignore(&[
        "cacheable_sessions",
        "cacheable_sessions_max_age",
        "faster_session_extend",
        "use_continue_with_transitions",
        "choose_recovery_address",
        "password_profile_registration_node_group",
    ]);
    flags.must_be_off("legacy_allow_insecure_origins", "a star may only stand for whole labels of a host name")?;
    let legacy_oidc_group = flags.flag("legacy_oidc_registration_node_group")?.unwrap_or(false);
    let every_address = flags.flag("legacy_continue_with_verification_ui")?.unwrap_or(false);
    flags.end()?;
    Ok(Flags { every_address, legacy_oidc_group })
}

/// `security`. Mitigating enumeration changes nothing about a registration, and references out of a schema are never
/// followed.
pub(super) fn security(root: &mut Section) -> Result<(), LoadError> {
    let mut security = root.section("security")?;
    security.ignore(&["account_enumeration", "disallow_ref_in_identity_schemas"]);
    security.end()
}
