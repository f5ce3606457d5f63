//! What does not fit together, and what to change.

use url::Url;

use super::Builder;
use crate::config::{Config, SameSite};
use crate::identity::Channel;
use crate::schema::SchemaError;

/// A service cannot be built like this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The base URL cannot be one.
    #[error("`{url}` cannot be the base URL: {why}; write for example https://app.example.org/auth")]
    BaseUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// Passwords would travel in clear.
    #[error("`{url}` is plain HTTP on a host that others reach; use https, or say `.insecure_http()`")]
    PlainHttp {
        /// The base URL.
        url: String,
    },
    /// A part that only the host can bring is missing.
    #[error("there is no {part}: add `.{part}(…)`{}", hint(part))]
    #[non_exhaustive]
    Missing {
        /// The name of the builder's method that gives it.
        part: &'static str,
    },
    /// A URL that browsers are led to is missing or no URL.
    #[error("`.{setting}(…)` is `{url}`: {why}")]
    #[non_exhaustive]
    Url {
        /// The builder's method.
        setting: &'static str,
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// An entry of the list of return URLs cannot be one.
    #[error("`.allow_return_url(…)`: {0}")]
    ReturnUrl(String),
    /// An identity schema cannot be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The same secret was given twice.
    #[error("a secret was given twice: every `.secret(…)` must be another one, the newest first")]
    EqualSecrets,
    /// Two schemas have one name.
    #[error("two identity schemas are named `{id}`; names must differ")]
    #[non_exhaustive]
    EqualSchemas {
        /// The name.
        id: String,
    },
    /// The default schema is not among the schemas.
    #[error("`.default_schema(\"{id}\")`: there is no identity schema of this name")]
    #[non_exhaustive]
    DefaultSchema {
        /// The name.
        id: String,
    },
    /// Two methods have one word.
    #[error("two methods are named `{id}`; a method is given once")]
    #[non_exhaustive]
    EqualMethods {
        /// The word.
        id: String,
    },
    /// A method has a word that means something else.
    #[error("a method cannot be named `{id}`; the library uses that word itself")]
    #[non_exhaustive]
    ReservedMethod {
        /// The word.
        id: String,
    },
    /// Nobody could ever register.
    #[error(
        "there is no method: add for example `.method(Password::new())`, or close registration with `.enabled(false)`"
    )]
    NoMethod,
    /// Letters would have nobody who carries them.
    #[error(
        "letters go by {channel}, and nobody carries them: add `.courier(Channel::{}, …)`; {}, `LogCourier` is enough to try the service out",
        variant(channel),
        gateway()
    )]
    #[non_exhaustive]
    NoCourier {
        /// The channel.
        channel: &'static str,
    },
    /// Something follows a method that is not there.
    #[error("`.after_method(\"{id}\", …)`: there is no method of this name")]
    #[non_exhaustive]
    AfterUnknownMethod {
        /// The word.
        id: String,
    },
    /// A cookie that browsers would refuse, or that never reaches the service.
    #[error("the cookies cannot work: {0}")]
    Cookies(String),
    /// An origin is none.
    #[error("`.cors_origin(\"{origin}\")` is no origin; write for example https://app.example.org, without a path")]
    #[non_exhaustive]
    CorsOrigin {
        /// What was given.
        origin: String,
    },
    /// A time must be longer than nothing.
    #[error("`.{setting}(…)` must be longer than nothing")]
    #[non_exhaustive]
    Lifespan {
        /// The builder's method.
        setting: &'static str,
    },
    /// The system gives no random bytes for a secret.
    #[error("there is no randomness to make a secret from")]
    Randomness(#[source] std::io::Error),
    /// The hashing threads could not be started.
    #[error("`.hashing(…)`: {0}")]
    Hashing(String),
}

fn variant(channel: &str) -> &'static str {
    match channel {
        "sms" => "Sms",
        _ => "Email",
    }
}

fn gateway() -> &'static str {
    match cfg!(feature = "sms") {
        true => "`HttpCourier` calls a gateway",
        false => "the feature `sms` brings one that calls a gateway, and takes it over from a Kratos file",
    }
}

fn hint(part: &str) -> &'static str {
    match part {
        "secret" => "; `Secret::random_until_restart()` is enough to try the service out",
        "storage" | "identities" => "; `Memory::new()` is enough to try the service out",
        "schema" => ", with `Schema::parse`",
        _ => "",
    }
}

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
        if let Some((setting, _)) = lifespans.into_iter().find(|(_, life)| !life.is_positive()) {
            return Err(BuildError::Lifespan { setting });
        }
        Ok(self.warnings())
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

fn check_cookies(config: &Config) -> Result<(), BuildError> {
    let session = config.session.cookie(&config.cookies);
    if session.same_site == SameSite::None && !session.secure {
        return Err(BuildError::Cookies("browsers refuse `SameSite=None` without `Secure`".to_owned()));
    }
    let host = config.base.url().host_str().unwrap_or_default();
    for domain in [&config.cookies.domain, &session.domain].into_iter().flatten() {
        let bare = domain.trim_start_matches('.');
        if host != bare && !host.ends_with(&format!(".{bare}")) {
            return Err(BuildError::Cookies(format!(
                "the domain `{domain}` does not contain the base URL's host `{host}`"
            )));
        }
    }
    let name = &config.session.cookie_name;
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(BuildError::Cookies(format!("`{name}` is no name of a cookie")));
    }
    Ok(())
}
