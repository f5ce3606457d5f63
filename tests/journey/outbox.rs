//! Letters on their way: delivered once, tried again, given up, never lost.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::HeaderName;
use http::header::ACCEPT_LANGUAGE;
use serde_json::json;
use time::Duration;
use tower_registration::host::{Hook, HookContext, Unit};
use tower_registration::identity::{Channel, Identity, Unique, UniqueKind};
use tower_registration::memory::transaction;
use tower_registration::methods::{Code, Password};
use tower_registration::testing::{App, Call, Fault, Faults, Mailbox, UI, When};
use tower_registration::upkeep::{Flushed, GivenUp, Why};
use tower_registration::{BuildError, Stop, Verification};

const ADA: &str = "ada@example.org";

fn app() -> App {
    App::with(|builder| builder.method(Code::new())).unwrap()
}

async fn ask_for_a_code(app: &App, address: &str) {
    let mut client = app.native();
    let page = client.open().await;
    let sent = client.submit(&page, json!({ "method": "code", "traits": { "email": address } })).await;
    assert_eq!(sent.messages(), [1040005]);
}

fn counts(flushed: Flushed) -> (usize, usize, usize) {
    (flushed.delivered, flushed.postponed, flushed.given_up)
}

#[tokio::test]
async fn a_letter_that_fails_is_tried_again_with_the_same_id_and_code() {
    let app = app();
    ask_for_a_code(&app, ADA).await;
    app.mailbox().fail_next(3);

    let mut tries = 0;
    while app.mailbox().letters().is_empty() {
        app.deliver().await.unwrap();
        app.clock().advance(Duration::seconds(10));
        tries += 1;
        assert!(tries < 10);
    }

    assert!(app.memory().outbox().is_empty(), "a delivered letter is erased");
    assert_eq!(tries, 4);
}

#[tokio::test]
async fn a_letter_whose_courier_panics_is_tried_again_and_counted() {
    let (faults, mailbox) = (Faults::new(), Mailbox::new());
    let courier = faults.around(mailbox.clone());
    let app = App::with(|builder| builder.method(Code::new()).courier(Channel::Email, courier)).unwrap();
    ask_for_a_code(&app, ADA).await;
    faults.set(&[(When::Always(Call::Deliver), Fault::PanicBefore)]);

    assert_eq!(counts(app.deliver().await.unwrap()), (0, 1, 0));
    faults.set(&[]);
    app.clock().advance(Duration::seconds(10));

    assert_eq!(counts(app.deliver().await.unwrap()), (1, 0, 0));
    assert_eq!(mailbox.letters().len(), 1);
}

#[tokio::test]
async fn letters_keep_the_headers_that_were_chosen() {
    let app = App::with(|builder| {
        let builder = builder.method(Code::new()).method(Password::new()).verification(Verification::codes());
        builder.letter_headers([ACCEPT_LANGUAGE, HeaderName::from_static("x-tenant")])
    })
    .unwrap();
    let mut client = app.native().with_header("accept-language", "de").with_header("x-other", "x");
    let page = client.open().await;
    drop(client.submit(&page, json!({ "method": "code", "traits": { "email": ADA } })).await);
    let page = client.open().await;
    let eve = json!({ "method": "password", "password": "correct horse", "traits": { "email": "eve@example.org" } });
    assert_eq!(client.submit(&page, eve).await.status(), 200);
    let page = client.open_verification("").await;
    drop(client.submit_verification(&page, json!({ "method": "code", "email": "eve@example.org" })).await);

    let _ = app.deliver().await.unwrap();

    let kept: Vec<_> = app.mailbox().letters().iter().map(|letter| letter.request_headers().clone()).collect();
    assert_eq!(kept, vec![json!({ "Accept-Language": ["de"] }); 3]);
}

#[tokio::test]
async fn pauses_grow_and_nothing_is_tried_before_its_time() {
    let app = app();
    ask_for_a_code(&app, ADA).await;
    app.mailbox().fail_next(100);
    let mut due = Vec::new();

    for _ in 0..8 {
        assert_eq!(counts(app.deliver().await.unwrap()), (0, 1, 0));
        assert_eq!(counts(app.deliver().await.unwrap()), (0, 0, 0));
        let row = app.memory().outbox().pop().unwrap();
        let pause = row.due_at() - tower_registration::host::Clock::now(app.clock());
        due.push(pause);
        app.clock().advance(pause);
    }

    let doubled = due.windows(3).all(|three| three[2] > three[0]);
    assert!(doubled, "{due:?}");
    assert!(due.iter().all(|pause| *pause <= Duration::seconds(120)), "{due:?}");
}

#[tokio::test]
async fn a_letter_is_given_up_visibly() {
    let app = app();
    let seen: Arc<Mutex<Vec<GivenUp>>> = Arc::default();
    let told = Arc::clone(&seen);
    let dispatcher =
        app.registration().dispatcher().on_give_up(move |letter| told.lock().unwrap().push(letter.clone()));

    ask_for_a_code(&app, "refused@example.org").await;
    app.mailbox().refuse("refused@example.org");
    assert_eq!(counts(dispatcher.flush().await.unwrap()), (0, 0, 1));
    ask_for_a_code(&app, "late@example.org").await;
    app.clock().advance(Duration::minutes(61));
    assert_eq!(counts(dispatcher.flush().await.unwrap()), (0, 0, 1));

    let seen = seen.lock().unwrap();
    let whys: Vec<_> = seen.iter().map(|letter| (letter.why, letter.letter.as_ref().unwrap().1.value())).collect();
    assert_eq!(whys, [(Why::Refused, "refused@example.org"), (Why::Expired, "late@example.org")]);
    assert!(app.memory().outbox().is_empty());
}

