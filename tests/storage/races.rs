//! Submissions at the same time, through two services over one store: one flow makes one identity, one address has one
//! owner, whoever is first. Small; how it goes at size is measured elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tower_registration::host::{Identities, Storage};
use tower_registration::memory::Memory;
use tower_registration::methods::Password;
use tower_registration::testing::{BASE_URL, Client, ClientKind, PERSON, UI};
use tower_registration::{After, Hashing, Registration, Schema, Secret, Style};

use crate::{postgres, sqlite};

/// A service of its own over this store, as in a process of its own.
pub(crate) fn service(storage: impl Storage, identities: impl Identities) -> Registration {
    Registration::builder(BASE_URL)
        .secret(Secret::new("the secret that both services know").unwrap())
        .hashing(Hashing::new().cost(8, 1))
        .schema(Schema::parse("person", PERSON).unwrap())
        .method(Password::new())
        .style(Style::Unified)
        .after(After::new().session(true))
        .registration_ui(format!("{UI}/sign-up"))
        .error_ui(format!("{UI}/sorry"))
        .default_return_url(format!("{UI}/welcome"))
        .storage(storage)
        .identities(identities)
        .build()
        .unwrap()
}

/// What a submission came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Made,
    Taken,
    Wrong(u16),
}

/// Submits as somebody who obeys when told to come again.
async fn submit(services: [Registration; 2], turn: usize, flow: String, email: String) -> Outcome {
    let mut client = Client::new(services[turn % 2].clone(), "/auth", ClientKind::Native);
    let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": email } });
    let path = format!("/self-service/registration?flow={flow}");
    for pause in 0..20 {
        let reply = client.post_json(&path, &answer).await;
        match reply.status() {
            200 => return Outcome::Made,
            400 if reply.messages() == [4000007] => return Outcome::Taken,
            503 => tokio::time::sleep(Duration::from_millis(10 * pause)).await,
            other => return Outcome::Wrong(other),
        }
    }
    Outcome::Wrong(503)
}

/// How often the submissions to these flows, four to each, came to what.
async fn race(services: [Registration; 2], flows: &[(String, String)]) -> BTreeMap<Outcome, usize> {
    let mut racing = JoinSet::new();
    for turn in 0..4 {
        for (flow, email) in flows {
            racing.spawn(submit(services.clone(), turn, flow.clone(), email.clone()));
        }
    }
    let mut counts = BTreeMap::new();
    for outcome in racing.join_all().await {
        *counts.entry(outcome).or_default() += 1;
    }
    counts
}

/// Begins flows, alternately with one service and the other, for addresses that so many flows share.
async fn begin(services: &[Registration; 2], flows: usize, for_each: usize, tag: &str) -> Vec<(String, String)> {
    let mut begun = Vec::new();
    for number in 0..flows {
        let mut client = Client::new(services[number % 2].clone(), "/auth", ClientKind::Native);
        let flow = client.open().await.flow_id().unwrap();
        begun.push((flow, format!("{tag}-{}@example.org", number / for_each)));
    }
    begun
}

async fn one_for_each(services: [Registration; 2]) {
    let own = begin(&services, 12, 1, "own").await;
    let shared = begin(&services, 12, 4, "shared").await;

    let alone = race(services.clone(), &own).await;
    let together = race(services, &shared).await;

    assert_eq!(alone, BTreeMap::from([(Outcome::Made, 12), (Outcome::Taken, 36)]));
    assert_eq!(together, BTreeMap::from([(Outcome::Made, 3), (Outcome::Taken, 45)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_every_flow_and_address_makes_one_identity() {
    let memory = Memory::new();

    one_for_each([service(memory.clone(), memory.clone()), service(memory.clone(), memory)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_sqlite_every_flow_and_address_makes_one_identity() {
    let folder = sqlite::Folder::new();
    let (one, other) = (folder.storage("race_").await, folder.storage("race_").await);
    one.migrate().await.unwrap();
    one.identities().migrate().await.unwrap();

    one_for_each([service(one.clone(), one.identities()), service(other.clone(), other.identities())]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_postgres_every_flow_and_address_makes_one_identity() {
    let (one, other) = (postgres::storage("race").await, postgres::storage("race").await);
    one.identities().migrate().await.unwrap();

    one_for_each([service(one.clone(), one.identities()), service(other.clone(), other.identities())]).await;
}
