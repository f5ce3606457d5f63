//! The host's say: before a flow, before an identity, inside the commit, after it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use tower_registration::host::{Hook, HookContext, Unit};
use tower_registration::identity::{Draft, Identity, IdentityState};
use tower_registration::memory::transaction;
use tower_registration::message::{Message, MessageKind};
use tower_registration::methods::Password;
use tower_registration::testing::App;
use tower_registration::{Failure, Stop};

use super::ada;

fn app(hook: impl Hook) -> App {
    App::with(|builder| builder.method(Password::new()).hook(hook)).unwrap()
}

fn refusal(field: &str) -> Stop {
    Message::custom(9001, MessageKind::Error, "Not {you}.").with("you", "x").at(field).into()
}

struct RefusesBeforeCreate;

#[async_trait]
impl Hook for RefusesBeforeCreate {
    async fn before_create(&self, cx: &HookContext<'_>, draft: &mut Draft) -> Result<(), Stop> {
        assert_eq!(cx.method.unwrap().as_str(), "password");
        assert!(draft.credentials().iter().all(|credential| credential.config().get("hashed_password").is_none()));
        Err(refusal("traits.email"))
    }
}

#[tokio::test]
async fn a_refusal_stands_at_its_field_and_nothing_is_hashed_or_stored() {
    let app = app(RefusesBeforeCreate);
    let mut browser = app.browser();
    let page = browser.open().await;

    let answer = browser.submit(&page, ada()).await;
    let shown = browser.page(answer).await;

    let message = &shown.field("traits.email")["messages"][0];
    assert_eq!(message, &json!({ "id": 9001, "text": "Not {you}.", "type": "error", "context": { "you": "x" } }));
    assert_eq!(shown.value_of("traits.email"), "ada@example.org");
    assert_eq!((app.identities().len(), app.registration().hashes_computed()), (0, 0));
}

struct Changes(Value);

#[async_trait]
impl Hook for Changes {
    async fn before_create(&self, cx: &HookContext<'_>, draft: &mut Draft) -> Result<(), Stop> {
        draft.set_traits(self.0.clone());
        draft.set_metadata_public(Some(json!({ "plan": cx.transient["plan"] })));
        draft.set_external_id(Some("crm-1".to_owned()));
        Ok(())
    }
}

#[tokio::test]
async fn a_changed_draft_is_what_is_stored() {
    let app = app(Changes(json!({ "email": "Eve@example.org", "name": { "first": "Eve" } })));
    let mut native = app.native();
    let page = native.open().await;
    let mut answer = ada();
    answer["transient_payload"] = json!({ "plan": "pro" });

    let done = native.submit(&page, answer.clone()).await;
    let mut other = app.native();
    let page = other.open().await;
    let again = other.submit(&page, answer).await;

    assert_eq!(done.at("/identity/traits/name/first"), "Eve");
    assert_eq!(done.at("/identity/external_id"), "crm-1");
    assert_eq!(done.at("/identity/metadata_public"), json!({ "plan": "pro" }));
    let credentials = app.memory().credentials(app.identities()[0].id());
    assert_eq!(credentials[0].identifiers(), ["eve@example.org"]);
    assert_eq!(again.messages(), [4000007]);
}

#[tokio::test]
async fn changed_traits_are_judged_again() {
    let app = app(Changes(json!({ "email": "nobody", "extra": 1 })));
    let mut native = app.native();
    let page = native.open().await;

    let answer = native.submit(&page, ada()).await;

    assert_eq!(answer.messages_at("traits.email"), [4000040]);
    assert_eq!(answer.messages_at("traits"), [4000001]);
    assert!(app.identities().is_empty());
}

struct Disables;

#[async_trait]
impl Hook for Disables {
    async fn before_create(&self, _: &HookContext<'_>, draft: &mut Draft) -> Result<(), Stop> {
        draft.set_state(IdentityState::Inactive);
        Ok(())
    }
}

