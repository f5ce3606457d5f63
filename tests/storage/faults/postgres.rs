//! Faults of PostgreSQL: no connection, statements and locks that take too long, a full disk, a server that only reads.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool, raw_sql};
use tower_registration::postgres::PostgresStorage;

use super::site::{Site, Store, Tables, rounds};
use crate::server::{Server, server};

/// Longer than the storage's patience: the machine may be slow.
const LONGEST: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_millis(700);

/// A service in a schema of its own; its pool tells every connection this before it is used.
async fn site(schema: &'static str, most: u32, patience: Duration, told: Told) -> (Site, PgPool) {
    site_on(server(), schema, most, patience, told).await
}

async fn site_on(server: &Server, schema: &'static str, most: u32, patience: Duration, told: Told) -> (Site, PgPool) {
    let (made, taken) = (told.clone(), told);
    let options = PgPoolOptions::new().max_connections(most);
    let options = options.after_connect(move |connection, _| Box::pin(made.clone().tell(connection)));
    let options = options.before_acquire(move |connection, _| {
        let told = taken.clone();
        Box::pin(async move { told.tell(connection).await.map(|()| true) })
    });
    let pool = options.connect_with(server.dsn().parse::<PgConnectOptions>().unwrap()).await.unwrap();
    let storage = PostgresStorage::from_pool(pool.clone()).with_schema(schema).unwrap().with_patience(patience);
    let beside = PgPoolOptions::new().max_connections(4).connect(&server.dsn()).await.unwrap();
    (Site::new(Store::Postgres(storage), Tables::Postgres(beside, schema)).await, pool)
}

/// What every connection of a pool is told before it is used.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<&'static str>>);

impl Told {
    async fn tell(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let statement = *self.0.lock().unwrap();
        raw_sql(statement).execute(connection).await.map(drop)
    }
}

