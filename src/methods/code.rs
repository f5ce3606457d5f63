//! Sign up with a one-time code, sent by e-mail or text message.
//!
//! The person sees a button, `method=code`. When a code was sent, they see one field, `code`, a button that goes on, and
//! one that sends another code, `resend=code`. Remembered are the traits that the codes were sent for, a nonce for each
//! address, when the codes end, and how many were typed; never a code.
//!
//! First `resend` is `code` or absent, else 4000001, and the traits follow the schema: all mistakes at once. Then a
//! submission sends codes, unless some were sent and `resend` does not ask for others:
//!
//! 1. one of the traits is an address for codes, else 4000009;
//! 2. every such address gets a code of its own; older ones of this flow end. 1040005 says so, also where an address
//!    has had too many letters: it gets none, and an older code stays good.
//!
//! Otherwise the code is judged:
//!
//! 1. it is there, else 4000002;
//! 2. no trait is another than the one that the codes were sent for, else 4000036;
//! 3. this flow has seen no more than [`Code::max_submissions`] codes, and the addresses few enough wrong ones, else
//!    4000001;
//! 4. it is the code of one of the addresses and has not ended, else 4040003.
//!
//! The identity gets the traits that the codes were sent for, and that address is proved.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::{Context, Method, Show, Slot, Step};
use crate::flow::{Screen, State, leaves, nanoseconds};
use crate::form::Submission;
use crate::identity::{Address, Channel, Draft, MethodId, Traits};
use crate::limits::Counted;
use crate::mail::{Letter, LetterKind};
use crate::message::catalogue;
use crate::page::{Field, Group, InputKind, View};
use crate::proof::{Nonce, Proof};
use crate::seal::Purpose;
use crate::stop::Stop;

const ID: MethodId = MethodId::new("code");
const GROUP: Group = Group::Code;
const RANK: u8 = 40;
const FIELD: &str = "code";
const RESEND: &str = "resend";

/// The code method. Hand it to the builder: `.method(Code::new())`, with a courier for each channel of the schema.
#[derive(Clone, Debug)]
#[must_use]
pub struct Code {
    lifespan: Duration,
    max_submissions: u32,
}

impl Default for Code {
    fn default() -> Self {
        Self { lifespan: Duration::hours(1), max_submissions: 5 }
    }
}

impl Code {
    /// A method whose codes last for an hour, of which a flow judges five.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long a code can be used.
    pub fn lifespan(mut self, lifespan: Duration) -> Self {
        self.lifespan = lifespan;
        self
    }

