//! F3: what a `return_to` comes to is read from the `Location` that a page gets when somebody signed up.

use serde_json::Value;
use tokio::runtime::Runtime;
use tower_registration::memory::Memory;
use tower_registration::methods::Password;
use tower_registration::testing::PERSON;
use tower_registration::{Hashing, Registration, Schema, Secret, Style};
use url::Url;

use super::door::{Answer, Door, FORM, NAVIGATION, Opened};

pub(super) const KEPT: &str = include_str!("../corpus/redirects.json");

/// Scheme, host, port and path of what is listed; a star stands for labels.
const LISTED: [(&str, &str, Option<u16>, &str); 6] = [
    ("https", "www.example.org", Some(443), "/app"),
    ("https", "*.wild.example.org", Some(443), "/in"),
    ("https", "port.example.org", Some(8443), ""),
    ("http", "127.0.0.1", Some(4455), "/after"),
    ("myapp", "callback", None, ""),
    ("https", "id.example.org", Some(443), "/auth/self-service"),
];

/// Plays an input of the fuzz target `return_to`: what is asked for, as it stands.
pub(crate) struct Harness {
    runtime: Runtime,
    door: Door,
    played: usize,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, door: door(&listed()), played: 0 }
    }

    /// Whether a page is led there.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        self.played += 1;
        if self.played.is_multiple_of(500) {
            self.door = door(&listed());
        }
        self.runtime.block_on(async {
            if let Ok(text) = std::str::from_utf8(input) {
                means_one_place(&self.door, text).await;
            }
            ends_in_the_list(&self.door, input).await
        })
    }
}

/// Whether a page is led there in the end: a listed place.
pub(super) async fn ends_in_the_list(door: &Door, target: &[u8]) -> bool {
    let before = door.stored();
    match sign_up(door, &format!("return_to={}", encoded(target))).await {
        Ok(location) => {
            assert!(is_listed(&location), "{} ends at {location}", target.escape_ascii());
            true
        }
        Err(answer) => {
            assert!(answer.is_clear_refusal(), "{}: {answer:?}", target.escape_ascii());
            assert!(door.stored() == before, "{} is stored", target.escape_ascii());
            false
        }
    }
}

/// What is accepted means a listed place, also to somebody who knows no default URL.
pub(super) async fn means_one_place(door: &Door, target: &str) {
    let path = format!("/auth/self-service/registration/api?return_to={}", encoded(target.as_bytes()));
    let accepted = door.open(&path, &[]).await.is_ok();
    if let (true, Ok(alone)) = (accepted, Url::parse(target)) {
        assert!(is_listed(alone.as_str()), "{target:?} is accepted, and alone it is {alone}");
    }
}

/// Signs somebody up on a page that was opened with this query; where the page is led then.
pub(super) async fn sign_up(door: &Door, query: &str) -> Result<String, Answer> {
    let opened = door.open(&format!("/auth/self-service/registration/browser?{query}"), &[]).await?;
    let email = format!("person-{}@example.org", door.hashes());
    let answer = submit(door, &opened, &email).await;
    match answer.status {
        303 => Ok(answer.location().to_owned()),
        _ => Err(answer),
    }
}

pub(super) async fn submit(door: &Door, opened: &Opened, email: &str) -> Answer {
    let fields =
        [("method", "password"), ("password", "correct horse"), ("traits.email", email), ("csrf_token", &opened.token)];
    let head = [
        ("accept", NAVIGATION.as_bytes()),
        ("content-type", FORM.as_bytes()),
        ("cookie", opened.cookie.as_bytes()),
        ("sec-fetch-site", b"same-origin".as_slice()),
    ];
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    door.submit(&opened.flow, &head, form).await
}

/// Whether a browser that follows `location` from nowhere ends at a listed place.
pub(super) fn is_listed(location: &str) -> bool {
    let Ok(url) = Url::parse(location) else { return false };
    let host = url.host_str().unwrap_or_default();
    let on_host = |listed: &str| match listed.strip_prefix('*') {
        Some(end) => host.strip_suffix(end).is_some_and(|labels| labels.split('.').all(|label| !label.is_empty())),
        None => host == listed,
    };
    let below = |path: &str| url.path().strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let at = |(scheme, host, port, path): &(&str, &str, Option<u16>, &str)| {
        url.scheme() == *scheme && on_host(host) && url.port_or_known_default() == *port && below(path)
    };
    url.username().is_empty() && url.password().is_none() && url.as_str() == location && LISTED.iter().any(at)
}

pub(super) fn encoded(text: &[u8]) -> String {
    percent_encoding::percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

pub(super) fn listed() -> Vec<String> {
    let document: Value = serde_json::from_str(KEPT).unwrap();
    document["listed"].as_array().unwrap().iter().map(|url| url.as_str().unwrap().to_owned()).collect()
}

pub(super) fn door(listed: &[String]) -> Door {
    door_over(&Memory::new(), listed)
}

pub(super) fn door_over(memory: &Memory, listed: &[String]) -> Door {
    let builder = Registration::builder("https://id.example.org/auth")
        .secret(Secret::new([7; 48]).unwrap())
        .schema(Schema::parse("person", PERSON).unwrap())
        .method(Password::new())
        .style(Style::Unified)
        .hashing(Hashing::new().cost(8, 1))
        .storage(memory.clone())
        .identities(memory.clone())
        .registration_ui("https://ui.example.org/sign-up")
        .error_ui("https://ui.example.org/sorry")
        .default_return_url("https://www.example.org/app/welcome");
    let builder = listed.iter().fold(builder, |builder, url| builder.allow_return_url(url));
    Door::with(builder.build().unwrap(), memory.clone())
}
