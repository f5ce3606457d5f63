//! `selfservice`: methods, the registration flow, return URLs, pages.

use super::clients::Clients;
use super::parts::Flags;
use super::section::Section;
use super::verification::{self, Proofs};
use super::web_hooks::WebHooks;
use super::{LoadError, breaches, fallback, hooks, keys, oidc};
use crate::builder::Builder;
use crate::config::{After, Style};
use crate::identity::MethodId;
use crate::methods::{Code, Password};

const NOT_YET: &str = "is not supported yet";

pub(super) fn read(
    builder: Builder,
    mut section: Section,
    flags: Flags,
    clients: &Clients,
) -> Result<Builder, LoadError> {
    let default = section.text("default_browser_return_url")?;
    let default = default.ok_or_else(|| section.fault("default_browser_return_url", "is missing"))?;
    let mut builder = builder.default_return_url(default);
    for url in section.texts("allowed_return_urls")? {
        builder = builder.allow_return_url(url);
    }
    let (mut builder, on, proofs) = methods(builder, section.section("methods")?, flags, clients)?;
    let mut flows = section.section("flows")?;
    section.end()?;
    flows.ignore(&["login", "logout", "recovery", "settings"]);
    let mut error = flows.section("error")?;
    let ui = error.text("ui_url")?.unwrap_or_else(|| fallback("error"));
    error.end()?;
    builder = builder.error_ui(ui);
    if let Some(settings) = verification::read(flows.section("verification")?, proofs, flags.every_address)? {
        builder = builder.verification(settings);
    }
    builder = registration(builder, flows.section("registration")?, &on, WebHooks::new(clients)?)?;
    flows.end()?;
    Ok(builder)
}

/// The methods that are on, by their words.
type Methods = Vec<&'static str>;

/// Adds the methods; says which, and what carries proofs of addresses.
fn methods(
    mut builder: Builder,
    mut section: Section,
    flags: Flags,
    clients: &Clients,
) -> Result<(Builder, Methods, Proofs), LoadError> {
    let mut on = Methods::new();
    section.ignore(&["profile", "totp", "lookup_secret", "b2b", "deviceauthn"]);
    let mut password = section.section("password")?;
    let enabled = password.flag("enabled")?.unwrap_or(true);
    let method = password_method(password.section("config")?, enabled, clients)?;
    password.end()?;
    if enabled {
        builder = builder.method(method);
        on.push("password");
    }
    let (proofs, passwordless) = proofs(&mut section)?;
    if passwordless {
        builder = builder.method(code_method(proofs));
        on.push("code");
    }
    let (builder, social) = oidc::read(builder, section.section("oidc")?, clients, flags.legacy_oidc_group)?;
    if social {
        on.push("oidc");
    }
    let (builder, keys) = keys::read(builder, &mut section)?;
    on.extend(keys);
    for name in ["saml", "captcha"] {
        let mut method = section.section(name)?;
        method.must_be_off("enabled", NOT_YET)?;
        method.ignore(&["config"]);
        method.end()?;
    }
    section.end()?;
    Ok((builder, on, proofs))
}

/// What carries proofs of addresses, and whether people may sign up with codes.
fn proofs(methods: &mut Section) -> Result<(Proofs, bool), LoadError> {
    let mut code = methods.section("code")?;
    let passwordless = code.flag("passwordless_enabled")?.unwrap_or(false);
    let code_on = code.flag("enabled")?.unwrap_or(true) || passwordless;
    code.ignore(&["mfa_enabled"]);
    let mut config = code.section("config")?;
    code.end()?;
    let code_lifespan = config.duration("lifespan")?;
    let max_submissions = config.number("max_submissions")?.map(|most| u32::try_from(most).unwrap_or(u32::MAX));
    config.ignore(&["missing_credential_fallback_enabled"]);
    config.end()?;
    let mut link = methods.section("link")?;
    let link_on = link.flag("enabled")?.unwrap_or(false);
    let mut config = link.section("config")?;
    link.end()?;
    let link_lifespan = config.duration("lifespan")?;
    config.ignore(&["base_url"]);
    config.end()?;
    Ok((Proofs { code: code_on, code_lifespan, max_submissions, link: link_on, link_lifespan }, passwordless))
}

fn code_method(proofs: Proofs) -> Code {
    let mut method = Code::new();
    if let Some(lifespan) = proofs.code_lifespan {
        method = method.lifespan(lifespan);
    }
    if let Some(most) = proofs.max_submissions {
        method = method.max_submissions(most);
    }
    method
}

fn password_method(mut config: Section, enabled: bool, clients: &Clients) -> Result<Password, LoadError> {
    let mut method = Password::new();
    if let Some(length) = config.number("min_password_length")? {
        method = method.min_length(usize::try_from(length).unwrap_or(usize::MAX));
    }
    if !config.flag("identifier_similarity_check_enabled")?.unwrap_or(true) {
        method = method.allow_similar();
    }
    method = breaches::read(method, &mut config, enabled, clients)?;
    config.ignore(&["migrate_hook"]);
    config.end()?;
    Ok(method)
}

fn registration(
    mut builder: Builder,
    mut section: Section,
    on: &[&str],
    mut web: WebHooks,
) -> Result<Builder, LoadError> {
    builder = builder.enabled(section.flag("enabled")?.unwrap_or(true));
    builder = builder.login_hints(section.flag("login_hints")?.unwrap_or(false));
    builder = builder.registration_ui(section.text("ui_url")?.unwrap_or_else(|| fallback("registration")));
    if let Some(lifespan) = section.duration("lifespan")? {
        builder = builder.lifespan(lifespan);
    }
    let one_step = section.flag("enable_legacy_one_step")?.unwrap_or(false);
    let style = match section.text("style")?.as_deref() {
        _ if one_step => Style::Unified,
        None | Some("profile_first") => Style::ProfileFirst,
        Some("unified") => Style::Unified,
        Some(_) => return Err(section.fault("style", "must be `profile_first` or `unified`")),
    };
    builder = builder.style(style);
    let mut before = section.section("before")?;
    let hooks = hooks::read(&mut before, Some(&web))?;
    web.before(hooks.web);
    before.end()?;
    builder = after(builder, section.section("after")?, on, &mut web)?;
    section.end()?;
    Ok(web.give(builder))
}

/// What follows a registration: hooks count for their method alone, return URLs also for all.
fn after(mut builder: Builder, mut section: Section, on: &[&str], web: &mut WebHooks) -> Result<Builder, LoadError> {
    let hooks = hooks::read(&mut section, Some(web))?;
    web.after(hooks.web);
    let mut all = After::new();
    if let Some(url) = section.text("default_browser_return_url")? {
        all = all.return_url(url);
    }
    builder = builder.after(all);
    for name in ["password", "code", "oidc", "webauthn", "passkey", "saml"] {
        let mut own = section.section(name)?;
        let hooks = hooks::read(&mut own, Some(web))?;
        web.after_method(name, hooks.web, hooks.counts);
        let mut after = After::new().session(hooks.session).show_verification_ui(hooks.verification_ui);
        if let Some(url) = own.text("default_browser_return_url")? {
            after = after.return_url(url);
        }
        own.end()?;
        if on.contains(&name) {
            builder = builder.after_method(&MethodId::new(name), after);
        }
    }
    section.end()?;
    Ok(builder)
}
