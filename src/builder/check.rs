//! What does not fit together, and what to change.

use std::collections::BTreeSet;

use time::Duration;
use url::Url;

use super::{BuildError, Builder};
use crate::config::{Config, CookieSettings, SameSite};
use crate::identity::Channel;
use crate::methods::Setup;

/// The longest life of anything: beyond it a time of expiry may not exist.
const LONGEST_LIFE: Duration = Duration::days(36_525);

impl Builder {
    /// Refuses what cannot work, and lists what weakens.
    pub(super) fn check(&self) -> Result<Vec<String>, BuildError> {
        let Ok(config) = &self.config else { return Ok(Vec::new()) };
        let local = config.base.is_https() || config.base.is_loopback() || self.insecure_http;
        if !local {
            return Err(BuildError::PlainHttp { url: config.base.as_str().to_owned() });
        }
        self.check_parts(config)?;
        self.check_couriers(config)?;
        check_urls(config)?;
        check_cookies(config)?;
        let mut lifespans = vec![("lifespan", config.lifespan), ("session", config.session.lifespan)];
        let verification = config.verification.iter().flat_map(|own| [own.lifespan, own.proof_lifespan]);
        lifespans.extend(verification.map(|life| ("verification", life)));
        let lives = |life: &Duration| life.is_positive() && *life <= LONGEST_LIFE;
        if let Some((setting, _)) = lifespans.into_iter().find(|(_, life)| !lives(life)) {
            return Err(BuildError::Lifespan { setting });
        }
        let mut warnings = self.warnings();
        let (base_url, registration_ui) = (config.base.as_str(), config.registration_ui.as_str());
        let setup = Setup { schemas: &self.schemas, base_url, registration_ui };
        for method in &self.methods {
            let id = method.id().to_string();
            let advice = method.review(&setup).map_err(|why| BuildError::Method { id: id.clone(), why })?;
            warnings.extend(advice.into_iter().map(|advice| format!("method `{id}`: {advice}")));
        }
        warnings.extend(advice(config));
        Ok(warnings)
    }

    /// Every channel that letters go by needs a courier.
    fn check_couriers(&self, config: &Config) -> Result<(), BuildError> {
        let codes = self.methods.iter().any(|method| method.id().as_str() == "code");
        let mut channels: Vec<Channel> = Vec::new();
        for schema in &self.schemas {
            channels.extend(schema.code_channels().into_iter().filter(|_| codes));
            channels.extend(schema.verification_channels().into_iter().filter(|_| config.verification.is_some()));
        }
        match channels.iter().find(|channel| !self.couriers.contains_key(channel)) {
            Some(channel) => Err(BuildError::NoCourier { channel: channel.as_str() }),
            None => Ok(()),
        }
    }

    fn check_parts(&self, config: &Config) -> Result<(), BuildError> {
        let twice = |at: usize| self.secrets[..at].contains(&self.secrets[at]);
        if (0..self.secrets.len()).any(twice) {
            return Err(BuildError::EqualSecrets);
        }
        for (at, schema) in self.schemas.iter().enumerate() {
            if self.schemas[..at].iter().any(|other| other.id() == schema.id()) {
                return Err(BuildError::EqualSchemas { id: schema.id().to_owned() });
            }
        }
        let words: Vec<String> = self.methods.iter().map(|method| method.id().to_string()).collect();
        for (at, id) in words.iter().enumerate() {
            if words[..at].contains(id) {
                return Err(BuildError::EqualMethods { id: id.clone() });
            }
            if matches!(id.as_str(), "" | "profile" | "profile:back") {
                return Err(BuildError::ReservedMethod { id: id.clone() });
            }
        }
        if words.is_empty() && config.enabled {
            return Err(BuildError::NoMethod);
        }
        match config.after_method.keys().find(|id| !words.contains(id)) {
            Some(id) => Err(BuildError::AfterUnknownMethod { id: id.clone() }),
            None => Ok(()),
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.secrets.iter().any(|secret| secret.is_random()) {
            warnings.push("the secret is random: flows and sessions end with the process".to_owned());
        }
        if self.secrets.iter().any(|secret| secret.is_well_known()) {
            warnings.push("a secret looks like one from an example that everybody knows".to_owned());
        }
        if self.hashing.is_weak() {
            let (kib, passes) = (self.hashing.memory_kib, self.hashing.passes);
            warnings.push(format!("a stolen hash of {kib} KiB and {passes} passes is guessed fast; take 19456 and 2"));
        }
        warnings
    }
}

fn check_urls(config: &Config) -> Result<(), BuildError> {
    absolute("default_return_url", &config.default_return_url)?;
    let own = config.after.return_url.iter();
    let by_method = config.after_method.values().filter_map(|after| after.return_url.as_ref());
    own.chain(by_method).try_for_each(|url| absolute("after", url))?;
    page("registration_ui", &config.registration_ui)?;
    page("error_ui", &config.error_ui)?;
    if let Some(verification) = &config.verification {
        page("verification", &verification.ui)?;
        verification.return_url.iter().try_for_each(|url| absolute("verification", url))?;
    }
    for origin in &config.cors_origins {
        let parsed = Url::parse(origin).ok().filter(|url| url.origin().ascii_serialization() == *origin);
        parsed.ok_or_else(|| BuildError::CorsOrigin { origin: origin.clone() })?;
    }
    Ok(())
}

fn absolute(setting: &'static str, url: &str) -> Result<(), BuildError> {
    let fault = |why: String| BuildError::Url { setting, url: url.to_owned(), why };
    if url.is_empty() {
        return Err(fault("there is no URL; the feature `html` has a page in its place".to_owned()));
    }
    let parsed = Url::parse(url).map_err(|why| fault(format!("it is no absolute URL ({why})")))?;
    if parsed.cannot_be_a_base() || parsed.host_str().is_none() {
        return Err(fault("it has no host".to_owned()));
    }
    visible(setting, url)
}

/// A page may be a path: browsers then stay on the host of the base URL.
fn page(setting: &'static str, url: &str) -> Result<(), BuildError> {
    match url.starts_with('/') && !url.starts_with("//") {
        true => visible(setting, url),
        false => absolute(setting, url),
    }
}

/// It is written into headers as it stands.
fn visible(setting: &'static str, url: &str) -> Result<(), BuildError> {
    let why = "only visible ASCII letters can stand in a header; percent-encode the others".to_owned();
    match url.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(()),
        false => Err(BuildError::Url { setting, url: url.to_owned(), why }),
    }
}

