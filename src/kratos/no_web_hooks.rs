//! Without the feature `webhooks` nobody elsewhere hears of a registration: a file that wants it cannot be taken over.

use super::LoadError;
use super::clients::Clients;
use super::section::Section;
use crate::builder::Builder;

#[derive(Debug)]
pub(super) struct WebHooks;

/// There is none.
#[derive(Debug)]
pub(super) enum WebHook {}

impl WebHooks {
    #[allow(clippy::unnecessary_wraps, reason = "its twin may fail")]
    pub(super) fn new(_: &Clients) -> Result<Self, LoadError> {
        Ok(Self)
    }

    pub(super) fn read(&self, section: Section) -> Result<WebHook, LoadError> {
        Err(LoadError::new(section.name("url"), "needs the feature `webhooks`"))
    }

    pub(super) fn before(&mut self, _: Vec<WebHook>) {}

    pub(super) fn after(&mut self, _: Vec<WebHook>) {}

    pub(super) fn after_method(&mut self, _: &str, _: Vec<WebHook>, _: bool) {}

    pub(super) fn give(self, builder: Builder) -> Builder {
        builder
    }
}