fn beside(site: &Site) -> &PgPool {
    match &site.tables {
        Tables::Postgres(pool, _) => pool,
        Tables::Sqlite(_) => panic!("this is PostgreSQL"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exhausted_pool_of_postgres_is_told_and_passes() {
    let (site, pool) = site("exhausted", 2, PATIENCE, Told::default()).await;
    let held = tokio::sync::Mutex::new(Vec::new());

    let exhaust = async |begins: bool| {
        let mut held = held.lock().await;
        match begins {
            true => held.extend([pool.acquire().await.unwrap(), pool.acquire().await.unwrap()]),
            false => held.clear(),
        }
    };
    site.survives(exhaust, false, LONGEST).await;
}

/// Somebody locks the identities; whoever looks at a flow does not need them.
async fn survives_a_lock(schema: &'static str, patience: Duration, setting: &'static str) {
    let told = Told::default();
    *told.0.lock().unwrap() = setting;
    let (site, _) = site(schema, 4, patience, told).await;
    let held = tokio::sync::Mutex::new(None);

    let lock = async |begins: bool| {
        let mut held = held.lock().await;
        *held = match begins {
            false => None,
            true => {
                let mut transaction = beside(&site).begin().await.unwrap();
                let lock = format!("LOCK TABLE {schema}.registration_unique_values IN ACCESS EXCLUSIVE MODE");
                raw_sql(AssertSqlSafe(lock)).execute(&mut *transaction).await.unwrap();
                Some(transaction)
            }
        };
    };
    site.survives(lock, true, LONGEST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_waited_for_too_long_is_told_and_passes() {
    survives_a_lock("lock_wait", PATIENCE, "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_the_server_ends_is_told_and_passes() {
    survives_a_lock("statement_end", Duration::from_secs(60), "SET statement_timeout = '300ms'").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_the_server_does_not_give_is_told_and_passes() {
    survives_a_lock("lock_end", Duration::from_secs(60), "SET lock_timeout = '300ms'").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_only_reads_is_told_and_passes() {
    let told = Told::default();
    let (site, _) = site("only_reads", 4, PATIENCE, told.clone()).await;

    let read_only = async |begins: bool| {
        let statement = match begins {
            true => "SET default_transaction_read_only = on",
            false => "SET default_transaction_read_only = off",
        };
        *told.0.lock().unwrap() = statement;
    };
    site.survives(read_only, true, LONGEST).await;
}

/// A small disk that a test may fill; it goes away with the test.
struct Disk(PathBuf);

impl Disk {
    /// Nothing where the machine allows no mounts.
    fn mount(server: &Server) -> Option<Self> {
        let folder = server.folder().join("small");
        std::fs::create_dir(&folder).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(&folder).output();
        let disk = Self(folder);
        let mounted = mount.is_ok_and(|output| output.status.success());
        let owned = mounted && Command::new("chown").arg("nobody").arg(&disk.0).status().unwrap().success();
        owned.then_some(disk)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

/// The statements of whoever fills the disk, and makes room again.
struct Filling {
    begin: String,
    /// The larger pieces first, each until there is no room for it.
    fill: Vec<String>,
    empty: String,
}

const TABLES: [&str; 5] = ["records", "outbox", "identities", "unique_values", "credentials"];

/// A disk of four megabytes that holds the tables.
async fn small_disk(pool: &PgPool, schema: &str, disk: &Disk) -> Filling {
    let space = format!("CREATE TABLESPACE small LOCATION '{}'", disk.0.display());
    let moves = TABLES.map(|table| format!("ALTER TABLE {schema}.registration_{table} SET TABLESPACE small"));
    for statement in [vec![space], moves.to_vec()].concat() {
        raw_sql(AssertSqlSafe(statement)).execute(pool).await.unwrap();
    }
    let pieces = [512, 64, 8, 1]
        .map(|rows| format!("INSERT INTO {schema}.filler SELECT repeat('x', 7000) FROM generate_series(1, {rows})"));
    let filler = format!(
        "CREATE TABLE {schema}.filler (it TEXT) TABLESPACE small; \
         ALTER TABLE {schema}.filler ALTER COLUMN it SET STORAGE PLAIN"
    );
    Filling { begin: filler, fill: pieces.to_vec(), empty: format!("DROP TABLE {schema}.filler") }
}

/// The error that PostgreSQL gives for a full disk, given by a trigger while a row says so.
async fn pretended_disk(pool: &PgPool, schema: &str) -> Filling {
    let function = format!(
        "CREATE TABLE {schema}.filler (it TEXT); CREATE FUNCTION {schema}.full() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN IF EXISTS (SELECT FROM {schema}.filler) THEN RAISE disk_full; END IF; RETURN NEW; END'"
    );
    let triggers = TABLES.map(|table| {
        format!(
            "CREATE TRIGGER is_full BEFORE INSERT ON {schema}.registration_{table} FOR EACH ROW \
             EXECUTE FUNCTION {schema}.full()"
        )
    });
    for statement in [vec![function], triggers.to_vec()].concat() {
        raw_sql(AssertSqlSafe(statement)).execute(pool).await.unwrap();
    }
    Filling {
        begin: format!("INSERT INTO {schema}.filler VALUES ('full')"),
        fill: Vec::new(),
        empty: format!("TRUNCATE {schema}.filler"),
    }
}

/// `C9_CYCLES=200` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c9_a_disk_that_is_full_for_postgres_is_told_and_passes() {
    // Of its own: files that go away with their disk would trouble everybody.
    let server = Server::start();
    let (site, _) = site_on(&server, "full_disk", 4, PATIENCE, Told::default()).await;
    let (pool, disk) = (beside(&site), Disk::mount(&server));
    let filling = match &disk {
        Some(disk) => small_disk(pool, "full_disk", disk).await,
        None => {
            println!("this machine allows no mounts: the full disk is pretended by a trigger");
            pretended_disk(pool, "full_disk").await
        }
    };

    let run = async |statement: &str| raw_sql(AssertSqlSafe(statement.to_owned())).execute(pool).await;
    let full = async |begins: bool| {
        run(if begins { &filling.begin } else { &filling.empty }).await.unwrap();
        for piece in filling.fill.iter().filter(|_| begins) {
            while run(piece).await.is_ok() {}
        }
    };
    let cycles = rounds("C9_CYCLES", 6);
    for _ in 0..cycles {
        site.survives(full, true, LONGEST).await;
    }
    println!("C9 postgres, {}: {cycles} cycles", if disk.is_some() { "a disk of 4 MiB" } else { "pretended" });
}
