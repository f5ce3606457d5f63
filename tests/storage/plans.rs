//! Every statement finds its rows by an index, on stores that are filled; and every index is needed for that.
//!
//! `PLANS_ROWS=1000000` plays the full size.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row, SqliteConnection, raw_sql};
use tower_registration::postgres::PostgresStorage;
use tower_registration::sqlite::{self, SqliteStorage};
use tower_registration::testing::Mailbox;

use crate::faults::site::{Store, by_code, native, password, rounds, service};
use crate::filled;
use crate::server::server;
use crate::sqlite::Folder;

/// What is sent: its name, and the statement.
type Statement = (String, String);

/// What the database looks for by itself when an identity is deleted.
fn cascades(tables: &str) -> Vec<Statement> {
    let children = ["unique_values", "credentials", "addresses"];
    let select = |child: &str| format!("SELECT 1 FROM {tables}{child} WHERE identity_id = $1");
    children.map(|child| (format!("what goes with an identity in {child}"), select(child))).to_vec()
}

fn owned(all: [Vec<(&'static str, &str)>; 2]) -> Vec<Statement> {
    all.concat().into_iter().map(|(name, sql)| (name.to_owned(), sql.to_owned())).collect()
}

/// One flow and one person, to whom the others are alike.
async fn sample(store: &Store) {
    store.set_up().await;
    let registration = service(store, &Mailbox::new(), by_code(), |builder| builder);
    let mut client = native(&registration);
    let (page, _) = (client.open().await, client.open().await);
    let done = client.submit(&page, password("ada@example.org")).await;
    assert_eq!(done.status(), 200, "{done:?}");
}

/// What of a plan reads more than it finds by an index: all rows of a table, or all of an index, which is what happens
/// where nothing is said about its first column.
fn scans(plan: &Value, first_columns: &[(String, String)]) -> Vec<String> {
    let own = |key: &str| plan[key].as_str().unwrap_or_default();
    let first = first_columns.iter().find(|(index, _)| index == own("Index Name"));
    let bounds = |term: &str| !term.contains("IS NOT NULL") && first.is_some_and(|(_, column)| term.contains(column));
    let reads_all = match own("Node Type") {
        "Seq Scan" => true,
        "Index Scan" | "Index Only Scan" | "Bitmap Index Scan" => !own("Index Cond").split(" AND ").any(bounds),
        _ => false,
    };
    let place = || format!("{} on {} {}", own("Node Type"), own("Relation Name"), own("Index Name"));
    let below = plan["Plans"].as_array().into_iter().flatten().flat_map(|below| scans(below, first_columns));
    reads_all.then(place).into_iter().chain(below).collect()
}

/// How PostgreSQL plans a statement for any values.
async fn plan(connection: &mut PgConnection, statement: &str) -> Result<Value, sqlx::Error> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("planned_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let values = (1..20).rev().find(|number| statement.contains(&format!("${number}"))).unwrap_or_default();
    let nulls = vec!["NULL"; values].join(", ");
    let given = if values > 0 { format!("({nulls})") } else { String::new() };
    raw_sql(AssertSqlSafe(format!("PREPARE {name} AS {statement}"))).execute(&mut *connection).await?;
    let explain = AssertSqlSafe(format!("EXPLAIN (FORMAT JSON) EXECUTE {name} {given}"));
    let row = raw_sql(explain).fetch_one(&mut *connection).await?;
    let plans: Value = serde_json::from_str(row.try_get_unchecked(0)?).unwrap();
    Ok(plans[0]["Plan"].clone())
}

/// What PostgreSQL reads in vain, statement by statement; a statement that it does not take any more counts too.
async fn scanning(connection: &mut PgConnection, all: &[Statement]) -> Vec<String> {
    let first = "SELECT i.relname::text, pg_get_indexdef(i.oid, 1, true) FROM pg_class AS i \
        WHERE i.relkind = 'i' AND i.relnamespace = 'plans'::regnamespace";
    let first: Vec<(String, String)> = sqlx::query_as(first).fetch_all(&mut *connection).await.unwrap();
    let mut found = Vec::new();
    for (name, statement) in all {
        match plan(connection, statement).await {
            Ok(plan) => found.extend(scans(&plan, &first).into_iter().map(|scan| format!("{name}: {scan}"))),
            // It needs the index to know what is in conflict.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P10") => {
                return vec![format!("{name}: {error}")];
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
    found
}

/// Every index with its table, and the constraint that made it.
const INDEXES: &str = "SELECT i.relname::text, t.relname::text, c.conname::text FROM pg_index AS x \
    JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_class AS t ON t.oid = x.indrelid \
    LEFT JOIN pg_constraint AS c ON c.conindid = x.indexrelid AND c.contype IN ('p', 'u') \
    WHERE t.relnamespace = 'plans'::regnamespace AND t.relname <> 'registration_migrations' ORDER BY 1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_finds_the_rows_of_every_statement_by_an_index_and_needs_every_index() {
    let rows = rounds("PLANS_ROWS", 100_000);
    let pool = PgPoolOptions::new().max_connections(4).connect(&server().dsn()).await.unwrap();
    let storage = PostgresStorage::from_pool(pool.clone()).with_schema("plans").unwrap();
    sample(&Store::Postgres(storage.clone())).await;
    let tables = "plans.registration_";
    let mut all = owned([storage.statements(), storage.identities().statements()]);
    assert_eq!(all.len(), 20);
    all.extend(cascades(tables));
    let mut connection = pool.acquire().await.unwrap();
    for statement in ["SET synchronous_commit = off", "SET plan_cache_mode = force_generic_plan"] {
        connection.execute(statement).await.unwrap();
    }
    for statement in filled::postgres(tables, rows, rows / 5) {
        raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.unwrap();
    }
    connection.execute("ANALYZE").await.unwrap();

    let found = scanning(&mut connection, &all).await;
    assert!(found.is_empty(), "{found:#?}");

    let indexes: Vec<(String, String, Option<String>)> =
        sqlx::query_as(INDEXES).fetch_all(&mut *connection).await.unwrap();
    assert_eq!(indexes.len(), 12, "{indexes:?}");
    for (index, table, constraint) in indexes {
        let without = match constraint {
            Some(constraint) => format!("ALTER TABLE plans.{table} DROP CONSTRAINT {constraint} CASCADE"),
            None => format!("DROP INDEX plans.{index}"),
        };
        for statement in ["BEGIN".to_owned(), without] {
            raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.unwrap();
        }
        let found = scanning(&mut connection, &all).await;
        connection.execute("ROLLBACK").await.unwrap();
        assert!(!found.is_empty(), "nobody needs {index}");
        println!("without {index}: {found:?}");
    }
}

/// What SQLite reads in vain, statement by statement.
async fn scanning_sqlite(connection: &mut SqliteConnection, all: &[Statement]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, statement) in all {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let steps = sqlx::query_as::<_, (i64, i64, i64, String)>(explain).fetch_all(&mut *connection).await;
        let steps = match steps {
            Ok(steps) => steps,
            // It needs the key to know what is in conflict.
            Err(error) if error.to_string().contains("ON CONFLICT clause") => return vec![format!("{name}: {error}")],
            Err(error) => panic!("{name}: {error}"),
        };
        // A search says in brackets what it is bound by.
        // What a parameter lists is read as a whole.
        let listed = |step: &str| step.starts_with("SCAN n VIRTUAL TABLE");
        let reads_all = |step: &str| {
            step.starts_with("SCAN") && !listed(step) || step.starts_with("SEARCH") && !step.contains("?)")
        };
        found.extend(steps.into_iter().filter(|step| reads_all(&step.3)).map(|step| format!("{name}: {}", step.3)));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_finds_the_rows_of_every_statement_by_an_index() {
    let rows = rounds("PLANS_ROWS", 100_000);
    let folder = Folder::new();
    let pool = SqlitePoolOptions::new().connect_with(sqlite::options(folder.file())).await.unwrap();
    let storage = SqliteStorage::from_pool(pool.clone());
    sample(&Store::Sqlite(storage.clone())).await;
    let mut all = owned([storage.statements(), storage.identities().statements()]);
    assert_eq!(all.len(), 22);
    all.extend(cascades("registration_"));
    let mut connection = pool.acquire().await.unwrap();
    for statement in filled::sqlite("registration_", rows, rows / 5) {
        raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.unwrap();
    }

    let found = scanning_sqlite(&mut connection, &all).await;
    // The host may let SQLite count what is in the tables, or not.
    connection.execute("ANALYZE").await.unwrap();
    let counted = scanning_sqlite(&mut connection, &all).await;

    assert!(found.is_empty() && counted.is_empty(), "{found:#?} {counted:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_needs_every_index() {
    let list = "SELECT m.tbl_name, m.name, m.sql FROM sqlite_master AS m WHERE m.type = 'index' UNION ALL \
        SELECT t.name, 'the key of ' || t.name, NULL FROM sqlite_master AS t WHERE t.sql LIKE '%WITHOUT ROWID' ORDER BY 2";
    let (mut missing, mut gone) = (0, 0);
    while gone <= missing {
        let folder = Folder::new();
        let options = sqlite::options(folder.file()).foreign_keys(true);
        let pool = SqlitePoolOptions::new().connect_with(options).await.unwrap();
        let storage = SqliteStorage::from_pool(pool.clone());
        Store::Sqlite(storage.clone()).set_up().await;
        let mut all = owned([storage.statements(), storage.identities().statements()]);
        all.extend(cascades("registration_"));
        let mut connection = pool.acquire().await.unwrap();
        let indexes: Vec<(String, String, Option<String>)> =
            sqlx::query_as(list).fetch_all(&mut *connection).await.unwrap();
        let indexes: Vec<_> = indexes.into_iter().filter(|(table, ..)| !table.ends_with("migrations")).collect();
        missing = indexes.len() - 1;
        let (table, index, sql) = &indexes[gone];
        let without = match sql {
            Some(_) => format!("DROP INDEX {index}"),
            // A key cannot be dropped: the same table is made without it.
            None => {
                let others = indexes.iter().filter(|(own, ..)| own == table).filter_map(|(.., sql)| sql.clone());
                let others: Vec<String> = others.collect();
                format!(
                    "PRAGMA foreign_keys = off; CREATE TABLE copy AS SELECT * FROM {table}; DROP TABLE {table}; \
                     ALTER TABLE copy RENAME TO {table}; {}",
                    others.join("; ")
                )
            }
        };
        raw_sql(AssertSqlSafe(without)).execute(&mut *connection).await.unwrap();

        let found = scanning_sqlite(&mut connection, &all).await;
        assert!(!found.is_empty(), "nobody needs {index}");
        println!("without {index}: {found:?}");
        gone += 1;
    }
    assert_eq!(gone, 11);
}
