//! `courier`: who carries letters.
//!
//! 1. `smtp` is the server that takes e-mails; a gateway takes its place.
//! 2. `channels` with the id `sms` or `email`, and `http` where `delivery_strategy` says `http` (for e-mails), are gateways
//!    that are called.
//! 3. `message_retries` counts; `worker` does not: letters are picked up by the dispatcher of the host.
//! 4. Templates for letters of a registration are refused: their language is Go's. Words of one's own are given to the
//!    builder.

use super::LoadError;
use super::clients::Clients;
use super::gateway::Gateways;
use super::section::Section;
use crate::builder::Builder;
use crate::identity::Channel;

pub(super) fn read(mut builder: Builder, mut section: Section, clients: &Clients) -> Result<Builder, LoadError> {
    builder = super::smtp::read(builder, section.section("smtp")?)?;
    let gateways = Gateways::new(clients);
    if let Some(retries) = section.number("message_retries")? {
        builder = builder.message_retries(u32::try_from(retries).unwrap_or(u32::MAX));
    }
    let mut http = section.section("http")?;
    match section.text("delivery_strategy")?.as_deref() {
        None | Some("smtp") => {}
        Some("http") => {
            builder = gateways.courier(builder, Channel::Email, http.section("request_config")?)?;
            http.end()?;
        }
        Some(_) => return Err(section.fault("delivery_strategy", "must be `smtp` or `http`")),
    }
    for channel in section.sections("channels")? {
        builder = self::channel(builder, channel, &gateways)?;
    }
    templates(&mut section)?;
    section.ignore(&["worker"]);
    section.end()?;
    Ok(builder)
}

fn channel(builder: Builder, mut section: Section, gateways: &Gateways) -> Result<Builder, LoadError> {
    let via = match section.text("id")?.as_deref() {
        Some("sms") => Channel::Sms,
        Some("email") => Channel::Email,
        _ => return Err(section.fault("id", "must be `sms` or `email`")),
    };
    if section.text("type")?.is_some_and(|kind| kind != "http") {
        return Err(section.fault("type", "must be `http`"));
    }
    let request = section.section("request_config")?;
    section.end()?;
    gateways.courier(builder, via, request)
}

/// Refuses words for letters that a registration sends; those of other letters are none of our business.
fn templates(section: &mut Section) -> Result<(), LoadError> {
    let why = "templates of Go are not read; give the builder words of your own by `.templates(…)`";
    if section.value("template_override_path").is_some() {
        return Err(section.fault("template_override_path", why));
    }
    let mut templates = section.section("templates")?;
    for name in ["registration_code", "verification_code", "verification"] {
        if templates.value(name).is_some() {
            return Err(templates.fault(name, why));
        }
    }
    Ok(())
}
