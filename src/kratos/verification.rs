//! `selfservice.flows.verification` and the methods it uses: how addresses are proved.

use time::Duration;

use super::section::Section;
use super::{LoadError, fallback, hooks};
use crate::config::Verification;

/// What the methods say that carry proofs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proofs {
    pub(super) code: bool,
    pub(super) code_lifespan: Option<Duration>,
    pub(super) max_submissions: Option<u32>,
    pub(super) link: bool,
    pub(super) link_lifespan: Option<Duration>,
}

/// Reads the section; nothing when it is switched off.
pub(super) fn read(mut section: Section, proofs: Proofs, every: bool) -> Result<Option<Verification>, LoadError> {
    let enabled = section.flag("enabled")?.unwrap_or(false);
    let ui = section.text("ui_url")?.unwrap_or_else(|| fallback("verification"));
    let (settings, on, lifespan) = match section.text("use")?.as_deref() {
        None | Some("code") => (Verification::by_code(ui), proofs.code, proofs.code_lifespan),
        Some("link") => (Verification::by_link(ui), proofs.link, proofs.link_lifespan),
        Some(_) => return Err(section.fault("use", "must be `code` or `link`")),
    };
    if enabled && !on {
        return Err(section.fault("use", "the method it names is switched off below `selfservice.methods`"));
    }
    let mut settings = settings.every_address(every);
    if let Some(lifespan) = lifespan {
        settings = settings.proof_lifespan(lifespan);
    }
    if let Some(most) = proofs.max_submissions {
        settings = settings.max_submissions(most);
    }
    if let Some(lifespan) = section.duration("lifespan")? {
        settings = settings.lifespan(lifespan);
    }
    settings = settings.tell_unknown(section.flag("notify_unknown_recipients")?.unwrap_or(false));
    let mut before = section.section("before")?;
    hooks::read(&mut before, None)?;
    before.end()?;
    let mut after = section.section("after")?;
    hooks::read(&mut after, None)?;
    if let Some(url) = after.text("default_browser_return_url")? {
        settings = settings.return_url(url);
    }
    after.end()?;
    section.end()?;
    Ok(enabled.then_some(settings))
}
