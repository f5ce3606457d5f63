//! G1 with memory: no secret of a person stands in a log line, an error body or a panic.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use tower_registration::methods::{Code, Password};
use tower_registration::testing::{App, ClientKind, Reply};
use tower_registration::{After, Verification};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::ADA;

const PASSWORD: &str = "canary-Pa55w0rd-zebra";

static LOG: Mutex<String> = Mutex::new(String::new());

/// Writes down everything that is logged, at every level.
struct Everything;

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

fn log(write: impl FnOnce(&mut Line<'_>)) {
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    write(&mut Line(&mut log));
    log.push('\n');
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        log(|line| span.record(line));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        log(|line| values.record(line));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        log(|line| event.record(line));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A secret as it might be written down.
fn spellings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let urlencoded = form_urlencoded::byte_serialize(bytes).collect();
    let mut all = vec![secret.to_owned(), STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes), hex, urlencoded];
    all.extend((secret.len() > 8).then(|| secret[..8].to_owned()));
    all
}

/// Whether a secret stands in a text, in whatever spelling.
pub(crate) fn holds(text: &str, secret: &str) -> bool {
    spellings(secret).iter().any(|spelling| text.contains(spelling.as_str()))
}

/// From now on everything that is logged in this program is written down.
pub(crate) fn listen() {
    let _ = tracing::subscriber::set_global_default(Everything);
}

/// What was logged so far.
pub(crate) fn heard() -> String {
    LOG.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

#[tokio::test]
async fn g1_no_secret_is_written_down() {
    listen();
    let mut secrets = vec![PASSWORD.to_owned()];
    let mut errors = String::new();
    for (kind, by_link) in [(ClientKind::Browser, true), (ClientKind::Spa, false), (ClientKind::Native, false)] {
        let verification = if by_link { Verification::by_link("/verify") } else { Verification::by_code("/verify") };
        let app = App::with(|builder| {
            let after = After::new().session(true).show_verification_ui(true);
            builder.method(Code::new()).method(Password::new()).verification(verification).after(after)
        })
        .unwrap();
        app.mailbox().fail_next(3);
        let mut client = app.client(kind);
        let mut keep = |reply: &Reply| {
            if reply.status() >= 400 {
                errors.push_str(&String::from_utf8_lossy(reply.body()));
            }
        };
        let page = client.open().await;
        for answer in [
            json!({ "method": "password", "password": PASSWORD }),
            json!({ "method": "password", "password": PASSWORD, "traits": 7, "csrf_token": "x" }),
            json!({ "method": "password", "password": [PASSWORD], "traits": { "email": ADA } }),
            json!({ "method": "nobody", "password": PASSWORD, "traits": { "email": ADA } }),
            json!({ "method": "password", "password": PASSWORD, "traits": { "email": ADA } }),
        ] {
            let reply = client.submit(&page, answer).await;
            keep(&reply);
            secrets.extend(reply.at("/session_token").as_str().map(str::to_owned));
        }
        let mut other = app.client(kind);
        let page = other.open().await;
        let asked = json!({ "method": "code", "traits": { "email": "bob@example.org" } });
        let sent = other.submit(&page, asked.clone()).await;
        let sent = other.page(sent).await;
        while !app.memory().outbox().is_empty() {
            app.deliver().await.unwrap();
            app.clock().advance(time::Duration::minutes(2));
        }
        let code = app.mailbox().latest_code("bob@example.org").unwrap();
        for code in ["999999", &code] {
            let mut answer = asked.clone();
            answer["code"] = code.into();
            keep(&other.submit(&sent, answer).await);
        }
        let link = app.mailbox().latest_link(ADA).unwrap();
        keep(&client.get(link.strip_prefix("https://app.example.org/auth").unwrap()).await);
        secrets.extend(link.rsplit(['=', '&']).next().filter(|_| by_link).map(str::to_owned));
        secrets.push(code);
        secrets.extend(client.cookies().values().cloned());
    }

    let log = heard();
    assert!(log.contains("the test lets this letter fail"), "the log is heard: {log}");
    for secret in &secrets {
        assert!(!holds(&log, secret), "{secret} is in the log");
        assert!(!holds(&errors, secret), "{secret} is in an error");
    }
    assert!(secrets.len() > 10);
}
