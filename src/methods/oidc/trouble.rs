//! What is said when a provider, or the person at it, does not go along.

use crate::message::catalogue;
use crate::stop::{Failure, Stop};

/// The person reads it on the form.
pub(super) fn refusal(reason: impl Into<String>) -> Stop {
    Stop::refuse([catalogue::INVALID.with("reason", reason.into()).on_page()])
}

/// The provider is not set up as the service believes, or cannot be asked about it.
pub(super) fn not_initialized(why: &str) -> Stop {
    Failure::misconfigured(format!("Unable to initialize OpenID Connect Provider: {why}")).into()
}

/// The provider did not take the code, or did not answer.
pub(super) fn not_redeemed(why: impl Into<String>) -> Stop {
    Failure::internal(why.into()).into()
}

/// The provider's answer is not one that the person could be known by.
pub(super) fn upstream(reason: impl Into<String>) -> Stop {
    Failure::upstream(reason.into()).into()
}

/// The provider does not say whom it vouches for.
pub(super) fn no_subject() -> Stop {
    upstream("provider did not return a subject")
}

/// The provider answered a question about the person with this status.
pub(super) fn wrong_status(status: http::StatusCode) -> Stop {
    upstream(format!("OpenID Connect provider returned a {} status code but 200 is expected.", status.as_u16()))
}

pub(super) const NO_ID_TOKEN: &str =
    "Authentication failed because no id_token was returned. Please accept the \"openid\" permission and try again.";
pub(super) const SCOPE_MISSING: &str =
    "Unable to finish because one or more permissions were not granted. Please retry and accept all permissions.";
