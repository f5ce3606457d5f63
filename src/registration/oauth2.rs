//! A registration that an OAuth2 server began: it knows the person by a login challenge, and wants to be told who they are.
//!
//! | client | told |
//! |---|---|
//! | a browser | at the end; once the address is proved, where that page comes first |
//! | a single-page application | at the end, if it is handed a session and no address waits to be proved; afterwards otherwise |
//! | a native client | never: it has no browser that could go on |
//!
//! The server is told after the commit, with the session that was opened for it. If it does not go along the identity
//! stays, and the answer carries the cookies of what was committed: the person is signed in and can begin at the client
//! again.

use super::work::Work;
use crate::call::{Opening, Outcome};
use crate::engine::{Engine, Visit};
use crate::flow::{AwaitedLogin, FlowKind, Proof};
use crate::host::LoginRequest;
use crate::identity::{AuthenticationMethod, Draft, Session};
use crate::message::catalogue;
use crate::page::Page;
use crate::stop::{Failure, Stop};

/// When the OAuth2 server is told who came of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Not at all.
    Never,
    /// Right after the commit.
    Now,
    /// Once the address is proved.
    OnceProved,
}

impl Engine {
    /// Somebody who is signed in begins a registration: they are led to where they asked to be led, or, if an OAuth2 server
    /// sent them, back to it or to the host's sign-in.
    pub(super) async fn lead_on(
        &self,
        visit: &Visit,
        session: &Session,
        opening: &Opening,
        login: Option<&LoginRequest>,
        return_url: String,
    ) -> Result<Outcome, Failure> {
        let Some((login, challenge)) = login.zip(opening.login_challenge.as_deref()) else {
            return match visit.caller.wants.json {
                true => Err(Failure::session_already_available()),
                false => Ok(Outcome::SentAway { to: return_url, submitted: false }),
            };
        };
        if login.skip() {
            if self.active(session.identity()).await?.is_none() {
                return Err(Failure::bad_request("The account of this session may not sign in."));
            }
            return Ok(Outcome::LoginAccepted { to: self.accept_login(challenge, session).await? });
        }
        let own = login.request_url();
        let own = (self.config.override_return_to && !own.is_empty()).then_some(own);
        let query = query_of(&opening.raw, own);
        let to = format!("{}?{query}", self.config.base.join("/self-service/login/browser"));
        Ok(Outcome::SentAway { to, submitted: true })
    }

    /// When the OAuth2 server is told about this draft.
    pub(super) fn when_told(&self, visit: &Visit, work: &Work<'_>, draft: &Draft) -> Told {
        let facts = &work.flow.facts;
        if facts.login_challenge.is_none() || facts.kind == FlowKind::Api {
            return Told::Never;
        }
        let method = draft.method.as_str();
        let proves = self.proves(draft);
        let leads = proves && self.config.shows_verification_ui(method);
        if !visit.caller.wants.json {
            return if leads { Told::OnceProved } else { Told::Now };
        }
        let every = self.config.verification.as_ref().is_some_and(|settings| settings.every_address);
        match self.config.opens_session(method) && !leads && !(proves && every) {
            true => Told::Now,
            false if proves => Told::OnceProved,
            false => Told::Never,
        }
    }

    pub(super) fn proves(&self, draft: &Draft) -> bool {
        self.config.verification.is_some() && draft.unproved_addresses().next().is_some()
    }

    /// Whoever has to prove an address first is not sent to do so for a challenge that has ended meanwhile.
    pub(super) async fn check_challenge(&self, work: &Work<'_>, draft: &Draft) -> Result<(), Stop> {
        let challenge = work.flow.facts.login_challenge.as_deref().filter(|_| self.proves(draft));
        let Some(challenge) = challenge else { return Ok(()) };
        match self.login_request(challenge).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.status() == 400 => {
                let reason = failure.reason().to_owned();
                Err(Stop::refuse([catalogue::INVALID.with("reason", reason).on_page()]))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// What a flow that proves an address keeps, so that the server is told afterwards.
    pub(super) fn awaited(&self, work: &Work<'_>, draft: &Draft, how: &AuthenticationMethod) -> Option<AwaitedLogin> {
        let challenge = work.flow.facts.login_challenge.clone()?;
        let proof = Proof { identity: draft.id(), authentication: how.clone() };
        Some(AwaitedLogin { challenge, proof })
    }

    /// Shows what the server wants to know on a page that goes out as JSON; a browser is led to the page, which asks.
    pub(super) async fn shown(&self, visit: &Visit, page: Page) -> Result<Page, Failure> {
        match visit.caller.wants.json || page.facts.kind == FlowKind::Api {
            true => self.with_login_request(page).await,
            false => Ok(page),
        }
    }
}

/// A query with its parameters sorted, and with another `return_to` if there is one.
fn query_of(raw: &str, return_to: Option<&str>) -> String {
    let mut pairs: Vec<_> = form_urlencoded::parse(raw.as_bytes()).collect();
    if let Some(url) = return_to {
        pairs.retain(|(name, _)| name != "return_to");
        pairs.push(("return_to".into(), url.into()));
    }
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_sorted_and_keeps_the_order_of_equal_names() {
        assert_eq!(query_of("b=2&a=1&b=1", None), "a=1&b=2&b=1");
        assert_eq!(query_of("return_to=/x&a=%26", Some("https://x.y/?q")), "a=%26&return_to=https%3A%2F%2Fx.y%2F%3Fq");
    }
}
