//! The table of S1: how flows end, what is sent to them afterwards, and what must be answered.

use serde_json::{Value, json};
use tower_registration::Style;
use tower_registration::testing::ClientKind;

use super::site::PASSWORD;

/// How a flow came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It became somebody, by a password.
    Finished,
    /// It became somebody, by another method.
    FinishedByAnother,
    /// Nobody finished it in time.
    Expired,
    /// It became somebody, and its time is over too.
    FinishedAndExpired,
}

/// What speaks for the submission, or against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// A browser's cookie and token; a native client without either.
    Right,
    /// A browser that sends no token.
    NoToken,
    /// A browser with a token of another browser.
    WrongToken,
    /// A browser that lost its cookies.
    NoCookie,
    /// Another browser, with its own cookie and token.
    Stranger,
    /// A page of another site.
    ForeignOrigin,
    /// A native client that sends a cookie.
    NativeCookie,
}

/// What is submitted, by the person the flow became ("own") or about somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Own,
    OwnInCapitals,
    OwnOtherPassword,
    OwnShortPassword,
    OwnNoPassword,
    OwnByAnotherMethod,
    OwnStep,
    Other,
    OtherShortPassword,
    OtherStep,
    KnownPerson,
    NoMethod,
    UnknownMethod,
    DisabledMethod,
    NoTraits,
    WrongTraits,
    Broken,
    Empty,
    ByGet,
}

/// What must come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// 4000007 on the page.
    Taken,
    /// 410, and a new flow.
    Replaced,
    /// This message on the page, or at a field.
    Message(u64),
    /// A refusal of a GET: nothing of it is written into the flow.
    NothingSubmitted,
    /// 403.
    Csrf,
    /// 404.
    Disabled,
}

/// One row: a flow, and a submission to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) kind: ClientKind,
    pub(super) style: Style,
    pub(super) end: End,
    pub(super) guard: Guard,
    pub(super) sent: Sent,
}

const ENDS: [End; 4] = [End::Finished, End::FinishedByAnother, End::Expired, End::FinishedAndExpired];
const OF_BROWSERS: [Guard; 6] =
    [Guard::Right, Guard::NoToken, Guard::WrongToken, Guard::NoCookie, Guard::Stranger, Guard::ForeignOrigin];
const OF_NATIVE_CLIENTS: [Guard; 3] = [Guard::Right, Guard::NativeCookie, Guard::ForeignOrigin];
const SENT: [Sent; 19] = [
    Sent::Own,
    Sent::OwnInCapitals,
    Sent::OwnOtherPassword,
    Sent::OwnShortPassword,
    Sent::OwnNoPassword,
    Sent::OwnByAnotherMethod,
    Sent::OwnStep,
    Sent::Other,
    Sent::OtherShortPassword,
    Sent::OtherStep,
    Sent::KnownPerson,
    Sent::NoMethod,
    Sent::UnknownMethod,
    Sent::DisabledMethod,
    Sent::NoTraits,
    Sent::WrongTraits,
    Sent::Broken,
    Sent::Empty,
    Sent::ByGet,
];

/// Every row for this kind of client and this style.
pub(super) fn rows(kind: ClientKind, style: Style) -> Vec<Row> {
    let guards: &[Guard] = if kind == ClientKind::Native { &OF_NATIVE_CLIENTS } else { &OF_BROWSERS };
    let row = |end, guard, sent| Row { kind, style, end, guard, sent };
    let with = |end, guard| SENT.into_iter().map(move |sent| row(end, guard, sent));
    ENDS.into_iter().flat_map(|end| guards.iter().flat_map(move |guard| with(end, *guard))).collect()
}

impl Row {
    /// The answer that the rules ask for: expiry, head, body, token, claim, traits, identifiers, in this order.
    pub(super) fn expected(&self) -> Expected {
        let native = self.kind == ClientKind::Native;
        let undecodable = matches!(self.sent, Sent::Broken | Sent::Empty);
        match (self.end, self.guard) {
            (End::Expired | End::FinishedAndExpired, _) => return Expected::Replaced,
            (_, Guard::Right) => {}
            (_, _) if native && self.sent == Sent::ByGet => return Expected::NothingSubmitted,
            (_, _) if native => return Expected::Message(4000001),
            (_, Guard::NoToken | Guard::WrongToken) if undecodable || self.sent == Sent::ByGet => {}
            (_, _) => return Expected::Csrf,
        }
        let steps = self.style == Style::ProfileFirst;
        match self.sent {
            Sent::ByGet => Expected::NothingSubmitted,
            Sent::Broken | Sent::Empty => Expected::Message(4000001),
            Sent::OwnStep | Sent::OtherStep if !steps => Expected::Message(4010003),
            Sent::NoMethod | Sent::UnknownMethod => Expected::Message(4010003),
            Sent::DisabledMethod => Expected::Disabled,
            Sent::NoTraits => Expected::Message(4000002),
            Sent::WrongTraits => Expected::Message(4000040),
            Sent::Other | Sent::OtherShortPassword | Sent::OtherStep | Sent::KnownPerson => Expected::Replaced,
            Sent::Own
            | Sent::OwnInCapitals
            | Sent::OwnOtherPassword
            | Sent::OwnShortPassword
            | Sent::OwnNoPassword
            | Sent::OwnByAnotherMethod
            | Sent::OwnStep => Expected::Taken,
        }
    }

    /// The fields that are sent; nothing where there is no form at all.
    pub(super) fn fields(&self, own: &str, known: &str) -> Value {
        let password = |email: &str, password: &str| json!({ "method": "password", "password": password, "traits": { "email": email } });
        let other = format!("other-{own}");
        match self.sent {
            Sent::Own => password(own, PASSWORD),
            Sent::OwnInCapitals => password(&own.to_uppercase(), PASSWORD),
            Sent::OwnOtherPassword => password(own, "battery horse correct"),
            Sent::OwnShortPassword => password(own, "short"),
            Sent::OwnNoPassword => json!({ "method": "password", "traits": { "email": own } }),
            Sent::OwnByAnotherMethod => invited(own),
            Sent::OwnStep => json!({ "method": "profile", "traits": { "email": own } }),
            Sent::Other => password(&other, PASSWORD),
            Sent::OtherShortPassword => password(&other, "short"),
            Sent::OtherStep => json!({ "method": "profile", "traits": { "email": other } }),
            Sent::KnownPerson => password(known, PASSWORD),
            Sent::NoMethod => json!({ "password": PASSWORD, "traits": { "email": own } }),
            Sent::UnknownMethod => json!({ "method": "divination", "traits": { "email": own } }),
            Sent::DisabledMethod => json!({ "method": "code", "traits": { "email": own } }),
            Sent::NoTraits => json!({ "method": "password", "password": PASSWORD }),
            Sent::WrongTraits => password("nonsense", PASSWORD),
            Sent::Broken | Sent::Empty | Sent::ByGet => Value::Null,
        }
    }
}

/// A submission to the method that asks for a word instead of a password.
pub(super) fn invited(email: &str) -> Value {
    json!({ "method": "invitation", "word": "friend", "traits": { "email": email } })
}
