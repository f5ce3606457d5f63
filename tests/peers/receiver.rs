//! A service that hears of sign-ups, in-process: it answers as it was told, and remembers what it heard.

#![allow(dead_code, reason = "each of the tests that share it needs another part")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName};
use serde_json::Value;
use tower_registration::host::{Fetch, FetchRequest, Fetched, Unfetched, UnfetchedKind};

/// What a path answers from now on.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// This status and body, with these headers.
    Answer(u16, Vec<u8>, HeaderMap),
    /// The same after a while.
    After(Duration, u16),
    /// Nothing: it is gone.
    Gone,
    /// Nothing, for ever.
    Silence,
}

/// One request that came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// When it came, by the clock of the runtime.
    pub(crate) at: tokio::time::Instant,
    /// How long an answer was waited for, and how much of it would have been read.
    pub(crate) limits: (Duration, usize),
}

impl Heard {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// The service. Clones share what was heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receiver(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    heard: Vec<Heard>,
    /// By path, in turn; the last stays.
    says: BTreeMap<String, Vec<Says>>,
}

impl Receiver {
    /// Sets what a path answers, one after the other; the last stays. It answers 204 until then.
    pub(crate) fn say(&self, path: &str, answers: impl IntoIterator<Item = Says>) {
        self.0.lock().unwrap().says.insert(path.to_owned(), answers.into_iter().collect());
    }

    /// Sets that a path answers this status and JSON.
    pub(crate) fn answer(&self, path: &str, status: u16, body: &Value) {
        self.say(path, [json(status, body)]);
    }

    /// What came to a path.
    pub(crate) fn heard(&self, path: &str) -> Vec<Heard> {
        self.0.lock().unwrap().heard.iter().filter(|heard| heard.path == path).cloned().collect()
    }

    fn next(&self, path: &str) -> Says {
        let mut state = self.0.lock().unwrap();
        match state.says.get_mut(path) {
            None => Says::Answer(204, Vec::new(), HeaderMap::new()),
            Some(says) if says.len() > 1 => says.remove(0),
            Some(says) => says[0].clone(),
        }
    }
}

/// An answer with this status and JSON.
pub(crate) fn json(status: u16, body: &Value) -> Says {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Says::Answer(status, body, HeaderMap::new())
}

/// An answer with this status and header.
pub(crate) fn with_header(status: u16, name: &'static str, value: &str) -> Says {
    let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().unwrap())]);
    Says::Answer(status, Vec::new(), headers)
}

#[async_trait]
impl Fetch for Receiver {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
        let path = request.url().path().to_owned();
        self.0.lock().unwrap().heard.push(Heard {
            method: request.method().to_string(),
            path: path.clone(),
            headers: request.headers().clone(),
            body: request.body().to_vec(),
            at: tokio::time::Instant::now(),
            limits: (request.time_limit(), request.size_limit()),
        });
        let status = |status| StatusCode::from_u16(status).unwrap();
        match self.next(&path) {
            Says::Answer(code, body, headers) if request.is_status_only() || body.len() <= request.size_limit() => {
                Ok(Fetched::new(status(code)).with_headers(headers).with_body(body))
            }
            Says::Answer(..) => Err(Unfetched::new(UnfetchedKind::TooLarge, "too large")),
            Says::After(pause, code) => {
                let in_time = tokio::time::timeout(request.time_limit(), tokio::time::sleep(pause)).await;
                in_time.map_err(|late| Unfetched::new(UnfetchedKind::TimedOut, late))?;
                Ok(Fetched::new(status(code)))
            }
            Says::Gone => Err(Unfetched::new(UnfetchedKind::Unreachable, "nobody listens")),
            Says::Silence => {
                tokio::time::sleep(request.time_limit()).await;
                Err(Unfetched::new(UnfetchedKind::TimedOut, "silence"))
            }
        }
    }
}
