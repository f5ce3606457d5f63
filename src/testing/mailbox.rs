//! A courier that keeps what it is given.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::host::{Courier, Rendered, Undelivered};

/// Keeps every letter. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    letters: Arc<Mutex<Vec<Rendered>>>,
}

impl Mailbox {
    /// An empty mailbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All letters, the oldest first.
    pub fn letters(&self) -> Vec<Rendered> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The latest letter to this address.
    #[must_use]
    pub fn latest(&self, to: &str) -> Option<Rendered> {
        self.letters().into_iter().rev().find(|letter| letter.to().value() == to)
    }
}

#[async_trait]
impl Courier for Mailbox {
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).push(letter.clone());
        Ok(())
    }
}
