//! W2: a challenge is good for one answer that fails, or for one that makes somebody.

use async_trait::async_trait;
use serde_json::Value;
use tower_registration::host::{Hook, HookContext};
use tower_registration::identity::Draft;
use tower_registration::message::{Message, MessageKind};
use tower_registration::methods::{Passkey, SecurityKey};
use tower_registration::testing::{App, Authenticator, ClientKind, Flaw, UI};
use tower_registration::{Stop, testing::Reply};

use super::{app, app_with, by_passkey, challenge, party};

const KINDS: [ClientKind; 3] = [ClientKind::Browser, ClientKind::Spa, ClientKind::Native];

#[tokio::test]
async fn w2_after_a_failure_the_same_challenge_makes_nobody() {
    for kind in KINDS {
        let app = app();
        let mut client = app.client(kind);
        let page = client.open().await;
        let right = Authenticator::new().passkey(&page, UI).unwrap();
        let wrong = Authenticator::new().flaw(Flaw::Presence).passkey(&page, UI).unwrap();

        let failed = client.submit(&page, by_passkey("ada@example.org", &wrong)).await;
        let failed = client.page(failed).await;
        let again = client.submit(&failed, by_passkey("ada@example.org", &right)).await;
        let again = client.page(again).await;

        assert_eq!((failed.messages(), again.messages()), (vec![4_000_001], vec![4_000_001]), "{kind:?}");
        assert!(app.identities().is_empty());
        let challenges = [challenge(&page), challenge(&failed), challenge(&again)];
        assert!(challenges[0] != challenges[1] && challenges[1] != challenges[2], "{challenges:?}");
    }
}

#[tokio::test]
async fn w2_after_a_success_the_same_challenge_makes_nobody_else() {
    for kind in KINDS {
        let app = app();
        let (mut client, mut other) = (app.client(kind), app.client(kind));
        let page = client.open().await;
        let right = Authenticator::new().passkey(&page, UI).unwrap();

        let made = client.submit(&page, by_passkey("ada@example.org", &right)).await;
        client.cookies().retain(|name, _| name.starts_with("csrf"));
        let again = client.submit(&page, by_passkey("eve@example.org", &right)).await;
        let elsewhere = other.open().await;
        let moved = other.submit(&elsewhere, by_passkey("eve@example.org", &right)).await;
        let moved = other.page(moved).await;

        assert!([200, 303].contains(&made.status()), "{kind:?}");
        assert!(again.status() != 200, "{kind:?}: {:?}", again.json());
        assert_eq!(moved.messages(), [4_000_001], "{kind:?}");
        assert_eq!(app.identities().len(), 1);
    }
}

#[tokio::test]
async fn w2_a_refusal_after_a_good_answer_leaves_the_challenge() {
    for kind in KINDS {
        let app = app();
        let mut client = app.client(kind);
        let mut first = app.native();
        let page = first.open().await;
        let theirs = Authenticator::new().passkey(&page, UI).unwrap();
        assert_eq!(first.submit(&page, by_passkey("ada@example.org", &theirs)).await.status(), 200);
        let page = client.open().await;
        let right = Authenticator::new().passkey(&page, UI).unwrap();

        let taken = client.submit(&page, by_passkey("ada@example.org", &right)).await;
        let taken = client.page(taken).await;
        let made = client.submit(&taken, by_passkey("eve@example.org", &right)).await;

        assert_eq!(taken.messages(), [4_000_007], "{kind:?}");
        assert_eq!(challenge(&taken), challenge(&page));
        assert!([200, 303].contains(&made.status()), "{kind:?}: {:?}", made.json());
        assert_eq!(app.identities().len(), 2);
    }
}

/// Lets nobody in whose address begins with an e.
struct NoE;

