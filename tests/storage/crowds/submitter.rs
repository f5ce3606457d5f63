//! One of the processes that submit.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tower_registration::testing::{Client, ClientKind, Faults, Mailbox};
use tower_registration::{Hashing, Registration};

use crate::kills::host;
use crate::processes::{Place, listen, say};

/// How one submission ended, and how often it was told to come back before.
struct End {
    answer: Answer,
    busy: u64,
}

enum Answer {
    Made,
    Taken,
    Replaced,
    Other(Value),
}

/// `{ "place" }`: is told flows with addresses, submits each as often as it is told, all together, and says what came of it.
pub(crate) async fn run(task: &Value) {
    let store = Place::of(&task["place"]).open().await;
    let builder = host::builder(&store, &Faults::new(), Mailbox::new());
    let registration = builder.hashing(Hashing::new().cost(8 * 1024, 1)).build().unwrap();
    say(&json!({ "ready": true }));
    loop {
        let told = listen().await;
        let each = usize::try_from(told["each"].as_u64().unwrap()).unwrap();
        let pairs: Vec<(String, String)> = serde_json::from_value(told["submit"].clone()).unwrap();
        say(&submit_all(&registration, &pairs, each).await);
    }
}

async fn submit_all(registration: &Registration, pairs: &[(String, String)], each: usize) -> Value {
    let together = Arc::new(Barrier::new(pairs.len() * each));
    let mut going = JoinSet::new();
    for (flow, email) in pairs.iter().cycle().take(pairs.len() * each) {
        let client = Client::new(registration.clone(), "/auth", ClientKind::Native);
        let (flow, email, together) = (flow.clone(), email.clone(), Arc::clone(&together));
        going.spawn(async move {
            together.wait().await;
            submit(client, &flow, &email).await
        });
    }
    let (mut made, mut taken, mut replaced, mut busy, mut other) = (0_u64, 0_u64, 0_u64, 0, Vec::new());
    for end in going.join_all().await {
        busy += end.busy;
        match end.answer {
            Answer::Made => made += 1,
            Answer::Taken => taken += 1,
            Answer::Replaced => replaced += 1,
            Answer::Other(answer) => other.push(answer),
        }
    }
    json!({ "made": made, "taken": taken, "replaced": replaced, "busy": busy, "other": other })
}

/// Submits, and comes back when told to.
async fn submit(mut client: Client, flow: &str, email: &str) -> End {
    let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": email } });
    let path = format!("/self-service/registration?flow={flow}");
    let mut busy = 0;
    loop {
        let reply = client.post_json(&path, &answer).await;
        let answer = match reply.status() {
            200 => Answer::Made,
            410 => Answer::Replaced,
            400 if reply.messages() == [4_000_007] => Answer::Taken,
            503 if busy < 60 => {
                busy += 1;
                let seconds = reply.header("retry-after").parse().unwrap();
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                continue;
            }
            status => Answer::Other(json!([status, reply.json()])),
        };
        return End { answer, busy };
    }
}
