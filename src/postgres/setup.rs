//! Before the first request: the setting that a promise rests on, and the tables.

use sqlx::{AssertSqlSafe, PgPool, Row, raw_sql};

use super::held::Held;
use super::{ANSWERS, PATIENCE, Place};
use crate::sql::SetupError;

/// The tables of records and the outbox, step by step. A step that was released is never changed.
pub(super) const STORAGE: Part = Part { word: "storage", steps: &[include_str!("schema/storage_1.sql")] };
/// The tables of identities.
pub(super) const IDENTITIES: Part = Part { word: "identities", steps: &[include_str!("schema/identities_1.sql")] };

/// Of the lock that those who set up take in turn; any number that others do not use.
const LOCK: i64 = 0x7472_5f73_6574_7570;

/// Tables that belong together.
pub(super) struct Part {
    word: &'static str,
    steps: &'static [&'static str],
}

/// Refuses a setting with which an acknowledged registration could be lost.
pub(super) async fn check(pool: &PgPool) -> Result<(), SetupError> {
    // As one message, which a pooler cannot tear apart.
    let found = raw_sql("SELECT current_setting('synchronous_commit')").fetch_one(pool).await;
    let found: String = found.and_then(|row| row.try_get(0)).map_err(|error| ANSWERS.failed(error))?;
    if found == "off" {
        let needed = "`on`, or at least `local`, for this role and database, so that a commit survives a crash";
        return Err(SetupError::Setting { setting: "synchronous_commit", found, needed });
    }
    Ok(())
}

/// Takes the steps that were not taken yet. Whoever comes meanwhile waits for the lock, and finds them taken. The lock is
/// the transaction's, and statements have no names, so that it also works behind a pooler that gives every transaction
/// another connection.
pub(super) async fn migrate(pool: &PgPool, place: &Place, part: &Part) -> Result<(), SetupError> {
    // What this one found taken before it had the lock is asked for again behind it.
    let begin = Held::begin(pool, "BEGIN ISOLATION LEVEL READ COMMITTED", PATIENCE);
    let mut transaction = begin.await.map_err(|error| ANSWERS.failed(error))?;
    let run = async {
        sqlx::query("SELECT pg_advisory_xact_lock($1)").persistent(false).bind(LOCK).execute(&mut *transaction).await?;
        if let Some(schema) = &place.schema {
            let known = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1)";
            let known: bool =
                sqlx::query_scalar(known).persistent(false).bind(schema.as_str()).fetch_one(&mut *transaction).await?;
            if !known {
                // Asked for before, because making one needs a right that not everybody has.
                let create = AssertSqlSafe(format!("CREATE SCHEMA \"{}\"", schema.as_str()));
                sqlx::query(create).persistent(false).execute(&mut *transaction).await?;
            }
        }
        let create = "CREATE TABLE IF NOT EXISTS {schema}{prefix}migrations (part TEXT NOT NULL, step BIGINT NOT NULL, \
            PRIMARY KEY (part, step))";
        sqlx::query(place.fill(create)).persistent(false).execute(&mut *transaction).await?;
        let taken = "SELECT coalesce(max(step), 0) FROM {schema}{prefix}migrations WHERE part = $1";
        let taken: i64 = sqlx::query_scalar(place.fill(taken))
            .persistent(false)
            .bind(part.word)
            .fetch_one(&mut *transaction)
            .await?;
        for (step, sql) in (1_i64..).zip(part.steps).filter(|(step, _)| *step > taken) {
            let sql = AssertSqlSafe(place.fill(sql).as_str().to_owned());
            raw_sql(sql).execute(&mut *transaction).await?;
            let note = "INSERT INTO {schema}{prefix}migrations (part, step) VALUES ($1, $2)";
            sqlx::query(place.fill(note))
                .persistent(false)
                .bind(part.word)
                .bind(step)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    };
    run.await.map_err(|error: sqlx::Error| ANSWERS.failed(error).into())
}
