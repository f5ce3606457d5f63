//! A letter is written to an address; to one that nobody has, it looks as if it were.

use serde_json::Value;

use super::Work;
use super::open::{letter_kind, sent_message};
use crate::call::{Outcome, Telling};
use crate::engine::{Engine, Visit};
use crate::flow::{State, Target, nanoseconds};
use crate::identity::{Address, AddressState, Channel, IdentityId};
use crate::limits::Counted;
use crate::mail::{Letter, LetterKind};
use crate::message::Message;
use crate::proof::Nonce;
use crate::schema::canonical_address;
use crate::stop::Failure;

impl Engine {
    pub(super) async fn send_proof(
        &self,
        visit: &Visit,
        mut work: Work<'_>,
        typed: &str,
        transient: Value,
    ) -> Result<Outcome, Failure> {
        let via = if typed.contains('@') { Channel::Email } else { Channel::Sms };
        let address = canonical_address(via, typed);
        // Read before the address: whoever proves it meanwhile got a letter that counts here, and all of this happens anew.
        work.effects.counter(self.desk(visit.now), Counted::Letters, &address).await?;
        let known = self.identities.address(&address).await?;
        let owner = known.map(|(id, _)| id);
        let nonce = self.desk(visit.now).nonce()?;
        let sent = self.write_letter(visit, &mut work, &address, owner, nonce, transient).await?;
        let until = nanoseconds(visit.now + work.settings.proof_lifespan);
        let old = work.flow.target.take().filter(|old| !sent && old.address == address);
        work.flow.target = Some(match old {
            // The address had too many letters: the older proof stays good.
            Some(old) => old,
            // What was never sent proves nothing.
            None => {
                let owner = owner.filter(|_| sent);
                Target { address: address.clone(), typed: typed.to_owned(), owner, nonce, until }
            }
        });
        work.flow.state = State::SentEmail;
        work.flow.refused = false;
        work.flow.from_registration = false;
        work.flow.opened = None;
        work.flow.messages = sent_message(work.settings.proof, via, false).into_iter().map(Message::on_page).collect();
        if let Some((id, AddressState::Pending)) = known.filter(|_| sent) {
            work.effects.address_changed(id, address, AddressState::Sent);
        }
        self.save_verification(visit, &work).await?;
        Ok(self.tell_verification(visit, work.flow, Telling::Moved)?)
    }

    /// Posts the letter. For an address that nobody has the work is the same, and nothing is counted: whoever registers
    /// with it later shall get their letters.
    async fn write_letter(
        &self,
        visit: &Visit,
        work: &mut Work<'_>,
        to: &Address,
        owner: Option<IdentityId>,
        nonce: Nonce,
        transient: Value,
    ) -> Result<bool, Failure> {
        let desk = self.desk(visit.now);
        let (settings, flow) = (work.settings, &work.flow);
        let kind = match (owner, settings.tells_unknown && to.via() == Channel::Email) {
            (Some(_), _) => letter_kind(flow.proof),
            (None, true) if letter_kind(flow.proof) == LetterKind::VerificationLink => LetterKind::UnknownAddressLink,
            (None, true) => LetterKind::UnknownAddressCode,
            (None, false) => {
                work.effects.counter(desk, Counted::Letters, to).await?.touch();
                return Ok(true);
            }
        };
        let identity = match owner {
            Some(id) => self.identities.identity(id).await?,
            None => None,
        };
        let letter = Letter {
            to: to.clone(),
            kind,
            identity: owner,
            flow: *flow.id.as_uuid(),
            nonce,
            expires_at: visit.now + settings.proof_lifespan,
            minutes: settings.proof_lifespan.whole_minutes(),
            traits: identity.map(|identity| identity.traits().clone()).unwrap_or_default(),
            transient,
            request_url: flow.request_url(&self.config.base),
            headers: visit.caller.told(&self.config.letter_headers),
        };
        Ok(work.effects.post(desk, &letter).await?)
    }
}
