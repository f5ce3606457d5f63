//! What came in and what goes out, HTTP peeled off.

use secrecy::SecretString;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::caller::Caller;
use crate::flow::{FlowId, FlowKind};
use crate::form::Form;
use crate::identity::{Address, Identity, Session};
use crate::page::{Page, VerificationPage};
use crate::stop::Failure;

/// A request, taken apart.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) caller: Caller,
    /// The path hands out the CSRF cookie, and demands a token for verbs that change something.
    pub(crate) guarded: bool,
    pub(crate) wish: Wish,
}

/// What the caller wants.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Begin a flow.
    Open(FlowKind, Opening),
    /// Look at a flow again.
    Show(Option<FlowId>),
    /// Answer a flow.
    Submit(Submitted),
    /// Come back from somebody else's page.
    Resume(Returned),
    /// The same under another URL.
    MoveTo(String),
    /// Something about a flow that proves an address.
    Verify(Verify),
    /// Who am I?
    Whoami,
    /// Which identity schemas are there? A page of them, and how many on each.
    Schemas { page: usize, per_page: usize },
    /// One identity schema.
    Schema(String),
    /// The script that pages load to make keys.
    KeyScript,
    /// An error that was kept for a browser.
    ShowError(String),
    /// The two halves of a pair, for a session.
    Exchange { init: String, return_to: String },
    /// A verb that its path does not take; with the CSRF token that a form brought.
    WrongVerb { allow: &'static str, token: Option<String>, safe: bool },
    /// No path of ours; with the CSRF token that a form brought.
    Unknown { token: Option<String>, safe: bool },
}

/// What the caller wants of a flow that proves an address. `request` is path and query of the request, below the base
/// URL.
#[derive(Debug)]
pub(crate) enum Verify {
    /// Begin one.
    Open { kind: FlowKind, return_to: Option<String>, request: String },
    /// Look at it again.
    Show(Option<FlowId>),
    /// Answer it.
    Submit { flow: Option<FlowId>, body: Body, request: String },
    /// Open the link of a letter; with `HEAD` nothing comes of it.
    Follow { flow: Option<FlowId>, code: Option<String>, token: Option<String>, head: bool, request: String },
}

/// The query of a request that begins a flow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opening {
    /// As it came.
    pub(crate) raw: String,
    pub(crate) return_to: Option<String>,
    pub(crate) after_verification_return_to: Option<String>,
    pub(crate) organization: Option<Uuid>,
    pub(crate) schema: Option<String>,
    pub(crate) login_challenge: Option<String>,
    /// A native client asks for a pair of codes.
    pub(crate) wants_exchange: bool,
}

/// An answer to a flow.
#[derive(Debug)]
pub(crate) struct Submitted {
    pub(crate) flow: Option<FlowId>,
    pub(crate) body: Body,
    /// The body with the fields that stand in the query, for methods that read them.
    pub(crate) with_query: Option<Form>,
    /// The query: what it says counts only where a flow is replaced.
    pub(crate) query: Opening,
}

/// A browser that comes back from somebody else's page.
#[derive(Debug)]
pub(crate) struct Returned {
    /// The word of the method that sent it there.
    pub(crate) method: &'static str,
    /// The errand, where the path names it.
    pub(crate) errand: Option<String>,
    /// The query.
    pub(crate) answer: Form,
}

/// The body of a submission.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// It was read.
    Form(Form),
    /// It cannot be read, for this reason.
    Broken(String),
    /// There is none: the verb was GET, which submits nothing. The reason says so.
    ByGet(String),
}

/// What goes out, with the cookies it carries.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    /// Values of `Set-Cookie` headers, in order.
    pub(crate) cookies: Vec<String>,
}

/// What came of a request. Whether it is told as JSON or as a redirect is the presenter's business.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A flow was begun.
    Opened(Page),
    /// A flow is shown.
    Shown(Page),
    /// The flow moved on to this page.
    Moved(Page),
    /// A mistake of the person is shown on this page.
    Refused(Page),
    /// The person has to wait for this page: nothing has come of the exchange yet.
    Pending(Page),
    /// The flow had expired, and another one stands in for it.
    Replaced(Replaced),
    /// It is done.
    Registered(Box<Registered>),
    /// Somebody who had an identity is signed in.
    SignedIn(Box<SignedIn>),
    /// The browser must go there first.
    Leave { to: String },
    /// The page of a flow that proves an address, and how it is told.
    Verification(Box<VerificationPage>, Telling),
    /// Somebody who is signed in is led elsewhere.
    SentAway { to: String, submitted: bool },
    /// An OAuth2 server knows now who is signed in; the browser goes on there.
    LoginAccepted { to: String },
    /// Trouble that no page can show.
    Failed(Failed),
    /// Who the caller is.
    Whoami(Box<(Session, Identity)>),
    /// A list of identity schemas by id, and how many there are in all.
    Schemas { schemas: Vec<(String, Value)>, page: usize, per_page: usize, total: usize },
    /// An identity schema.
    Schema(Value),
    /// A script.
    Script(&'static str),
    /// An error that was kept.
    KeptError { id: Uuid, error: Value, at: OffsetDateTime },
    /// The path does not take this verb.
    WrongVerb { allow: &'static str },
    /// No path of ours.
    Unknown,
}

/// How the page of a flow that proves an address is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// The flow was begun.
    Opened,
    /// It is shown again.
    Shown,
    /// It moved on, or a code was wrong.
    Moved,
    /// A mistake of the person is shown.
    Refused,
    /// It cannot be used any more and this one stands in, for this reason.
    Replaced(&'static str),
    /// It has expired and this one stands in.
    Expired,
    /// A link was opened.
    Followed,
}

/// A flow that stands in for an expired one.
#[derive(Debug)]
pub(crate) struct Replaced {
    pub(crate) kind: FlowKind,
    pub(crate) by: FlowId,
    pub(crate) expired_at: OffsetDateTime,
    pub(crate) since: time::Duration,
    pub(crate) failure: Failure,
}

/// A person who is now registered.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) kind: FlowKind,
    pub(crate) identity: Identity,
    /// The session, where one is handed out.
    pub(crate) session: Option<Session>,
    /// The token of the session, for native clients.
    pub(crate) token: Option<SecretString>,
    /// Where a browser is led.
    pub(crate) return_url: String,
    /// The flows that prove an address, as `continue_with` names them.
    pub(crate) verifications: Vec<Begun>,
    /// A browser is led to the page of the last of them.
    pub(crate) leads_to_verification: bool,
}

/// A person who had an identity already, and is now signed in to it.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) kind: FlowKind,
    pub(crate) identity: Identity,
    pub(crate) session: Session,
    /// The token of the session, for native clients.
    pub(crate) token: Option<SecretString>,
    /// Where a browser is led; nothing after an exchange.
    pub(crate) return_url: Option<String>,
}

/// A flow that was begun to prove an address.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    pub(crate) flow: FlowId,
    pub(crate) address: Address,
}

/// Trouble.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    /// The kind of flow, where one is known.
    pub(crate) kind: Option<FlowKind>,
    /// Under this id the error was kept for a browser's error page; without one it is told as JSON.
    pub(crate) kept: Option<Uuid>,
}
