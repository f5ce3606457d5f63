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
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_browser_to: Option<&'a str>,
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
        Self { error: error(failure, reply.request_id.as_deref()), ..Self::bare(failure) }
    }

    fn bare(failure: &'a Failure) -> Self {
        let (expired_at, since, use_flow_id, redirect_browser_to) = (None, None, None, None);
        Self { error: error(failure, None), expired_at, since, use_flow_id, redirect_browser_to }
    }

    /// Where a browser must go first.
    pub(super) fn redirect(failure: &'a Failure, to: &'a str) -> Self {
        Self { redirect_browser_to: Some(to), ..Self::bare(failure) }
    }

    /// The flow that stands in for another one.
    pub(super) fn use_flow(failure: &'a Failure, by: FlowId) -> Self {
        Self { use_flow_id: Some(by.to_string()), ..Self::bare(failure) }
    }

    /// Members that stand beside the error; it then says nothing about its request.
    pub(super) fn replaced(replaced: &'a Replaced) -> Self {
        Self {
            expired_at: Some(time(replaced.expired_at)),
            since: i64::try_from(replaced.since.whole_nanoseconds()).ok(),
            use_flow_id: Some(replaced.by.to_string()),
            ..Self::bare(&replaced.failure)
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
