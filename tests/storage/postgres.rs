//! The contract against PostgreSQL, and what is particular to it.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tower_registration::host::{HostErrorKind, Identities, Kind, Put, Record, RecordId, Storage};
use tower_registration::identity::{IdentityId, Unique, UniqueKind};
use tower_registration::postgres::{PostgresStorage, SetupError, transaction};
use tower_registration::testing::storage::{self, Report, Subject};
use tower_registration::testing::{Client, ClientKind};
use uuid::Uuid;

use crate::pooler::Pooler;
use crate::server::server;

async fn pool(options: impl FnOnce(PgConnectOptions) -> PgConnectOptions) -> PgPool {
    let connect = options(server().dsn().parse().unwrap());
    PgPoolOptions::new().max_connections(10).connect_with(connect).await.unwrap()
}

/// A storage with a schema of its own.
pub(crate) async fn storage(schema: &str) -> PostgresStorage {
    let pool = pool(|options| options).await;
    // The machine that runs the tests may be slow; what is tested is not how fast it is.
    let storage = PostgresStorage::from_pool(pool).with_schema(schema).unwrap().with_patience(Duration::from_secs(30));
    storage.migrate().await.unwrap();
    storage
}

fn record() -> Record {
    let expiry = time::OffsetDateTime::now_utc() + time::Duration::HOUR;
    Record::new(Kind::Flow, RecordId::new(Uuid::new_v4()), 1, expiry, b"a flow".to_vec())
}

/// Runs the contract over two pools that are made alike, each duty with a prefix of its own in one schema.
async fn contract(
    schema: &str,
    pool: impl AsyncFn() -> PgPool,
    choose: impl Fn(PostgresStorage) -> PostgresStorage + Sync,
) -> Report {
    let (pool, second) = (pool().await, pool().await);
    let count = Arc::new(AtomicUsize::new(0));
    let stores = || async {
        let prefix = format!("c{}_", count.fetch_add(1, Ordering::Relaxed));
        let over = |pool: &PgPool| {
            let storage = PostgresStorage::from_pool(pool.clone()).with_patience(Duration::from_secs(30));
            choose(storage).with_schema(schema)?.with_prefix(&prefix)
        };
        let (storage, beside) = (over(&pool)?, over(&second)?);
        storage.migrate().await?;
        let identities = storage.identities();
        identities.migrate().await?;
        Result::<_, Box<dyn Error + Send + Sync>>::Ok(
            Subject::new(storage).with_second_way(beside).with_identities(identities),
        )
    };
    storage::check(&stores).await
}

