//! HTTP and JSON: bytes to a call, an outcome to bytes. Nothing else knows either.

mod accept;
mod body;
mod error;
mod flow;
mod headers;
mod json;
mod people;
mod query;
mod receive;
mod respond;
mod verification;

#[cfg(feature = "webhooks")]
use serde_json::Value;

#[cfg(feature = "webhooks")]
use crate::config::Config;
#[cfg(feature = "webhooks")]
use crate::identity::Identity;
#[cfg(feature = "webhooks")]
use crate::page::Page;

pub(crate) use headers::Headers;
pub(crate) use receive::{Received, caller, receive};
pub(crate) use respond::{clean, is_for_later, respond};

/// The flow of a page as clients see it.
#[cfg(feature = "webhooks")]
pub(crate) fn flow_json(page: &Page, config: &Config) -> Value {
    serde_json::to_value(flow::FlowJson::new(page, config)).unwrap_or_default()
}

/// An identity as clients see it.
#[cfg(feature = "webhooks")]
pub(crate) fn identity_json(identity: &Identity, config: &Config) -> Value {
    serde_json::to_value(people::IdentityJson::new(identity, config)).unwrap_or_default()
}
