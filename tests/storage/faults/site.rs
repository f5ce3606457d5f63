//! A service over one of the stores, and what stands behind it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};
use tower_registration::identity::Channel;
use tower_registration::memory::Memory;
use tower_registration::methods::{Code, Passkey, Password, RelyingParty};
use tower_registration::postgres::PostgresStorage;
use tower_registration::sqlite::SqliteStorage;
use tower_registration::testing::{BASE_URL, Client, ClientKind, Mailbox, PERSON, Reply, UI};
use tower_registration::{After, Builder, Hashing, Registration, Schema, Secret, SessionSettings, Style, Verification};

/// How often something is done: the given number, or what the environment says, for a run at full size.
pub(crate) fn rounds(name: &str, few: usize) -> usize {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(few)
}

/// Any of the stores.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    Memory(Memory),
    Sqlite(SqliteStorage),
    Postgres(PostgresStorage),
}

impl Store {
    /// Makes the tables that are missing.
    pub(crate) async fn set_up(&self) {
        match self {
            Self::Memory(_) => {}
            Self::Sqlite(storage) => {
                storage.migrate().await.unwrap();
                storage.identities().migrate().await.unwrap();
            }
            Self::Postgres(storage) => {
                storage.migrate().await.unwrap();
                storage.identities().migrate().await.unwrap();
            }
        }
    }

    fn give(&self, builder: Builder) -> Builder {
        match self.clone() {
            Self::Memory(memory) => builder.storage(memory.clone()).identities(memory),
            Self::Sqlite(storage) => builder.identities(storage.identities()).storage(storage),
            Self::Postgres(storage) => builder.identities(storage.identities()).storage(storage),
        }
    }
}

/// A service over this store: sign-up by password, code or passkey, a session and a letter that proves the address.
pub(crate) fn service(
    store: &Store,
    mailbox: &Mailbox,
    verification: Verification,
    choose: impl FnOnce(Builder) -> Builder,
) -> Registration {
    let builder = Registration::builder(BASE_URL)
        .secret(Secret::new("the secret that all services of a test know").unwrap())
        .hashing(Hashing::new().cost(8, 1))
        .schema(Schema::parse("person", PERSON).unwrap())
        .method(Password::new())
        .method(Code::new().lifespan(time::Duration::minutes(15)).max_submissions(1_000_000))
        .method(Passkey::new(RelyingParty::new("app.example.org", "Example").origin(UI)))
        .style(Style::Unified)
        .after(After::new().session(true).show_verification_ui(true))
        .verification(verification)
        .courier(Channel::Email, mailbox.clone())
        .session(SessionSettings::new().lifespan(time::Duration::hours(2)))
        .registration_ui(format!("{UI}/sign-up"))
        .error_ui(format!("{UI}/sorry"))
        .default_return_url(format!("{UI}/welcome"))
        .allow_return_url(UI);
    choose(store.give(builder)).build().unwrap()
}

/// By codes, which the page at `/verify` asks for.
pub(crate) fn by_code() -> Verification {
    Verification::by_code(format!("{UI}/verify"))
}

pub(crate) fn native(registration: &Registration) -> Client {
    Client::new(registration.clone(), "/auth", ClientKind::Native)
}

/// Somebody who signs up with a good password.
pub(crate) fn password(email: &str) -> Value {
    json!({ "method": "password", "password": "correct horse battery", "traits": { "email": email } })
}

/// What can be looked into beside the service.
#[derive(Clone, Debug)]
pub(crate) enum Tables {
    Sqlite(SqlitePool),
    Postgres(PgPool, &'static str),
}

/// How much a registration has left behind, in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) identities: i64,
    credentials: i64,
    sessions: i64,
    spent: i64,
    letters: i64,
}

impl Tables {
    pub(crate) async fn rows(&self) -> Rows {
        let schema = if let Self::Postgres(_, schema) = self { format!("{schema}.") } else { String::new() };
        let count = |from: &str| {
            let (what, table) = from.split_once(" of ").unwrap_or(("*", from));
            format!("(SELECT count({what}) FROM {schema}registration_{table})")
        };
        let counts = [
            "identities",
            "DISTINCT identity_id of credentials",
            "records WHERE kind = 'session'",
            "records WHERE kind = 'flow' AND spent IS NOT NULL",
            "outbox",
        ];
        let sql = AssertSqlSafe(format!("SELECT {}", counts.map(count).join(", ")));
        type Counts = (i64, i64, i64, i64, i64);
        let (identities, credentials, sessions, spent, letters): Counts = match self {
            Self::Sqlite(pool) => sqlx::query_as(sql).fetch_one(pool).await.unwrap(),
            Self::Postgres(pool, _) => sqlx::query_as(sql).fetch_one(pool).await.unwrap(),
        };
        Rows { identities, credentials, sessions, spent, letters }
    }

