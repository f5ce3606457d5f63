//! Attempts, pauses, and what becomes of a call.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, StatusCode};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::call::Call;
use super::webhook::{BodyError, Webhook};
use crate::host::{FetchRequest, Fetched, Unfetched, UnfetchedKind};
use crate::stop::Failure;

/// How often a call is tried.
const ATTEMPTS: u32 = 3;
/// The pause behind the first attempt; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

const TRIGGER_ID: HeaderName = HeaderName::from_static("ory-webhook-trigger-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("ory-webhook-request-id");

impl Webhook {
    /// Makes a call, and says what was answered: nothing when its body cancels it.
    pub(super) async fn call(&self, call: &Call, id: Uuid, until: Instant) -> Result<Option<Fetched>, Trouble> {
        let told = self.tell(call, id, until).await;
        told.map_err(|why| Trouble { hook: self.shown(), why })
    }

    async fn tell(&self, call: &Call, id: Uuid, until: Instant) -> Result<Option<Fetched>, Why> {
        let mut request = self.request.clone();
        if let Some(body) = &self.body {
            let Some(body) = body.write(call).await.map_err(Why::Body)? else { return Ok(None) };
            request = request.with_body(self.encoding.write(&body).ok_or(Why::NoForm)?);
        }
        for attempt in 1..=ATTEMPTS {
            let (pause, last) = match self.attempt(&request, id, until).await {
                Ok(answer) if is_passing(answer.status()) => (retry_after(&answer), Why::Busy(answer.status())),
                Ok(answer) => return Ok(Some(answer)),
                Err(error) => match error.kind() {
                    UnfetchedKind::TimedOut => (None, Why::Late),
                    UnfetchedKind::Unreachable => (None, Why::NoAnswer(error)),
                    _ => return Err(Why::NoAnswer(error)),
                },
            };
            let pause = pause.unwrap_or(FIRST_PAUSE * 2_u32.pow(attempt - 1));
            // Nobody waits for a pause behind which there is no attempt.
            if attempt == ATTEMPTS || Instant::now() + pause >= until {
                return Err(last);
            }
            sleep(pause).await;
        }
        Err(Why::Late)
    }

    async fn attempt(&self, request: &FetchRequest, id: Uuid, until: Instant) -> Result<Fetched, Unfetched> {
        let left = until.saturating_duration_since(Instant::now());
        let mut request = request.clone().with_time_limit(request.time_limit().min(left));
        if self.sends_ids {
            for (name, id) in [(TRIGGER_ID, id), (REQUEST_ID, Uuid::new_v4())] {
                let id = HeaderValue::from_str(&id.to_string());
                request = id.into_iter().fold(request, |request, id| request.with_header(name.clone(), id));
            }
        }
        self.fetch.fetch(request).await
    }
}

/// Whether a status says that another attempt may do better.
fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
}

/// The pause that a service asks for that is called too often: seconds, or a date.
fn retry_after(answer: &Fetched) -> Option<Duration> {
    let asked = answer.headers().get(RETRY_AFTER).filter(|_| answer.status() == StatusCode::TOO_MANY_REQUESTS)?;
    let asked = asked.to_str().ok()?.trim();
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = OffsetDateTime::parse(&asked.replace("GMT", "+0000"), &Rfc2822).ok()?;
    Some((at - OffsetDateTime::now_utc()).try_into().unwrap_or_default())
}

/// A call has no answer that counts. Says nothing of what was sent: it goes to the log.
#[derive(Debug, thiserror::Error)]
#[error("the web hook {hook} failed")]
pub(super) struct Trouble {
    hook: String,
    #[source]
    why: Why,
}

#[derive(Debug, thiserror::Error)]
enum Why {
    #[error("its body cannot be made")]
    Body(#[source] BodyError),
    #[error("its body is no form: the members must be texts")]
    NoForm,
    #[error("it gave no answer")]
    NoAnswer(#[source] Unfetched),
    #[error("it did not answer in time")]
    Late,
    #[error("it answered {0}, again and again")]
    Busy(StatusCode),
    #[error("it answered {0}")]
    Refused(StatusCode),
    #[error("it refuses to let a flow be begun")]
    WithoutPage,
    #[error("it answered what cannot be read")]
    Garbage,
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble.why {
            Why::Late => Self::unreachable(trouble),
            _ => Self::internal(trouble),
        }
    }
}

/// The answer of a hook that may not refuse with messages, and refuses.
pub(super) fn refused(hook: &Webhook, status: StatusCode) -> Failure {
    let message = format!("webhook failed with status code {}", status.as_u16());
    Failure::new(StatusCode::BAD_GATEWAY, message)
        .with_reason("A third-party upstream service responded improperly. Please try again later.")
        .with_source(Trouble { hook: hook.shown(), why: Why::Refused(status) })
}

/// The answer of a hook that refuses with messages where there is no page yet.
pub(super) fn without_page(hook: &Webhook) -> Failure {
    Trouble { hook: hook.shown(), why: Why::WithoutPage }.into()
}

/// The answer of a hook that should be messages, or changes, and is neither.
pub(super) fn unreadable(hook: &Webhook) -> Failure {
    Trouble { hook: hook.shown(), why: Why::Garbage }.into()
}
