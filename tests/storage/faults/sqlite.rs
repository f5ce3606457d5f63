//! Faults of SQLite: no connection, somebody who holds the file, a full disk, a limit on the size of files, a database
//! that only reads.

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnection, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, SqlitePool, raw_sql};
use tower_registration::sqlite::{self, SqliteStorage};

use super::site::{Became, Site, Store, Tables, rounds};
use crate::sqlite::Folder;

/// Longer than the storage's patience: the machine may be slow.
const LONGEST: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_millis(500);

/// What every connection of a pool is told before it is used.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<&'static str>>);

impl Told {
    fn set(&self, pragma: &'static str) {
        *self.0.lock().unwrap() = pragma;
    }

    async fn tell(self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let pragma = *self.0.lock().unwrap();
        raw_sql(pragma).execute(connection).await.map(drop)
    }

    async fn pool(&self, folder: &Folder, most: u32) -> SqlitePool {
        let (made, taken) = (self.clone(), self.clone());
        let options = SqlitePoolOptions::new().max_connections(most);
        let options = options.after_connect(move |connection, _| Box::pin(made.clone().tell(connection)));
        let options = options.before_acquire(move |connection, _| {
            let told = taken.clone();
            Box::pin(async move { told.tell(connection).await.map(|()| true) })
        });
        options.connect_with(sqlite::options(folder.file())).await.unwrap()
    }
}

/// A service whose pool can be told things, and whose tables can be looked at through another.
async fn site(folder: &Folder, pool: SqlitePool) -> Site {
    let storage = SqliteStorage::from_pool(pool).with_patience(PATIENCE);
    let beside = SqlitePoolOptions::new().connect_with(sqlite::options(folder.file())).await.unwrap();
    Site::new(Store::Sqlite(storage), Tables::Sqlite(beside)).await
}

async fn assert_intact(site: &Site) {
    let Tables::Sqlite(pool) = &site.tables else { panic!("this is SQLite") };
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(pool).await.unwrap();
    assert_eq!(verdict, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exhausted_pool_of_sqlite_is_told_and_passes() {
    let folder = Folder::new();
    let pool = Told::default().pool(&folder, 2).await;
    let site = site(&folder, pool.clone()).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_holds_the_file_is_told_and_passes() {
    let folder = Folder::new();
    let site = site(&folder, Told::default().pool(&folder, 4).await).await;
    let other = Told::default().pool(&folder, 1).await;
    let held = tokio::sync::Mutex::new(None);

    let hold = async |begins: bool| {
        let mut held = held.lock().await;
        *held = if begins { Some(other.begin_with("BEGIN IMMEDIATE").await.unwrap()) } else { None };
    };
    site.survives(hold, true, LONGEST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_sqlite_that_only_reads_is_told_and_passes() {
    let (folder, told) = (Folder::new(), Told::default());
    let site = site(&folder, told.pool(&folder, 4).await).await;

    let read_only =
        async |begins: bool| told.set(if begins { "PRAGMA query_only = on" } else { "PRAGMA query_only = off" });
    site.survives(read_only, true, LONGEST).await;
}

/// `C9_CYCLES=200` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c9_a_disk_that_is_full_for_sqlite_is_told_and_passes() {
    let (folder, told) = (Folder::new(), Told::default());
    let site = site(&folder, told.pool(&folder, 4).await).await;

    // No more pages than there are.
    let full = async |begins: bool| {
        told.set(if begins { "PRAGMA max_page_count = 1" } else { "PRAGMA max_page_count = 1073741823" });
    };
    let cycles = rounds("C9_CYCLES", 12);
    for _ in 0..cycles {
        site.survives(full, true, LONGEST).await;
    }

    assert_intact(&site).await;
    println!("C9 sqlite, SQLITE_FULL: {cycles} cycles");
}

/// A limit on the size of files is the process's, so it needs one of its own. Writing beyond it is an error of input or
/// output, as on a disk that breaks.
#[test]
fn c9_a_disk_that_breaks_is_told_and_passes() {
    let mut command = Command::new("sh");
    // Who writes beyond the limit would be killed otherwise.
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "faults::sqlite::in_a_process_with_a_limit_on_the_size_of_files"]);
    let output = command.arg("--nocapture").output().unwrap();

    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    println!("{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of the test above"]
async fn in_a_process_with_a_limit_on_the_size_of_files() {
    let folder = Folder::new();
    let site = site(&folder, Told::default().pool(&folder, 4).await).await;

    // The log is longer than that after a few commits, wherever it begins anew.
    let limit = async |begins: bool| {
        let most = if begins { "65536" } else { "unlimited" };
        let set = ["--pid", &std::process::id().to_string(), &format!("--fsize={most}:unlimited")].map(str::to_owned);
        assert!(Command::new("prlimit").args(set).status().unwrap().success());
    };
    let cycles = rounds("C9_CYCLES", 12);
    for _ in 0..cycles {
        site.survives(limit, true, LONGEST).await;
    }

    assert_intact(&site).await;
    assert!(matches!(site.sign_up(LONGEST).await, Became::Somebody));
    println!("C9 sqlite, SQLITE_IOERR: {cycles} cycles");
}

#[tokio::test]
async fn a_pragma_that_is_told_reaches_every_connection() {
    let (folder, told) = (Folder::new(), Told::default());
    let pool = told.pool(&folder, 2).await;
    told.set("PRAGMA query_only = on");

    let mut found = Vec::new();
    let (mut one, mut other) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    for connection in [&mut one, &mut other] {
        let asked = AssertSqlSafe("PRAGMA query_only".to_owned());
        found.push(sqlx::query_scalar::<_, i64>(asked).fetch_one(&mut **connection).await.unwrap());
    }

    assert_eq!(found, [1, 1]);
}