    /// Everybody is there as a whole, but for letters: they may be under way. Says how many there are.
    pub(crate) async fn whole_but_letters(&self, place: &str) -> i64 {
        let rows = self.rows().await;
        let all = rows.identities;
        assert_eq!((rows.credentials, rows.sessions, rows.spent), (all, all, all), "{place}: {rows:?}");
        all
    }

    /// Everybody is there as a whole: credential, session, used-up flow, letter. Says how many there are.
    pub(crate) async fn whole(&self, place: &str) -> i64 {
        let rows = self.rows().await;
        let all = rows.identities;
        let whole = Rows { identities: all, credentials: all, sessions: all, spent: all, letters: all };
        assert_eq!(rows, whole, "{place}: something is half-written");
        all
    }
}

/// A service, and the tables behind it.
pub(crate) struct Site {
    pub(crate) registration: Registration,
    pub(crate) tables: Tables,
    people: std::sync::atomic::AtomicUsize,
}

/// What became of somebody who signed up.
pub(crate) enum Became {
    Somebody,
    /// Told to come again, with the page that can be answered again if there was one.
    Refused(Option<Reply>),
}

impl Site {
    pub(crate) async fn new(store: Store, tables: Tables) -> Self {
        store.set_up().await;
        let registration = service(&store, &Mailbox::new(), by_code(), |builder| builder);
        Self { registration, tables, people: std::sync::atomic::AtomicUsize::new(0) }
    }

    pub(crate) fn native(&self) -> Client {
        native(&self.registration)
    }

    fn somebody(&self) -> Value {
        let number = self.people.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        password(&format!("person-{number}@example.org"))
    }

    /// Signs somebody new up; no answer takes longer than this.
    pub(crate) async fn sign_up(&self, longest: Duration) -> Became {
        let mut client = self.native();
        let begun = Instant::now();
        let page = client.open().await;
        if page.status() == 503 {
            come_again(&page, begun.elapsed(), longest);
            return Became::Refused(None);
        }
        self.answer(&page, longest).await
    }

    /// Answers this page as somebody new.
    pub(crate) async fn answer(&self, page: &Reply, longest: Duration) -> Became {
        let begun = Instant::now();
        let reply = self.native().submit(page, self.somebody()).await;
        match reply.status() {
            200 => Became::Somebody,
            503 => {
                come_again(&reply, begun.elapsed(), longest);
                Became::Refused(Some(page.clone()))
            }
            _ => panic!("neither signed up nor told to come again: {reply:?}"),
        }
    }

    /// A fault comes and goes. While it is there, people are told to come again, in time, nothing is half-written, and
    /// pages can be looked at if `reads`; when it is gone, everything works as before.
    pub(crate) async fn survives(&self, fault: impl AsyncFn(bool), reads: bool, longest: Duration) {
        let mut client = self.native();
        let before = client.open().await;
        assert_eq!(before.status(), 200, "{before:?}");

        fault(true).await;
        // A full disk may have room for a few.
        let mut became = self.answer(&before, longest).await;
        for _ in 0..200 {
            if matches!(became, Became::Refused(_)) {
                break;
            }
            became = self.sign_up(longest).await;
        }
        let Became::Refused(page) = became else { panic!("the fault is not noticed") };
        if reads {
            let shown = client.show(&before.flow_id().unwrap()).await;
            assert_eq!(shown.status(), 200, "{shown:?}");
        }
        fault(false).await;

        let there = self.tables.whole("after the fault").await;
        let again = match page {
            Some(page) => self.answer(&page, longest).await,
            None => self.sign_up(longest).await,
        };
        assert!(matches!(again, Became::Somebody), "it does not go on");
        assert_eq!(self.tables.whole("afterwards").await, there + 1);
    }
}

/// The answer says to come again, and when, and came in time.
pub(crate) fn come_again(reply: &Reply, took: Duration, longest: Duration) {
    assert_eq!(reply.status(), 503, "{reply:?}");
    assert!(reply.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{reply:?}");
    assert!(took <= longest, "{took:?}");
}
