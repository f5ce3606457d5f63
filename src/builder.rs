//! Takes parts, methods and choices, and refuses impossible ones.

mod check;
mod error;
mod letters;
mod oauth2;

use std::collections::BTreeMap;
use std::sync::Arc;

use time::Duration;

use crate::config::{After, BaseUrl, Config, CookieSettings, SessionSettings, Style, Verification};
use crate::csrf::Csrf;
use crate::engine::Engine;
use crate::hashing::{Governor, Hashing};
use crate::host::{
    Clock, Courier, Hook, Identities, Linking, OAuth2Server, Random, Sessions, Steady, Storage, SystemClock,
    SystemRandom, Templates,
};
use crate::html::{Own, Pages, Site};
use crate::identity::{Channel, MethodId};
use crate::limits::AddressLimits;
use crate::methods::{Method, Profile};
use crate::return_to::ReturnTo;
use crate::schema::{Schema, Schemas};
use crate::seal::{Seal, Secret};
use crate::service::Registration;
use crate::sessions::StoredSessions;
use crate::templates::BuiltIn;
use crate::trace;
use crate::upkeep::Post;

pub use error::BuildError;

/// Builds a [`Registration`].
///
/// ```
/// use tower_registration::memory::Memory;
/// use tower_registration::methods::Password;
/// use tower_registration::{Registration, Schema, Secret};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let person = r#"{"type":"object","properties":{"traits":{"type":"object","properties":{"email":{"type":"string",
/// #   "format":"email","ory.sh/kratos":{"credentials":{"password":{"identifier":true}}}}}}}}"#;
/// let memory = Memory::new();
/// let registration = Registration::builder("https://app.example.org/auth")
///     .secret(Secret::new("keep me for as long as sessions are to live")?)
///     .schema(Schema::parse("person", person)?)
///     .method(Password::new())
///     .storage(memory.clone())
///     .identities(memory)
///     .registration_ui("https://app.example.org/sign-up")
///     .error_ui("https://app.example.org/sorry")
///     .default_return_url("https://app.example.org/welcome")
///     .build()?;
/// # let _ = registration; Ok(()) }
/// ```
#[must_use]
pub struct Builder {
    /// What was chosen; or why the base URL cannot be one.
    config: Result<Config, BuildError>,
    secrets: Vec<Secret>,
    schemas: Vec<Schema>,
    default_schema: Option<String>,
    methods: Vec<Arc<dyn Method>>,
    hooks: Vec<Arc<dyn Hook>>,
    linking: Option<Arc<dyn Linking>>,
    oauth2: Option<Arc<dyn OAuth2Server>>,
    storage: Option<Arc<dyn Storage>>,
    identities: Option<Arc<dyn Identities>>,
    sessions: Option<Arc<dyn Sessions>>,
    hashing: Hashing,
    limits: AddressLimits,
    couriers: BTreeMap<Channel, Arc<dyn Courier>>,
    templates: Arc<dyn Templates>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    insecure_http: bool,
    pages: Pages,
}

impl Registration {
    /// Begins to build a service that clients find at this base URL: scheme, host, port, and the prefix that the
    /// service is mounted below.
    ///
    /// The URL is used as it is written: a slash at its end gives the CSRF cookie another name.
    pub fn builder(base_url: impl Into<String>) -> Builder {
        Builder::new(base_url.into())
    }
}

