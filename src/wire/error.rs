//! Failures as the contract's error envelope.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::json::time;
use super::receive::Reply;
use crate::call::Replaced;
use crate::flow::FlowId;
use crate::stop::Failure;

#[derive(Serialize)]
pub(super) struct Envelope<'a> {
    error: ErrorJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expired_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    use_flow_id: Option<String>,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    code: u16,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Value>,
    message: &'a str,
}

impl<'a> Envelope<'a> {
    pub(super) fn new(failure: &'a Failure, reply: &'a Reply) -> Self {
        Self { error: error(failure, reply.request_id.as_deref()), expired_at: None, since: None, use_flow_id: None }
    }

    /// The flow that stands in for another one.
    pub(super) fn use_flow(failure: &'a Failure, by: FlowId) -> Self {
        let use_flow_id = Some(by.to_string());
        Self { error: error(failure, None), expired_at: None, since: None, use_flow_id }
    }

    /// Members that stand beside the error; it then says nothing about its request.
    pub(super) fn replaced(replaced: &'a Replaced) -> Self {
        Self {
            error: error(&replaced.failure, None),
            expired_at: Some(time(replaced.expired_at)),
            since: i64::try_from(replaced.since.whole_nanoseconds()).ok(),
            use_flow_id: Some(replaced.by.to_string()),
        }
    }
}

fn error<'a>(failure: &'a Failure, request: Option<&'a str>) -> ErrorJson<'a> {
    ErrorJson {
        id: failure.id(),
        code: failure.status(),
        status: phrase(failure.status()),
        request,
        reason: failure.reason(),
        details: failure.details(),
        message: failure.message(),
    }
}

/// The standard words of a status.
pub(super) fn phrase(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}
