//! `haveibeenpwned_…`: asking a service about leaked passwords.

use url::Url;

use super::LoadError;
use super::clients::Clients;
use super::section::Section;
use crate::host::BreachList;
use crate::methods::{Password, WhenAway};

/// Gives the method its list, unless the file says that there is none.
pub(super) fn read(
    method: Password,
    config: &mut Section,
    enabled: bool,
    clients: &Clients,
) -> Result<Password, LoadError> {
    let on = config.flag("haveibeenpwned_enabled")?;
    let most = config.number("max_breaches")?.unwrap_or(0);
    if most > 100 {
        return Err(config.fault("max_breaches", "must be at most 100"));
    }
    let when_away =
        if config.flag("ignore_network_errors")?.unwrap_or(true) { WhenAway::Accept } else { WhenAway::Refuse };
    let service = match config.text("haveibeenpwned_host")? {
        None => None,
        Some(host) => Some(service(&host).ok_or_else(|| config.fault("haveibeenpwned_host", "must name a host"))?),
    };
    // The switch is on where it is not mentioned: leaving the check out must be said.
    if !enabled || !on.unwrap_or(true) {
        return Ok(method);
    }
    match list(service, clients) {
        Some(list) => Ok(method.breach_list(list, most, when_away)),
        None => {
            let why = "needs the feature `breach-http`; turn it on, or say false";
            Err(config.fault("haveibeenpwned_enabled", why))
        }
    }
}

/// A host, with a port or without: the service is always called with TLS.
fn service(host: &str) -> Option<Url> {
    let url = Url::parse(&format!("https://{host}")).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    bare.then_some(url)
}

#[cfg(feature = "breach-http")]
fn list(service: Option<Url>, clients: &Clients) -> Option<impl BreachList> {
    let list = crate::breach::RangeList::new(clients.client());
    Some(match service {
        Some(url) => list.base_url(url),
        None => list,
    })
}

#[cfg(not(feature = "breach-http"))]
fn list(_: Option<Url>, _: &Clients) -> Option<std::sync::Arc<dyn BreachList>> {
    None
}
