//! Why a service cannot be built.

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
    /// The library's own pages cannot be drawn as they are set up.
    #[error("`.pages(…)`: {0}")]
    Pages(String),
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
    /// Two hooks have one name, by which their errands are found again.
    #[error("two hooks are named `{name}`; names must differ")]
    #[non_exhaustive]
    EqualHooks {
        /// The name.
        name: String,
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
        ready_made(channel)
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
    /// A method cannot work as it is set up.
    #[error("the method `{id}` cannot work: {why}")]
    #[non_exhaustive]
    Method {
        /// The word.
        id: String,
        /// What is wrong, and what to change.
        why: String,
    },
    /// A time is nothing, or reaches beyond the calendar.
    #[error("a time in `.{setting}(…)` must be longer than nothing and at most a hundred years")]
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

fn ready_made(channel: &str) -> &'static str {
    match (channel, cfg!(feature = "smtp"), cfg!(feature = "sms")) {
        ("email", true, _) => "`SmtpCourier` gives them to a mail server",
        ("email", false, _) => "the feature `smtp` brings one for a mail server, and takes it over from a Kratos file",
        (_, _, true) => "`HttpCourier` calls a gateway",
        (_, _, false) => "the feature `sms` brings one that calls a gateway, and takes it over from a Kratos file",
    }
}

fn variant(channel: &str) -> &'static str {
    match channel {
        "sms" => "Sms",
        _ => "Email",
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
