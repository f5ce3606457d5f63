//! F1, F2: whatever body comes, the service answers; what is refused leaves nobody and no session behind.

use tokio::runtime::Runtime;

use super::door::{Answer, Door, FORM, JSON, NAVIGATION, Opened};
use super::second_reader::{self, Node};

/// The types of bodies that are told apart, and some that nobody reads.
pub(super) const TYPES: [&str; 6] =
    [JSON, FORM, "multipart/form-data; boundary=x", "text/plain", "", "application/json; charset=utf-8"];

/// Bodies up to here keep the bounds for texts.
const SHORT: usize = 4_096;

/// Stands for the token of the flow in an input.
const TOKEN: &[u8] = b"${token}";

/// Who sends it, and with what.
#[derive(Clone, Copy, Debug)]
pub(super) enum Client {
    Native,
    Script { with_cookie: bool },
    Page { with_cookie: bool },
}

impl Client {
    pub(super) const ALL: [Self; 5] = [
        Self::Native,
        Self::Script { with_cookie: true },
        Self::Page { with_cookie: true },
        Self::Script { with_cookie: false },
        Self::Page { with_cookie: false },
    ];
}

/// Plays an input of the fuzz target `body`: a digit for the client, one for the type, and the body.
pub(crate) struct Harness {
    runtime: Runtime,
    door: Door,
    played: usize,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, door: Door::default_app(), played: 0 }
    }

    /// Whether somebody registered by it.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        let Some((&[client, kind], body)) = input.split_first_chunk::<2>() else { return false };
        let at = |digit: u8, many: usize| usize::from(digit.wrapping_sub(b'0')) % many;
        let (client, kind) = (Client::ALL[at(client, Client::ALL.len())], TYPES[at(kind, TYPES.len())]);

        let registered = self.runtime.block_on(leaves_nothing(&self.door, client, kind, body.to_vec()));

        self.played += 1;
        // The next input meets a service that knows nobody.
        if registered || self.played.is_multiple_of(500) {
            self.door = Door::default_app();
        }
        registered
    }
}

/// Sends a body on a fresh flow: an answer of ours, and somebody exists only if it says so. Whether it does.
pub(super) async fn leaves_nothing(door: &Door, client: Client, content_type: &str, body: Vec<u8>) -> bool {
    let opened = match client {
        Client::Native => door.open_native().await,
        Client::Script { .. } | Client::Page { .. } => door.open_browser("").await,
    };
    let before = door.stored();

    let answer = send(door, client, &opened, content_type, body.clone()).await;

    let after = door.stored();
    if matches!(client, Client::Native) && (1..=SHORT).contains(&body.len()) {
        is_read_alike(content_type, &body, &answer);
    }
    let registered = answer.body.get("identity").is_some() || answer.location() == "https://app.example.org/welcome";
    assert!(after.flows == before.flows, "a flow was begun: {}", answer.brief());
    if registered {
        assert!((after.identities, after.sessions) == (before.identities + 1, before.sessions + 1));
        return true;
    }
    assert!(after == before, "something is stored: {}", answer.brief());
    assert!(is_refused(&answer, &opened), "{client:?}: {}", answer.brief());
    false
}

async fn send(door: &Door, client: Client, opened: &Opened, content_type: &str, body: Vec<u8>) -> Answer {
    let (accept, cookie) = match client {
        Client::Native => (JSON, ""),
        Client::Script { with_cookie } => (JSON, if with_cookie { opened.cookie.as_str() } else { "" }),
        Client::Page { with_cookie } => (NAVIGATION, if with_cookie { opened.cookie.as_str() } else { "" }),
    };
    let head = [("accept", accept), ("content-type", content_type), ("cookie", cookie)]
        .map(|(name, value)| (name, value.as_bytes()));
    let body = with_token(body, content_type, opened);
    door.submit(&opened.flow, &head, body).await
}

/// A form is given the right token, and JSON where it asks for it, so that what stands behind the guard is reached too.
fn with_token(mut body: Vec<u8>, content_type: &str, opened: &Opened) -> Vec<u8> {
    if content_type == FORM && !opened.token.is_empty() {
        let token = form_urlencoded::Serializer::new(String::new()).append_pair("csrf_token", &opened.token).finish();
        body = [token.as_bytes(), b"&", &body].concat();
    }
    match body.windows(TOKEN.len()).position(|window| window == TOKEN) {
        Some(at) => [&body[..at], opened.token.as_bytes(), &body[at + TOKEN.len()..]].concat(),
        None => body,
    }
}

/// A clear refusal, or a page that is led to its form or to the error page.
fn is_refused(answer: &Answer, opened: &Opened) -> bool {
    let to = answer.location();
    match answer.status {
        302 => to == format!("https://app.example.org/sign-up?flow={}", opened.flow),
        303 => to.starts_with("https://app.example.org/sorry?id="),
        _ => answer.is_clear_refusal(),
    }
}

/// A second reader finds the same address in a body, and nothing where the service finds nothing.
fn is_read_alike(content_type: &str, body: &[u8], answer: &Answer) {
    let address = match content_type {
        JSON => second_reader::json(body).filter(|node| matches!(node, Node::Members(_))).map(|node| address(&node)),
        FORM => second_reader::form(body).map(|fields| address_in(&fields)),
        _ => return,
    };
    let numbers: Vec<u64> = answer.page_messages().iter().map(|(number, _)| *number).collect();
    let Some(address) = address else {
        assert_eq!(numbers, [4_000_001], "{}: {}", body.escape_ascii(), answer.brief());
        return;
    };
    let Some(address) = address.filter(|_| answer.status == 400) else { return };
    let nodes = answer.body["ui"]["nodes"].as_array().cloned().unwrap_or_default();
    let shown = nodes.iter().find(|node| node["attributes"]["name"] == "traits.email");
    let shown = shown.and_then(|node| node["attributes"]["value"].as_str());
    assert_eq!(shown, Some(address.as_str()), "{}: {}", body.escape_ascii(), answer.brief());
}

/// The address in a body that holds no other traits and is for the password.
fn address(node: &Node) -> Option<String> {
    let traits = node.member("traits")?;
    let plain = node.names().iter().all(|name| *name == "traits" || !name.starts_with("tra"));
    let plain = plain && traits.names() == ["email"] && node.member("method")?.text() == Some("password");
    traits.member("email")?.text().filter(|text| plain && !text.is_empty()).map(str::to_owned)
}

/// The same in a form.
fn address_in(fields: &[(String, String)]) -> Option<String> {
    let of = |name: &str| fields.iter().filter(|(own, _)| own == name).map(|(_, value)| value).collect::<Vec<_>>();
    let others = fields.iter().any(|(name, _)| name.starts_with("tra") && name != "traits.email");
    let bounded = fields.len() <= 200 && fields.iter().all(|(name, _)| name.split('.').count() <= 16);
    let broken = fields.iter().any(|(name, value)| name.contains('\u{fffd}') || value.contains('\u{fffd}'));
    match (&of("traits.email")[..], &of("method")[..]) {
        ([address], [method]) if *method == "password" && !others && bounded && !broken => {
            Some((*address).clone()).filter(|address| !address.is_empty())
        }
        _ => None,
    }
}
