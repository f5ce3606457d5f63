//! M3: no letter repeats what a request says about the host that it was sent to. Sixty ways to say it, behind a trusted
//! proxy and behind none; the letters are the same, byte for byte.

use std::sync::Mutex;

use bytes::Bytes;
use http::header::{HOST, HeaderName};
use http::{HeaderValue, Request, Uri};
use http_body_util::Full;
use serde_json::json;
use tower::ServiceExt;
use tower_registration::host::{HostError, Random};
use tower_registration::identity::Channel;
use tower_registration::memory::Memory;
use tower_registration::methods::{Code, Password};
use tower_registration::testing::{BASE_URL, Client, ClientKind, Mailbox};
use tower_registration::{Hashing, Registration, Schema, Secret, Style, Verification};

use super::dice::Dice;
use super::mime::comparable;
use super::office::{VERIFY_UI, courier};
use super::peer::Peer;

const HOSTS: [&str; 12] = [
    "app.example.org",
    "APP.EXAMPLE.ORG",
    "app.example.org:444",
    "evil.example",
    "evil.example:443",
    "app.example.org.evil.example",
    "evil.example@app.example.org",
    "app.example.org, evil.example",
    "app.example.org\\evil.example",
    "[::1]",
    "127.0.0.1",
    "",
];

const FORWARDED: [&[(&str, &str)]; 5] = [
    &[],
    &[("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "http"), ("x-forwarded-port", "81")],
    &[("forwarded", "for=192.0.2.1;host=evil.example;proto=http"), ("x-forwarded-for", "192.0.2.1")],
    &[("x-original-url", "http://evil.example/"), ("x-rewrite-url", "/evil"), ("x-forwarded-prefix", "/evil")],
    &[("x-host", "evil.example"), ("x-forwarded-server", "evil.example"), ("referer", "https://evil.example/")],
];

/// The same bytes in every run.
struct Repeatable(Mutex<Dice>);

impl Random for Repeatable {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostError> {
        let mut dice = self.0.lock().unwrap();
        bytes.fill_with(|| dice.next().to_be_bytes()[0]);
        Ok(())
    }
}

/// What a request says about where it was sent.
#[derive(Clone, Copy, Debug)]
struct Said {
    host: &'static str,
    forwarded: &'static [(&'static str, &'static str)],
}

impl Said {
    fn all() -> impl Iterator<Item = Self> {
        HOSTS.into_iter().flat_map(|host| FORWARDED.into_iter().map(move |forwarded| Self { host, forwarded }))
    }

    /// Says it in this request; a host that a URL can have stands in the URL too.
    fn write(self, mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
        request.headers_mut().insert(HOST, HeaderValue::from_static(self.host));
        for (name, value) in self.forwarded {
            request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let path = request.uri().path_and_query().unwrap().clone();
        let absolute = Uri::builder().scheme("http").authority(self.host).path_and_query(path).build();
        if let Ok(uri) = absolute {
            *request.uri_mut() = uri;
        }
        request
    }
}

/// Ways to cause a letter.
#[derive(Clone, Copy, Debug)]
enum Cause {
    Code,
    TextMessage,
    Verification,
    Link,
    Unknown,
}

const CAUSES: [Cause; 5] = [Cause::Code, Cause::TextMessage, Cause::Verification, Cause::Link, Cause::Unknown];

fn schema() -> Schema {
    let email = json!({ "type": "string", "format": "email", "ory.sh/kratos": {
        "credentials": { "password": { "identifier": true }, "code": { "identifier": true, "via": "email" } },
        "verification": { "via": "email" } } });
    let phone = json!({ "type": "string", "format": "tel", "ory.sh/kratos": {
        "credentials": { "code": { "identifier": true, "via": "sms" } } } });
    let traits = json!({ "type": "object", "properties": { "email": email, "phone": phone } });
    Schema::parse("person", &json!({ "type": "object", "properties": { "traits": traits } }).to_string()).unwrap()
}

/// A service whose secret and choices are the same in every run.
fn service(cause: Cause, proxies: usize, peer: &Peer, messages: &Mailbox) -> Registration {
    let verification = match cause {
        Cause::Link => Verification::by_link(VERIFY_UI),
        _ => Verification::by_code(VERIFY_UI).tell_unknown(true),
    };
    let memory = Memory::new();
    Registration::builder(BASE_URL)
        .secret(Secret::new("the same secret in every run of this test").unwrap())
        .random(Repeatable(Mutex::new(Dice::new(7))))
        .hashing(Hashing::new().cost(8, 1).threads(1))
        .storage(memory.clone())
        .identities(memory)
        .schema(schema())
        .style(Style::Unified)
        .method(Code::new())
        .method(Password::new())
        .verification(verification)
        .courier(Channel::Email, courier(peer).build().unwrap())
        .courier(Channel::Sms, messages.clone())
        .registration_ui("/sign-up")
        .error_ui("/sorry")
        .default_return_url("https://app.example.org/welcome")
        .trusted_proxies(proxies)
        .build()
        .unwrap()
}

/// The letter that arrives.
async fn letter(cause: Cause, said: Said, proxies: usize) -> String {
    let (peer, messages) = (Peer::plain().await, Mailbox::new());
    let registration = service(cause, proxies, &peer, &messages);
    let service = registration.clone().map_request(move |request| said.write(request));
    let mut client = Client::new(service, "/auth", ClientKind::Native);
    let answer = match cause {
        Cause::Code => json!({ "method": "code", "traits": { "email": "ada@example.org" } }),
        Cause::TextMessage => json!({ "method": "code", "traits": { "phone": "+4930123456" } }),
        Cause::Verification | Cause::Link => {
            json!({ "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" } })
        }
        Cause::Unknown => json!({ "method": "code", "email": "ada@example.org" }),
    };
    if matches!(cause, Cause::Unknown) {
        let page = client.open_verification("").await;
        let _ = client.submit_verification(&page, answer).await;
    } else {
        let page = client.open().await;
        let _ = client.submit(&page, answer).await;
    }
    assert_eq!(registration.dispatcher().flush().await.unwrap().delivered, 1, "{cause:?} {said:?}");
    match messages.letters().first() {
        Some(message) => message.text().to_owned(),
        None => comparable(&peer.received()[0].bytes()),
    }
}

#[tokio::test]
async fn m3_letters_do_not_depend_on_what_a_request_says_about_its_host() {
    assert_eq!(Said::all().count(), 60);
    for cause in CAUSES {
        let expected = letter(cause, Said { host: "app.example.org", forwarded: &[] }, 0).await;
        assert!(!expected.contains("evil"), "{expected}");
        for proxies in [0, 1] {
            for said in Said::all() {
                assert_eq!(letter(cause, said, proxies).await, expected, "{cause:?} {said:?} {proxies}");
            }
        }
    }
}

#[tokio::test]
async fn m3_a_text_message_is_bound_to_the_configured_host() {
    let said = Said { host: "evil.example", forwarded: FORWARDED[1] };

    let message = letter(Cause::TextMessage, said, 1).await;

    assert!(message.contains("\n@app.example.org #"), "{message}");
}
