//! C2: commits whose outcome nobody knows, and hosts in which somebody else is always faster.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::Value;
use time::OffsetDateTime;
use tower_registration::Stop;
use tower_registration::host::{
    Delivery, Hook, HookContext, HostError, HostErrorKind, Kind, Leased, Outgoing, Put, Record, RecordId, Storage,
    Unit, Version,
};
use tower_registration::identity::Draft;
use tower_registration::memory::Memory;
use tower_registration::testing::{Call, ClientKind, Fault, Faults, Reply, When};

use super::site::{Rows, Site, sign_up, site_behind};

const UNKNOWN: HostErrorKind = HostErrorKind::CommitUnknown;
const ADA: &str = "ada@example.org";

/// Ada's submission to a host that follows the rules once her flow is open: the service, its answer, and who is signed
/// in afterwards.
async fn submitted(kind: ClientKind, rules: &[(When, Fault)]) -> (Site, Reply, Value) {
    let plan = Faults::new();
    let site = site_behind(&plan);
    let mut client = site.client(kind);
    let page = client.open().await;
    plan.set(rules);
    let answer = client.submit(&page, sign_up(ADA)).await;
    plan.set(&[]);
    let token = answer.at("/session_token");
    let mut client = client.with_header("x-session-token", token.as_str().unwrap_or_default());
    let session = client.whoami().await.unwrap_or_default();
    (site, answer, session["identity"]["traits"]["email"].clone())
}

fn is_busy(answer: &Reply) -> bool {
    answer.status() == 503 && answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1)
}

fn whole(site: &Site) -> bool {
    matches!(site.rows(), Rows { identities: 1, sessions: 1, spent: 1, hashes: 1, .. })
}

fn nothing(site: &Site) -> bool {
    matches!(site.rows(), Rows { identities: 0, sessions: 0, spent: 0, flows: 1, .. })
}

#[tokio::test]
async fn c2_a_commit_that_happened_unknown_to_all_is_read_back() {
    for (kind, status) in [(ClientKind::Native, 200), (ClientKind::Spa, 200), (ClientKind::Browser, 303)] {
        let rules = [(When::First(Call::Commit, 1), Fault::After(UNKNOWN))];

        let (site, answer, who) = submitted(kind, &rules).await;

        assert_eq!((answer.status(), who), (status, Value::from(ADA)), "{kind:?} {answer:?}");
        assert!(whole(&site), "{kind:?} {:?}", site.rows());
    }
}

#[tokio::test]
async fn c2_a_commit_that_did_not_happen_unknown_to_all_is_tried_again() {
    for (kind, status) in [(ClientKind::Native, 200), (ClientKind::Spa, 200), (ClientKind::Browser, 303)] {
        let rules = [(When::First(Call::Commit, 2), Fault::Before(UNKNOWN))];

        let (site, answer, who) = submitted(kind, &rules).await;

        assert_eq!((answer.status(), who), (status, Value::from(ADA)), "{kind:?} {answer:?}");
        assert!(whole(&site), "{kind:?} {:?}", site.rows());
    }
}

#[tokio::test]
async fn c2_a_commit_that_never_happens_ends_after_three_tries() {
    let (site, answer, _) =
        submitted(ClientKind::Native, &[(When::Always(Call::Commit), Fault::Before(UNKNOWN))]).await;

    assert!(is_busy(&answer), "{answer:?}");
    assert!(nothing(&site) && site.rows().hashes == 1, "{:?}", site.rows());
}

#[tokio::test]
async fn c2_a_commit_that_cannot_be_read_back_is_not_called_a_success() {
    let away = (When::Behind(Call::Commit), Fault::Before(HostErrorKind::Unavailable));
    let happened = [(When::First(Call::Commit, 1), Fault::After(UNKNOWN)), away];
    let did_not = [(When::First(Call::Commit, 1), Fault::Before(UNKNOWN)), away];

    let (made, first, _) = submitted(ClientKind::Native, &happened).await;
    let (empty, second, _) = submitted(ClientKind::Native, &did_not).await;

    assert!(is_busy(&first) && is_busy(&second), "{first:?} {second:?}");
    assert!(whole(&made) && nothing(&empty), "{:?} {:?}", made.rows(), empty.rows());
}

