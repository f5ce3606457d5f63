//! Letters: who words and carries them, what they keep, how often.

use std::sync::Arc;

use http::HeaderName;

use super::Builder;
use crate::host::{Courier, Templates};
use crate::identity::Channel;
use crate::limits::AddressLimits;

impl Builder {
    /// Sets who carries letters of this channel.
    pub fn courier(mut self, channel: Channel, courier: impl Courier) -> Self {
        self.couriers.insert(channel, Arc::new(courier));
        self
    }

    /// Sets who words letters; the ready-made words otherwise.
    pub fn templates(mut self, templates: impl Templates) -> Self {
        self.templates = Arc::new(templates);
        self
    }

    /// Sets how often a letter that failed is tried again; otherwise it is tried until what it says has ended.
    pub fn message_retries(self, retries: u32) -> Self {
        self.choose(|config| config.message_retries = Some(retries))
    }

    /// Sets how often something may happen to one address.
    pub fn address_limits(mut self, limits: AddressLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets which headers of a request the letters that it causes keep, for templates and couriers: the language that the
    /// person reads, say. None otherwise; of those beyond 8 KiB none.
    ///
    /// # Weakens
    ///
    /// `Cookie`, `Authorization` and `X-Session-Token` sign people in, wherever they are read.
    pub fn letter_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.choose(|config| config.letter_headers = names.into_iter().collect())
    }
}
