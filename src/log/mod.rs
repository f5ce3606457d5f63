//! A courier for development: letters are printed, not sent.

use async_trait::async_trait;

use crate::host::{Courier, Rendered, Undelivered};

/// Prints every letter to the standard error of the process, code and all.
///
/// # Weakens
///
/// Whoever reads the log can prove every address. For development only.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct LogCourier;

impl LogCourier {
    /// A courier that prints.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Courier for LogCourier {
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered> {
        let via = letter.to().via().as_str();
        eprintln!("--- {via} to {}\n{}\n{}\n---", letter.to().value(), letter.subject(), letter.text());
        Ok(())
    }
}
