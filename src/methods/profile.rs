//! The traits, and the way between the two steps of a registration.
//!
//! In one step the person sees the traits beside the credentials, and nobody submits to this method. In two steps the
//! first screen asks for the traits and has a button, `method=profile`; the second shows the credentials, carries the
//! traits unseen, and has a way back, `screen=previous`. Nothing is remembered: the traits are part of the flow, and
//! every submission brings them again.
//!
//! A submission is meant for this method in two steps if it says `method=profile` or names a `screen`, whatever else
//! it says. It is judged in this order:
//!
//! 1. `screen` is `credential-selection`, `previous` or absent, and the traits follow the schema: all mistakes at once;
//! 2. `previous` leads to the first screen, everything else to the second, with 1040009.

use async_trait::async_trait;

use super::{Context, Method, Show, Slot, Step};
use crate::config::Style;
use crate::flow::{Screen, State};
use crate::form::Submission;
use crate::identity::MethodId;
use crate::message::{Placed, catalogue};
use crate::page::{Field, Group, InputKind, View};
use crate::stop::Stop;

const ID: MethodId = MethodId::new("profile");
const GROUP: Group = Group::Profile;
const RANK: u8 = 10;
const SCREEN: &str = "screen";
const PREVIOUS: &str = "previous";
const SELECTION: &str = "credential-selection";
/// The older word for `screen=previous`.
const METHOD_BACK: &str = "profile:back";

/// The profile method; the builder adds it to every service.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    style: Style,
}

impl Profile {
    /// The profile of a service with this style.
    pub(crate) fn new(style: Style) -> Self {
        Self { style }
    }
}

#[async_trait]
impl Method for Profile {
    fn id(&self) -> MethodId {
        ID
    }

    fn rank(&self) -> u8 {
        RANK
    }

    fn fields(&self, view: &View<'_>) -> Vec<Field> {
        let mut fields = view.traits.to_vec();
        match view.facts.screen {
            Screen::Unified => {}
            Screen::Alone(_) => fields.clear(),
            Screen::Profile => fields.push(Field::submit(GROUP, "method", ID.as_str(), catalogue::SIGN_UP)),
            Screen::Credentials => {
                hide(&mut fields);
                fields.push(Field::submit(GROUP, SCREEN, PREVIOUS, catalogue::BACK));
            }
            Screen::Only(_) => {
                hide(&mut fields);
                if self.style == Style::ProfileFirst {
                    fields.push(Field::submit(GROUP, SCREEN, SELECTION, catalogue::BACK));
                }
            }
        }
        fields
    }

    fn claims(&self, _: &View<'_>, form: &Submission) -> bool {
        let method = form.text("method");
        let named = matches!(method.as_deref(), Some(word) if word == ID.as_str() || word == METHOD_BACK);
        self.style == Style::ProfileFirst && (named || form.text(SCREEN).is_some())
    }

    async fn submit(&self, cx: &Context<'_>, form: &Submission, _: &mut Slot<'_>) -> Result<Step, Stop> {
        let screen = form.text(SCREEN);
        let traits = cx.traits_or(form, unknown(screen.as_deref()))?;
        let back = screen.as_deref() == Some(PREVIOUS) || form.text("method").as_deref() == Some(METHOD_BACK);
        Ok(Step::Show(match back {
            true => Show::new(Screen::Profile, traits.value),
            false => Show::new(Screen::Credentials, traits.value)
                .progress(State::ChooseMethod, None)
                .message(catalogue::CHOOSE_CREDENTIAL)
                .repeat_transient(),
        }))
    }
}

/// The traits go along unseen.
fn hide(fields: &mut [Field]) {
    fields.iter_mut().for_each(|field| field.kind = InputKind::Hidden);
}

fn unknown(screen: Option<&str>) -> Option<Placed> {
    let known = matches!(screen, None | Some(PREVIOUS | SELECTION));
    let reason = format!("value must be one of \"{SELECTION}\", \"{PREVIOUS}\"");
    (!known).then(|| catalogue::INVALID.with("reason", reason).at(SCREEN))
}
