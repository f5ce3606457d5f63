//! G1 for e-mail: no address, no code and no password of the server stands in a log line, an error or a debug output,
//! whatever the server says.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use time::Duration;
use tower_registration::smtp::{SmtpBuilder, SmtpCourier};
use tower_registration::upkeep::GivenUp;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::certificates::Certificates;
use super::office::{FROM, Noted, ask, by_code};
use super::peer::{Mood, Offers, Peer};

const PASSWORD: &str = "hunter2";
const ADDRESS: &str = "canary.zebra@example.org";

/// Writes down everything that is logged, at every level.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Line(&mut self.0.lock().unwrap()));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut log = self.0.lock().unwrap();
        event.record(&mut Line(&mut log));
        log.push('\n');
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// What a server says that repeats everything it was told.
const TALK: &str = "canary.zebra@example.org hunter2 aHVudGVyMg== AGFkYQBodW50ZXIy is what you said";

/// A secret as it might be written down.
fn spellings(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let bytes = format!("{:?}", secret.as_bytes());
    vec![
        secret.to_owned(),
        STANDARD.encode(secret),
        STANDARD.encode(format!("\0ada\0{secret}")),
        hex,
        bytes.trim_matches(['[', ']']).to_owned(),
        form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
    ]
}

/// Whether a text holds a secret. Six digits within an id or a time are no code.
fn holds(text: &str, secret: &str) -> bool {
    let is_code = secret.len() == 6 && secret.bytes().all(|byte| byte.is_ascii_digit());
    let is_inside = |c: Option<char>| is_code && c.is_some_and(|c| c.is_ascii_alphanumeric());
    let mut found = text.match_indices(secret);
    found.any(|(at, _)| {
        let (before, behind) = (text[..at].chars().next_back(), text[at + secret.len()..].chars().next());
        !is_inside(before) && !is_inside(behind)
    })
}

/// Everything that can be printed while a letter meets this mood, and afterwards.
async fn printed(mood: Mood, password: &str) -> (String, String) {
    let log = Everything::default();
    let _listening = tracing::subscriber::set_default(log.clone());
    let certificates = Certificates::for_name("localhost");
    let tls = Some(certificates.acceptor());
    let peer = Peer::with(Offers { tls, auth: "PLAIN LOGIN", unicode: true, implicit: false }).await;
    let uri = format!("smtp://ada:{PASSWORD}@{}/?server_name=localhost", peer.address);
    let builder: SmtpBuilder = SmtpCourier::from_uri(&uri, FROM).unwrap().root_certificate(certificates.authority);
    let builder = builder.credentials("ada", SecretString::from(password)).time_limit(Duration::seconds(1));
    let courier = builder.clone().build().unwrap();
    let noted = Noted::new(courier.clone());
    let app = by_code(noted.clone(), |builder| builder);
    let told: Arc<Mutex<Vec<GivenUp>>> = Arc::default();
    let own = Arc::clone(&told);
    let dispatcher = app.registration().dispatcher();
    let dispatcher = dispatcher.on_give_up(move |letter| own.lock().unwrap().push(letter.clone()));
    let _ = ask(&app, ADDRESS).await;
    peer.becomes(mood);

    let _ = dispatcher.flush().await.unwrap();
    app.clock().advance(Duration::minutes(1));
    let _ = dispatcher.flush().await.unwrap();

    let tries = noted.tries();
    let code = tries[0].letter.text().chars().filter(char::is_ascii_digit).take(6).collect();
    let mut printed = log.0.lock().unwrap().clone();
    let _ = write!(printed, "{builder:?} {builder:#?} {courier:?} {tries:?} {dispatcher:?} {:?}", told.lock().unwrap());
    let _ = write!(printed, "{:?} {:?} {:?}", app.registration(), app.memory(), app.memory().outbox());
    for letter in told.lock().unwrap().iter() {
        let _ = write!(printed, "{letter:#?}");
    }
    (printed, code)
}

/// Answers that repeat everything, at each place where there is one.
fn talkative(number: &str) -> Vec<Mood> {
    let answer: &'static str = format!("{number} {TALK}").leak();
    ["CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "."].map(|to| Mood::Says(to, answer)).to_vec()
}

#[tokio::test]
async fn g1_nothing_that_a_letter_or_a_server_holds_is_printed() {
    let mut moods = vec![Mood::Well, Mood::Away, Mood::Silent, Mood::Drops, Mood::NoTls, Mood::Injects];
    for number in ["421 4.3.0", "550 5.1.1", "535", "250", "250-", TALK] {
        moods.extend(talkative(number));
    }
    let mut heard = 0;
    for mood in moods {
        let (printed, code) = printed(mood.clone(), PASSWORD).await;

        heard += usize::from(printed.contains("cause="));
        assert_eq!(code.len(), 6);
        for secret in [PASSWORD, ADDRESS, "canary", code.as_str()] {
            for spelling in spellings(secret) {
                assert!(!holds(&printed, &spelling), "{mood:?} {secret} as {spelling}: {printed}");
            }
        }
    }
    assert!(heard > 20, "failures are logged: {heard}");
}

#[tokio::test]
async fn g1_a_refused_password_is_not_printed() {
    let (printed, _) = printed(Mood::Well, "canary-hunter3").await;

    assert!(printed.contains("535 5.7.8"), "{printed}");
    assert!(spellings("canary-hunter3").iter().all(|spelling| !holds(&printed, spelling)), "{printed}");
}

#[test]
fn g1_settings_that_cannot_be_do_not_repeat_a_password() {
    for uri in [
        "smtp://ada:hunter2@/",
        "smtp://ada:hunter2@mail.example.org:99999/",
        "smtp://ada:hunter2@mail.example.org/inbox",
        "smtp://ada:hunter2@mail.example.org/?x=y",
        "smtp://ada:hunter2@mail.example.org/?disable_starttls=hunter2",
        "http://ada:hunter2@mail.example.org/",
        "ada:hunter2@mail.example.org",
        "smtp://ada:hunter2%ff@mail.example.org/",
    ] {
        let error = SmtpCourier::from_uri(uri, FROM).unwrap_err();

        assert!(!format!("{error} {error:?}").contains("hunter2"), "{uri}: {error:?}");
    }
    let key = SecretString::from("hunter2");
    let error = SmtpCourier::builder("mail.example.org", FROM).client_certificate("hunter1", key).build().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter"), "{error:?}");
}