#[tokio::test]
async fn a_chosen_number_of_tries_is_kept() {
    let app = App::with(|builder| builder.method(Code::new()).message_retries(2)).unwrap();
    ask_for_a_code(&app, ADA).await;
    app.mailbox().fail_next(100);

    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(counts(app.deliver().await.unwrap()));
        app.clock().advance(Duration::minutes(3));
    }

    assert_eq!(all, [(0, 1, 0), (0, 1, 0), (0, 1, 0), (0, 0, 1)]);
}

#[tokio::test]
async fn letters_to_one_address_keep_their_order_and_hold_up_nobody_else() {
    let app = app();
    app.mailbox().fail_next(1);
    ask_for_a_code(&app, ADA).await;
    assert_eq!(counts(app.deliver().await.unwrap()), (0, 1, 0));
    ask_for_a_code(&app, ADA).await;
    ask_for_a_code(&app, "bob@example.org").await;

    assert_eq!(counts(app.deliver().await.unwrap()), (1, 0, 0), "only Bob's is free to go");
    app.clock().advance(Duration::seconds(5));
    assert_eq!(counts(app.deliver().await.unwrap()), (2, 0, 0));
}

#[tokio::test]
async fn a_running_dispatcher_delivers_at_once_and_ends_when_it_is_told() {
    let app = app();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let dispatcher = app.registration().dispatcher();
    let running = tokio::spawn(async move { dispatcher.run_until(async { drop(stopped.await) }).await });
    tokio::task::yield_now().await;

    ask_for_a_code(&app, ADA).await;
    let begun = std::time::Instant::now();
    while app.mailbox().letters().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        assert!(begun.elapsed().as_millis() < 900, "the bell wakes the dispatcher before it looks by itself");
    }

    stop.send(()).unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(5), running).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_dispatcher_that_dies_leaves_its_letter_to_the_next() {
    struct Never;
    #[async_trait::async_trait]
    impl tower_registration::host::Courier for Never {
        async fn deliver(
            &self,
            _: &tower_registration::host::Rendered,
        ) -> Result<(), tower_registration::host::Undelivered> {
            std::future::pending().await
        }
    }
    let mailbox = Mailbox::new();
    let app = App::with(|builder| builder.method(Code::new()).courier(Channel::Email, Never)).unwrap();
    ask_for_a_code(&app, ADA).await;
    let dispatcher = app.registration().dispatcher();
    let stuck = tokio::spawn(async move { dispatcher.flush().await });
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    stuck.abort();

    assert_eq!(counts(app.deliver().await.unwrap()), (0, 0, 0), "the lease holds");
    app.clock().advance(Duration::minutes(3));
    let row = app.memory().outbox().pop().unwrap();
    assert!(mailbox.letters().is_empty() && row.expires_at() > row.due_at());
    let leased = tower_registration::host::Storage::lease(
        app.memory(),
        tower_registration::host::Clock::now(app.clock()),
        tower_registration::host::Clock::now(app.clock()) + Duration::minutes(1),
        1,
    );
    assert_eq!(leased.await.unwrap()[0].tries(), 1);
}

#[tokio::test]
async fn a_refused_registration_writes_no_letter() {
    let app = App::with(|builder| {
        builder.method(Password::new()).verification(Verification::by_code(format!("{UI}/verify")))
    })
    .unwrap();
    for password in ["correct horse", "correct horse", "short"] {
        let mut client = app.native();
        let page = client.open().await;
        let answer = json!({ "method": "password", "password": password, "traits": { "email": ADA } });
        let _ = client.submit(&page, answer).await;
    }

    assert_eq!((app.identities().len(), app.memory().outbox().len()), (1, 1));
}

/// Makes commits fail: claims what belongs to Eve already.
struct WantsWhatIsEves;

#[async_trait]
impl Hook for WantsWhatIsEves {
    async fn in_commit(&self, _: &HookContext<'_>, unit: &mut dyn Unit, identity: &Identity) -> Result<(), Stop> {
        let eves = Unique::new(UniqueKind::Identifier, "eve@example.org");
        let _ = transaction(unit).unwrap().claim(&[eves], identity.id());
        Ok(())
    }
}

#[tokio::test]
async fn a_commit_that_fails_writes_no_letter() {
    let app = App::with(|builder| {
        let verification = Verification::by_code(format!("{UI}/verify"));
        builder.method(Password::new()).verification(verification).hook(WantsWhatIsEves)
    })
    .unwrap();
    let mut statuses = Vec::new();
    for email in ["eve@example.org", ADA] {
        let mut client = app.native();
        let page = client.open().await;
        let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": email } });
        statuses.push(client.submit(&page, answer).await.status());
    }

    assert_eq!(statuses, [200, 503]);
    assert_eq!((app.identities().len(), app.memory().outbox().len()), (1, 1));
}

#[tokio::test]
async fn a_channel_without_a_courier_is_refused_by_build() {
    use tower_registration::{Registration, Schema, Secret, memory::Memory, testing::PERSON};
    let memory = Memory::new();
    let built = Registration::builder("https://app.example.org/")
        .secret(Secret::random_until_restart().unwrap())
        .schema(Schema::parse("person", PERSON).unwrap())
        .method(Code::new())
        .storage(memory.clone())
        .identities(memory)
        .registration_ui("/sign-up")
        .error_ui("/sorry")
        .default_return_url("https://app.example.org/")
        .build();

    let error = built.unwrap_err();
    assert!(matches!(error, BuildError::NoCourier { channel: "email", .. }));
    assert!(error.to_string().contains(".courier(Channel::Email, …)"), "{error}");
}
