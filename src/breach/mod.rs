//! Passwords that are known to have leaked.
//!
//! | list | where it is |
//! |---|---|
//! | [`KnownPasswords`] | in memory, as the host gives it |
//! | `RangeList` (feature `breach-http`) | at a service, which is not told the password |
//!
//! A host with a list elsewhere implements [`BreachList`].

#[cfg(feature = "breach-http")]
mod answer;
#[cfg(feature = "breach-http")]
mod range;

use std::collections::HashSet;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::host::{BreachList, HostError};

#[cfg(feature = "breach-http")]
pub use range::RangeList;

/// A list of leaked or common passwords, held in memory.
///
/// ```
/// use tower_registration::breach::KnownPasswords;
/// use tower_registration::methods::{Password, WhenAway};
///
/// let list = KnownPasswords::new(["password1", "correct horse battery staple"]);
/// let method = Password::new().breach_list(list, 0, WhenAway::Refuse);
/// # let _ = method;
/// ```
#[derive(Clone)]
pub struct KnownPasswords {
    known: HashSet<String>,
}

impl KnownPasswords {
    /// A list of these passwords; each must match as a whole, and to the letter.
    pub fn new<P: Into<String>>(passwords: impl IntoIterator<Item = P>) -> Self {
        Self { known: passwords.into_iter().map(Into::into).collect() }
    }

    /// A list from a text with a password on each line, as such lists are published.
    #[must_use]
    pub fn from_lines(text: &str) -> Self {
        Self::new(text.lines().filter(|line| !line.is_empty()))
    }
}

#[async_trait]
impl BreachList for KnownPasswords {
    async fn count(&self, password: &SecretString) -> Result<u64, HostError> {
        Ok(u64::from(self.known.contains(password.expose_secret())))
    }
}

impl std::fmt::Debug for KnownPasswords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KnownPasswords({} passwords)", self.known.len())
    }
}
