//! One letter on its way: opened, worded, handed to the courier of its channel.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::config::Config;
use crate::host::{Courier, HostError, Leased, Model, Templates, Undelivered};
use crate::identity::{Address, Channel};
use crate::mail::{Letter, LetterKind};
use crate::seal::Seal;

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

/// A letter that will not be delivered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GivenUp {
    /// The id of the letter.
    pub id: Uuid,
    /// What it was about and where it was to go; nothing when no key opens it any more.
    pub letter: Option<(LetterKind, Address)>,
    /// Why it was given up.
    pub why: Why,
    /// How often it was tried.
    pub tries: u32,
}

/// Why a letter was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// What it says has ended: nobody could use it any more.
    Expired,
    /// The courier said that trying again would be in vain.
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

/// Delivers letters with the keys and templates of one service.
pub(super) struct Carrier<'a> {
    pub(super) post: &'a Post,
    pub(super) seal: &'a Seal,
    pub(super) config: &'a Config,
    pub(super) most_tries: Option<u32>,
}

impl Carrier<'_> {
    /// Tries to deliver the letter of a row.
    pub(super) async fn deliver(&self, leased: &Leased, now: OffsetDateTime) -> Tried {
        let (row, tries) = (leased.row(), leased.tries());
        let letter = Letter::open(self.seal, row.id(), row.expires_at(), row.body());
        let about = letter.as_ref().map(|letter| (letter.kind, letter.to.clone()));
        let give_up = |why, tries| Tried::GaveUp(GivenUp { id: row.id(), letter: about.clone(), why, tries });
        if now >= row.expires_at() {
            return give_up(Why::Expired, tries);
        }
        if self.most_tries.is_some_and(|most| tries >= most) {
            return give_up(Why::TriedEnough, tries);
        }
        // Another process may have sealed it with a newer key than this one knows.
        let Some(letter) = letter else { return Tried::Failed(HostError::other("no key opens the letter")) };
        match self.carry(row.id(), &letter).await {
            Ok(()) => Tried::Delivered,
            Err(error) if error.is_for_good() => give_up(Why::Refused, tries + 1),
            Err(error) => Tried::Failed(HostError::other(error)),
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
            to: &letter.to,
            code: proof.as_deref().filter(|_| letter.kind != LetterKind::VerificationLink),
            link: link.as_deref(),
            expires_in_minutes: letter.minutes,
            domain: self.config.base.url().host_str().unwrap_or_default(),
            traits: &letter.traits,
            transient: &letter.transient,
            request_url: &letter.request_url,
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
