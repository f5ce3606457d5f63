//! The link of a letter is opened. That proves nothing yet, for scanners open links too: the page is prepared for the
//! browser that opened it, and a button on it proves.
//!
//! 1. An unknown flow is unknown, an expired one replaced.
//! 2. `HEAD` does nothing; a link without a code or token changes nothing.
//! 3. The token of a link must be the right one, and must not have ended. A code is not judged here: nobody shall guess by
//!    opening links.
//! 4. What the link carried is sealed into the flow, and the browser becomes one that may see it, in place of the one that
//!    opened a link before. The browser that began the flow stays.

use super::{Work, began, is_bound};
use crate::call::{Outcome, Telling};
use crate::config::ProofKind;
use crate::csrf::Visitor;
use crate::engine::{Engine, Visit};
use crate::flow::{FlowKind, State, VerificationFlow};
use crate::message::catalogue;
use crate::seal::Purpose;
use crate::stop::Failure;

/// The longest value that a link may carry.
const LONGEST: usize = 64;

/// What a link carries.
pub(super) struct Link {
    pub(super) code: Option<String>,
    pub(super) token: Option<String>,
    pub(super) head: bool,
    pub(super) request: String,
}

impl Engine {
    /// Prepares the page for the browser that opened the link.
    pub(super) async fn follow(&self, visit: &mut Visit, mut work: Work<'_>, link: &Link) -> Result<Outcome, Failure> {
        if link.head {
            return Ok(self.tell_verification(visit, work.flow, Telling::Followed)?);
        }
        if visit.now >= work.flow.expires_at {
            return self.replace_expired(visit, work.settings, &work.flow).await;
        }
        let value = match work.flow.proof {
            ProofKind::Code => &link.code,
            ProofKind::Link => &link.token,
        };
        let Some(value) = value.as_deref().filter(|value| !value.is_empty() && value.len() <= LONGEST) else {
            return self.show_refusal(visit, work.flow, catalogue::NO_VERIFY_METHOD.on_page());
        };
        if work.flow.state == State::PassedChallenge && is_bound(&visit.visitor, &work.flow) {
            return Ok(self.tell_verification(visit, work.flow, Telling::Followed)?);
        }
        let passed = work.flow.state == State::PassedChallenge;
        let wrong = match work.flow.proof {
            ProofKind::Code => passed.then_some(catalogue::VERIFY_DONE),
            ProofKind::Link if passed => Some(catalogue::VERIFY_TOKEN_WRONG),
            ProofKind::Link => self.wrong_link(visit, &work.flow, value)?,
        };
        if let Some(message) = wrong {
            // Links are opened in browsers, also those of a native client's flow: there the person goes on.
            let (settings, old) = (work.settings, VerificationFlow { kind: FlowKind::Browser, ..work.flow });
            return self.replace_verification(visit, settings, &old, &link.request, message, Telling::Followed).await;
        }
        let mut nonce = [0; 24];
        self.random.fill(&mut nonce)?;
        let sealed = self.seal.seal(Purpose::OpenedLink, work.flow.id.as_uuid().as_bytes(), value.as_bytes(), nonce);
        work.flow.opened = sealed;
        // The cookie that this answer sets is good for no form that was drawn before.
        let renewed = self.csrf.renew(self.random.as_ref())?;
        if work.flow.kind == FlowKind::Browser {
            // The browser that began the flow stays the first, by its new cookie; another one comes second.
            work.flow.bindings.truncate(usize::from(!began(&visit.visitor, &work.flow)));
            work.flow.bindings.extend(Visitor::binding(&renewed));
        }
        self.save_verification(visit, &work).await?;
        visit.visitor = renewed;
        Ok(self.tell_verification(visit, work.flow, Telling::Followed)?)
    }
}
