//! F12: a hash is accepted that was stored, and no other; what is refused costs nothing.

use std::time::Duration;

use tower_registration::hashing::verify;

use super::stopwatch::Stopwatch;

/// How long a check of a cheap or a refused hash may take on a busy machine.
pub(super) const BOUND: Duration = Duration::from_millis(500);

/// The most that a target pays for a check, in KiB times passes.
const PAID: u64 = 1 << 12;

/// The most memory that a stored hash may ask for, in KiB.
const MOST: u64 = 1 << 18;

/// The hash of `correct horse`.
const STORED: &str = "$argon2id$v=19$m=8,t=1,p=1$8cqfowcz6SxWdPDyVbIGQg$5QzIFujDClhDJkNrkZUOlUYTeLqMlKDB4Vg0wkXgm6s";

/// Plays an input of the fuzz target `phc`: a stored hash.
pub(crate) struct Harness;

impl Harness {
    pub(crate) fn new() -> Self {
        Self
    }

    /// Whether the password is right by it.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        match cost(text) {
            // That may be paid, and takes its time.
            Some((memory, passes)) if memory <= MOST && passes <= 16 && memory * passes > PAID => false,
            _ => is_nobodys(STORED, text),
        }
    }
}

/// Accepted is what is stored, or another spelling of its cost: salt and hash to the letter. Whether it is.
pub(super) fn is_nobodys(phc: &str, changed: &str) -> bool {
    let watch = Stopwatch::start();
    let verdict = verify(changed, &"correct horse".into());
    let tail = phc.rsplitn(3, '$').take(2).collect::<Vec<_>>();
    let same_tail = changed.rsplitn(3, '$').take(2).eq(tail);
    assert!(verdict != Ok(true) || same_tail, "{changed}");
    assert!(verdict == Ok(true) || changed != phc, "{changed}");
    assert!(watch.elapsed() < BOUND, "{:?} for {changed}", watch.elapsed());
    verdict == Ok(true)
}

/// A second reader of costs: what follows the first `m=` and `t=`, else the defaults of the algorithm.
fn cost(text: &str) -> Option<(u64, u64)> {
    let number = |name: &str, default: u64| {
        let Some((_, rest)) = text.split_once(name) else { return Some(default) };
        rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
    };
    text.starts_with("$argon2").then(|| Some((number("m=", 19_456)?, number("t=", 2)?)))?
}
