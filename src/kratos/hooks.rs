//! `hooks`: what comes before and follows a registration.

use super::LoadError;
use super::section::Section;
use super::web_hooks::{WebHook, WebHooks};

/// What a list of hooks asks for.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) session: bool,
    pub(super) verification_ui: bool,
    pub(super) web: Vec<WebHook>,
    /// The list names a hook that does something after a registration.
    pub(super) counts: bool,
}

/// Names that mean nothing to a registration.
const WITHOUT_EFFECT: [&str; 4] =
    ["require_verified_address", "revoke_active_sessions", "verify_new_address", "notify_previous_addresses"];

/// Reads a list of hooks; where it may hold web hooks, with what they are made by.
pub(super) fn read(holder: &mut Section, maker: Option<&WebHooks>) -> Result<Hooks, LoadError> {
    let mut hooks = Hooks::default();
    for mut entry in holder.sections("hooks")? {
        let name = entry.text("hook")?.ok_or_else(|| entry.fault("hook", "is missing"))?;
        match name.as_str() {
            "session" => hooks.session = true,
            "show_verification_ui" => hooks.verification_ui = true,
            // The proof of addresses is switched on elsewhere.
            "verification" => {}
            "web_hook" => {
                let maker = maker.ok_or_else(|| entry.fault("hook", "`web_hook` is not supported here"))?;
                hooks.web.push(maker.read(entry.section("config")?)?);
            }
            known if WITHOUT_EFFECT.contains(&known) => {
                entry.ignore(&["config"]);
                entry.end()?;
                continue;
            }
            other => return Err(entry.fault("hook", format!("`{other}` is not supported"))),
        }
        hooks.counts = true;
        entry.ignore(&["config"]);
        entry.end()?;
    }
    Ok(hooks)
}
