//! The kept cases, and the list of those that went wrong.

use std::time::Duration;

use serde_json::Value;

use super::stopwatch::Stopwatch;

/// Reads the cases of a file.
pub(super) fn cases(file: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(file).unwrap();
    document["cases"].as_array().unwrap().clone()
}

/// A text of a case: as it stands, pieces with how often each comes, or bytes in hexadecimal digits.
pub(super) fn bytes(text: &Value) -> Vec<u8> {
    match text {
        Value::String(text) => text.clone().into_bytes(),
        Value::Array(pieces) => pieces.iter().flat_map(|piece| repeated(&piece[0], &piece[1])).collect(),
        hex => unhexed(hex["hex"].as_str().unwrap()),
    }
}

fn repeated(piece: &Value, times: &Value) -> Vec<u8> {
    piece.as_str().unwrap().repeat(usize::try_from(times.as_u64().unwrap()).unwrap()).into_bytes()
}

fn unhexed(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// How often something that took too long is played: a busy machine is no fault of the service.
const TRIES: usize = 5;

/// No machine is so busy that something takes this many times its bound.
const HOPELESS: u32 = 5;

/// Plays something and says how long it took.
pub(super) async fn timed<T>(play: impl Future<Output = T>) -> (Duration, T) {
    let watch = Stopwatch::start();
    let played = play.await;
    (watch.elapsed(), played)
}

/// Plays something until it was within the bound, and gives its quickest run.
pub(super) async fn quickest<T>(bound: Duration, play: impl AsyncFn() -> (Duration, T)) -> (Duration, T) {
    let mut best = play().await;
    for played in 1..TRIES {
        // The first time something may be made ready for all later ones.
        if best.0 <= bound || played > 1 && best.0 > bound.saturating_mul(HOPELESS) {
            break;
        }
        let next = play().await;
        if next.0 < best.0 {
            best = next;
        }
    }
    best
}

/// What went wrong, told together at the end.
#[derive(Default)]
pub(super) struct Ledger {
    played: usize,
    faults: Vec<String>,
}

impl Ledger {
    /// Notes a case: whether it went as it should, and what is to be told when not.
    pub(super) fn note(&mut self, right: bool, tell: impl FnOnce() -> String) {
        self.played += 1;
        if !right {
            self.faults.push(tell().chars().take(600).collect());
        }
    }

    /// Notes how long the quickest run of a case took, and how long it may take.
    pub(super) fn note_time(&mut self, bound: Duration, took: Duration, tell: impl FnOnce() -> String) {
        if took > bound {
            self.faults.push(format!("{took:?} for {}", tell()).chars().take(600).collect());
        }
    }

    /// All cases were played and went as they should.
    pub(super) fn close(self, cases: usize) {
        let first: Vec<&String> = self.faults.iter().take(25).collect();
        assert!(first.is_empty(), "{} faults, the first: {first:#?}", self.faults.len());
        assert_eq!(self.played, cases);
    }
}
