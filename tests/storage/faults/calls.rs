//! C2 on the databases: the n-th call fails before it had an effect, after it, or never answers, for every n and every
//! way to sign up. Everybody is there as a whole or not at all, the answer says so, and trying again ends well.

use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use tower_registration::Registration;
use tower_registration::host::HostErrorKind;
use tower_registration::postgres::PostgresStorage;
use tower_registration::sqlite::{self, SqliteStorage};
use tower_registration::testing::{Authenticator, Call, Fault, Faults, Mailbox, Reply, UI, When};

use super::site::{Store, Tables, by_code, native, service};
use crate::server::server;
use crate::sqlite::Folder;

const FAULTS: [Fault; 9] = [
    Fault::Before(HostErrorKind::Unavailable),
    Fault::After(HostErrorKind::Unavailable),
    Fault::Before(HostErrorKind::Other),
    Fault::After(HostErrorKind::Other),
    Fault::Before(HostErrorKind::Conflict),
    Fault::Before(HostErrorKind::CommitUnknown),
    Fault::After(HostErrorKind::CommitUnknown),
    Fault::HangBefore,
    Fault::HangAfter,
];

/// A way to sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Password,
    Passkey,
    Code,
}

/// A service whose store is behind a plan, and one beside it that fetches its letters.
struct Scene {
    plan: Faults,
    faulty: Registration,
    sound: Registration,
    mailbox: Mailbox,
    tables: Tables,
    people: i64,
}

impl Scene {
    async fn new(store: Store, tables: Tables) -> Self {
        store.set_up().await;
        let (plan, mailbox) = (Faults::new(), Mailbox::new());
        let faulty = service(&store, &mailbox, by_code(), |builder| match store.clone() {
            Store::Sqlite(storage) => {
                builder.identities(plan.around(storage.identities())).storage(plan.around(storage))
            }
            Store::Postgres(storage) => {
                builder.identities(plan.around(storage.identities())).storage(plan.around(storage))
            }
            Store::Memory(memory) => builder.identities(plan.around(memory.clone())).storage(plan.around(memory)),
        });
        let sound = service(&store, &mailbox, by_code(), |builder| builder);
        Self { plan, faulty, sound, mailbox, tables, people: 0 }
    }

    /// The call that went wrong.
    fn victim(&self) -> &'static str {
        self.plan.victim().map_or("", Call::as_str)
    }

    /// Lets the first call fail, then the second, until a run meets no fault any more; says how many met one.
    async fn play_until_clean(&mut self, way: Way, fault: Fault) -> usize {
        for number in 1..100 {
            self.plan.set(&[(When::Nth(number), fault)]);
            self.play(way, fault).await;
            if !self.plan.fired() {
                return number - 1;
            }
        }
        panic!("{way:?}: a hundred calls were not enough");
    }

    /// Somebody new signs up. A request that meets the fault is sent once more.
    async fn play(&mut self, way: Way, fault: Fault) {
        let mut client = native(&self.faulty);
        let email = format!("person-{}@example.org", self.people);
        let place = format!("{way:?} {fault:?}");
        let page = match self.attempt(client.open(), fault, &place).await {
            Some(page) if page.status() == 200 => page,
            _ => client.open().await,
        };
        let mut answer = answer(way, &page, &email);
        let mut page = page;
        if way == Way::Code {
            let sent = self.attempt(client.submit(&page, answer.clone()), fault, &place).await;
            page = match sent {
                Some(sent) if sent.messages() == [1_040_005] => sent,
                _ => client.submit(&page, answer.clone()).await,
            };
            self.sound.dispatcher().flush().await.unwrap();
            answer["code"] = self.mailbox.latest_code(&email).unwrap_or_else(|| panic!("{place}: {page:?}")).into();
        }
        let first = self.attempt(client.submit(&page, answer.clone()), fault, &place).await;
        let made = self.tables.whole_but_letters(&place).await - self.people;
        if first.is_none_or(|first| first.status() != 200) {
            let again: Reply = client.submit(&page, answer).await;
            match made {
                0 => assert_eq!(again.status(), 200, "{place}: {again:?}"),
                _ => assert_eq!((again.status(), again.messages()), (400, vec![4_000_007]), "{place}: {again:?}"),
            }
        }
        self.people += 1;
        assert_eq!(self.tables.whole_but_letters(&place).await, self.people, "{place}");
    }

    /// Sends a request. Nothing comes back when a call hung: then the client went away.
    async fn attempt(&self, request: impl Future<Output = Reply>, fault: Fault, place: &str) -> Option<Reply> {
        let before = self.plan.fired();
        let reply = tokio::select! {
            reply = request => reply,
            () = self.plan.hung() => return None,
        };
        let met = !before && self.plan.fired();
        let went_well = reply.status() == 200 || reply.messages() == [1_040_005];
        match fault {
            _ if !met => {}
            Fault::Before(HostErrorKind::Unavailable) | Fault::After(HostErrorKind::Unavailable) => {
                assert_eq!(reply.status(), 503, "{place} at {}: {reply:?}", self.victim());
                assert!(reply.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{reply:?}");
            }
            // What became of it is found out, where that can be.
            Fault::Before(HostErrorKind::CommitUnknown) | Fault::After(HostErrorKind::CommitUnknown) => {
                let code = reply.at("/error/code");
                assert!(went_well || code == 503 || code == 500, "{place} at {}: {reply:?}", self.victim());
            }
            // Begun again inside, where it can be.
            Fault::Before(HostErrorKind::Conflict) => assert!(went_well || reply.status() == 503, "{place}: {reply:?}"),
            _ => assert_eq!(reply.at("/error/code"), 500, "{place} at {}: {reply:?}", self.victim()),
        }
        Some(reply)
    }
}

fn answer(way: Way, page: &Reply, email: &str) -> Value {
    let traits = json!({ "email": email });
    match way {
        Way::Password => json!({ "method": "password", "password": "correct horse battery", "traits": traits }),
        Way::Passkey => {
            let made = Authenticator::new().credential_id(email.as_bytes().to_vec()).passkey(page, UI).unwrap();
            json!({ "passkey_register": made, "traits": traits })
        }
        Way::Code => json!({ "method": "code", "traits": traits }),
    }
}

async fn survives_every_fault(store: Store, tables: Tables) {
    let mut scene = Scene::new(store, tables).await;
    for way in [Way::Password, Way::Passkey, Way::Code] {
        let mut met = 0;
        for fault in FAULTS {
            met += scene.play_until_clean(way, fault).await;
        }
        println!("C2 {way:?}: {met} registrations met a fault");
        assert!(met >= 8 * FAULTS.len(), "{way:?}: {met}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c2_in_sqlite_every_way_to_sign_up_survives_every_fault() {
    let folder = Folder::new();
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(sqlite::options(folder.file())).await.unwrap();

    survives_every_fault(Store::Sqlite(SqliteStorage::from_pool(pool.clone())), Tables::Sqlite(pool)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c2_in_postgres_every_way_to_sign_up_survives_every_fault() {
    let pool = PgPoolOptions::new().max_connections(6).connect(&server().dsn()).await.unwrap();
    let storage = PostgresStorage::from_pool(pool.clone()).with_schema("calls").unwrap();

    survives_every_fault(Store::Postgres(storage), Tables::Postgres(pool, "calls")).await;
}
