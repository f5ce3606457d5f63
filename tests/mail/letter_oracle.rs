//! F13: a letter has its headers and no others, its lines end as they must, and what arrives is what was worded.

use tokio::runtime::Runtime;
use tower_registration::testing::App;

use super::office::{Words, ask, by_code, courier};
use super::peer::{Peer, Received};

const HEADERS: [&str; 7] = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"];

/// Plays an input of the fuzz target `letters`: subject, text and HTML, with a byte 0xFF between them.
pub(crate) struct Harness {
    runtime: Runtime,
    peer: Peer,
    words: Words,
    app: App,
    played: usize,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (peer, words) = (runtime.block_on(Peer::plain()), Words::default());
        let templates = words.clone();
        let app = runtime.block_on(async { by_code(courier(&peer).build().unwrap(), |b| b.templates(templates)) });
        Self { runtime, peer, words, app, played: 0 }
    }

    /// Whether it is a letter.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        let mut parts = input.split(|byte| *byte == 0xff).map(String::from_utf8_lossy);
        let (subject, text) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let html = parts.next();
        let words = (&self.words, subject.as_ref(), text.as_ref(), html.as_deref());
        let received = self.runtime.block_on(sent(&self.app, &self.peer, self.played, words));
        is_as_worded(&received, &text, html.as_deref());
        self.played += 1;
        if self.played.is_multiple_of(500) {
            *self = Self { played: self.played, ..Self::new() };
        }
        true
    }
}

/// A letter is sound, and its parts are these.
pub(crate) fn is_as_worded(received: &Received, text: &str, html: Option<&str>) {
    is_sound(received);
    let email = received.email();
    assert_eq!((email.text, email.html), (lines(text), html.map(lines)));
}

/// One e-mail as it must be: the fixed headers, one recipient, no line end that is none.
pub(crate) fn is_sound(received: &Received) {
    let bytes = received.bytes();
    let text = std::str::from_utf8(&bytes).unwrap();
    let email = received.email();
    let mut names = email.names();
    names.retain(|name| *name != "Content-Transfer-Encoding");
    assert_eq!(names, HEADERS, "{text}");
    assert_eq!(received.recipients().len(), 1);
    assert!(text.is_ascii() && !text.contains('\0'), "{text}");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text:?}");
    assert!(text.split("\r\n").all(|line| line.len() <= 998), "{text}");
    let raw = std::str::from_utf8(&received.raw).unwrap();
    assert!(raw.split("\r\n").all(|line| !line.starts_with('.') || line.starts_with("..")), "{raw}");
}

/// Line ends as every template may write them, as an e-mail has them.
pub(crate) fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Subjects in one line, without what cannot be printed, and not too long.
pub(crate) fn one_line(subject: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    subject.trim().chars().map(printable).take(200).collect()
}

/// Sends words of a host's template and reads what arrives.
pub(crate) async fn sent(app: &App, peer: &Peer, n: usize, words: (&Words, &str, &str, Option<&str>)) -> Received {
    let (own, subject, text, html) = words;
    own.set(subject, text, html);
    let _ = ask(app, &format!("ada{n}@example.org")).await;
    assert_eq!(app.deliver().await.unwrap().delivered, 1);
    peer.take().pop().unwrap()
}

/// The words of a subject: what RFC 2047 encodes, and what stands between.
pub(crate) fn decoded(subject: &str) -> String {
    use base64::Engine as _;
    let mut bytes = Vec::new();
    let mut after_encoded = false;
    for word in subject.split(' ') {
        let encoded = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
        // The blank between two encoded words belongs to neither.
        let within = after_encoded && encoded.is_some();
        if !bytes.is_empty() && !within {
            bytes.push(b' ');
        }
        match encoded {
            Some(word) => bytes.extend(base64::engine::general_purpose::STANDARD.decode(word).unwrap()),
            None => bytes.extend(word.bytes()),
        }
        after_encoded = encoded.is_some();
    }
    String::from_utf8(bytes).unwrap()
}
