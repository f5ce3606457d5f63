//! Sign up with a password.
//!
//! The person sees one field, `password`, and a button. Nothing is remembered between two submissions.
//!
//! A submission is judged in this order:
//!
//! 1. it carries a password, else 4000002; its traits follow the schema, else the messages of the schema;
//! 2. one of the traits names the person for a password, else 4000009;
//! 3. the password has at least [`Password::min_length`] characters, else 4000032, and at most 1,024, else 4000033;
//! 4. it does not resemble an identifier, else 4000031;
//! 5. it has not leaked more often than [`Password::breach_list`] allows, else 4000034.
//!
//! Characters are Unicode code points. The password is hashed last, when nothing cheap is left that could refuse the
//! submission.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::similarity::resembles;
use super::{Context, Method, Setup, Slot, Step};
use crate::form::Submission;
use crate::host::{BreachList, HostErrorKind};
use crate::identity::{Draft, MethodId, Traits};
use crate::message::catalogue;
use crate::page::{Field, Group, InputKind, View};
use crate::stop::{Failure, Stop};
use crate::trace;

const ID: MethodId = MethodId::new("password");
const GROUP: Group = Group::Password;
const RANK: u8 = 20;
const FIELD: &str = "password";

/// The longest password, in code points. Longer ones would be cut by nobody, and remembered by nobody.
const LONGEST: usize = 1_024;

const AWAY: &str = "Unable to check if password has been leaked because an unexpected network error occurred";
const NO_LIST: &str = "Expected password hash to contain a count formatted as int";

/// The password method. Hand it to the builder: `.method(Password::new())`.
#[derive(Clone)]
#[must_use]
pub struct Password {
    min_length: usize,
    similarity: bool,
    breaches: Option<Breaches>,
}

#[derive(Clone)]
struct Breaches {
    list: Arc<dyn BreachList>,
    most: u64,
    when_away: WhenAway,
}

/// What happens when the list of leaked passwords is away: it cannot be asked, or not in time.
///
/// Builders say it, as either can be right. A Kratos configuration file that says nothing means [`WhenAway::Accept`]:
/// a service of somebody else should not be able to end all sign-ups.
///
/// A list that fails otherwise is not away: the request fails with 502 whatever is chosen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenAway {
    /// The password is accepted, unchecked; the log's event `breach_unchecked` says so.
    Accept,
    /// The request fails with 502; nothing is stored, and the person can try again.
    Refuse,
}

impl Default for Password {
    fn default() -> Self {
        Self { min_length: 8, similarity: true, breaches: None }
    }
}

impl Password {
    /// A method that accepts eight characters or more that do not resemble an identifier.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the shortest password that is accepted, in characters.
    pub fn min_length(mut self, characters: usize) -> Self {
        self.min_length = characters;
        self
    }

    /// Accepts passwords that resemble an identifier.
    ///
    /// # Weakens
    ///
    /// Such passwords are the first that are guessed.
    pub fn allow_similar(mut self) -> Self {
        self.similarity = false;
        self
    }

    /// Refuses passwords that have leaked more than `most` times, as the list says.
    ///
    /// The list is asked after everything else, and before the password is hashed.
    pub fn breach_list(mut self, list: impl BreachList, most: u64, when_away: WhenAway) -> Self {
        self.breaches = Some(Breaches { list: Arc::new(list), most, when_away });
        self
    }
}

#[async_trait]
impl Method for Password {
    fn id(&self) -> MethodId {
        ID
    }

    fn rank(&self) -> u8 {
        RANK
    }

    fn review(&self, setup: &Setup<'_>) -> Result<Vec<String>, String> {
        if self.min_length > LONGEST {
            return Err(format!(
                "`.min_length({})` is more than the {LONGEST} characters of any password",
                self.min_length
            ));
        }
        let mut warnings = Vec::new();
        if self.min_length < Self::default().min_length {
            warnings.push(format!("passwords of {} characters are guessed fast; take 8 or more", self.min_length));
        }
        let nameless = setup.schemas.iter().filter(|schema| !schema.has_identifiers(&ID));
        warnings.extend(nameless.map(|schema| {
            let mark = "\"ory.sh/kratos\": { \"credentials\": { \"password\": { \"identifier\": true } } }";
            format!(
                "no trait of the identity schema `{}` names a person for a password; mark one with {mark}",
                schema.id()
            )
        }));
        Ok(warnings)
    }

    fn fields(&self, view: &View<'_>) -> Vec<Field> {
        if !view.asks_credentials() {
            return Vec::new();
        }
        let password = Field::input(GROUP, InputKind::Password, FIELD).required().autocomplete("new-password");
        let submit = Field::submit(GROUP, "method", ID.as_str(), catalogue::SIGN_UP);
        vec![password.label(catalogue::PASSWORD), submit]
    }

    async fn submit(&self, cx: &Context<'_>, form: &Submission, _: &mut Slot<'_>) -> Result<Step, Stop> {
        let traits = cx.traits(form, &[FIELD])?;
        let password = form.secret(FIELD).unwrap_or_default();
        self.judge(&traits, &password)?;
        self.judge_leaks(&password).await?;
        Ok(Step::Register(Draft::new(traits).password(password)))
    }
}

impl Password {
    /// Rules 2 to 4 of the module doc.
    fn judge(&self, traits: &Traits, password: &SecretString) -> Result<(), Stop> {
        let mut identifiers = traits.identifiers_of(&ID).peekable();
        if identifiers.peek().is_none() {
            return Err(Stop::refuse([catalogue::NO_IDENTIFIER.on_page()]));
        }
        let word = password.expose_secret();
        let length = word.chars().count();
        if length < self.min_length {
            let message = catalogue::PASSWORD_TOO_SHORT.with("min_length", self.min_length);
            return Err(message.with("actual_length", length).at(FIELD).into());
        }
        if length > LONGEST {
            let message = catalogue::PASSWORD_TOO_LONG.with("max_length", LONGEST);
            return Err(message.with("actual_length", length).at(FIELD).into());
        }
        if self.similarity && identifiers.any(|identifier| resembles(word, identifier)) {
            return Err(catalogue::PASSWORD_TOO_SIMILAR.at(FIELD).into());
        }
        Ok(())
    }

    /// Rule 5 of the module doc.
    async fn judge_leaks(&self, password: &SecretString) -> Result<(), Stop> {
        let Some(breaches) = &self.breaches else { return Ok(()) };
        match breaches.list.count(password).await {
            Ok(count) if count > breaches.most => {
                Err(catalogue::PASSWORD_BREACHED.with("breaches", count).at(FIELD).into())
            }
            Ok(_) => Ok(()),
            Err(error) => {
                let away = error.kind() == HostErrorKind::Unavailable;
                if away && breaches.when_away == WhenAway::Accept {
                    trace::event(trace::Event::BreachUnchecked);
                    return Ok(());
                }
                let reason = if away { AWAY } else { NO_LIST };
                Err(Failure::upstream(reason).with_source(error).into())
            }
        }
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Password");
        out.field("min_length", &self.min_length).field("similarity", &self.similarity).finish_non_exhaustive()
    }
}
