//! G2, the dump test: everything that the tables hold after a set of journeys is given to an attacker.
//!
//! 1. No password, code, token, cookie, link or CSRF secret is there: not in clear, not encoded, not as a digest of it
//!    alone. A session is found by the SHA-256 of its token, which is random and long: that one digest is allowed.
//! 2. Nothing that is there can be used: presented as a session, a code, a link, a browser's secret or a password, it
//!    signs nobody in, proves nothing and finishes no flow. The same attacker succeeds with the real secrets.
//!
//! An open flow that nobody has answered yet is nobody's: whoever knows its id can sign up with it, as with a new one.

mod attacker;
mod cells;
mod journeys;
mod secrets;

use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use tower_registration::postgres::PostgresStorage;
use tower_registration::sqlite::{self, SqliteStorage};

use crate::faults::site::Store;
use crate::server::server;
use crate::sqlite::Folder;
use journeys::Journeys;

/// The journeys, the search, and the attack.
async fn tells_nothing(store: Store, dump: impl AsyncFn() -> Vec<Vec<u8>>, files: impl Fn() -> Vec<Vec<u8>>) {
    store.set_up().await;
    let journeys = Journeys::new(store).await;
    let cells = dump().await;
    assert!(cells.len() > 300, "the dump holds what the journeys left: {}", cells.len());

    let found = secrets::found(&journeys.secrets, &[cells.clone(), files()].concat());
    assert!(found.is_empty(), "{found:#?}");

    let candidates = cells::candidates(&cells);
    println!("{} cells, {} things to present", cells.len(), candidates.len());
    let hashes: Vec<String> = candidates.iter().filter(|text| text.starts_with("$argon2id$")).cloned().collect();
    assert_eq!(hashes.len(), 4, "of everybody who has a password");
    let opened = attacker::attack(&journeys, &candidates, &hashes).await;
    assert!(opened.is_empty(), "{opened:#?}");

    // The same search and the same attacker, had the secrets been there.
    let planted: Vec<Vec<u8>> = journeys.secrets.iter().map(|secret| secret.value.clone().into_bytes()).collect();
    let found = secrets::found(&journeys.secrets, &planted);
    assert!(
        journeys.secrets.iter().all(|secret| found.iter().any(|found| found.starts_with(secret.name))),
        "{found:?}"
    );
    let opened = attacker::attack(&journeys, &cells::candidates(&planted), &hashes).await;
    let mut ways: Vec<&str> = opened.iter().map(|(way, _)| *way).collect();
    ways.dedup();
    assert_eq!(ways, attacker::WAYS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_the_tables_of_sqlite_tell_an_attacker_nothing() {
    let folder = Folder::new();
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(sqlite::options(folder.file())).await.unwrap();
    let store = Store::Sqlite(SqliteStorage::from_pool(pool.clone()));

    // What was deleted or written over may still be in the files.
    let files = || ["db", "db-wal"].map(|kind| std::fs::read(folder.file().with_extension(kind)).unwrap()).to_vec();
    tells_nothing(store, async || cells::of_sqlite(&pool).await, files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g2_the_tables_of_postgres_tell_an_attacker_nothing() {
    let pool = PgPoolOptions::new().max_connections(4).connect(&server().dsn()).await.unwrap();
    let store = Store::Postgres(PostgresStorage::from_pool(pool.clone()).with_schema("dumped").unwrap());

    tells_nothing(store, async || cells::of_postgres(&pool, "dumped").await, Vec::new).await;
}
