//! Everything that tables hold, and what an attacker makes of it.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Column, PgPool, Row, SqlitePool, ValueRef};
use uuid::Uuid;

pub(crate) async fn of_sqlite(pool: &SqlitePool) -> Vec<Vec<u8>> {
    let list = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let tables: Vec<String> = sqlx::query_scalar(list).fetch_all(pool).await.unwrap();
    let mut cells = Vec::new();
    for table in tables {
        let rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}"))).fetch_all(pool).await.unwrap();
        for row in rows {
            let all = row.columns().iter().map(|column| column.ordinal());
            let there = all.filter(|at| !row.try_get_raw(*at).unwrap().is_null());
            cells.extend(there.map(|at| row.try_get_unchecked::<Vec<u8>, _>(at).unwrap()));
        }
    }
    cells
}

pub(crate) async fn of_postgres(pool: &PgPool, schema: &str) -> Vec<Vec<u8>> {
    let list = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1";
    let tables: Vec<String> = sqlx::query_scalar(list).bind(schema).fetch_all(pool).await.unwrap();
    let mut cells = Vec::new();
    for table in tables {
        let rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {schema}.{table}"))).fetch_all(pool).await.unwrap();
        for row in rows {
            let all = row.columns().iter().map(|column| row.try_get_raw(column.ordinal()).unwrap());
            cells.extend(all.filter(|value| !value.is_null()).map(|value| value.as_bytes().unwrap().to_vec()));
        }
    }
    cells
}

/// Everything that could be meant by a cell: its text and the words in it, its bytes in every usual spelling.
pub(crate) fn candidates(cells: &[Vec<u8>]) -> BTreeSet<String> {
    cells.iter().flat_map(|cell| spellings(cell)).filter(|text| (4..=4_096).contains(&text.len())).collect()
}

fn spellings(cell: &[u8]) -> Vec<String> {
    let mut all = vec![hex(cell), STANDARD.encode(cell), URL_SAFE_NO_PAD.encode(cell)];
    all.extend(Uuid::from_slice(cell).map(|id| id.to_string()));
    let text = String::from_utf8_lossy(cell);
    all.push(text.to_string());
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_=+/.".contains(c);
    for word in text.split(|c| !is_word(c)) {
        all.push(word.to_owned());
        all.extend(word.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 6).map(str::to_owned));
        all.extend(STANDARD.decode(word).map(|bytes| hex(&bytes)));
    }
    let json = serde_json::from_slice::<Value>(cell).unwrap_or_default();
    leaves(&json, &mut all);
    // Bytes that were written as a list of numbers.
    for list in text.split('[').skip(1).filter_map(|rest| rest.split_once(']')) {
        let bytes: Result<Vec<u8>, _> = list.0.split(',').map(|number| number.trim().parse()).collect();
        all.extend(bytes.into_iter().flat_map(|bytes| [hex(&bytes), STANDARD.encode(&bytes)]));
    }
    all
}

/// The texts in a value.
fn leaves(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, all)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, all)),
        _ => {}
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