/// What works, but probably not as it was meant.
fn advice(config: &Config) -> Vec<String> {
    let mut advice = Vec::new();
    if !config.base.is_https() && !config.base.is_loopback() && (config.cookies.secure || config.session.secure) {
        advice.push(
            "browsers do not keep `Secure` cookies that come over plain HTTP: only native clients can register here"
                .to_owned(),
        );
    }
    let paths = BTreeSet::from([&config.cookies.path, &config.session.cookie(&config.cookies).path].map(String::clone));
    let elsewhere = paths.into_iter().filter(|path| !contains(path, config.base.prefix()));
    advice.extend(elsewhere.map(|path| {
        let service = config.base.prefix();
        format!("browsers send cookies with the path `{path}` not to the service, which is at `{service}/`")
    }));
    let parsed = config.allowed_return_urls.iter().filter_map(|url| Some((url, Url::parse(url).ok()?)));
    let queries = parsed.filter(|(_, url)| url.query().is_some() || url.fragment().is_some());
    advice.extend(
        queries.map(|(url, _)| format!("`.allow_return_url(\"{url}\")`: query and fragment are not looked at")),
    );
    advice
}

/// Whether a browser sends a cookie with this path to what is below the prefix.
fn contains(path: &str, prefix: &str) -> bool {
    let below = prefix.strip_prefix(path.trim_end_matches('/'));
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn check_cookies(config: &Config) -> Result<(), BuildError> {
    let session = config.session.cookie(&config.cookies);
    let name = &config.session.cookie_name;
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(BuildError::Cookies(format!("`{name}` is no name of a cookie")));
    }
    let wrong = check_cookie(config, &config.cookies).or_else(|| check_cookie(config, &session));
    match wrong.or_else(|| check_prefix(name, &session)) {
        Some(why) => Err(BuildError::Cookies(why)),
        None => Ok(()),
    }
}

/// What is wrong with the attributes of a cookie.
fn check_cookie(config: &Config, cookie: &CookieSettings) -> Option<String> {
    if cookie.same_site == SameSite::None && !cookie.secure {
        return Some("browsers refuse `SameSite=None` without `Secure`".to_owned());
    }
    let host = config.base.url().host_str().unwrap_or_default();
    if let Some(domain) = &cookie.domain {
        let bare = domain.trim_start_matches('.');
        if host != bare && !host.ends_with(&format!(".{bare}")) {
            return Some(format!("the domain `{domain}` does not contain the base URL's host `{host}`"));
        }
    }
    let path = &cookie.path;
    if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';') {
        return Some(format!("`{}` is no path of a cookie", path.escape_debug()));
    }
    None
}

/// Browsers hold names with these prefixes to their word.
fn check_prefix(name: &str, cookie: &CookieSettings) -> Option<String> {
    let has = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let host = has("__Host-") && (cookie.domain.is_some() || cookie.path != "/");
    if host || ((has("__Host-") || has("__Secure-")) && !cookie.secure) {
        let rule = "`__Host-` needs `Secure`, the path `/` and no domain, `__Secure-` needs `Secure`";
        return Some(format!("browsers refuse `{name}` with these attributes: {rule}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the feature `html` no URL is ever missing: the library's own page is there.
    #[test]
    fn a_page_that_is_missing_is_refused_with_advice() {
        let missing = [page("registration_ui", ""), page("error_ui", ""), absolute("default_return_url", "")];

        for (missing, setting) in missing.into_iter().zip(["registration_ui", "error_ui", "default_return_url"]) {
            let told = missing.unwrap_err().to_string();
            assert!(told.contains(&format!(".{setting}(")) && told.contains("the feature `html`"), "{told}");
        }
    }
}
