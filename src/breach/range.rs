//! A list of leaked passwords that a service keeps, asked without telling it the password.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest as _, Sha1};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use url::Url;
use zeroize::Zeroizing;

use super::answer::{self, SUFFIX};
use crate::host::{BreachList, Fetch, FetchRequest, Fetched, HostError, Unfetched, UnfetchedKind};

const SERVICE: &str = "https://api.pwnedpasswords.com/";
/// How many hexadecimal digits of the digest are told.
const PREFIX: usize = 5;
/// How long an answer may be, in bytes. A padded range has about a thousand lines of 40 bytes.
const LARGEST: usize = 256 << 10;
/// How many questions are asked at once; more wait, within the time limit. It bounds the memory of the answers, and
/// what somebody who submits passwords makes this service ask of another.
const AT_ONCE: usize = 32;
/// How long to wait before the second try.
const PAUSE: Duration = Duration::from_millis(200);

/// A list of leaked passwords at a service that speaks the range protocol, such as Have I Been Pwned or a copy of it.
///
/// 1. The service is told the first five of the forty hexadecimal digits of the password's SHA-1 digest. It answers with
///    the rest of every digest that begins so, about a thousand, and how often each was seen. It learns neither the
///    password nor whether it is among them.
/// 2. It is asked to pad its answer with lines that count nothing, so that the length tells nothing to those who see the
///    encrypted traffic.
/// 3. A connection that breaks and an inner error of the service are tried once more. All of it has one time limit: the
///    person waits for it.
/// 4. When there is no answer, [`WhenAway`](crate::methods::WhenAway) says what happens. An answer that is no list is an
///    error of its own: something else answers in place of the service.
///
/// Nothing is remembered: there are 1,048,576 ranges, so answers kept would rarely serve twice, and would tell who can read
/// memory a part of each digest.
///
/// ```
/// use tower_registration::breach::RangeList;
/// use tower_registration::fetch::Client;
/// use tower_registration::methods::{Password, WhenAway};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let list = RangeList::new(Client::new()?);
/// // Passwords that were seen once are refused; while the service is away, all are accepted.
/// let method = Password::new().breach_list(list, 0, WhenAway::Accept);
/// # let _ = method; Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct RangeList {
    fetch: Arc<dyn Fetch>,
    base: String,
    time_limit: Duration,
    places: Arc<Semaphore>,
}

impl RangeList {
    /// The list of Have I Been Pwned, `api.pwnedpasswords.com`, with a time limit of 3 seconds.
    pub fn new(fetch: impl Fetch) -> Self {
        Self {
            fetch: Arc::new(fetch),
            base: SERVICE.to_owned(),
            time_limit: Duration::from_secs(3),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Asks another service. Ranges are found below this URL, at `range/` and five digits; its query is not used.
    ///
    /// Whoever can change the answers of a service that is called without TLS can make every password pass.
    pub fn base_url(mut self, mut url: Url) -> Self {
        url.set_query(None);
        url.set_fragment(None);
        self.base = url.into();
        if !self.base.ends_with('/') {
            self.base.push('/');
        }
        self
    }

    /// Sets how long a question may take, a second try and waiting for others included.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    async fn ask(&self, digest: &Digest) -> Result<u64, HostError> {
        let _place = self.places.acquire().await.map_err(HostError::unavailable)?;
        let mut answer = self.fetch.fetch(self.request(digest)?).await;
        if may_pass(&answer) {
            sleep(PAUSE).await;
            answer = self.fetch.fetch(self.request(digest)?).await;
        }
        let answer = answer?;
        if answer.status() != StatusCode::OK {
            return Err(HostError::unavailable(format!("the service answered with status {}", answer.status())));
        }
        answer::count(answer.body(), digest.suffix()).map_err(HostError::other)
    }

    fn request(&self, digest: &Digest) -> Result<FetchRequest, HostError> {
        let url = Url::parse(&format!("{}range/{}", self.base, digest.prefix())).map_err(HostError::other)?;
        let request = FetchRequest::get(url).with_time_limit(self.time_limit).with_size_limit(LARGEST);
        Ok(request.with_header(HeaderName::from_static("add-padding"), HeaderValue::from_static("true")))
    }
}

#[async_trait]
impl BreachList for RangeList {
    async fn count(&self, password: &SecretString) -> Result<u64, HostError> {
        // The limit is kept here: what fetches is the host's, and there may be two tries.
        let digest = Digest::of(password);
        timeout(self.time_limit, self.ask(&digest)).await.map_err(HostError::unavailable)?
    }
}

/// Whether a fault is one that is often gone a moment later.
fn may_pass(answer: &Result<Fetched, Unfetched>) -> bool {
    match answer {
        Ok(answer) => answer.status().is_server_error(),
        Err(error) => error.kind() == UnfetchedKind::Unreachable,
    }
}

impl std::fmt::Debug for RangeList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RangeList").field("time_limit", &self.time_limit).finish_non_exhaustive()
    }
}

/// The digest of a password in hexadecimal digits. It is as good as the password to those who guess, so it is wiped.
struct Digest(Zeroizing<[u8; PREFIX + SUFFIX]>);

impl Digest {
    fn of(password: &SecretString) -> Self {
        let mut bytes = Zeroizing::new([0; 20]);
        let mut hasher = Sha1::new();
        hasher.update(password.expose_secret().as_bytes());
        hasher.finalize_into((&mut *bytes).into());
        let mut digits = Zeroizing::new([0; PREFIX + SUFFIX]);
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes.iter()) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        Self(digits)
    }

    /// What the service is told.
    fn prefix(&self) -> String {
        self.0[..PREFIX].iter().copied().map(char::from).collect()
    }

    fn suffix(&self) -> &[u8] {
        &self.0[PREFIX..]
    }
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'A' + (value - 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_told_by_its_first_five_digits() {
        let digest = Digest::of(&"damrumukuh".into());

        assert_eq!(digest.prefix(), "BCBA9");
        assert_eq!(digest.suffix().len(), SUFFIX);
        let abc = Digest::of(&"abc".into());
        assert_eq!((abc.prefix().as_str(), abc.suffix()), ("A9993", b"E364706816ABA3E25717850C26C9CD0D89D".as_ref()));
    }

    /// Stands for a client that nobody asks.
    struct Nobody;

    #[async_trait]
    impl Fetch for Nobody {
        async fn fetch(&self, _: FetchRequest) -> Result<Fetched, Unfetched> {
            Err(Unfetched::new(UnfetchedKind::Refused, "nobody"))
        }
    }

    fn asked(list: &RangeList) -> FetchRequest {
        list.request(&Digest::of(&"abc".into())).unwrap()
    }

    #[test]
    fn the_service_and_its_copies_are_asked_below_their_urls() {
        let list = RangeList::new(Nobody);
        let at = |url| list.clone().base_url(Url::parse(url).unwrap());

        assert_eq!(asked(&list).url().as_str(), "https://api.pwnedpasswords.com/range/A9993");
        assert_eq!(asked(&at("https://a.example:8443")).url().as_str(), "https://a.example:8443/range/A9993");
        assert_eq!(asked(&at("https://a.example/b?c#d")).url().as_str(), "https://a.example/b/range/A9993");
        assert_eq!(asked(&list).headers()["add-padding"], "true");
    }

    #[test]
    fn nothing_of_a_question_is_printed() {
        let list = RangeList::new(Nobody).base_url(Url::parse("https://key:secret@a.example/b").unwrap());

        assert_eq!(format!("{list:?}"), "RangeList { time_limit: 3s, .. }");
        assert!(!format!("{:?}", asked(&list)).contains("A9993"));
    }
}
