//! The oracle of X1: what a submission must be answered, told from the rules and not from the code.
//!
//! Every field but the one that is looked at is right: the only mistakes are those of the case.

/// Who began the flow and how the answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// A browser flow, posted by a page.
    Page,
    /// A browser flow, posted by a script that asks for JSON.
    Script,
    /// A flow of a native client.
    Native,
}

/// The verb, and the type of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Form,
    Json,
    Multipart,
    PlainText,
    Get,
    Head,
    Put,
}

/// The CSRF cookie that goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    Own,
    Absent,
    OfAnotherBrowser,
    Malformed,
    OwnAndAnother,
}

/// The CSRF token that goes along, in the body unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Own,
    OwnOfAnotherFlow,
    Absent,
    OfAnotherBrowser,
    Altered,
    BareCookieValue,
    OwnInAHeader,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Absent,
    Own,
    Listed,
    Foreign,
    Null,
}

/// `Sec-Fetch-Site`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FetchedFrom {
    Absent,
    SameOrigin,
    SameSite,
    CrossSite,
    None,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) client: Client,
    pub(super) sent: Sent,
    pub(super) cookie: Cookie,
    pub(super) token: Token,
    pub(super) origin: Origin,
    pub(super) from: FetchedFrom,
}

/// What a submission is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// An identity exists.
    Registered,
    /// 403 `security_csrf_violation`, on the error page for a page.
    Csrf,
    /// 400 with 4000001 about `Origin` or `Cookie`.
    NativeGuard,
    /// 4000001 about the verb or the content type, on the form for a page.
    Undecodable,
    /// 4010003: an empty form names no method.
    Unclaimed,
    /// 405.
    WrongVerb,
}

/// What `case` must be answered.
pub(super) fn verdict(case: &Case) -> Verdict {
    match (case.sent, case.client) {
        // TH-X2; the path is none of those where a token is asked for before the verb is looked at (contract 5.3).
        (Sent::Put, _) => Verdict::WrongVerb,
        (_, Client::Native) => of_native_flow(case),
        (_, Client::Page | Client::Script) => of_browser_flow(case),
    }
}

/// Guard, decode, token: in this order (design 5), so that with several faults the answer is the CSRF one (2.1).
fn of_browser_flow(case: &Case) -> Verdict {
    // Promise 8 binds the flow to the cookie's secret, TH-X4 refuses two cookies of one name.
    if case.cookie != Cookie::Own || !is_from_listed_page(case) {
        return Verdict::Csrf;
    }
    match (case.sent, case.token) {
        (Sent::Get | Sent::Head | Sent::PlainText, _) => Verdict::Undecodable,
        // Valid for all flows of this browser (TH-X1); the cookie's value is no token (design 7).
        (Sent::Form | Sent::Json, Token::Own | Token::OwnOfAnotherFlow) => Verdict::Registered,
        // Parts are not read (TH-L8) and a header is not looked at (contract 5.4): there is no token.
        _ => Verdict::Csrf,
    }
}

/// TH-X1: `Sec-Fetch-Site` first, `null` is not listed. `none` names no site, so it says as much as no header.
fn is_from_listed_page(case: &Case) -> bool {
    let listed = matches!(case.origin, Origin::Own | Origin::Listed);
    match case.from {
        FetchedFrom::SameOrigin => true,
        FetchedFrom::SameSite | FetchedFrom::CrossSite => listed,
        FetchedFrom::Absent | FetchedFrom::None => listed || case.origin == Origin::Absent,
    }
}

/// TH-X5 with its row of 2.1: any `Origin`, any cookie is refused; `Sec-Fetch-Site` and the token do not count. A verb
/// or a type that is not read comes before (contract 5.6 and 10; "size and type", design 5).
fn of_native_flow(case: &Case) -> Verdict {
    match case.sent {
        Sent::Get | Sent::Head | Sent::PlainText => Verdict::Undecodable,
        _ if case.origin != Origin::Absent || case.cookie != Cookie::Absent => Verdict::NativeGuard,
        Sent::Multipart => Verdict::Unclaimed,
        _ => Verdict::Registered,
    }
}
