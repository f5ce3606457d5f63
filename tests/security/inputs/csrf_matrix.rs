//! X1: who may answer a flow. 3 clients × 7 verbs and content types × 5 cookies × 7 tokens × 5 values of `Origin` ×
//! 5 of `Sec-Fetch-Site` are 18,375 submissions, each on a flow of its own, against the oracle.

use bytes::Bytes;
use http::Method;
use serde_json::json;
use tower_registration::methods::Password;
use tower_registration::testing::App;

use super::csrf_oracle::{Case, Client, Cookie, FetchedFrom, Origin, Sent, Token, Verdict, verdict};
use super::door::{Answer, Door, FORM, Head, JSON, NAVIGATION, Opened, submit_path};

const CASES_OF_A_CLIENT: usize = 7 * 5 * 7 * 5 * 5;
/// An origin of CORS.
const LISTED: &str = "https://spa.example.net";

#[tokio::test]
async fn x1_every_combination_matches_the_oracle_for_a_page() {
    let mut scene = Scene::new().await;

    scene.play_all(Client::Page).await;

    scene.ends_as_predicted();
}

#[tokio::test]
async fn x1_every_combination_matches_the_oracle_for_a_script() {
    let mut scene = Scene::new().await;

    scene.play_all(Client::Script).await;

    scene.ends_as_predicted();
}

#[tokio::test]
async fn x1_every_combination_matches_the_oracle_for_a_native_client() {
    let mut scene = Scene::new().await;

    scene.play_all(Client::Native).await;

    scene.ends_as_predicted();
}

/// Two browsers and what is predicted of them.
struct Scene {
    door: Door,
    own: Opened,
    other: Opened,
    played: usize,
    predicted: Vec<String>,
    mismatches: Vec<String>,
}

impl Scene {
    async fn new() -> Self {
        let door = Door::of(&App::with(|builder| builder.method(Password::new()).cors_origin(LISTED)).unwrap());
        let (own, other) = (door.open_browser("").await, door.open_browser("").await);
        assert_ne!(own.cookie, other.cookie);
        Self { door, own, other, played: 0, predicted: Vec::new(), mismatches: Vec::new() }
    }

    async fn play_all(&mut self, client: Client) {
        for case in cases(client) {
            self.play(&case).await;
        }
    }

    /// Plays one case on a fresh flow and compares what is seen with what the oracle says.
    async fn play(&mut self, case: &Case) {
        self.played += 1;
        let email = format!("case-{}@example.org", self.played);
        let opened = match case.client {
            Client::Native => self.door.open_native().await,
            Client::Page | Client::Script => self.door.open_browser(&self.own.cookie).await,
        };
        let expected = verdict(case);

        let answer = self.send(case, &opened, &email).await;

        let seen = self.read(case, &opened, &answer).await;
        let written = self.door.version_of(&opened.flow).await != 1;
        if seen != Some(expected) || written && is_left_alone(case, expected) {
            let shown = format!("{} {} {}", answer.status, answer.location(), answer.body);
            self.mismatches.push(format!("{case:?}: {expected:?}, but {seen:?} (written: {written}): {shown:.300}"));
        }
        self.predicted.extend((expected == Verdict::Registered).then_some(email));
    }

