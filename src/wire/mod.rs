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

pub(crate) use headers::Headers;
pub(crate) use receive::{Received, caller, receive};
pub(crate) use respond::respond;