/// Sends the form of Ada's open flow once more after a commit of unknown outcome that could not be read back.
async fn again(fault: Fault) -> (Site, Reply) {
    let plan = Faults::new();
    let site = site_behind(&plan);
    let mut native = site.native();
    let page = native.open().await;
    let away = (When::Behind(Call::Commit), Fault::Before(HostErrorKind::Unavailable));
    plan.set(&[(When::First(Call::Commit, 1), fault), away]);
    assert!(is_busy(&native.submit(&page, sign_up(ADA)).await));
    plan.set(&[]);
    let answer = native.submit(&page, sign_up(ADA)).await;
    (site, answer)
}

#[tokio::test]
async fn c2_trying_again_after_an_unknown_commit_finds_the_truth() {
    let (made, taken) = again(Fault::After(UNKNOWN)).await;
    let (fresh, done) = again(Fault::Before(UNKNOWN)).await;

    assert_eq!((taken.status(), taken.messages()), (400, vec![4000007]));
    assert_eq!(done.status(), 200);
    assert_eq!((made.rows().identities, fresh.rows().identities), (1, 1));
}

/// Storage in which another submission of the same flow is committed while one of ours is; of ours nothing happens,
/// and nobody knows.
#[derive(Clone)]
struct Overtaken {
    memory: Memory,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for Overtaken {
    async fn get(&self, kind: Kind, id: RecordId) -> Result<Option<Record>, HostError> {
        self.memory.get(kind, id).await
    }

    async fn put(&self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        self.memory.put(record, was).await
    }

    async fn begin(&self) -> Result<Box<dyn Unit>, HostError> {
        let unit = self.memory.begin().await?;
        Ok(Box::new(OvertakenUnit { unit, meanwhile: Arc::clone(&self.meanwhile) }))
    }

    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime, most: usize) -> Result<Vec<Leased>, HostError> {
        self.memory.lease(now, until, most).await
    }

    async fn done(&self, lease: &Leased, how: Delivery) -> Result<(), HostError> {
        self.memory.done(lease, how).await
    }

    async fn sweep(&self, before: OffsetDateTime, most: usize) -> Result<usize, HostError> {
        self.memory.sweep(before, most).await
    }
}

