//! How addresses are proved after a registration.

use time::Duration;

/// How addresses are proved after a registration, or whenever a person asks for it.
///
/// Hand it to the builder: `.verification(Verification::by_code("https://app.example.org/verify"))`, with a courier for
/// each channel of the schema.
#[derive(Clone, Debug)]
#[must_use]
pub struct Verification {
    pub(crate) ui: String,
    pub(crate) proof: ProofKind,
    pub(crate) lifespan: Duration,
    pub(crate) proof_lifespan: Duration,
    pub(crate) max_submissions: u32,
    pub(crate) return_url: Option<String>,
    pub(crate) tells_unknown: bool,
    pub(crate) every_address: bool,
}

/// What a letter carries to prove its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProofKind {
    /// A code of six digits, and a link that fills it in.
    Code,
    /// A link.
    Link,
}

impl ProofKind {
    /// The word on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Link => "link",
        }
    }
}

impl Verification {
    fn new(ui: String, proof: ProofKind) -> Self {
        Self {
            ui,
            proof,
            lifespan: Duration::hours(1),
            proof_lifespan: Duration::hours(1),
            max_submissions: 5,
            return_url: None,
            tells_unknown: false,
            every_address: false,
        }
    }

    /// By codes that are sent; the page at `ui` shows a flow and is called with `?flow=`. It may be a path on the base
    /// URL's host.
    pub fn by_code(ui: impl Into<String>) -> Self {
        Self::new(ui.into(), ProofKind::Code)
    }

    /// By links that are sent, to e-mail addresses only. Opening one proves nothing yet: a button on the page does.
    pub fn by_link(ui: impl Into<String>) -> Self {
        Self::new(ui.into(), ProofKind::Link)
    }

    /// By codes that are sent, shown on the library's own page; the feature `html` has it.
    pub fn codes() -> Self {
        Self::new(String::new(), ProofKind::Code)
    }

    /// By links that are sent, to e-mail addresses only, shown on the library's own page; the feature `html` has it.
    pub fn links() -> Self {
        Self::new(String::new(), ProofKind::Link)
    }

    /// Sets how long a flow can be used; an hour otherwise.
    pub fn lifespan(mut self, lifespan: Duration) -> Self {
        self.lifespan = lifespan;
        self
    }

    /// Sets how long a code or a link can be used; an hour otherwise.
    pub fn proof_lifespan(mut self, lifespan: Duration) -> Self {
        self.proof_lifespan = lifespan;
        self
    }

    /// Sets how many codes a flow judges, right or wrong; five otherwise.
    pub fn max_submissions(mut self, most: u32) -> Self {
        self.max_submissions = most;
        self
    }

    /// Sets where a person is led afterwards, unless they asked for another page by `return_to`.
    pub fn return_url(mut self, url: impl Into<String>) -> Self {
        self.return_url = Some(url.into());
        self
    }

    /// Writes to e-mail addresses that no account has that somebody wanted to prove them.
    pub fn tell_unknown(mut self, tell: bool) -> Self {
        self.tells_unknown = tell;
        self
    }

    /// Begins a flow for every address of a registration, instead of the first in the order of the schema.
    pub fn every_address(mut self, every: bool) -> Self {
        self.every_address = every;
        self
    }
}
