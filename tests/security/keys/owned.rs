//! W3: a key belongs to one identity, whatever the method and whoever comes at once. W1, check 14: then its challenge is
//! left.

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower_registration::host::Identities;
use tower_registration::identity::{Unique, UniqueKind};
use tower_registration::testing::{App, Authenticator, Client, ClientKind, Reply, UI};

use super::{app, by_passkey, challenge};

/// The authenticator of somebody who knows the id of Ada's key.
fn with_the_id_of_ada() -> Authenticator {
    Authenticator::new().credential_id(*b"the id of Ada's key")
}

async fn ada_has_a_passkey(app: &App) {
    let mut ada = app.native();
    let page = ada.open().await;
    let made = with_the_id_of_ada().passkey(&page, UI).unwrap();
    let answer = ada.submit(&page, by_passkey("ada@example.org", &made)).await;
    assert_eq!(answer.status(), 200, "{:?}", answer.json());
}

async fn ada_has_a_security_key(app: &App) {
    let mut ada = app.spa();
    let page = ada.open().await;
    let made = with_the_id_of_ada().security_key(&page, UI).unwrap();
    let answer = ada.submit(&page, by_security_key("ada@example.org", &made)).await;
    assert_eq!(answer.status(), 200, "{:?}", answer.json());
}

fn by_security_key(email: &str, answer: &str) -> Value {
    json!({ "webauthn_register": answer, "traits": { "email": email } })
}

/// Eve shows a key with Ada's id.
async fn eve(client: &mut Client, passkey: bool) -> (Reply, Reply) {
    let page = client.open().await;
    let answer = match passkey {
        true => by_passkey("eve@example.org", &with_the_id_of_ada().passkey(&page, UI).unwrap()),
        false => by_security_key("eve@example.org", &with_the_id_of_ada().security_key(&page, UI).unwrap()),
    };
    let refused = client.submit(&page, answer).await;
    let refused = client.page(refused).await;
    (page, refused)
}

#[tokio::test]
async fn w3_a_known_key_is_taken_for_every_client_and_method_and_leaves_its_challenge() {
    let cases = [(ClientKind::Browser, true), (ClientKind::Spa, true), (ClientKind::Native, true)];
    let cases = cases.into_iter().chain([(ClientKind::Browser, false), (ClientKind::Spa, false)]);
    for (kind, passkey) in cases {
        for ada_by_passkey in [true, false] {
            let app = app();
            match ada_by_passkey {
                true => ada_has_a_passkey(&app).await,
                false => ada_has_a_security_key(&app).await,
            }

            let (page, refused) = eve(&mut app.client(kind), passkey).await;

            assert_eq!(refused.messages(), [4_000_007], "{kind:?} {passkey} {ada_by_passkey}");
            assert_eq!(app.identities().len(), 1);
            assert_eq!(challenge(&refused), challenge(&page));
        }
    }
}

/// `W3_ROUNDS=10000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn w3_of_eight_who_show_one_key_at_once_one_gets_it() {
    let rounds = std::env::var("W3_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(40);
    for round in 0..rounds {
        let app = app();
        let authenticator = Authenticator::new().credential_id(format!("key {round}").into_bytes());
        let mut going = JoinSet::new();
        for at in 0..8 {
            let mut client = app.native();
            let page = client.open().await;
            let made = authenticator.passkey(&page, UI).unwrap();
            going.spawn(async move { client.submit(&page, by_passkey(&format!("ada{at}@example.org"), &made)).await });
        }

        let answers = going.join_all().await;

        let won = answers.iter().filter(|answer| answer.status() == 200).count();
        let taken = answers.iter().filter(|answer| answer.messages() == [4_000_007]).count();
        assert_eq!((won, taken), (1, 7), "round {round}");
        assert_eq!(app.identities().len(), 1);
    }
}

#[tokio::test]
async fn the_host_can_ask_whose_key_it_is() {
    let app = app();
    ada_has_a_passkey(&app).await;
    let ada = app.identities().pop().unwrap();
    let id = app.memory().credentials(ada.id()).iter().flat_map(|credential| credential.key_ids()).next().unwrap();

    let owner = app.memory().owner(&[Unique::new(UniqueKind::CredentialId, id)]).await.unwrap();

    assert_eq!(owner.map(|owner| owner.identity()), Some(ada.id()));
}
