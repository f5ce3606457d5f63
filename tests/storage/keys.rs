//! W3: a key belongs to one identity, whoever shows it at once, through two services over one store.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tower_registration::Registration;
use tower_registration::testing::{Authenticator, Client, ClientKind, Reply, UI};

use crate::races::service;
use crate::{postgres, sqlite};

/// Submits until it is not told to come again.
async fn submit(client: &mut Client, page: &Reply, email: &str, made: &str) -> Reply {
    let answer = json!({ "passkey_register": made, "traits": { "email": email } });
    for pause in 0..20 {
        let reply = client.submit(page, answer.clone()).await;
        if reply.status() != 503 {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(10 * pause)).await;
    }
    panic!("{email} is told to come again for ever");
}

/// Eight people show one key at the same time, half of them to each service.
async fn one_gets_it(services: [Registration; 2]) {
    for round in 0..8 {
        let authenticator = Authenticator::new().credential_id(format!("key {round}").into_bytes());
        let mut going = JoinSet::new();
        for person in 0..8 {
            let mut client = Client::new(services[person % 2].clone(), "/auth", ClientKind::Native);
            let page = client.open().await;
            let made = authenticator.passkey(&page, UI).unwrap();
            let email = format!("person-{round}-{person}@example.org");
            going.spawn(async move { submit(&mut client, &page, &email, &made).await });
        }

        let answers = going.join_all().await;

        let won = answers.iter().filter(|answer| answer.status() == 200).count();
        let taken = answers.iter().filter(|answer| answer.messages() == [4_000_007]).count();
        assert_eq!((won, taken), (1, 7), "round {round}: {answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w3_in_sqlite_of_eight_who_show_one_key_at_once_one_gets_it() {
    let folder = sqlite::Folder::new();
    let (one, other) = (folder.storage("keys_").await, folder.storage("keys_").await);
    one.migrate().await.unwrap();
    one.identities().migrate().await.unwrap();

    one_gets_it([service(one.clone(), one.identities()), service(other.clone(), other.identities())]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w3_in_postgres_of_eight_who_show_one_key_at_once_one_gets_it() {
    let (one, other) = (postgres::storage("keys").await, postgres::storage("keys").await);
    one.identities().migrate().await.unwrap();

    one_gets_it([service(one.clone(), one.identities()), service(other.clone(), other.identities())]).await;
}
