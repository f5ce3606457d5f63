//! The attributes of the cookies.

use cookie::Cookie;
use time::{Duration, OffsetDateTime};

/// Attributes of the cookies, and the defaults of the session cookie.
#[derive(Clone, Debug)]
#[must_use]
pub struct CookieSettings {
    pub(crate) domain: Option<String>,
    pub(crate) path: String,
    pub(crate) same_site: SameSite,
    pub(crate) secure: bool,
}

impl Default for CookieSettings {
    fn default() -> Self {
        Self { domain: None, path: "/".to_owned(), same_site: SameSite::Lax, secure: true }
    }
}

impl CookieSettings {
    /// `Path=/; SameSite=Lax; Secure`, no domain.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shares the cookies with the subdomains of this domain.
    ///
    /// # Weakens
    ///
    /// Every host below the domain can then plant cookies; the check of `Origin` remains as the guard.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Restricts the cookies to this path.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets `SameSite`.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Sends the cookies over plain HTTP too.
    ///
    /// # Weakens
    ///
    /// Whoever reads the connection has the session. Browsers keep `Secure` cookies on `localhost` even over HTTP, so
    /// development does not need this.
    pub fn insecure_over_http(mut self) -> Self {
        self.secure = false;
        self
    }
}

/// How long a browser keeps a cookie.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    /// Until its window is closed.
    Window,
    /// For this long.
    For(Duration),
    /// For this long from now, said in both ways that browsers know.
    ForUntil(Duration, OffsetDateTime),
}

impl CookieSettings {
    /// The value of a `Set-Cookie` header.
    pub(crate) fn bake(&self, name: &str, value: &str, keep: Keep) -> String {
        let same_site = match self.same_site {
            SameSite::Lax => cookie::SameSite::Lax,
            SameSite::Strict => cookie::SameSite::Strict,
            SameSite::None => cookie::SameSite::None,
        };
        let mut baked = Cookie::build((name, value))
            .path(self.path.as_str())
            .http_only(true)
            .secure(self.secure)
            .same_site(same_site)
            .build();
        if let Some(domain) = &self.domain {
            baked.set_domain(domain.as_str());
        }
        match keep {
            Keep::Window => {}
            Keep::For(age) => baked.set_max_age(age),
            Keep::ForUntil(age, end) => {
                baked.set_max_age(age);
                baked.set_expires(end);
            }
        }
        baked.to_string()
    }
}

/// The `SameSite` attribute of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSite {
    /// Sent along when a person follows a link to the site.
    Lax,
    /// Sent by the site's own pages only.
    Strict,
    /// Sent always; browsers demand `Secure` beside it.
    None,
}

impl SameSite {
    /// The word in the cookie.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
            Self::None => "None",
        }
    }
}

/// How long a session lasts, and how its cookie differs from [`CookieSettings`].
#[derive(Clone, Debug)]
#[must_use]
pub struct SessionSettings {
    pub(crate) lifespan: Duration,
    pub(crate) cookie_name: String,
    /// A cookie that outlives the browser's window carries its age.
    pub(crate) persistent: bool,
    pub(crate) domain: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) same_site: Option<SameSite>,
    pub(crate) secure: bool,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            lifespan: Duration::hours(24),
            cookie_name: "ory_kratos_session".to_owned(),
            persistent: true,
            domain: None,
            path: None,
            same_site: None,
            secure: true,
        }
    }
}

impl SessionSettings {
    /// 24 hours, in a persistent cookie named `ory_kratos_session`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long a session lasts.
    pub fn lifespan(mut self, lifespan: Duration) -> Self {
        self.lifespan = lifespan;
        self
    }

    /// Names the cookie.
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    /// Whether the cookie survives the closing of the browser.
    pub fn persistent(mut self, persistent: bool) -> Self {
        self.persistent = persistent;
        self
    }

    /// Sets the cookie's domain apart from the other cookies'.
    pub fn cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets the cookie's path apart from the other cookies'.
    pub fn cookie_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets the cookie's `SameSite` apart from the other cookies'.
    pub fn cookie_same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = Some(same_site);
        self
    }

    /// Sends the session cookie over plain HTTP too.
    ///
    /// # Weakens
    ///
    /// Whoever reads the connection has the session.
    pub fn insecure_over_http(mut self) -> Self {
        self.secure = false;
        self
    }
}

impl SessionSettings {
    /// The attributes of the session cookie.
    pub(crate) fn cookie(&self, others: &CookieSettings) -> CookieSettings {
        CookieSettings {
            domain: self.domain.clone().or_else(|| others.domain.clone()),
            path: self.path.clone().unwrap_or_else(|| others.path.clone()),
            same_site: self.same_site.unwrap_or(others.same_site),
            secure: self.secure,
        }
    }
}