#[tokio::test]
async fn somebody_who_is_stored_inactive_is_told_so_and_not_signed_in() {
    let app = app(Disables);
    let mut browser = app.browser();
    let page = browser.open().await;

    let answer = browser.submit(&page, ada()).await;
    let shown = browser.page(answer).await;

    assert_eq!(shown.messages(), [4010011]);
    assert_eq!(app.identities().len(), 1);
    assert!(browser.whoami().await.is_none());
}

/// Writes a row of the host into the same commit, and then perhaps refuses.
struct Row {
    rows: Arc<Mutex<Vec<String>>>,
    fails: bool,
}

#[async_trait]
impl Hook for Row {
    async fn in_commit(&self, _: &HookContext<'_>, unit: &mut dyn Unit, identity: &Identity) -> Result<(), Stop> {
        let (rows, id) = (Arc::clone(&self.rows), identity.id().to_string());
        transaction(unit).unwrap().when_committed(move || rows.lock().unwrap().push(id));
        if self.fails {
            Err(Failure::new(http::StatusCode::CONFLICT, "no").with_id("house_full").into())
        } else {
            Ok(())
        }
    }
}

#[tokio::test]
async fn the_hosts_row_is_there_with_the_identity_or_neither_is() {
    let (kept, lost) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let works = app(Row { rows: Arc::clone(&kept), fails: false });
    let fails = app(Row { rows: Arc::clone(&lost), fails: true });
    let (mut first, mut second) = (works.native(), fails.native());
    let (first_page, second_page) = (first.open().await, second.open().await);

    let done = first.submit(&first_page, ada()).await;
    let failed = second.submit(&second_page, ada()).await;

    assert_eq!(done.at("/identity/id"), json!(kept.lock().unwrap()[0]));
    assert_eq!((failed.status(), failed.at("/error/id")), (409, json!("house_full")));
    assert!(lost.lock().unwrap().is_empty() && fails.identities().is_empty());
}

struct FailsAfterCommit;

#[async_trait]
impl Hook for FailsAfterCommit {
    async fn after_commit(&self, _: &HookContext<'_>, _: &Identity) -> Result<(), Stop> {
        Err(Failure::new(http::StatusCode::BAD_GATEWAY, "the mailing list is away").into())
    }
}

#[tokio::test]
async fn what_fails_after_the_commit_is_told_and_the_registration_stays() {
    let app = app(FailsAfterCommit);
    let mut spa = app.spa();
    let page = spa.open().await;

    let answer = spa.submit(&page, ada()).await;

    assert_eq!(answer.status(), 502);
    assert_eq!(app.identities().len(), 1);
    assert!(spa.whoami().await.is_some(), "the cookie of what was committed goes out");
}

struct ClosedToday;

#[async_trait]
impl Hook for ClosedToday {
    async fn before_open(&self, _: &HookContext<'_>) -> Result<(), Stop> {
        Err(Failure::new(http::StatusCode::FORBIDDEN, "closed today").with_id("closed").into())
    }
}

#[tokio::test]
async fn a_hook_may_keep_a_flow_from_being_begun() {
    let app = app(ClosedToday);

    let native = app.native().open().await;
    let browser = app.browser().open().await;

    assert_eq!((native.status(), native.at("/error/id")), (403, json!("closed")));
    assert_eq!(browser.status(), 303);
    assert!(browser.location().starts_with("https://app.example.org/sorry?id="));
}

#[tokio::test]
async fn hooks_run_in_the_order_they_were_given() {
    struct Says(&'static str, Arc<Mutex<Vec<&'static str>>>);
    #[async_trait]
    impl Hook for Says {
        async fn before_create(&self, _: &HookContext<'_>, _: &mut Draft) -> Result<(), Stop> {
            self.1.lock().unwrap().push(self.0);
            Ok(())
        }
    }
    let said = Arc::new(Mutex::new(Vec::new()));
    let (first, second) = (Says("first", Arc::clone(&said)), Says("second", Arc::clone(&said)));
    let app = App::with(|builder| builder.method(Password::new()).hook(first).hook(second)).unwrap();
    let mut native = app.native();
    let page = native.open().await;

    let _ = native.submit(&page, ada()).await;

    assert_eq!(*said.lock().unwrap(), ["first", "second"]);
}
