//! People in the middle of everything that has a secret.

use serde_json::{Value, json};
use tower_registration::testing::{Authenticator, Client, ClientKind, Mailbox, Reply, TestClock, UI};
use tower_registration::{AddressLimits, Registration, Verification};

use super::secrets::Secret;
use crate::faults::chance::Chance;
use crate::faults::site::{Store, by_code, service};

pub(crate) const PASSWORD: &str = "seven purple llamas";

/// What is open after the journeys, and the secrets that they need.
pub(crate) struct Journeys {
    pub(crate) codes: Registration,
    pub(crate) links: Registration,
    /// A flow that waits for a code.
    pub(crate) waiting: Reply,
    pub(crate) waits_for: Value,
    /// Flows that prove an address: by code, and by link.
    pub(crate) by_code: Reply,
    pub(crate) by_link: String,
    /// A browser's flow, and the name of its cookie.
    pub(crate) browsers: Reply,
    pub(crate) cookie: String,
    pub(crate) session_cookie: String,
    pub(crate) secrets: Vec<Secret>,
}

fn somebody(email: &str) -> Value {
    json!({ "method": "password", "password": PASSWORD, "traits": { "email": email } })
}

impl Journeys {
    pub(crate) async fn new(store: Store) -> Self {
        let mailbox = Mailbox::new();
        // The same in every run, so that no number is found by chance.
        let clock = TestClock::at(time::OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap());
        let made = |verification: Verification, seed| {
            let limits = AddressLimits::new().wrong_codes(1_000_000, 1_000_000);
            service(&store, &mailbox, verification.max_submissions(1_000_000), |builder| {
                builder.clock(clock.clone()).random(Chance::seeded(seed)).address_limits(limits)
            })
        };
        let mut journeys = Self {
            codes: made(by_code(), 1),
            links: made(Verification::by_link(format!("{UI}/verify")), 2),
            waiting: empty(),
            waits_for: Value::Null,
            by_code: empty(),
            by_link: String::new(),
            browsers: empty(),
            cookie: String::new(),
            session_cookie: String::new(),
            secrets: Vec::new(),
        };
        journeys.keep("a password", PASSWORD);
        journeys.native(&mailbox).await;
        journeys.by_one_time_code(&mailbox).await;
        journeys.by_link(&mailbox).await;
        journeys.in_a_browser().await;
        journeys.by_passkey().await;
        journeys
    }

    fn keep(&mut self, name: &'static str, value: &str) {
        assert!(value.len() >= 6, "{name}: {value}");
        let digest_is_kept = matches!(name, "a session token" | "the first half of a pair" | "a browser's secret");
        self.secrets.push(Secret { name, value: value.to_owned(), digest_is_kept });
    }

    fn client(of: &Registration, kind: ClientKind) -> Client {
        Client::new(of.clone(), "/auth", kind)
    }

    /// By password, with a code to prove the address that is not used.
    async fn native(&mut self, mailbox: &Mailbox) {
        let mut client = Self::client(&self.codes, ClientKind::Native);
        let page = client.open_with("return_session_token_exchange_code=true&return_to=https://app.example.org/").await;
        let pair = page.at("/session_token_exchange_code");
        self.keep("the first half of a pair", pair.as_str().unwrap_or_else(|| panic!("{page:?}")));
        let done = client.submit(&page, somebody("ada@example.org")).await;
        self.keep("a session token", done.at("/session_token").as_str().unwrap());
        self.by_code = client.verification_page(done).await;
        self.codes.dispatcher().flush().await.unwrap();
        self.keep("a code that proves an address", &mailbox.latest_code("ada@example.org").unwrap());
    }

    /// One who finished, and one who waits for the code.
    async fn by_one_time_code(&mut self, mailbox: &Mailbox) {
        for (email, finishes) in [("bea@example.org", true), ("cid@example.org", false)] {
            let mut client = Self::client(&self.codes, ClientKind::Native);
            let page = client.open().await;
            let mut answer = json!({ "method": "code", "traits": { "email": email } });
            let sent = client.submit(&page, answer.clone()).await;
            // What waits in the outbox is dumped, too; the code is read by sending another letter to a copy.
            self.codes.dispatcher().flush().await.unwrap();
            let code = mailbox.latest_code(email).unwrap();
            self.keep(if finishes { "a code that was used" } else { "a code that is waited for" }, &code);
            (self.waiting, self.waits_for) = (sent.clone(), answer.clone());
            if finishes {
                answer["code"] = code.into();
                assert_eq!(client.submit(&sent, answer).await.status(), 200);
            }
        }
    }

    /// By password, with a link to prove the address that is not opened.
    async fn by_link(&mut self, mailbox: &Mailbox) {
        let mut client = Self::client(&self.links, ClientKind::Native);
        let page = client.open().await;
        let done = client.submit(&page, somebody("dan@example.org")).await;
        assert_eq!(done.status(), 200);
        self.links.dispatcher().flush().await.unwrap();
        let link = mailbox.latest_link("dan@example.org").unwrap();
        let (path, token) = link.split_once("token=").unwrap();
        path.strip_prefix("https://app.example.org/auth").unwrap().clone_into(&mut self.by_link);
        self.keep("the token of a link", token.split('&').next().unwrap());
        // A letter that nobody has fetched waits in the outbox.
        let page = client.open().await;
        assert_eq!(client.submit(&page, somebody("eve@example.org")).await.status(), 200);
    }

    /// One browser that signed up, and one that has only a page.
    async fn in_a_browser(&mut self) {
        let mut client = Self::client(&self.codes, ClientKind::Browser);
        let page = client.open().await;
        let (name, secret) = client.cookies().iter().next().map(|(name, value)| (name.clone(), value.clone())).unwrap();
        self.keep("a browser's secret", &secret);
        self.keep("a browser's token", page.value_of("csrf_token").as_str().unwrap());
        (self.browsers, self.cookie) = (page, name);
        let mut client = Self::client(&self.codes, ClientKind::Browser);
        let page = client.open().await;
        let done = client.submit(&page, somebody("fay@example.org")).await;
        assert_eq!(done.status(), 303, "{done:?}");
        let session = client.cookies().iter().find(|(name, _)| name.contains("session"));
        let (name, value) = session.map(|(name, value)| (name.clone(), value.clone())).unwrap();
        self.keep("a session cookie", &value);
        self.session_cookie = name;
    }

    async fn by_passkey(&mut self) {
        let mut client = Self::client(&self.codes, ClientKind::Native);
        let page = client.open().await;
        let made = Authenticator::new().passkey(&page, UI).unwrap();
        let answer = json!({ "passkey_register": made, "traits": { "email": "gus@example.org" } });
        let done = client.submit(&page, answer).await;
        assert_eq!(done.status(), 200, "{done:?}");
        self.keep("a session token", done.at("/session_token").as_str().unwrap());
    }
}

/// Until a journey puts its own there.
fn empty() -> Reply {
    let service = tower::service_fn(|_| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Empty::<bytes::Bytes>::new()))
    });
    let mut client = Client::new(service, "", ClientKind::Native);
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(client.get("/")))
}
