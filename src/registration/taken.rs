//! An identifier belongs to somebody else: what the person is told.

use serde_json::Value;

use super::work::Work;
use crate::call::Outcome;
use crate::engine::{Engine, Visit};
use crate::form::Submission;
use crate::host::{HostError, Linked};
use crate::identity::{Draft, Owner, Traits, UniqueKind};
use crate::message::{Message, catalogue};
use crate::stop::Stop;
use crate::trace;

impl Engine {
    /// Who owns what these traits claim.
    pub(super) async fn owner_of(&self, traits: Traits) -> Result<Option<Owner>, HostError> {
        let mut draft = Draft::new(traits.clone());
        draft.complete(traits);
        self.identities.owner(&draft.unique()).await
    }

    /// Somebody else owns what the draft claims: they are told, and whoever comes from a social provider may be led to
    /// the host's sign-in.
    pub(super) async fn meet_owner(
        &self,
        visit: &Visit,
        work: &Work<'_>,
        draft: &Draft,
        owner: &Owner,
        form: &Submission,
    ) -> Result<Outcome, Stop> {
        let Some(account) = draft.credentials().iter().find(|known| !known.subjects().is_empty()) else {
            return Err(Stop::refuse([self.taken(Some(owner)).on_page()]));
        };
        if let Some(linking) = &self.linking {
            let draw = || self.sketch(&work.flow, &form.transient);
            let cx = self.hook_context(visit, &work.flow.facts, Some(&draft.method), &form.transient, &draw);
            match linking.taken(&cx, owner, account).await? {
                Linked::Redirect(to) => return Ok(Outcome::Leave { to: to.into() }),
                Linked::Refuse => {}
            }
        }
        let message = match self.config.login_hints {
            true => self.taken(Some(owner)),
            false => {
                trace::event(trace::Event::Duplicate);
                catalogue::TAKEN_LINK
            }
        };
        Err(Stop::refuse([message.on_page()]))
    }

    /// The same when the owner was faster by a moment.
    pub(super) async fn meet(
        &self,
        visit: &Visit,
        work: &Work<'_>,
        draft: &Draft,
        form: &Submission,
    ) -> Result<Outcome, Stop> {
        match self.identities.owner(&draft.unique()).await? {
            Some(owner) => self.meet_owner(visit, work, draft, &owner, form).await,
            None => Err(Stop::refuse([self.taken(None).on_page()])),
        }
    }

    /// The message about a taken identifier; with hints, if the host wants them and there is something to say.
    pub(super) fn taken(&self, owner: Option<&Owner>) -> Message {
        trace::event(trace::Event::Duplicate);
        match owner.filter(|_| self.config.login_hints) {
            Some(owner) => hints(owner),
            None => catalogue::TAKEN,
        }
    }
}

fn hints(owner: &Owner) -> Message {
    let matched = match owner.matched.kind() {
        UniqueKind::Identifier | UniqueKind::Verifiable(_) | UniqueKind::Recovery(_) => Some(owner.matched.value()),
        UniqueKind::ExternalId | UniqueKind::Subject => owner.identifier.as_deref(),
        // Who shows the id of somebody's key does not get to know their name.
        UniqueKind::CredentialId => None,
    };
    let hint = matched.unwrap_or_default();
    let mut types: Vec<&str> = owner.credentials.iter().map(|kind| kind.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    let mut providers = owner.providers.clone();
    providers.sort_unstable();
    let shown = if hint.is_empty() { "an email, phone, or username" } else { hint };
    catalogue::TAKEN_HINTS
        .with_text("hint", shown)
        .with_text("ways", ways(&types, &providers))
        .with("available_credential_types", types.iter().map(|kind| Value::from(*kind)).collect::<Value>())
        .with("available_oidc_providers", providers.into_iter().map(Value::from).collect::<Value>())
        .with("credential_identifier_hint", hint)
}

/// How the account can be signed in to, in words.
fn ways(types: &[&str], providers: &[String]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for kind in types {
        let word = match *kind {
            "password" => "your password",
            "oidc" | "saml" => "social sign in",
            "webauthn" => "your passkey or a security key",
            "passkey" => "your passkey",
            _ => continue,
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let words = if words.is_empty() { types.to_vec() } else { words };
    let mut text = String::new();
    if let Some((last, before)) = words.split_last() {
        let list = match before {
            [] => (*last).to_owned(),
            _ => format!("{}, or {last}", before.join(", ")),
        };
        text.push_str(&format!(" You can sign in using {list}."));
    }
    if !providers.is_empty() {
        let names: Vec<String> = providers.iter().map(|name| titled(name)).collect();
        let list = names.join(", ");
        text.push_str(&format!(" You can sign in using one of the following social sign in providers: {list}."));
    }
    text
}

/// Every word with one capital letter, the first; a name with braces is a template and stays.
fn titled(name: &str) -> String {
    if name.contains(['{', '}']) {
        return name.to_owned();
    }
    let mut inside = false;
    let title = |c: char| {
        let begins = !inside;
        // These marks stand inside of words.
        inside = c.is_alphanumeric() || inside && "_.:'".contains(c);
        if begins { c.to_uppercase().collect::<String>() } else { c.to_lowercase().collect() }
    };
    name.chars().map(title).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_sign_in_are_listed() {
        assert_eq!(ways(&["password"], &[]), " You can sign in using your password.");
        assert_eq!(ways(&["oidc", "password"], &[]), " You can sign in using social sign in, or your password.");
        assert_eq!(ways(&["code"], &[]), " You can sign in using code.");
        assert_eq!(
            ways(&[], &["github".to_owned(), "{x}".to_owned()]),
            " You can sign in using one of the following social sign in providers: Github, {x}."
        );
        assert_eq!(["secondProvider", "my-own idp_2"].map(titled), ["Secondprovider", "My-Own Idp_2"]);
    }
}
