//! C11: setting up is given up or killed half-way, at any point; whoever comes next finishes it, and everything is there
//! once.

use std::path::PathBuf;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::task::Poll;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};
use tower_registration::postgres::PostgresStorage;
use tower_registration::sqlite::{self, SqliteStorage};

use super::chance::Chance;
use super::site::{Became, Site, Store, Tables, rounds};
use crate::server::server;
use crate::sqlite::Folder;

const LONGEST: Duration = Duration::from_secs(4);

/// Where the child finds the file that it sets up.
const FILE: &str = "C11_FILE";

/// Lets a future go on so many times, and drops it. Says whether it was done before.
async fn give_up_after(times: usize, work: impl Future) -> bool {
    let (mut work, mut left) = (pin!(work), times);
    std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Sets up what is missing, and signs somebody up.
async fn finish(store: Store, tables: Tables, place: &str) {
    let before = match &tables {
        Tables::Sqlite(_) => String::new(),
        Tables::Postgres(_, schema) => format!("{schema}."),
    };
    let site = Site::new(store, tables).await;
    assert!(matches!(site.sign_up(LONGEST).await, Became::Somebody), "{place}");
    let steps = AssertSqlSafe(format!("SELECT part, step FROM {before}registration_migrations ORDER BY part, step"));
    let steps: Vec<(String, i64)> = match &site.tables {
        Tables::Sqlite(pool) => sqlx::query_as(steps).fetch_all(pool).await.unwrap(),
        Tables::Postgres(pool, _) => sqlx::query_as(steps).fetch_all(pool).await.unwrap(),
    };
    assert_eq!(steps, [("identities".to_owned(), 1), ("storage".to_owned(), 1)], "{place}");
}

/// A schema of a name that lives as long as the program.
fn schema(of: &str, number: usize) -> &'static str {
    Box::leak(format!("{of}_{number}").into_boxed_str())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c11_a_set_up_of_sqlite_that_is_given_up_anywhere_is_finished_by_the_next() {
    let mut given_up = 0;
    loop {
        let folder = Folder::new();
        let pool = sqlite::open(folder.file()).await.unwrap();
        let store = Store::Sqlite(SqliteStorage::from_pool(pool.clone()));
        if give_up_after(given_up, store.set_up()).await {
            break;
        }
        finish(store, Tables::Sqlite(pool), &format!("given up after {given_up}")).await;
        given_up += 1;
    }
    println!("C11 sqlite: given up at {given_up} points");
    assert!(given_up >= 8, "{given_up}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c11_a_set_up_of_postgres_that_is_given_up_anywhere_is_finished_by_the_next() {
    let mut given_up = 0;
    loop {
        let pool = PgPoolOptions::new().max_connections(4).connect(&server().dsn()).await.unwrap();
        let schema = schema("given_up", given_up);
        let store = Store::Postgres(PostgresStorage::from_pool(pool.clone()).with_schema(schema).unwrap());
        if give_up_after(given_up, store.set_up()).await {
            break;
        }
        finish(store, Tables::Postgres(pool, schema), &format!("given up after {given_up}")).await;
        given_up += 1;
    }
    println!("C11 postgres: given up at {given_up} points");
    assert!(given_up >= 8, "{given_up}");
}

/// The server ends the connection. `C11_KILLS=32` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c11_a_set_up_of_postgres_that_is_killed_anywhere_is_finished_by_the_next() {
    let (chance, kills, mut broken) = (Chance::new(), rounds("C11_KILLS", 8), 0);
    let beside: PgPool = PgPoolOptions::new().max_connections(4).connect(&server().dsn()).await.unwrap();
    for number in 0..kills {
        let schema = schema("killed", number);
        let options: PgConnectOptions = server().dsn().parse().unwrap();
        let options = options.application_name(schema);
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        let own = PostgresStorage::from_pool(pool).with_schema(schema).unwrap();
        let setting_up = tokio::spawn(async move {
            let (storage, identities) = (own.migrate().await, own.identities().migrate().await);
            storage.is_err() || identities.is_err()
        });
        tokio::time::sleep(Duration::from_micros(chance.below(25_000) as u64)).await;
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
        sqlx::query(kill).bind(schema).execute(&beside).await.unwrap();
        broken += usize::from(setting_up.await.unwrap());
        let store = Store::Postgres(PostgresStorage::from_pool(beside.clone()).with_schema(schema).unwrap());
        finish(store, Tables::Postgres(beside.clone(), schema), schema).await;
    }
    println!("C11 postgres: {kills} kills, {broken} of them half-way");
}

/// The process is killed. `C11_KILLS=32` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c11_a_set_up_of_sqlite_that_is_killed_anywhere_is_finished_by_the_next() {
    let (chance, kills, mut begun) = (Chance::new(), rounds("C11_KILLS", 8), 0);
    for number in 0..kills {
        let folder = Folder::new();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--ignored", "--exact", "faults::upgrades::in_a_process_that_sets_up_and_is_killed"]);
        let mut child = child.env(FILE, folder.file()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !folder.file().exists() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        tokio::time::sleep(Duration::from_micros(chance.below(30_000) as u64)).await;
        begun += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let pool: SqlitePool = sqlite::open(folder.file()).await.unwrap();
        let store = Store::Sqlite(SqliteStorage::from_pool(pool.clone()));
        finish(store, Tables::Sqlite(pool.clone()), &format!("kill {number}")).await;
        let verdict: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&pool).await.unwrap();
        assert_eq!(verdict, "ok");
    }
    println!("C11 sqlite: {kills} kills, {begun} of them half-way");
}

#[tokio::test]
#[ignore = "a part of the test above"]
async fn in_a_process_that_sets_up_and_is_killed() {
    let Some(file) = std::env::var_os(FILE).map(PathBuf::from) else { return };
    let pool = sqlite::open(file).await.unwrap();
    Store::Sqlite(SqliteStorage::from_pool(pool)).set_up().await;
}
