//! Who carries letters.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;

use crate::identity::Address;

/// Carries one rendered e-mail or text message to a person.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Delivers a letter.
    ///
    /// # Errors
    ///
    /// [`Undelivered`] when it may not have arrived; it is tried again later.
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered>;
}

/// A letter, ready to be carried.
#[derive(Clone, PartialEq)]
#[must_use]
pub struct Rendered {
    pub(crate) to: Address,
    pub(crate) subject: String,
    pub(crate) text: String,
}

impl Rendered {
    /// A letter to this address; a text message has no subject.
    pub fn new(to: Address, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { to, subject: subject.into(), text: text.into() }
    }

    /// Where it goes.
    #[must_use]
    pub fn to(&self) -> &Address {
        &self.to
    }

    /// The subject of an e-mail.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The plain text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Without subject and text: they hold a code.
impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").field("to", &self.to).finish_non_exhaustive()
    }
}

/// A letter may not have arrived.
#[derive(Debug, thiserror::Error)]
#[error("the letter was not delivered")]
pub struct Undelivered {
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

impl Undelivered {
    /// Not delivered, for this reason.
    #[must_use]
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into() }
    }
}
