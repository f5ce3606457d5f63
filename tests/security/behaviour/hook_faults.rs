//! C2 and G3, for the host's hooks: one that fails inside of the commit undoes everything, one that fails afterwards
//! nothing; what it answers carries what every answer carries.

use async_trait::async_trait;
use http::StatusCode;
use serde_json::json;
use tower_registration::host::{Hook, HookContext, Unit};
use tower_registration::identity::{Draft, Identity, IdentityState};
use tower_registration::message::{Message, MessageKind};
use tower_registration::testing::{ClientKind, Reply};
use tower_registration::{Failure, Stop};

use super::site::{Rows, Site, sign_up};

/// When a hook speaks up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Before,
    Inside,
    Afterwards,
}

/// A hook that always says the same.
struct Says(When, fn() -> Stop);

impl Says {
    fn at(&self, when: When) -> Result<(), Stop> {
        if self.0 == when { Err((self.1)()) } else { Ok(()) }
    }
}

#[async_trait]
impl Hook for Says {
    async fn before_create(&self, _: &HookContext<'_>, _: &mut Draft) -> Result<(), Stop> {
        self.at(When::Before)
    }

    async fn in_commit(&self, _: &HookContext<'_>, _: &mut dyn Unit, _: &Identity) -> Result<(), Stop> {
        self.at(When::Inside)
    }

    async fn after_commit(&self, _: &HookContext<'_>, _: &Identity) -> Result<(), Stop> {
        self.at(When::Afterwards)
    }
}

fn refuses() -> Stop {
    Message::custom(9001, MessageKind::Error, "not you").on_page().into()
}

fn fails() -> Stop {
    Failure::new(StatusCode::BAD_GATEWAY, "the host is confused").into()
}

fn is_away() -> Stop {
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, "come back later").into()
}

/// What a client of this kind hears from a service with the hook, and what there is afterwards.
async fn heard(kind: ClientKind, when: When, says: fn() -> Stop) -> (Reply, [usize; 3]) {
    let site = Site::with(|builder, _| builder.hook(Says(when, says)));
    let mut client = site.client(kind);
    let page = client.open().await;
    let reply = client.submit(&page, sign_up("ada@example.org")).await;
    let Rows { identities, sessions, spent, .. } = site.rows();
    (reply, [identities, sessions, spent])
}

#[tokio::test]
async fn c2_a_hook_that_speaks_up_before_or_inside_of_the_commit_undoes_everything() {
    for when in [When::Before, When::Inside] {
        let (refused, nothing) = heard(ClientKind::Native, when, refuses).await;
        let (failed, nobody) = heard(ClientKind::Spa, when, fails).await;

        assert_eq!((refused.status(), refused.messages(), nothing), (400, vec![9001], [0; 3]), "{when:?}");
        assert_eq!((failed.status(), failed.at("/error/code"), nobody), (502, json!(502), [0; 3]), "{when:?}");
        assert!(!failed.header("set-cookie").contains("session"), "{when:?}");
    }
}

#[tokio::test]
async fn c2_a_hook_that_speaks_up_after_the_commit_undoes_nothing() {
    let (refused, all) = heard(ClientKind::Native, When::Afterwards, refuses).await;
    let (failed, whole) = heard(ClientKind::Spa, When::Afterwards, fails).await;

    assert_eq!((refused.status(), refused.messages(), all), (400, vec![9001], [1; 3]));
    assert_eq!((failed.status(), whole), (502, [1; 3]));
    let cookies = failed.headers().get_all("set-cookie").iter();
    assert!(
        cookies.into_iter().any(|cookie| cookie.to_str().unwrap().starts_with("ory_kratos_session=")),
        "{failed:?}"
    );
}

/// Makes everybody inactive.
struct Disables;

#[async_trait]
impl Hook for Disables {
    async fn before_create(&self, _: &HookContext<'_>, draft: &mut Draft) -> Result<(), Stop> {
        draft.set_state(IdentityState::Inactive);
        Ok(())
    }
}

#[tokio::test]
async fn c2_somebody_who_is_disabled_is_stored_without_a_session() {
    let site = Site::with(|builder, _| builder.hook(Disables));
    let mut native = site.native();
    let page = native.open().await;

    let told = native.submit(&page, sign_up("ada@example.org")).await;
    let again = native.submit(&page, sign_up("ada@example.org")).await;

    assert_eq!((told.status(), told.messages()), (400, vec![4010011]), "{told:?}");
    assert_eq!((again.status(), again.messages()), (400, vec![4000007]), "{again:?}");
    let Rows { identities, sessions, spent, .. } = site.rows();
    assert_eq!((identities, sessions, spent), (1, 0, 1));
}

#[tokio::test]
async fn g3_a_hook_that_is_away_does_not_forget_to_say_when_to_come_back() {
    let (reply, _) = heard(ClientKind::Native, When::Before, is_away).await;

    assert_eq!(reply.status(), 503);
    assert!(reply.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{reply:?}");
}
