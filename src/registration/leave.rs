//! The browser must visit somebody else before it goes on here.
//!
//! The flow remembers the departure, and the browser is given a cookie to come back with: both are there before it leaves.

use super::work::Work;
use crate::call::Outcome;
use crate::continuity;
use crate::engine::{Engine, Visit};
use crate::methods::Leave;
use crate::stop::Failure;

impl Engine {
    pub(super) async fn leave(&self, visit: &mut Visit, mut work: Work<'_>, leave: Leave) -> Result<Outcome, Failure> {
        let (kind, until) = (work.flow.facts.kind, leave.departure.until);
        let bound = continuity::bind(kind, &self.config.cookies, until, self.random.as_ref())?;
        let (digest, cookie) = bound.unzip();
        work.flow.away = Some(leave.departure.away(digest));
        self.save_flow(visit, &work).await?;
        visit.continuity_cookie = cookie;
        Ok(Outcome::Leave { to: leave.to.into() })
    }
}