impl Builder {
    fn new(base: String) -> Self {
        let parsed = BaseUrl::parse(&base).map(Config::new);
        Self {
            config: parsed.map_err(|why| BuildError::BaseUrl { url: base, why }),
            secrets: Vec::new(),
            schemas: Vec::new(),
            default_schema: None,
            methods: Vec::new(),
            hooks: Vec::new(),
            linking: None,
            oauth2: None,
            storage: None,
            identities: None,
            sessions: None,
            hashing: Hashing::new(),
            limits: AddressLimits::new(),
            couriers: BTreeMap::new(),
            templates: Arc::new(BuiltIn::new()),
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom::new()),
            insecure_http: false,
            pages: Pages::new(),
        }
    }

    fn choose(mut self, choice: impl FnOnce(&mut Config)) -> Self {
        if let Ok(config) = &mut self.config {
            choice(config);
        }
        self
    }

    /// Adds a secret. The first signs and seals; later ones still verify and open, so that a secret is replaced by
    /// putting a new one in front.
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Adds an identity schema. The first is the default, unless [`default_schema`](Builder::default_schema) names one.
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schemas.push(schema);
        self
    }

    /// Names the schema that counts where a client asks for none.
    pub fn default_schema(mut self, id: impl Into<String>) -> Self {
        self.default_schema = Some(id.into());
        self
    }

    /// Adds a way to register. Their order does not matter.
    pub fn method(mut self, method: impl Method) -> Self {
        self.methods.push(Arc::new(method));
        self
    }

    /// Adds a hook. Hooks run in the order they are added.
    pub fn hook(mut self, hook: impl Hook) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    /// Sets what happens when social sign-up meets a known address; otherwise the form says that the account exists.
    pub fn linking(mut self, linking: impl Linking) -> Self {
        self.linking = Some(Arc::new(linking));
        self
    }

    /// Sets where flows and everything else with an expiry live.
    pub fn storage(mut self, storage: impl Storage) -> Self {
        self.storage = Some(Arc::new(storage));
        self
    }

    /// Sets the host's users.
    pub fn identities(mut self, identities: impl Identities) -> Self {
        self.identities = Some(Arc::new(identities));
        self
    }

    /// Sets the host's own sessions in place of the ready-made ones.
    pub fn sessions(mut self, sessions: impl Sessions) -> Self {
        self.sessions = Some(Arc::new(sessions));
        self
    }

    /// Sets how passwords are hashed.
    pub fn hashing(mut self, hashing: Hashing) -> Self {
        self.hashing = hashing;
        self
    }

    /// Proves addresses after a registration, and whenever a person asks for it.
    pub fn verification(self, verification: Verification) -> Self {
        self.choose(|config| config.verification = Some(verification))
    }

    /// Sets the clock; the system's otherwise. While it has gone back, by two hours at most, the service's time stands still,
    /// so that nothing that was over begins again.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the source of randomness; the system's otherwise.
    ///
    /// # Weakens
    ///
    /// Whoever can guess its bytes can guess every secret. For tests.
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Sets whether registration is open at all.
    pub fn enabled(self, enabled: bool) -> Self {
        self.choose(|config| config.enabled = enabled)
    }

    /// Sets whether the traits are asked together with the credential or one step before.
    pub fn style(self, style: Style) -> Self {
        self.choose(|config| config.style = style)
    }

    /// Sets how long a flow can be used; an hour otherwise.
    pub fn lifespan(self, lifespan: Duration) -> Self {
        self.choose(|config| config.lifespan = lifespan)
    }

    /// Tells a person whose identifier is taken how that account can be signed in to.
    ///
    /// # Weakens
    ///
    /// It also tells everybody else.
    pub fn login_hints(self, on: bool) -> Self {
        self.choose(|config| config.login_hints = on)
    }

    /// Sets how the library's own pages look. They are there in place of those that the host has no URL for.
    #[cfg(feature = "html")]
    pub fn pages(mut self, pages: Pages) -> Self {
        self.pages = pages;
        self
    }

    /// Sets the page that shows a flow; it is called with `?flow=`. It may be a path on the base URL's host. Without one,
    /// the feature `html` has a page.
    pub fn registration_ui(self, url: impl Into<String>) -> Self {
        self.choose(|config| config.registration_ui = url.into())
    }

    /// Sets the page that shows an error; it is called with `?id=`. It may be a path on the base URL's host. Without one,
    /// the feature `html` has a page.
    pub fn error_ui(self, url: impl Into<String>) -> Self {
        self.choose(|config| config.error_ui = url.into())
    }

    /// Sets where a person is led in the end, unless they asked for another page by `return_to`. Without one, the feature
    /// `html` has a page.
    pub fn default_return_url(self, url: impl Into<String>) -> Self {
        self.choose(|config| config.default_return_url = url.into())
    }

    /// Allows pages below this URL as `return_to`: the same scheme, host and port, and whole path segments.
    /// `https://*.example.org/` stands for any host below `example.org`.
    pub fn allow_return_url(self, url: impl Into<String>) -> Self {
        self.choose(|config| config.allowed_return_urls.push(url.into()))
    }

    /// Sets what follows a registration, whatever the method.
    pub fn after(self, after: After) -> Self {
        self.choose(|config| config.after = after)
    }

    /// Sets what follows a registration by this method; what is not set here is as for all methods.
    pub fn after_method(self, method: &MethodId, after: After) -> Self {
        self.choose(|config| drop(config.after_method.insert(method.to_string(), after)))
    }

    /// Sets the attributes of the cookies.
    pub fn cookies(self, cookies: CookieSettings) -> Self {
        self.choose(|config| config.cookies = cookies)
    }

    /// Sets how long the ready-made sessions last, and their cookie.
    pub fn session(self, settings: SessionSettings) -> Self {
        self.choose(|config| config.session = settings)
    }

    /// Lets scripts of pages at this origin submit. The answers to preflights are the business of a CORS layer around
    /// the service.
    pub fn cors_origin(self, origin: impl Into<String>) -> Self {
        self.choose(|config| config.cors_origins.push(origin.into()))
    }

    /// Sets how many proxies stand in front of the service and add to `X-Forwarded-For`; none otherwise.
    pub fn trusted_proxies(self, proxies: usize) -> Self {
        self.choose(|config| config.trusted_proxies = proxies)
    }

    /// Leaves the header `Strict-Transport-Security` to the host; otherwise an https service sets it for two years.
    pub fn host_sets_hsts(self) -> Self {
        self.choose(|config| config.host_sets_hsts = true)
    }

    /// Accepts a base URL with plain HTTP on another host than this machine.
    ///
    /// # Weakens
    ///
    /// Everybody on the way reads passwords and sessions.
    pub fn insecure_http(mut self) -> Self {
        self.insecure_http = true;
        self
    }

    /// Checks the choices against each other and builds the service; its hashing threads start here.
    ///
    /// # Errors
    ///
    /// [`BuildError`] says what does not fit and what to change.
    pub fn build(mut self) -> Result<Registration, BuildError> {
        let own = self.config.as_mut().ok().map(Own::take);
        let warnings = self.check()?;
        warnings.iter().for_each(|warning| trace::warning(warning));
        let Self { config, secrets, schemas, default_schema, mut methods, .. } = self;
        let mut config = config?;
        config.sends_sms = self.couriers.contains_key(&Channel::Sms);
        let led_to: Vec<String> = methods.iter().flat_map(|method| method.destinations()).collect();
        let site =
            own.map(|own| Site::build(&self.pages, own, &config, &led_to)).transpose().map_err(BuildError::Pages)?;
        let return_to = ReturnTo::new(&config).map_err(BuildError::ReturnUrl)?;
        let seal = Arc::new(Seal::new(secrets).ok_or(BuildError::Missing { part: "secret" })?);
        let default = default_schema.or_else(|| schemas.first().map(|schema| schema.id().to_owned()));
        let default = default.ok_or(BuildError::Missing { part: "schema" })?;
        let schemas = schemas.into_iter().map(Arc::new).collect();
        let schemas = Schemas::new(schemas, &default).ok_or(BuildError::DefaultSchema { id: default })?;
        methods.push(Arc::new(Profile::new(config.style)));
        methods.sort_by_key(|method| method.rank());
        let storage = self.storage.ok_or(BuildError::Missing { part: "storage" })?;
        let identities = self.identities.ok_or(BuildError::Missing { part: "identities" })?;
        let governor = Governor::start(&self.hashing).map_err(|error| BuildError::Hashing(error.to_string()))?;
        let (clock, random): (Arc<dyn Clock>, _) = (Arc::new(Steady::new(self.clock)), self.random);
        let sessions = self.sessions.unwrap_or_else(|| {
            let (storage, seal) = (Arc::clone(&storage), Arc::clone(&seal));
            let (clock, random) = (Arc::clone(&clock), Arc::clone(&random));
            Arc::new(StoredSessions::new(storage, seal, clock, random, config.session.clone(), &config.cookies))
        });
        let csrf = Csrf::new(&config, Arc::clone(&seal));
        let engine = Engine {
            config,
            seal,
            csrf,
            return_to,
            schemas,
            methods,
            hooks: self.hooks,
            linking: self.linking,
            oauth2: self.oauth2,
            storage,
            identities,
            sessions,
            governor,
            clock,
            random,
            limits: self.limits,
            posted: Arc::default(),
        };
        let post = Post { couriers: self.couriers, templates: self.templates };
        Ok(Registration::new(engine, post, site.flatten(), warnings))
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}
