//! A flow that cannot be used any more is replaced by a new one of the same kind, which says why.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{add, record};
use crate::call::{Outcome, Telling};
use crate::config::Verification;
use crate::effects::Effects;
use crate::engine::{Engine, Visit};
use crate::flow::VerificationFlow;
use crate::message::{Message, catalogue};
use crate::stop::Failure;

impl Engine {
    /// Replaces a flow that has expired; the new one keeps the request of the old.
    pub(super) async fn replace_expired(
        &self,
        visit: &mut Visit,
        settings: &Verification,
        old: &VerificationFlow,
    ) -> Result<Outcome, Failure> {
        let message = expired(visit.now, old.expires_at)?;
        self.replace_verification(visit, settings, old, &old.request, message, Telling::Expired).await
    }

    /// Replaces a flow by one that this request begins.
    pub(super) async fn replace_verification(
        &self,
        visit: &mut Visit,
        settings: &Verification,
        old: &VerificationFlow,
        request: &str,
        message: Message,
        telling: Telling,
    ) -> Result<Outcome, Failure> {
        visit.visitor = self.csrf.renew(self.random.as_ref())?;
        let mut new = self.new_verification(visit, settings, old.kind, without_proof(request))?;
        add(&mut new, message.on_page());
        self.save_new(&record(&new, 1)?, &Effects::default(), visit.now).await?;
        Ok(self.tell_verification(visit, new, telling)?)
    }
}

/// What is said of a flow, or of a link, that has ended.
pub(super) fn expired(now: OffsetDateTime, ended: OffsetDateTime) -> Result<Message, Failure> {
    let minutes = (now - ended).as_seconds_f64() / 60.0;
    let at = ended.format(&Rfc3339).map_err(Failure::internal)?;
    Ok(catalogue::VERIFY_EXPIRED
        .with_text("minutes", format!("{minutes:.2}"))
        .with("expired_at", at)
        .with("expired_at_unix", ended.unix_timestamp()))
}

/// The request without the code or token that it carried: they have no place in a flow.
fn without_proof(request: &str) -> String {
    let Some((path, query)) = request.split_once('?') else { return request.to_owned() };
    let kept: Vec<&str> =
        query.split('&').filter(|pair| !pair.starts_with("code=") && !pair.starts_with("token=")).collect();
    match kept.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", kept.join("&")),
    }
}