    /// Sets how many codes a flow judges, right or wrong; another code does not begin the count anew.
    pub fn max_submissions(mut self, most: u32) -> Self {
        self.max_submissions = most;
        self
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Memory {
    /// The traits that the codes were sent for.
    traits: Value,
    sent: Vec<Sent>,
    tries: u32,
}

#[derive(Clone, Serialize, Deserialize)]
struct Sent {
    via: String,
    to: String,
    /// Nothing, when the address had too many letters to get one.
    nonce: Option<Nonce>,
    /// When the code ends: Unix time in nanoseconds.
    until: i64,
}

#[async_trait]
impl Method for Code {
    fn id(&self) -> MethodId {
        ID
    }

    fn rank(&self) -> u8 {
        RANK
    }

    fn fields(&self, view: &View<'_>) -> Vec<Field> {
        if view.asks_credentials() {
            return vec![Field::submit(GROUP, "method", ID.as_str(), catalogue::SEND_CODE)];
        }
        if view.facts.screen != Screen::Only(ID) {
            return Vec::new();
        }
        let code = Field::input(GROUP, InputKind::Text, FIELD).required().autocomplete("one-time-code");
        vec![
            Field::input(GROUP, InputKind::Hidden, "method").value(ID.as_str()),
            code.label(catalogue::REGISTRATION_CODE),
            Field::submit(GROUP, "method", ID.as_str(), catalogue::CONTINUE),
            Field::submit(GROUP, RESEND, ID.as_str(), catalogue::RESEND_CODE),
        ]
    }

    async fn submit(&self, cx: &Context<'_>, form: &Submission, slot: &mut Slot<'_>) -> Result<Step, Stop> {
        let resend = form.text(RESEND);
        let unknown = resend.as_deref().filter(|word| *word != ID.as_str()).map(|_| {
            let reason = format!("value must be \"{ID}\"");
            catalogue::INVALID.with("reason", reason).at(RESEND)
        });
        let traits = cx.traits_or(form, unknown)?;
        let memory: Memory = slot.memory().unwrap_or_default();
        match cx.flow.state {
            State::SentEmail if resend.is_none() => self.judge(cx, form, slot, memory).await,
            _ => self.send(cx, form, &traits, slot, memory).await,
        }
    }
}

impl Code {
    async fn send(
        &self,
        cx: &Context<'_>,
        form: &Submission,
        traits: &Traits,
        slot: &mut Slot<'_>,
        old: Memory,
    ) -> Result<Step, Stop> {
        let addresses = traits.addresses_of(&ID);
        if addresses.is_empty() {
            return Err(Stop::refuse([catalogue::NO_IDENTIFIER.on_page()]));
        }
        let mut new = Memory { traits: form.traits.clone(), sent: Vec::new(), tries: old.tries };
        for to in addresses {
            let nonce = cx.desk.nonce()?;
            let letter = self.letter(cx, form, traits, &to, nonce);
            let older = old.sent.iter().find(|sent| sent.is_to(&to));
            new.sent.push(match (slot.post(&letter).await?, older) {
                (false, Some(older)) => older.clone(),
                (sent, _) => Sent::new(&to, nonce, cx.now + self.lifespan, sent),
            });
        }
        slot.remember(&new)?;
        let show = Show::new(Screen::Only(ID), form.traits.clone()).progress(State::SentEmail, Some(ID));
        Ok(Step::Show(show.message(catalogue::CODE_SENT).repeat_transient()))
    }

    fn letter(&self, cx: &Context<'_>, form: &Submission, traits: &Traits, to: &Address, nonce: Nonce) -> Letter {
        Letter {
            to: to.clone(),
            kind: LetterKind::RegistrationCode,
            identity: None,
            flow: *cx.flow.id.as_uuid(),
            nonce,
            expires_at: cx.now + self.lifespan,
            minutes: self.lifespan.whole_minutes(),
            traits: traits.value().clone(),
            transient: form.transient.clone(),
            request_url: cx.flow.request_url(&cx.config.base),
            headers: cx.caller.told(&cx.config.letter_headers),
        }
    }

    async fn judge(
        &self,
        cx: &Context<'_>,
        form: &Submission,
        slot: &mut Slot<'_>,
        mut memory: Memory,
    ) -> Result<Step, Stop> {
        let Some(typed) = form.text(FIELD) else {
            return Err(catalogue::REQUIRED.with("property", FIELD).at(FIELD).into());
        };
        if !is_part_of(&form.traits, &memory.traits) {
            return Err(Stop::refuse([catalogue::TRAITS_CHANGED.on_page()]));
        }
        memory.tries = memory.tries.saturating_add(1);
        slot.remember(&memory)?;
        if memory.tries > self.max_submissions {
            return Err(too_often());
        }
        let (purpose, flow) = (Purpose::RegistrationCode, *cx.flow.id.as_uuid());
        let mut missed = Vec::new();
        for (sent, to) in memory.sent.iter().filter_map(|sent| Some((sent, sent.address()?))) {
            let counter = slot.counter(Counted::WrongCodes, &to).await?;
            if !counter.allows_one_more(cx.now) {
                continue;
            }
            let nonce = sent.nonce.filter(|_| nanoseconds(cx.now) < sent.until);
            let proof = nonce.map(|nonce| Proof { purpose, flow, address: &to, nonce });
            if proof.is_some_and(|proof| proof.is(cx.desk.seal, &typed)) {
                counter.clear();
                return Ok(Step::Register(Draft::new(cx.kept_traits(&memory.traits)?).proves(to)));
            }
            missed.push(to);
        }
        for to in &missed {
            slot.counter(Counted::WrongCodes, to).await?.add(cx.now);
        }
        match missed.is_empty() {
            true => Err(too_often()),
            false => Err(Stop::refuse([catalogue::CODE_WRONG.on_page()])),
        }
    }
}

impl Sent {
    fn new(to: &Address, nonce: Nonce, until: OffsetDateTime, sent: bool) -> Self {
        let (via, to) = (to.via().as_str().to_owned(), to.value().to_owned());
        Self { via, to, nonce: sent.then_some(nonce), until: nanoseconds(until) }
    }

    fn is_to(&self, address: &Address) -> bool {
        self.via == address.via().as_str() && self.to == address.value()
    }

    fn address(&self) -> Option<Address> {
        Some(Address::new(Channel::from_word(&self.via)?, &self.to))
    }
}

fn too_often() -> Stop {
    let reason = "The request was submitted too often. Please request another code.";
    Stop::refuse([catalogue::INVALID.with("reason", reason).on_page()])
}

/// Whether nothing in the first is another than in the second; what the first leaves out does not count.
fn is_part_of(submitted: &Value, kept: &Value) -> bool {
    let kept = leaves(kept, "");
    leaves(submitted, "").iter().all(|leaf| kept.contains(leaf))
}
