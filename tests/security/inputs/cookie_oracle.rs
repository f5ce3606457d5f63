//! F6: what was issued is accepted, and nothing else.
//!
//! Whether something was accepted shows in what the answer speaks of: of the password, which is too short, or of CSRF.

use http::Method;
use http::header::HeaderValue;
use serde_json::json;
use tokio::runtime::Runtime;

use super::door::{Answer, Door, JSON, NAVIGATION, Opened, submit_path};

/// Plays an input of the fuzz target `cookies`: a line for the token, then lines of cookies. `{name}`, `{value}` and
/// `{token}` stand for what the flow was begun with, `{other}` and `{foreign}` for another browser's cookie and token.
pub(crate) struct Harness {
    runtime: Runtime,
    door: Door,
    own: Opened,
    other: Opened,
    played: usize,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let door = Door::default_app();
        let (own, other) = runtime.block_on(async { (door.open_browser("").await, door.open_browser("").await) });
        Self { runtime, door, own, other, played: 0 }
    }

    /// Whether the flow takes them.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        self.played += 1;
        if self.played.is_multiple_of(500) {
            *self = Self::new();
        }
        let lines: Vec<Vec<u8>> = input.split(|byte| *byte == b'\n').map(|line| self.filled(line)).collect();
        let Some((token, cookies)) = lines.split_first() else { return false };
        let cookies: Vec<&[u8]> = cookies.iter().map(Vec::as_slice).filter(|line| !line.is_empty()).collect();
        if cookies.iter().any(|line| HeaderValue::from_bytes(line).is_err()) {
            return false;
        }
        let token = String::from_utf8_lossy(token);
        let too_many = self.runtime.block_on(answers_everywhere(&self.door, &self.own, &cookies));
        let accepted = !too_many && self.runtime.block_on(is_accepted(&self.door, &self.own.flow, &cookies, &token));
        let issued = token == self.own.token && self.is_ours_alone(&cookies);
        assert!(!accepted || issued, "accepted: {}", input.escape_ascii());
        accepted
    }

    /// A second reader of cookies: one has the name, and it has the value.
    fn is_ours_alone(&self, lines: &[&[u8]]) -> bool {
        let (name, _) = self.own.cookie.split_once('=').unwrap();
        let cookies = lines.iter().flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
        let mut named =
            cookies.filter(|cookie| cookie.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"=")));
        named.next() == Some(self.own.cookie.as_bytes()) && named.next().is_none()
    }

    fn filled(&self, line: &[u8]) -> Vec<u8> {
        let (name, value) = self.own.cookie.split_once('=').unwrap();
        let (_, other) = self.other.cookie.split_once('=').unwrap();
        let places = [
            ("{name}", name),
            ("{value}", value),
            ("{token}", &self.own.token),
            ("{other}", other),
            ("{foreign}", &self.other.token),
        ];
        places.iter().fold(line.to_vec(), |line, (place, word)| replaced(&line, place.as_bytes(), word.as_bytes()))
    }
}

fn replaced(line: &[u8], place: &[u8], word: &[u8]) -> Vec<u8> {
    let (mut done, mut rest) = (Vec::new(), line);
    while let Some(at) = rest.windows(place.len()).position(|window| window == place) {
        done.extend_from_slice(&rest[..at]);
        done.extend_from_slice(word);
        rest = &rest[at + place.len()..];
    }
    [done.as_slice(), rest].concat()
}

/// These lines of cookies bring down nothing that can be asked, and nobody registers by them. Whether they are more than
/// is read.
pub(super) async fn answers_everywhere(door: &Door, own: &Opened, cookies: &[&[u8]]) -> bool {
    let head = head(cookies, &[("accept", NAVIGATION.as_bytes())]);
    let before = door.stored().identities;
    let show = format!("/auth/self-service/registration/flows?id={}", own.flow);
    let reads = [
        "/auth/self-service/registration/browser",
        "/auth/self-service/registration/api",
        "/auth/sessions/whoami",
        &show,
    ];
    for path in reads {
        let answer = door.ask(Method::GET, path, &head, bytes::Bytes::new()).await;
        assert!(answer.status < 500, "{path}: {}", answer.brief());
    }
    let answer = submit(door, &own.flow, cookies, &own.token).await;
    assert!([400, 403].contains(&answer.status), "{}", answer.brief());
    assert_eq!(door.stored().identities, before);
    answer.error_reason() == "The request has more cookies than are accepted."
}

/// Whether a flow takes this token beside these lines of cookies.
pub(super) async fn is_accepted(door: &Door, flow: &str, cookies: &[&[u8]], token: &str) -> bool {
    let answer = submit(door, flow, cookies, token).await;
    match (answer.status, answer.error_id().as_str()) {
        (403, "security_csrf_violation") => false,
        (400, "") => answer.field_messages() == [("password".to_owned(), vec![4_000_032])],
        _ => panic!("{}", answer.brief()),
    }
}

async fn submit(door: &Door, flow: &str, cookies: &[&[u8]], token: &str) -> Answer {
    let answer = json!({
        "method": "password", "password": "short", "traits": { "email": "ada@example.org" }, "csrf_token": token
    });
    let head = head(cookies, &[("accept", JSON.as_bytes()), ("content-type", JSON.as_bytes())]);
    door.ask(Method::POST, &submit_path(flow), &head, answer.to_string().into()).await
}

/// Headers, with a line for the cookies each.
fn head<'h>(cookies: &[&'h [u8]], others: &[(&'h str, &'h [u8])]) -> Vec<(&'h str, &'h [u8])> {
    let cookies = cookies.iter().map(|line| ("cookie", *line));
    others.iter().copied().chain(cookies).collect()
}
