//! What the hooks have to do after a commit, such as calls of web hooks.
//!
//! 1. Every errand is a row of the outbox, written in the unit: it is there exactly when the registration is.
//! 2. The request does its errands in their order, each under a lease of its own, and erases the row of each that is done.
//! 3. If the request dies, the dispatcher does them: the leases have ended by then.
//! 4. One that is not done ends the request, with the answer of its hook. Unless trying again would be in vain, the
//!    dispatcher tries again; otherwise it is over, and so are those behind it.
//! 5. What runs in the background is left to the dispatcher from the moment on at which its turn has come.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use tokio::time::timeout_at;
use uuid::Uuid;

use crate::engine::{Engine, Visit};
use crate::errands::{LIFE, seal};
use crate::host::{Delivery, Errand, Hook, HookContext, Leased, Outgoing, Undone, Unit};
use crate::identity::{Identity, IdentityState};
use crate::stop::{Failure, Stop};
use crate::trace;

/// For how long errands belong to their request: longer than it may take.
const OWN: Duration = Duration::seconds(120);
/// When the dispatcher tries again what a request tried in vain.
const AGAIN: Duration = Duration::seconds(5);

/// An errand that a request does by itself.
pub(super) struct Chore {
    hook: Arc<dyn Hook>,
    errand: Errand,
    lease: Leased,
}

/// What a commit leaves to be done.
#[derive(Default)]
pub(super) struct Chores {
    own: Vec<Chore>,
    /// There is something for the dispatcher.
    pub(super) rings: bool,
}

impl Engine {
    /// Step 1. Whoever may not sign in has no errands.
    pub(super) async fn post_errands(
        &self,
        cx: &HookContext<'_>,
        unit: &mut dyn Unit,
        identity: &Identity,
        now: OffsetDateTime,
    ) -> Result<Chores, Stop> {
        let mut chores = Chores::default();
        if identity.state() != IdentityState::Active {
            return Ok(chores);
        }
        for hook in &self.hooks {
            for errand in hook.errands(cx, Some(identity)).await? {
                if errand.background && chores.own.is_empty() {
                    unit.post(self.background(hook.as_ref(), errand, now)?).await?;
                    chores.rings = true;
                    continue;
                }
                // Those that are waited for are done in their order, by whomever.
                let lane = (!errand.background).then_some(*identity.id().as_uuid());
                let (row, errand) = self.row(hook.as_ref(), errand, lane, now, now + OWN)?;
                let lease = self.new_id()?;
                unit.post(row.clone().with_lease(lease)).await?;
                chores.own.push(Chore { hook: Arc::clone(hook), errand, lease: Leased::new(row, 0, lease) });
            }
        }
        Ok(chores)
    }

    /// An errand that nobody waits for.
    pub(super) fn background(&self, hook: &dyn Hook, errand: Errand, now: OffsetDateTime) -> Result<Outgoing, Failure> {
        Ok(self.row(hook, errand, None, now, now)?.0)
    }

    fn row(
        &self,
        hook: &dyn Hook,
        errand: Errand,
        lane: Option<Uuid>,
        now: OffsetDateTime,
        due_at: OffsetDateTime,
    ) -> Result<(Outgoing, Errand), Failure> {
        if hook.name().is_empty() {
            return Err(Failure::internal("a hook has errands and no name"));
        }
        let errand = errand.with_id(self.new_id()?);
        let mut nonce = [0; 24];
        self.random.fill(&mut nonce)?;
        let body = seal(&errand, hook.name(), &self.seal, nonce);
        let body = body.ok_or_else(|| Failure::internal("an errand could not be sealed"))?;
        Ok((Outgoing::new(errand.id, lane.unwrap_or(errand.id), due_at, now + LIFE, body), errand))
    }

    /// Steps 2, 4 and 5.
    pub(super) async fn do_chores(&self, visit: &Visit, chores: Chores) -> Result<(), Failure> {
        let mut chores = chores.own.into_iter();
        while let Some(chore) = chores.next() {
            if chore.errand.background {
                self.end(&chore, Delivery::Again(visit.now)).await;
                self.posted.notify_one();
                continue;
            }
            let done = timeout_at(visit.hooks_until, chore.hook.perform(&chore.errand)).await;
            let undone = match done {
                Ok(Ok(())) => {
                    self.end(&chore, Delivery::Over).await;
                    continue;
                }
                Ok(Err(undone)) => undone,
                Err(_) => Undone::new(Failure::unreachable("the errands of a registration take too long")),
            };
            if undone.is_for_good() {
                self.end(&chore, Delivery::Over).await;
                for rest in chores {
                    self.end(&rest, Delivery::Over).await;
                }
            } else {
                self.end(&chore, Delivery::Again(self.clock.now() + AGAIN)).await;
            }
            return Err(undone.into_failure());
        }
        Ok(())
    }

    /// Ends the lease of an errand. A row that could not be erased is done once more.
    async fn end(&self, chore: &Chore, how: Delivery) {
        if let Err(error) = self.storage.done(&chore.lease, how).await {
            trace::failure(&chore.errand.id, &error);
        }
    }
}
