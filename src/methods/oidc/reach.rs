//! How providers are asked: one client, short patience, and what need not be asked twice.
//!
//! | what | how long | how large |
//! |---|---|---|
//! | a document or an answer | 5 s | 64 KiB |
//! | a set of keys | 5 s | 512 KiB |
//!
//! Only an answer with the status 200 counts; a redirect is none. What a provider says about itself, and its keys, are
//! kept for an hour. Keys are also asked for when a token names one that is not known, though not more often than once a
//! minute: a token can be made up by anybody. Of many that want the same document one asks, and the others wait; if that
//! fails, they all hear of it, and for a second nobody asks again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration as Patience;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use tokio::time::Instant;
use url::Url;

use super::jose::Keys;
use super::metadata::Metadata;
use super::trouble;
use crate::host::{Fetch, FetchRequest, Fetched, Unfetched};
use crate::stop::Stop;

const TIME_LIMIT: Patience = Patience::from_secs(5);
const LARGEST_ANSWER: usize = 64 << 10;
const LARGEST_KEYS: usize = 512 << 10;
/// How long a failure counts.
const FAILED_FOR: Patience = Patience::from_secs(1);
/// How many documents are kept.
const MOST_KEPT: usize = 256;

/// A client, and what it has learned.
#[derive(Clone)]
pub(super) struct Reach {
    fetch: Arc<dyn Fetch>,
    providers: Shelf<Metadata>,
    keys: Shelf<Keys>,
    /// How long something learned is kept.
    pub(super) age: Duration,
    /// How long at least between two requests for the keys of a provider.
    pub(super) pause: Duration,
}

impl Reach {
    pub(super) fn new(fetch: Arc<dyn Fetch>) -> Self {
        let (providers, keys) = (Shelf::default(), Shelf::default());
        Self { fetch, providers, keys, age: Duration::hours(1), pause: Duration::minutes(1) }
    }

    /// Asks, with the limits of this module.
    pub(super) async fn ask(&self, request: FetchRequest) -> Result<Fetched, Unfetched> {
        let request = request.with_time_limit(TIME_LIMIT).with_size_limit(LARGEST_ANSWER);
        self.fetch.fetch(with_accept(request)).await
    }

    /// Asks about a person.
    pub(super) async fn ask_json(&self, request: FetchRequest) -> Result<Value, Stop> {
        let answer = self.ask(request).await.map_err(|error| trouble::not_redeemed(told(&error)))?;
        if answer.status() != http::StatusCode::OK {
            return Err(trouble::wrong_status(answer.status()));
        }
        let unreadable = |_| trouble::not_redeemed("an answer of a provider is no JSON");
        serde_json::from_slice(answer.body()).map_err(unreadable)
    }

    /// Sends a form.
    pub(super) fn form(url: Url, pairs: &[(String, String)]) -> FetchRequest {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        FetchRequest::post(url).with_header(CONTENT_TYPE, kind).with_body(Bytes::from(body))
    }

    /// What a provider says about itself under this URL, if that is sound.
    pub(super) async fn metadata(&self, url: &Url, issuer: &str, now: OffsetDateTime) -> Result<Arc<Metadata>, String> {
        let fresh = |known: &Metadata, age: Duration| age < self.age && known.issuer == issuer;
        let read = || async { Metadata::read(&self.read(url, LARGEST_ANSWER).await?, issuer) };
        self.providers.get(url, now, fresh, read).await
    }

    /// The keys under this URL; asked for anew when `enough` is not content with those that are known.
    pub(super) async fn keys(
        &self,
        url: &Url,
        now: OffsetDateTime,
        enough: impl Fn(&Keys) -> bool + Send + Sync,
    ) -> Result<Arc<Keys>, String> {
        let fresh = |keys: &Keys, age: Duration| age < self.age && (enough(keys) || age < self.pause);
        let read = || async {
            let document = self.read(url, LARGEST_KEYS).await?;
            Keys::read(&document).ok_or_else(|| "it answered with something that is no set of keys".to_owned())
        };
        self.keys.get(url, now, fresh, read).await
    }

    async fn read(&self, url: &Url, largest: usize) -> Result<Value, String> {
        let request = FetchRequest::get(url.clone()).with_time_limit(TIME_LIMIT).with_size_limit(largest);
        let answer = self.fetch.fetch(with_accept(request)).await.map_err(|error| told(&error))?;
        match answer.status() {
            http::StatusCode::OK => serde_json::from_slice(answer.body())
                .map_err(|_| "it answered with something that is no JSON".to_owned()),
            status => Err(format!("it answered with the status {}", status.as_u16())),
        }
    }
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reach").field("age", &self.age).field("pause", &self.pause).finish_non_exhaustive()
    }
}

fn with_accept(request: FetchRequest) -> FetchRequest {
    match request.headers().contains_key(ACCEPT) {
        true => request,
        false => request.with_header(ACCEPT, HeaderValue::from_static("application/json")),
    }
}

fn told(error: &Unfetched) -> String {
    format!("{error}")
}

/// Things by their URLs, each asked for by one at a time.
struct Shelf<T> {
    places: Arc<Mutex<HashMap<Url, Arc<Place<T>>>>>,
}

/// The place of one thing. Whoever holds it asks.
type Place<T> = tokio::sync::Mutex<Kept<T>>;

struct Kept<T> {
    value: Option<(Arc<T>, OffsetDateTime)>,
    failed: Option<(String, Instant)>,
}

impl<T> Shelf<T> {
    async fn get<F: Future<Output = Result<T, String>> + Send>(
        &self,
        url: &Url,
        now: OffsetDateTime,
        fresh: impl Fn(&T, Duration) -> bool,
        read: impl FnOnce() -> F,
    ) -> Result<Arc<T>, String> {
        let place = self.place(url);
        let mut kept = place.lock().await;
        if let Some((value, at)) = &kept.value
            && fresh(value, now - *at)
        {
            return Ok(Arc::clone(value));
        }
        if let Some((why, _)) = kept.failed.as_ref().filter(|(_, at)| at.elapsed() < FAILED_FOR) {
            return Err(why.clone());
        }
        match read().await {
            Ok(value) => {
                let value = Arc::new(value);
                *kept = Kept { value: Some((Arc::clone(&value), now)), failed: None };
                Ok(value)
            }
            Err(why) => {
                kept.failed = Some((why.clone(), Instant::now()));
                Err(why)
            }
        }
    }

    fn place(&self, url: &Url) -> Arc<Place<T>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= MOST_KEPT && !places.contains_key(url) {
            places.clear();
        }
        Arc::clone(places.entry(url.clone()).or_default())
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { value: None, failed: None }
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { places: Arc::default() }
    }
}

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        Self { places: Arc::clone(&self.places) }
    }
}
