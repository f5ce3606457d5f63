//! The small duties: time, randomness, leaked passwords.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use time::OffsetDateTime;

use super::HostError;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The time now, in UTC.
    fn now(&self) -> OffsetDateTime;
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// The clock of the system.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> OffsetDateTime {
        (**self).now()
    }
}

/// Gives bytes that nobody can guess.
pub trait Random: Send + Sync + 'static {
    /// Fills the bytes.
    ///
    /// # Errors
    ///
    /// [`HostError`] when there is no randomness to be had; the request is then refused.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostError>;
}

/// The randomness of the system.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemRandom;

impl SystemRandom {
    /// The randomness of the system.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostError> {
        getrandom::fill(bytes).map_err(|error| HostError::unavailable(std::io::Error::from(error)))
    }
}

impl<R: Random + ?Sized> Random for Arc<R> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostError> {
        (**self).fill(bytes)
    }
}

/// Knows which passwords have leaked.
#[async_trait]
pub trait BreachList: Send + Sync + 'static {
    /// How often this password was seen in leaks; 0 for one that was not.
    ///
    /// # Errors
    ///
    /// [`HostError`] when it cannot be said. What happens when the list is
    /// [unavailable](super::HostErrorKind::Unavailable) is the choice of
    /// [`Password::breach_list`](crate::methods::Password::breach_list); after every other kind the request fails with 502.
    async fn count(&self, password: &SecretString) -> Result<u64, HostError>;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: BreachList + ?Sized> BreachList for Arc<B> {
    async fn count(&self, password: &SecretString) -> Result<u64, HostError> {
        (**self).count(password).await
    }
}
