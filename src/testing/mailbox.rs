//! A courier that keeps what it is given, or fails on demand.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::host::{Courier, Rendered, Undelivered};

/// Keeps every letter. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    letters: Vec<Rendered>,
    failures: usize,
    refused: Vec<String>,
}

impl Mailbox {
    /// An empty mailbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All letters, the oldest first.
    pub fn letters(&self) -> Vec<Rendered> {
        self.lock().letters.clone()
    }

    /// All letters, the oldest first; the mailbox is empty afterwards.
    pub fn take(&self) -> Vec<Rendered> {
        std::mem::take(&mut self.lock().letters)
    }

    /// The latest letter to this address.
    #[must_use]
    pub fn latest(&self, to: &str) -> Option<Rendered> {
        self.lock().letters.iter().rev().find(|letter| letter.to().value() == to).cloned()
    }

    /// The code in the latest letter to this address: the first six digits in a row.
    #[must_use]
    pub fn latest_code(&self, to: &str) -> Option<String> {
        let letter = self.latest(to)?;
        let runs = letter.text().split(|c: char| !c.is_ascii_digit());
        runs.into_iter().find(|run| run.len() == 6).map(str::to_owned)
    }

    /// The link in the latest letter to this address.
    #[must_use]
    pub fn latest_link(&self, to: &str) -> Option<String> {
        let letter = self.latest(to)?;
        let mut words = letter.text().split_whitespace();
        words.find(|word| word.starts_with("https://") || word.starts_with("http://")).map(str::to_owned)
    }

    /// Fails for the next letters, as a mail server does that is away.
    pub fn fail_next(&self, letters: usize) {
        self.lock().failures = letters;
    }

    /// Refuses letters to this address from now on, as a mail server does that does not know it.
    pub fn refuse(&self, to: impl Into<String>) {
        self.lock().refused.push(to.into());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Courier for Mailbox {
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered> {
        let mut state = self.lock();
        if state.refused.iter().any(|refused| refused == letter.to().value()) {
            return Err(Undelivered::for_good("the test refuses this address"));
        }
        if let Some(rest) = state.failures.checked_sub(1) {
            state.failures = rest;
            return Err(Undelivered::new("the test lets this letter fail"));
        }
        state.letters.push(letter.clone());
        Ok(())
    }
}
