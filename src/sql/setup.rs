//! What goes wrong before the first request.

use crate::host::HostError;

/// The database cannot be used as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A setting of the database or of the pool would break a promise.
    #[error("the setting `{setting}` is `{found}`; it must be {needed}")]
    Setting {
        /// The setting, as the database calls it.
        setting: &'static str,
        /// What it is.
        found: String,
        /// What it must be, and how that is reached.
        needed: &'static str,
    },
    /// The database could not be asked, or refused.
    #[error("the database could not be set up")]
    Database(#[from] HostError),
}
