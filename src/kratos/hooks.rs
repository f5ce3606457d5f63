//! `hooks`: what follows a registration.

use super::LoadError;
use super::section::Section;

/// What a list of hooks asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hooks {
    pub(super) session: bool,
    pub(super) verification_ui: bool,
}

/// Names that mean nothing to a registration.
const WITHOUT_EFFECT: [&str; 5] = [
    "verification",
    "require_verified_address",
    "revoke_active_sessions",
    "verify_new_address",
    "notify_previous_addresses",
];

pub(super) fn read(holder: &mut Section) -> Result<Hooks, LoadError> {
    let mut hooks = Hooks::default();
    for mut entry in holder.sections("hooks")? {
        let name = entry.text("hook")?.ok_or_else(|| entry.fault("hook", "is missing"))?;
        match name.as_str() {
            "session" => hooks.session = true,
            "show_verification_ui" => hooks.verification_ui = true,
            "web_hook" => return Err(entry.fault("hook", "`web_hook` is not supported yet; write a `Hook` in Rust")),
            known if WITHOUT_EFFECT.contains(&known) => {}
            other => return Err(entry.fault("hook", format!("`{other}` is not supported"))),
        }
        entry.ignore(&["config"]);
        entry.end()?;
    }
    Ok(hooks)
}