/// A pool of connections whose transactions are at this isolation level.
async fn pool_at(level: &str) -> PgPool {
    pool(|options| options.options([("default_transaction_isolation", level)])).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract() {
    let report = contract("committed", async || pool_at("read committed").await, |storage| storage).await;

    assert!(report.is_kept(), "{report}");
    assert_eq!((report.kept().len(), report.skipped().len()), (27, 1), "sessions are records");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract_with_repeatable_reads() {
    let report = contract("repeatable", async || pool_at("repeatable read").await, |storage| storage).await;

    assert!(report.is_kept(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract_with_serializable_transactions() {
    let report = contract("serializable", async || pool_at("serializable").await, |storage| storage).await;

    assert!(report.is_kept(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract_behind_a_pooler_that_knows_no_prepared_statements() {
    let pooler = Pooler::start(server().folder());
    let pool = async || PgPoolOptions::new().max_connections(10).connect(&pooler.dsn()).await.unwrap();

    let report = contract("pooled", pool, PostgresStorage::behind_pooler).await;

    assert!(report.is_kept(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_that_start_at_once_set_up_once() {
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let pool = pool(|options| options).await;
        starting.spawn(async move {
            // Called like a word of the language.
            let storage = PostgresStorage::from_pool(pool).with_schema("user").unwrap().with_prefix("auth_").unwrap();
            storage.migrate().await?;
            storage.identities().migrate().await
        });
    }

    let outcomes: Vec<Result<(), SetupError>> = starting.join_all().await;

    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let steps = "SELECT part, step FROM \"user\".auth_migrations ORDER BY part";
    let steps: Vec<(String, i64)> = sqlx::query_as(steps).fetch_all(&pool(|options| options).await).await.unwrap();
    assert_eq!(steps, [("identities".to_owned(), 1), ("storage".to_owned(), 1)]);
}

#[tokio::test]
async fn commits_that_a_crash_could_lose_are_refused() {
    let pool = pool(|options| options.options([("synchronous_commit", "off")])).await;

    let error = PostgresStorage::from_pool(pool).with_schema("lossy").unwrap().migrate().await.unwrap_err();

    assert!(error.to_string().contains("`synchronous_commit` is `off`"), "{error}");
}

#[tokio::test]
async fn rows_of_the_host_are_committed_with_the_unit_or_not_at_all() {
    let (storage, pool) = (storage("together").await, pool(|options| options).await);
    sqlx::query("CREATE TABLE together.users (name TEXT PRIMARY KEY)").execute(&pool).await.unwrap();
    let mut counts = Vec::new();
    for commits in [false, true] {
        let mut unit = storage.begin().await.unwrap();
        let stored = unit.put(&record(), None).await.unwrap();
        let connection = transaction(unit.as_mut()).unwrap();
        sqlx::query("INSERT INTO together.users VALUES ('ada')").execute(connection).await.unwrap();
        assert_eq!(stored, Put::Stored);
        if commits {
            unit.commit().await.unwrap();
        } else {
            drop(unit);
        }
        let count = "SELECT (SELECT count(*) FROM together.users), \
            (SELECT count(*) FROM together.registration_records)";
        counts.push(sqlx::query_as::<_, (i64, i64)>(count).fetch_one(&pool).await.unwrap());
    }

    assert_eq!(counts, [(0, 0), (1, 1)]);
}

#[tokio::test]
async fn a_unit_in_which_a_statement_of_the_host_failed_does_not_say_that_it_is_committed() {
    let (storage, own) = (storage("ignored").await, record());
    let mut unit = storage.begin().await.unwrap();
    let put = unit.put(&own, None).await.unwrap();
    let connection = transaction(unit.as_mut()).unwrap();
    let ignored = sqlx::query("INSERT INTO there_is_no_such_table VALUES (1)").execute(connection).await;

    let commit = unit.commit().await;

    assert!(put == Put::Stored && ignored.is_err());
    assert_eq!(commit.unwrap_err().kind(), HostErrorKind::Other);
    assert_eq!(storage.get(Kind::Flow, own.id()).await.unwrap(), None);
}

/// A fresh record, used up.
fn used_up(id: RecordId, by: IdentityId) -> Record {
    let expires_at = time::OffsetDateTime::now_utc() + time::Duration::HOUR;
    Record::new(Kind::Flow, id, 2, expires_at, Vec::new()).with_spent(Some(by))
}

#[tokio::test]
async fn of_two_that_wait_for_each_other_one_is_told_that_it_was_in_the_way() {
    let storage = storage("crossed").await;
    let (first, second) = (record(), record());
    for record in [&first, &second] {
        assert_eq!(storage.put(record, None).await.unwrap(), Put::Stored);
    }
    let by = IdentityId::new(Uuid::new_v4());
    let mut one = storage.begin().await.unwrap();
    let mut two = storage.begin().await.unwrap();
    let spent =
        [one.spend(&used_up(first.id(), by), 1).await.unwrap(), two.spend(&used_up(second.id(), by), 1).await.unwrap()];

    // Whoever is chosen lets the other one go on.
    let crossed = |mut unit: Box<dyn tower_registration::host::Unit>, id| async move {
        let outcome = unit.spend(&used_up(id, by), 1).await;
        drop(unit);
        outcome
    };
    let (one, two) = tokio::join!(crossed(one, second.id()), crossed(two, first.id()));

    let (lost, won) = if one.is_err() { (one, two) } else { (two, one) };
    assert_eq!(spent, [true, true]);
    assert_eq!(lost.unwrap_err().kind(), HostErrorKind::Conflict);
    assert!(won.unwrap(), "nothing of the other one was committed");
}

#[tokio::test]
async fn a_unit_whose_connection_is_cut_is_told_so_and_the_next_one_works() {
    let (storage, admin, own) = (storage("cut").await, pool(|options| options).await, record());
    assert_eq!(storage.put(&own, None).await.unwrap(), Put::Stored);
    let mut unit = storage.begin().await.unwrap();
    let pid = "SELECT pg_backend_pid()";
    let pid: i32 = sqlx::query_scalar(pid).fetch_one(transaction(unit.as_mut()).unwrap()).await.unwrap();
    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&admin).await.unwrap();
    let by = IdentityId::new(Uuid::new_v4());

    let cut = unit.spend(&used_up(own.id(), by), 1).await;

    assert_eq!(cut.unwrap_err().kind(), HostErrorKind::Unavailable);
    let mut next = storage.begin().await.unwrap();
    assert!(next.spend(&used_up(own.id(), by), 1).await.unwrap());
    next.commit().await.unwrap();
}

#[tokio::test]
async fn whoever_waits_for_a_lock_too_long_is_told_so() {
    let (storage, own) = (storage("locked").await, record());
    assert_eq!(storage.put(&own, None).await.unwrap(), Put::Stored);
    let hasty = storage.clone().with_patience(Duration::from_millis(300));
    let by = IdentityId::new(Uuid::new_v4());
    let mut holder = storage.begin().await.unwrap();
    assert!(holder.spend(&used_up(own.id(), by), 1).await.unwrap());
    let mut waiting = hasty.begin().await.unwrap();

    let late = waiting.spend(&used_up(own.id(), by), 1).await.unwrap_err();
    let next = Record::new(Kind::Flow, own.id(), 2, own.expires_at(), Vec::new());
    let alone = hasty.put(&next, Some(1)).await.unwrap_err();

    assert_eq!(late.kind(), HostErrorKind::Unavailable);
    assert_eq!(alone.kind(), HostErrorKind::CommitUnknown, "it is on its way, and may still happen");
}

#[tokio::test]
async fn whoever_finds_no_free_connection_is_told_so() {
    let storage = storage("busy").await;
    let one = PgPoolOptions::new().max_connections(1).connect(&server().dsn()).await.unwrap();
    let small = PostgresStorage::from_pool(one).with_schema("busy").unwrap().with_patience(Duration::from_millis(300));
    let unit = small.begin().await.unwrap();

    let errors =
        [small.get(Kind::Flow, record().id()).await.unwrap_err(), small.put(&record(), None).await.unwrap_err()];
    drop(unit);

    assert_eq!(errors.map(|error| error.kind()), [HostErrorKind::Unavailable; 2]);
    assert_eq!(small.put(&record(), None).await.unwrap(), Put::Stored, "it goes on when one is free");
    drop(storage);
}

#[tokio::test]
async fn a_commit_whose_connection_is_cut_is_told_as_unknown() {
    let (storage, admin) = (storage("unknown").await, pool(|options| options).await);
    // The commit waits in a trigger that runs at its end, until it is cut off there.
    let slow = "CREATE FUNCTION unknown.wait() RETURNS trigger LANGUAGE plpgsql AS \
        'BEGIN PERFORM pg_sleep(30); RETURN NULL; END'";
    let deferred = "CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON unknown.registration_records \
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION unknown.wait()";
    for statement in [slow, deferred] {
        sqlx::query(statement).execute(&admin).await.unwrap();
    }
    let own = record();
    let mut unit = storage.begin().await.unwrap();
    let put = unit.put(&own, None).await.unwrap();
    let pid = "SELECT pg_backend_pid()";
    let pid: i32 = sqlx::query_scalar(pid).fetch_one(transaction(unit.as_mut()).unwrap()).await.unwrap();
    let cut = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&admin).await.unwrap();
    };

    let (commit, ()) = tokio::join!(unit.commit(), cut);

    assert_eq!(put, Put::Stored);
    assert_eq!(commit.unwrap_err().kind(), HostErrorKind::CommitUnknown);
}

#[tokio::test]
async fn an_error_says_nothing_of_statements_and_values() {
    let storage = PostgresStorage::from_pool(pool(|options| options).await).with_schema("nowhere").unwrap();

    let error = storage.put(&record(), None).await.unwrap_err();

    let told = format!("{error} {error:?} {}", Error::source(&error).unwrap());
    assert!(told.contains("42P01") && !told.contains("INSERT") && !told.contains("nowhere"), "{told}");
}

#[tokio::test]
async fn a_read_holds_one_connection_and_waits_for_no_other() {
    let storage = storage("single").await;
    storage.identities().migrate().await.unwrap();
    let registration = crate::races::service(storage.clone(), storage.identities());
    let mut native = Client::new(registration, "/auth", ClientKind::Native);
    let page = native.open().await;
    let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" } });
    let done = native.submit(&page, answer).await;
    let id = IdentityId::new(done.at("/identity/id").as_str().unwrap().parse().unwrap());
    let one = PgPoolOptions::new().max_connections(1).connect(&server().dsn()).await.unwrap();
    let small = PostgresStorage::from_pool(one).with_schema("single").unwrap();
    let ada = Unique::new(UniqueKind::Identifier, "ada@example.org");

    let owner = small.identities().owner(&[ada]).await.unwrap();
    let identity = small.identities().identity(id).await.unwrap();

    assert_eq!(owner.map(|owner| owner.identity()), Some(id));
    assert_eq!(identity.map(|identity| identity.id()), Some(id));
}