    async fn send(&self, case: &Case, opened: &Opened, email: &str) -> Answer {
        let token = self.token(case.token, opened);
        let in_header = if case.token == Token::OwnInAHeader { token.as_str() } else { "" };
        let in_body = if case.token == Token::OwnInAHeader { "" } else { token.as_str() };
        let cookie = self.cookie(case.cookie);
        let content_type = content_type(case.sent);
        let head: Head<'_> = &[
            ("accept", if case.client == Client::Page { NAVIGATION } else { JSON }.as_bytes()),
            ("content-type", content_type.as_bytes()),
            ("cookie", cookie.as_bytes()),
            ("origin", origin(case.origin).as_bytes()),
            ("sec-fetch-site", fetched_from(case.from).as_bytes()),
            ("x-csrf-token", in_header.as_bytes()),
        ];
        let path = submit_path(&opened.flow);
        match case.sent {
            Sent::Form => self.door.submit(&opened.flow, head, as_form(email, in_body)).await,
            Sent::Json | Sent::PlainText => self.door.submit(&opened.flow, head, as_json(email, in_body)).await,
            Sent::Multipart => self.door.submit(&opened.flow, head, as_multipart(email, in_body)).await,
            Sent::Put => self.door.ask(Method::PUT, &path, head, as_json(email, in_body).into()).await,
            Sent::Get | Sent::Head => {
                let method = if case.sent == Sent::Get { Method::GET } else { Method::HEAD };
                self.door.ask(method, &format!("{path}&{}", as_form(email, in_body)), head, Bytes::new()).await
            }
        }
    }

    fn cookie(&self, cookie: Cookie) -> String {
        let name = self.own.cookie.split('=').next().unwrap_or_default();
        match cookie {
            Cookie::Own => self.own.cookie.clone(),
            Cookie::Absent => String::new(),
            Cookie::OfAnotherBrowser => self.other.cookie.clone(),
            Cookie::Malformed => format!("{name}=%%%"),
            Cookie::OwnAndAnother => format!("{}; {}", self.own.cookie, self.other.cookie),
        }
    }

    fn token(&self, token: Token, opened: &Opened) -> String {
        // A native client's page has no token: it brings that of a browser.
        let own = if opened.token.is_empty() { &self.own.token } else { &opened.token };
        match token {
            Token::Own | Token::OwnInAHeader => own.clone(),
            Token::OwnOfAnotherFlow => self.own.token.clone(),
            Token::Absent => String::new(),
            Token::OfAnotherBrowser => self.other.token.clone(),
            Token::Altered => altered(own),
            Token::BareCookieValue => self.own.cookie.split_once('=').unwrap_or_default().1.to_owned(),
        }
    }

    /// What the answer says, as one of the oracle's verdicts; nothing when it is none of them.
    async fn read(&self, case: &Case, opened: &Opened, answer: &Answer) -> Option<Verdict> {
        let to = answer.location();
        match (answer.status, case.sent) {
            (405, _) => Some(Verdict::WrongVerb),
            (200, _) => answer.body.get("identity").map(|_| Verdict::Registered),
            (303, _) if to == "https://app.example.org/welcome" => Some(Verdict::Registered),
            (303, _) => self.read_error_page(to).await,
            (302, _) => self.read_form(case, opened, to).await,
            (403, Sent::Head) => Some(Verdict::Csrf),
            (403, _) => (answer.error_id() == "security_csrf_violation").then_some(Verdict::Csrf),
            (400, Sent::Head) => Some(Verdict::Undecodable),
            (400, _) => told(answer),
            _ => None,
        }
    }

    async fn read_error_page(&self, to: &str) -> Option<Verdict> {
        let id = to.strip_prefix("https://app.example.org/sorry?id=")?;
        let path = format!("/auth/self-service/errors?id={id}");
        let kept = self.door.ask(Method::GET, &path, &[], Bytes::new()).await;
        let is_csrf = kept.error_id() == "security_csrf_violation" && kept.body["error"]["code"] == 403;
        is_csrf.then_some(Verdict::Csrf)
    }

    /// A GET writes nothing, so its form has nothing to say.
    async fn read_form(&self, case: &Case, opened: &Opened, to: &str) -> Option<Verdict> {
        if to != format!("https://app.example.org/sign-up?flow={}", opened.flow) {
            return None;
        }
        if matches!(case.sent, Sent::Get | Sent::Head) {
            return Some(Verdict::Undecodable);
        }
        let path = format!("/auth/self-service/registration/flows?id={}", opened.flow);
        told(&self.door.ask(Method::GET, &path, &[("cookie", self.own.cookie.as_bytes())], Bytes::new()).await)
    }

    fn ends_as_predicted(&mut self) {
        let first: Vec<&String> = self.mismatches.iter().take(20).collect();
        assert!(first.is_empty(), "{} mismatches, the first: {first:#?}", self.mismatches.len());
        self.predicted.sort_unstable();
        assert_eq!(self.door.registered(), self.predicted);
        assert_eq!(self.door.hashes(), self.predicted.len());
        assert_eq!(self.played, CASES_OF_A_CLIENT);
    }
}