struct OvertakenUnit {
    unit: Box<dyn Unit>,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Unit for OvertakenUnit {
    async fn put(&mut self, record: &Record, was: Option<Version>) -> Result<Put, HostError> {
        self.unit.put(record, was).await
    }

    async fn spend(&mut self, record: &Record, was: Version) -> Result<bool, HostError> {
        self.unit.spend(record, was).await
    }

    async fn post(&mut self, row: Outgoing) -> Result<(), HostError> {
        self.unit.post(row).await
    }

    fn transaction(&mut self) -> &mut (dyn std::any::Any + Send) {
        self.unit.transaction()
    }

    async fn commit(self: Box<Self>) -> Result<(), HostError> {
        let other = self.meanwhile.lock().unwrap().take();
        let Some(other) = other else { return self.unit.commit().await };
        drop(self.unit);
        other.await;
        Err(HostError::new(UNKNOWN, "the connection was cut"))
    }
}

/// Ada's submission and, while it is committed, another one of the same flow; what Ada hears, and who her token says
/// she is.
async fn overtaken_by(other: Value) -> (Site, Reply, Option<Value>) {
    let meanwhile: Arc<Mutex<Option<Meanwhile>>> = Arc::default();
    let site = Site::with(|builder, memory| {
        builder.storage(Overtaken { memory: memory.clone(), meanwhile: Arc::clone(&meanwhile) })
    });
    let mut native = site.native();
    let page = native.open().await;
    let (mut rival, same) = (native.clone(), page.clone());
    *meanwhile.lock().unwrap() = Some(Box::pin(async move {
        assert_eq!(rival.submit(&same, other).await.status(), 200);
    }));
    let answer = native.submit(&page, sign_up(ADA)).await;
    let token = answer.at("/session_token");
    let who = native.with_header("x-session-token", token.as_str().unwrap_or("none")).whoami().await;
    assert_eq!(site.rows().identities, 1);
    (site, answer, who)
}

#[tokio::test]
async fn c2_an_unknown_commit_is_not_mistaken_for_that_of_somebody_faster() {
    let (site, answer, who) = overtaken_by(sign_up("eve@example.org")).await;

    let made = site.memory.all_identities()[0].traits()["email"].clone();
    assert_eq!(made, "eve@example.org");
    assert_eq!((answer.status(), who), (410, None), "Ada was told that she is registered: {answer:?}");
}

#[tokio::test]
async fn c2_an_unknown_commit_of_the_same_form_twice_hands_out_no_dead_session() {
    let (_, answer, who) = overtaken_by(sign_up(ADA)).await;

    assert!(answer.status() != 200 || who.is_some(), "a token that opens nothing: {answer:?}");
}

/// What becomes of a sign-up in a host that always answers like this.
async fn storm(call: Call, fault: Fault) -> (Site, usize, Reply) {
    let plan = Faults::new();
    let site = site_behind(&plan);
    let mut native = site.native();
    let page = native.open().await;
    plan.set(&[(When::Always(call), fault)]);
    let email = if call == Call::Put { "nonsense" } else { ADA };
    let answer = native.submit(&page, sign_up(email)).await;
    (site, plan.count(call), answer)
}

#[tokio::test]
async fn c2_when_somebody_else_is_always_faster_three_tries_are_enough() {
    let conflict = Fault::Before(HostErrorKind::Conflict);
    let storms = [
        (Call::Commit, conflict, 1),
        (Call::Spend, Fault::Lost, 1),
        (Call::Spend, conflict, 1),
        (Call::Create, conflict, 1),
        (Call::Begin, conflict, 1),
        (Call::UnitPut, conflict, 1),
        (Call::Owner, conflict, 0),
        (Call::Put, Fault::Lost, 0),
        (Call::Put, conflict, 0),
    ];
    for (call, fault, hashes) in storms {
        let (site, count, answer) = storm(call, fault).await;

        assert!(is_busy(&answer), "{call} {fault:?}: {answer:?}");
        assert_eq!((count, site.rows().hashes), (3, hashes), "{call} {fault:?}");
        assert!(nothing(&site), "{call} {fault:?}: {:?}", site.rows());
    }
}

#[tokio::test]
async fn c2_two_conflicts_are_not_noticed_and_cost_one_hash() {
    let rules = [(When::First(Call::Commit, 2), Fault::Before(HostErrorKind::Conflict))];

    let (site, answer, who) = submitted(ClientKind::Native, &rules).await;

    assert_eq!((answer.status(), who), (200, Value::from(ADA)), "{answer:?}");
    assert!(whole(&site), "{:?}", site.rows());
}

#[tokio::test]
async fn c2_the_unique_index_has_the_last_word() {
    let plan = Faults::new();
    let site = site_behind(&plan);
    let (mut first, mut second) = (site.native(), site.native());
    let page = first.open().await;
    assert_eq!(first.submit(&page, sign_up(ADA)).await.status(), 200);
    let page = second.open().await;
    plan.set(&[(When::First(Call::Owner, 1), Fault::Lost)]);

    let answer = second.submit(&page, sign_up(ADA)).await;

    assert_eq!((answer.status(), answer.messages()), (400, vec![4000007]), "{answer:?}");
    assert_eq!((site.rows().identities, site.rows().sessions, site.rows().spent), (1, 1, 1));
}

/// Counts how often it is asked.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

#[async_trait]
impl Hook for Counting {
    async fn before_create(&self, _: &HookContext<'_>, draft: &mut Draft) -> Result<(), Stop> {
        self.0.fetch_add(1, Ordering::Relaxed);
        draft.set_metadata_public(Some(Value::from("welcome")));
        Ok(())
    }
}

#[tokio::test]
async fn c2_hooks_are_asked_once_however_often_the_commit_is_tried() {
    let (plan, hook) = (Faults::new(), Counting::default());
    let site = Site::with(|builder, memory| {
        let faulty = plan.around(memory.clone());
        builder.storage(faulty.clone()).identities(faulty).hook(hook.clone())
    });
    let mut native = site.native();
    let page = native.open().await;
    plan.set(&[(When::First(Call::Commit, 2), Fault::Before(HostErrorKind::Conflict))]);

    let done = native.submit(&page, sign_up(ADA)).await;

    assert_eq!((done.status(), done.at("/identity/metadata_public")), (200, Value::from("welcome")));
    assert_eq!((plan.count(Call::Commit), hook.0.load(Ordering::Relaxed)), (3, 1));
}
