//! Codes, links and letters: guessing, flooding, racing, scanners, spellings of an address, and what is never written.
// A helper that cannot go on ends the test, as the test itself would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod collisions;
mod guesses;
mod letters;
mod races;
mod scanners;
pub(crate) mod silence;
mod spelling_oracle;
mod spellings;

use serde_json::{Value, json};
use tower_registration::testing::{App, Client, Reply};

const ADA: &str = "ada@example.org";

/// How often something is done: the given number, or what the environment says, for a run at full size.
fn rounds(name: &str, few: usize) -> usize {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(few)
}

fn by_code(email: &str) -> Value {
    json!({ "method": "code", "traits": { "email": email } })
}

/// Asks for a code and reads it.
async fn sent(app: &App, client: &mut Client, email: &str) -> (Reply, String) {
    let page = client.open().await;
    let page = client.submit(&page, by_code(email)).await;
    app.deliver().await.unwrap();
    (page, app.mailbox().latest_code(email).unwrap())
}

fn with(mut answer: Value, name: &str, value: &str) -> Value {
    answer[name] = value.into();
    answer
}
