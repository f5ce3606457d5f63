//! One row of the outbox on its way: a letter is opened, worded and handed to the courier of its channel, an errand to its
//! hook.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::config::Config;
use crate::errands;
use crate::host::{Courier, Errand, Hook, HostError, Leased, Model, Outgoing, Templates, Undelivered, Undone};
use crate::identity::{Address, Channel};
use crate::mail::{Letter, LetterKind};
use crate::seal::Seal;
use crate::trace;

/// What delivering letters needs.
pub(crate) struct Post {
    pub(crate) couriers: BTreeMap<Channel, Arc<dyn Courier>>,
    pub(crate) templates: Arc<dyn Templates>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("channels", &self.couriers.keys()).finish_non_exhaustive()
    }
}

/// A letter that will not be delivered, or an errand that will not be done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GivenUp {
    /// The id of the letter or errand.
    pub id: Uuid,
    /// What the letter was about and where it was to go; nothing for an errand, and when no key opens it any more.
    pub letter: Option<(LetterKind, Address)>,
    /// The name of the hook whose errand it was.
    pub errand: Option<String>,
    /// Why it was given up.
    pub why: Why,
    /// How often it was tried.
    pub tries: u32,
}

/// Why a letter or an errand was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// What it says has ended: nobody could use it any more.
    Expired,
    /// The courier or the hook said that trying again would be in vain.
    Refused,
    /// It was tried as often as was chosen.
    TriedEnough,
}

/// What came of one try.
pub(super) enum Tried {
    Delivered,
    Failed(HostError),
    GaveUp(GivenUp),
}

/// A row of the outbox, opened.
pub(super) enum Opened {
    Letter(Box<Letter>),
    /// With the name of its hook.
    Errand(String, Errand),
    /// No key opens it.
    Closed,
}

impl Opened {
    pub(super) fn new(seal: &Seal, row: &Outgoing) -> Self {
        if let Some((hook, errand)) = errands::open(seal, row.id(), row.body()) {
            return Self::Errand(hook, errand);
        }
        let letter = Letter::open(seal, row.id(), row.expires_at(), row.body());
        letter.map_or(Self::Closed, |letter| Self::Letter(Box::new(letter)))
    }
}

/// Delivers letters with the keys and templates of one service, and does the errands of its hooks.
pub(super) struct Carrier<'a> {
    pub(super) post: &'a Post,
    pub(super) hooks: &'a [Arc<dyn Hook>],
    pub(super) seal: &'a Seal,
    pub(super) config: &'a Config,
    pub(super) most_tries: Option<u32>,
}

impl Carrier<'_> {
    /// Tries to deliver the letter of a row, or to do its errand.
    pub(super) async fn deliver(&self, leased: &Leased, opened: &Opened, now: OffsetDateTime) -> Tried {
        let (row, tries) = (leased.row(), leased.tries());
        let (letter, errand) = match opened {
            Opened::Letter(letter) => (Some((letter.kind, letter.to.clone())), None),
            Opened::Errand(hook, _) => (None, Some(hook.clone())),
            Opened::Closed => (None, None),
        };
        let give_up = |why, tries| Tried::GaveUp(GivenUp { id: row.id(), letter, errand, why, tries });
        if now >= row.expires_at() {
            return give_up(Why::Expired, tries);
        }
        // The number is chosen for letters; an errand must not be lost.
        let bounded = !matches!(opened, Opened::Errand(..));
        if self.most_tries.is_some_and(|most| bounded && tries >= most) {
            return give_up(Why::TriedEnough, tries);
        }
        let (tried, for_good) = match opened {
            Opened::Letter(letter) => split(self.carry(row.id(), letter).await, Undelivered::is_for_good),
            Opened::Errand(hook, errand) => match self.hooks.iter().find(|own| own.name() == hook) {
                Some(hook) => split(hook.perform(errand).await, Undone::is_for_good),
                // Another process may have hooks that this one does not.
                None => (Err(HostError::other("no hook has the name of the errand")), false),
            },
            // Another process may have sealed it with a newer key than this one knows.
            Opened::Closed => (Err(HostError::other("no key opens the letter")), false),
        };
        match tried {
            Ok(()) => Tried::Delivered,
            Err(error) if for_good => {
                trace::failure(&row.id(), &error);
                give_up(Why::Refused, tries + 1)
            }
            Err(error) => Tried::Failed(error),
        }
    }

    async fn carry(&self, id: Uuid, letter: &Letter) -> Result<(), Undelivered> {
        let via = letter.to.via();
        let courier = self.post.couriers.get(&via);
        let courier = courier.ok_or_else(|| Undelivered::for_good(format!("no courier for {}", via.as_str())))?;
        let proof = letter.proof(self.seal);
        let link = proof.as_ref().and_then(|proof| self.link(letter, proof));
        let rendered = self.post.templates.render(&Model {
            id,
            kind: letter.kind,
            identity: letter.identity,
            to: &letter.to,
            code: proof.as_deref().filter(|_| letter.kind != LetterKind::VerificationLink),
            link: link.as_deref(),
            expires_in_minutes: letter.minutes,
            domain: self.config.base.url().host_str().unwrap_or_default(),
            traits: &letter.traits,
            transient: &letter.transient,
            request_url: &letter.request_url,
            request_headers: &letter.headers,
        });
        courier.deliver(&rendered).await
    }

    /// The link that a letter carries: made from the configuration alone.
    fn link(&self, letter: &Letter, proof: &str) -> Option<String> {
        let flow = letter.flow;
        let query = match letter.kind {
            LetterKind::VerificationCode => format!("code={proof}&flow={flow}"),
            LetterKind::VerificationLink => format!("flow={flow}&token={proof}"),
            _ => return None,
        };
        Some(self.config.base.join(&format!("/self-service/verification?{query}")))
    }
}

/// What came of a try, and whether another one would be in vain.
fn split<E>(tried: Result<(), E>, is_for_good: fn(&E) -> bool) -> (Result<(), HostError>, bool)
where
    E: std::error::Error + Send + Sync + 'static,
{
    match tried {
        Ok(()) => (Ok(()), false),
        Err(error) => {
            let for_good = is_for_good(&error);
            (Err(HostError::other(error)), for_good)
        }
    }
}