#[async_trait]
impl Hook for NoE {
    async fn before_create(&self, _: &HookContext<'_>, draft: &mut Draft) -> Result<(), Stop> {
        match draft.traits()["email"].as_str() {
            Some(email) if email.starts_with('e') => {
                Err(Message::custom(9001, MessageKind::Error, "Not you.").at("traits.email").into())
            }
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn w2_a_hook_that_objects_leaves_the_challenge() {
    let app = App::with(|builder| builder.method(Passkey::new(party())).hook(NoE)).unwrap();
    let mut client = app.native();
    let page = client.open().await;
    let right = Authenticator::new().passkey(&page, UI).unwrap();

    let refused = client.submit(&page, by_passkey("eve@example.org", &right)).await;
    let made = client.submit(&refused, by_passkey("ada@example.org", &right)).await;

    assert_eq!(refused.messages_at("traits.email"), [9001]);
    assert_eq!(made.status(), 200, "{:?}", made.json());
}

#[tokio::test]
async fn w2_wrong_traits_leave_the_challenge() {
    let app = app_with(Passkey::new(party()));
    let mut client = app.native();
    let page = client.open().await;
    let right = Authenticator::new().passkey(&page, UI).unwrap();

    let refused = client.submit(&page, by_passkey("no address", &right)).await;
    let made = client.submit(&refused, by_passkey("ada@example.org", &right)).await;

    assert_eq!(refused.messages_at("traits.email"), [4_000_040]);
    assert_eq!(made.status(), 200, "{:?}", made.json());
}

#[tokio::test]
async fn w2_sixteen_right_answers_at_once_make_one_identity() {
    let app = app();
    let mut client = app.native();
    let page = client.open().await;
    let right = Authenticator::new().passkey(&page, UI).unwrap();
    let mut going = tokio::task::JoinSet::new();
    for at in 0..16 {
        let (mut client, page, right) = (client.clone(), page.clone(), right.clone());
        going.spawn(async move { client.submit(&page, by_passkey(&format!("ada{at}@example.org"), &right)).await });
    }

    let answers = going.join_all().await;

    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 1);
    assert_eq!(app.identities().len(), 1);
}

#[tokio::test]
async fn w2_a_right_answer_beside_wrong_ones_is_judged_by_what_was_stored_first() {
    for _ in 0..50 {
        let app = app();
        let client = app.native();
        let page = client.clone().open().await;
        let right = Authenticator::new().passkey(&page, UI).unwrap();
        let wrong = Authenticator::new().flaw(Flaw::Type).passkey(&page, UI).unwrap();
        let send = |text: String| {
            let (mut client, page) = (client.clone(), page.clone());
            async move { client.submit(&page, by_passkey("ada@example.org", &text)).await }
        };

        let (first, second): (Reply, Reply) = tokio::join!(send(wrong), send(right.clone()));

        assert_eq!(first.status(), if second.status() == 200 { first.status() } else { 400 });
        assert_eq!(app.identities().len(), usize::from(second.status() == 200));
        let again = client.clone().submit(&page, by_passkey("eve@example.org", &right)).await;
        assert_ne!(again.status(), 200, "{:?}", again.json());
    }
}

#[tokio::test]
async fn a_security_key_spends_its_challenge_too() {
    let app = App::with(|builder| builder.method(SecurityKey::new(party()))).unwrap();
    let mut spa = app.spa();
    let page = spa.open().await;
    let right = Authenticator::new().security_key(&page, UI).unwrap();
    let wrong = Authenticator::new().flaw(Flaw::Origin).security_key(&page, UI).unwrap();
    let by = |text: &str| serde_json::json!({ "webauthn_register": text, "traits": { "email": "ada@example.org" } });

    let failed = spa.submit(&page, by(&wrong)).await;
    let again = spa.submit(&failed, by(&right)).await;
    let fresh = Authenticator::new().security_key(&again, UI).unwrap();
    let made = spa.submit(&again, by(&fresh)).await;

    assert_eq!((failed.messages(), again.messages()), (vec![4_000_001], vec![4_000_001]));
    assert_eq!(made.status(), 200, "{:?}", made.json());
}

/// 256 random bits each, all different.
#[tokio::test]
async fn challenges_are_random() {
    let app = app();
    let mut seen = std::collections::BTreeSet::new();

    for _ in 0..500 {
        let page = app.native().open().await;
        let challenge = challenge(&page);
        assert_eq!(challenge.len(), 43);
        seen.insert(challenge);
    }

    assert_eq!(seen.len(), 500);
}

#[tokio::test]
async fn both_methods_have_a_challenge_of_their_own() {
    let page = app().spa().open().await;
    let options: Value = serde_json::from_str(page.value_of("webauthn_register_trigger").as_str().unwrap()).unwrap();

    assert_ne!(options["publicKey"]["challenge"], challenge(&page));
}