/// Whether the flow must stay as it was: after a CSRF answer nothing is stored, and GET changes nothing.
fn is_left_alone(case: &Case, verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Csrf | Verdict::WrongVerb) || matches!(case.sent, Sent::Get | Sent::Head)
}

fn told(answer: &Answer) -> Option<Verdict> {
    let messages = answer.page_messages();
    let [(number, text)] = messages.as_slice() else { return None };
    let begins = |words: &str| text.starts_with(words);
    match number {
        4_000_001 if begins("The HTTP Request Header included the ") => Some(Verdict::NativeGuard),
        4_000_001 if begins("Unable to decode body because HTTP Request Method was ") => Some(Verdict::Undecodable),
        4_000_001 if begins("HTTP POST Request used unknown HTTP Header ") => Some(Verdict::Undecodable),
        4_010_003 => Some(Verdict::Unclaimed),
        _ => None,
    }
}

fn cases(client: Client) -> impl Iterator<Item = Case> {
    let sents = [Sent::Form, Sent::Json, Sent::Multipart, Sent::PlainText, Sent::Get, Sent::Head, Sent::Put];
    let cookies = [Cookie::Own, Cookie::Absent, Cookie::OfAnotherBrowser, Cookie::Malformed, Cookie::OwnAndAnother];
    let of_a_cookie = move |sent| cookies.into_iter().flat_map(move |cookie| of_cookie(client, sent, cookie));
    sents.into_iter().flat_map(of_a_cookie)
}

fn of_cookie(client: Client, sent: Sent, cookie: Cookie) -> impl Iterator<Item = Case> {
    let tokens = [
        Token::Own,
        Token::OwnOfAnotherFlow,
        Token::Absent,
        Token::OfAnotherBrowser,
        Token::Altered,
        Token::BareCookieValue,
        Token::OwnInAHeader,
    ];
    let origins = [Origin::Absent, Origin::Own, Origin::Listed, Origin::Foreign, Origin::Null];
    let sites = [
        FetchedFrom::Absent,
        FetchedFrom::SameOrigin,
        FetchedFrom::SameSite,
        FetchedFrom::CrossSite,
        FetchedFrom::None,
    ];
    let of_an_origin =
        move |token, origin| sites.into_iter().map(move |from| Case { client, sent, cookie, token, origin, from });
    tokens.into_iter().flat_map(move |token| origins.into_iter().flat_map(move |origin| of_an_origin(token, origin)))
}

fn content_type(sent: Sent) -> &'static str {
    match sent {
        Sent::Form => FORM,
        Sent::Json | Sent::Put => JSON,
        Sent::Multipart => "multipart/form-data; boundary=edge",
        Sent::PlainText => "text/plain",
        Sent::Get | Sent::Head => "",
    }
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Absent => "",
        Origin::Own => "https://app.example.org",
        Origin::Listed => LISTED,
        Origin::Foreign => "https://evil.example",
        Origin::Null => "null",
    }
}

fn fetched_from(from: FetchedFrom) -> &'static str {
    match from {
        FetchedFrom::Absent => "",
        FetchedFrom::SameOrigin => "same-origin",
        FetchedFrom::SameSite => "same-site",
        FetchedFrom::CrossSite => "cross-site",
        FetchedFrom::None => "none",
    }
}

/// The token with its first character replaced.
fn altered(token: &str) -> String {
    let first = if token.starts_with('A') { "B" } else { "A" };
    format!("{first}{}", token.get(1..).unwrap_or_default())
}

fn as_json(email: &str, token: &str) -> String {
    let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": email } });
    let mut answer = answer;
    if !token.is_empty() {
        answer["csrf_token"] = token.into();
    }
    answer.to_string()
}

fn fields<'f>(email: &'f str, token: &'f str) -> impl Iterator<Item = (&'static str, &'f str)> {
    let fields =
        [("method", "password"), ("password", "correct horse"), ("traits.email", email), ("csrf_token", token)];
    fields.into_iter().filter(|(_, value)| !value.is_empty())
}

fn as_form(email: &str, token: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields(email, token)).finish()
}

fn as_multipart(email: &str, token: &str) -> String {
    let part = |(name, value)| format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    fields(email, token).map(part).chain(["--edge--\r\n".to_owned()]).collect()
}
