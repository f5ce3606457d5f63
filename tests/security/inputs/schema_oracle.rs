//! F10, F11: a schema is read or refused, and what it says of a value is a clear answer.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;
use tower_registration::methods::Password;
use tower_registration::testing::App;
use tower_registration::{Schema, Style};

use super::corpus::quickest;
use super::door::{Answer, Door, JSON, QUICK};
use super::stopwatch::Stopwatch;

pub(super) const TRAITS: &str = include_str!("../corpus/traits.json");

/// How long reading a schema may take when the service starts: 50 ms, ten times as long where nothing is optimised.
pub(super) const START: Duration = QUICK.saturating_mul(10);

/// How long the answer to a value may take: 5 ms. Where nothing is optimised, words for a thousand mistakes take long.
pub(super) const JUDGED: Duration = QUICK.saturating_mul(if cfg!(debug_assertions) { 4 } else { 1 });

/// Values that every schema is shown.
const SHOWN: [&str; 6] =
    ["null", "\"ada@example.org\"", "1e300", "[[],{}]", "{\"a\":{\"a\":[1]}}", "\"aaaaaaaaaaaaaaaaaaaaaaaa!\""];

/// Plays an input of the fuzz target `schema`: a schema, and behind a line `---` a value that is shown to it as the trait
/// `t`.
pub(crate) struct Schemas(Runtime);

impl Schemas {
    pub(crate) fn new() -> Self {
        Self(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap())
    }

    /// Whether a service starts with it.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let (schema, value) = text.split_once("\n---\n").unwrap_or((text, "{}"));
        let Ok(schema) = Schema::parse("fuzzed", schema) else { return false };
        let Ok(app) = app(schema) else { return false };
        let door = Door::of(&app);
        let own = is_json(value).then_some(value);
        for value in own.into_iter().chain(SHOWN) {
            let (_, answer) = self.0.block_on(show(&door, value));
            assert!(answer.status == 400 && answer.is_clear_refusal(), "{value}: {}", answer.brief());
        }
        true
    }
}

/// Plays an input of the fuzz target `traits`: a letter for one of twelve schemas, and a value that is shown to it.
pub(crate) struct Traits {
    runtime: Runtime,
    doors: Vec<Door>,
    played: usize,
}

impl Traits {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, doors: doors().into_values().collect(), played: 0 }
    }

    /// Whether the schema has nothing against the value.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        let Some((&letter, value)) = input.split_first() else { return false };
        let Some(value) = std::str::from_utf8(value).ok().filter(|value| is_json(value)) else { return false };
        self.played += 1;
        if self.played.is_multiple_of(5_000) {
            self.doors = doors().into_values().collect();
        }
        let door = &self.doors[usize::from(letter.wrapping_sub(b'a')) % self.doors.len()];
        let (_, answer) = self.runtime.block_on(show(door, value));
        assert!(answer.status == 400 && answer.is_clear_refusal(), "{}", answer.brief());
        answer.page_messages().is_empty() && answer.field_messages() == [("password".to_owned(), vec![4_000_032])]
    }
}

/// Whether a text is one JSON value, so that it stays in its place in a body.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}

/// Reads a schema, and says how long that took.
pub(super) fn quickest_read(schema: &str) -> (Duration, Result<Schema, String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(quickest(START, async || {
        let watch = Stopwatch::start();
        let read = Schema::parse("hostile", schema).map_err(|error| error.to_string());
        (watch.elapsed(), read)
    }))
}

/// Answers a fresh flow with this value as the trait `t`.
pub(super) async fn show(door: &Door, value: &str) -> (Duration, Answer) {
    let opened = door.open_native().await;
    let traits = format!(r#"{{"email":"ada@example.org","t":{value}}}"#);
    let answer = format!(r#"{{"method":"password","password":"short","traits":{traits}}}"#);
    let answer = door.submit_native(&opened.flow, JSON, answer).await;
    (answer.took, answer)
}

/// A service for each schema.
pub(super) fn doors() -> BTreeMap<String, Door> {
    let document: Value = serde_json::from_str(TRAITS).unwrap();
    let schemas = document["schemas"].as_object().unwrap().iter();
    schemas.map(|(name, schema)| (name.clone(), door(name, schema))).collect()
}

fn door(name: &str, schema: &Value) -> Door {
    let schema = Schema::parse(name, &schema.to_string()).unwrap();
    Door::of(&app(schema).unwrap())
}

/// A host with this schema, where people sign up with a password.
pub(super) fn app(schema: Schema) -> Result<App, tower_registration::BuildError> {
    App::bare(|builder| builder.schema(schema).style(Style::Unified).method(Password::new()))
}
