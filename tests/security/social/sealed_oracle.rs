//! F7: a state and a cookie that are accepted were made by us, for each other, and for that.

use tokio::runtime::Runtime;
use tower_registration::testing::{App, Client, IdentityProvider};

use super::journey::{WELCOME, begin, nobody, parameter, plain_app, provider, with_parameter};

const COOKIE: &str = "ory_kratos_continuity";

/// Plays an input of the fuzz target `sealed`: which words take the places of a state and of a cookie, and what changes
/// on their way.
pub(crate) struct Harness {
    runtime: Runtime,
    provider: IdentityProvider,
    app: App,
    /// Words of another browser, good for other things, or for nothing.
    words: Vec<String>,
    played: usize,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let provider = provider();
        let app = plain_app(&provider);
        let words = runtime.block_on(async {
            let mut eve = app.browser();
            let back = begin(&mut eve, &provider, "local").await;
            let csrf = eve.cookies().iter().find(|(name, _)| name.starts_with("csrf_token")).unwrap().1.clone();
            vec![parameter(&back, "state"), cookie(&mut eve), csrf, String::new()]
        });
        Self { runtime, provider, app, words, played: 0 }
    }

    /// Whether the browser comes back signed in.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        let (mut rest, runtime) = (input, &self.runtime);
        let (right, came) = runtime.block_on(async {
            let mut ada = self.app.browser();
            let back = begin(&mut ada, &self.provider, "local").await;
            let (state, own) = (parameter(&back, "state"), cookie(&mut ada));
            let (as_state, as_cookie) = (self.word(&mut rest, [&state, &own]), self.word(&mut rest, [&own, &state]));
            let right = state == as_state && own == as_cookie;
            ada.cookies().insert(COOKIE.to_owned(), as_cookie);
            (right, ada.follow(&with_parameter(&back, "state", &as_state)).await.location() == WELCOME)
        });
        assert_eq!((came, nobody(&self.app)), (right, !right), "{}", input.escape_ascii());
        self.played += 1;
        if came || self.played.is_multiple_of(500) {
            *self = Self { played: self.played, ..Self::new() };
        }
        came
    }

    /// A word, and up to three changes of it.
    fn word(&self, input: &mut &[u8], own: [&String; 2]) -> String {
        let mut next = || {
            let (first, rest) = input.split_first().unwrap_or((&0, &[]));
            *input = rest;
            *first
        };
        let (which, changes) = (usize::from(next()), next() % 4);
        let word = own.into_iter().chain(&self.words).nth(which % (own.len() + self.words.len())).unwrap();
        (0..changes).fold(word.clone(), |text, _| {
            let at = usize::from(u16::from_be_bytes([next(), next()]));
            let (letter, way) = (next(), next() % 6);
            match way {
                // The beginning of one, the end of another.
                5 => {
                    let other = &self.words[usize::from(letter) % self.words.len()];
                    let at = at % (text.len() + 1);
                    format!("{}{}", &text[..at], &other[at.min(other.len())..])
                }
                _ => changed(&text, Change { at, letter, way }),
            }
        })
    }
}

fn cookie(client: &mut Client) -> String {
    client.cookies()[COOKIE].clone()
}

/// A change of a text: at a place, by a letter, in a way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) at: usize,
    pub(super) letter: u8,
    pub(super) way: u8,
}

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

pub(super) fn changed(text: &str, change: Change) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = change.at % bytes.len().max(1);
    let letter = LETTERS[usize::from(change.letter) % LETTERS.len()];
    match change.way {
        _ if bytes.is_empty() => {}
        0 => bytes[at] = letter,
        1 => drop(bytes.remove(at)),
        2 => bytes.insert(at, letter),
        3 => bytes.truncate(at),
        _ => bytes.rotate_left(at),
    }
    String::from_utf8(bytes).unwrap()
}
