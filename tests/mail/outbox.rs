//! A host with a dispatcher and this courier: people register, read their e-mail, and are who they say they are.

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::Notify;
use tower_registration::host::{Courier, Rendered, Undelivered};
use tower_registration::identity::{AddressState, Channel};
use tower_registration::methods::{Code, Password};
use tower_registration::smtp::SmtpCourier;
use tower_registration::testing::{App, UI};
use tower_registration::{After, Verification};

use super::mime::Email;
use super::office::{ask, by_code, courier};
use super::peer::Peer;

const ADA: &str = "ada@example.org";

/// Runs the app's dispatcher until this is dropped.
struct Running(tokio::task::JoinHandle<()>);

impl Running {
    fn start(app: &App) -> Self {
        let dispatcher = app.registration().dispatcher();
        Self(tokio::spawn(async move { dispatcher.run_until(std::future::pending()).await }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The next letter, as soon as it is there.
async fn arrived(peer: &Peer, before: usize) -> Email {
    let begun = Instant::now();
    while peer.received().len() <= before {
        assert!(begun.elapsed() < Duration::from_secs(10), "no letter");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    peer.received()[before].email()
}

#[tokio::test]
async fn a_person_registers_with_the_code_from_their_e_mail() {
    let peer = Peer::plain().await;
    let app = by_code(courier(&peer).build().unwrap(), |builder| builder);
    let _running = Running::start(&app);
    let mut browser = app.browser();
    let page = browser.open().await;
    let answer = json!({ "method": "code", "traits": { "email": ADA } });

    let sent = browser.submit(&page, answer.clone()).await;
    let page = browser.page(sent).await;
    let code = arrived(&peer, 0).await.code();
    let mut answer = answer;
    answer["code"] = code.into();
    let done = browser.submit(&page, answer).await;

    assert_eq!(done.location(), format!("{UI}/welcome"), "{}", done.json());
    assert_eq!(app.identities().len(), 1);
    assert!(app.memory().outbox().is_empty());
}

#[tokio::test]
async fn a_person_proves_their_address_by_the_code_or_the_link_from_their_e_mail() {
    for by_link in [false, true] {
        let peer = Peer::plain().await;
        let ui = format!("{UI}/verify");
        let verification = if by_link { Verification::by_link(ui) } else { Verification::by_code(ui) };
        let app = App::with(|builder| {
            let builder = builder.method(Password::new()).verification(verification);
            let builder = builder.after(After::new().show_verification_ui(true));
            builder.courier(Channel::Email, courier(&peer).build().unwrap())
        })
        .unwrap();
        let _running = Running::start(&app);
        let mut native = app.native();
        let page = native.open().await;
        let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": ADA } });
        let done = native.submit(&page, answer).await;
        let page = native.verification_page(done).await;

        let email = arrived(&peer, 0).await;
        let done = if by_link {
            let link = email.text.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
            let token = link.rsplit_once("token=").unwrap().1.to_owned();
            native.submit_verification(&page, json!({ "method": "link", "token": token })).await
        } else {
            native.submit_verification(&page, json!({ "method": "code", "code": email.code() })).await
        };

        assert_eq!(done.at("/state"), "passed_challenge", "{by_link} {}", done.json());
        let state = app.identities()[0].verifiable_addresses()[0].state();
        assert!(matches!(state, AddressState::Verified(_)));
    }
}

/// Lets the delivery of a letter go on for so many polls, once; then it waits for ever.
struct Cutting {
    courier: SmtpCourier,
    polls: Mutex<Option<usize>>,
    reached: Arc<Notify>,
}

#[async_trait]
impl Courier for Cutting {
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered> {
        let polls = self.polls.lock().unwrap().take();
        let mut going = self.courier.deliver(letter);
        let Some(mut left) = polls else { return going.await };
        std::future::poll_fn(|cx| match left.checked_sub(1) {
            Some(less) => {
                left = less;
                going.as_mut().poll(cx)
            }
            None => {
                self.reached.notify_one();
                Poll::Pending
            }
        })
        .await
    }
}

/// When a dispatcher was dropped.
#[derive(Debug, PartialEq, Eq)]
enum Cut {
    BeforeTheLetter,
    /// The server had the letter, the dispatcher did not know.
    BehindTheLetter,
    /// It was done.
    Never,
}

/// Drops a dispatcher whose letter is on its way after so many polls, and lets another one finish.
async fn cut_after(polls: usize) -> Cut {
    let (peer, reached) = (Peer::plain().await, Arc::new(Notify::new()));
    let courier = courier(&peer).build().unwrap();
    let cutting = Cutting { courier, polls: Mutex::new(Some(polls)), reached: Arc::clone(&reached) };
    let app = by_code(cutting, |builder| builder);
    let _ = ask(&app, ADA).await;
    let dispatcher = app.registration().dispatcher();
    let finished = tokio::select! {
        flushed = dispatcher.flush() => flushed.unwrap().delivered == 1,
        () = reached.notified() => false,
    };
    while !finished && peer.open() > 0 {
        // The connection is closed with its letter; until then the letter may still arrive.
        tokio::task::yield_now().await;
    }
    let before = peer.received().len();

    app.clock().advance(time::Duration::minutes(3));
    let rest = app.deliver().await.unwrap();

    assert_eq!((rest.delivered, rest.postponed, rest.given_up), (usize::from(!finished), 0, 0), "{polls}");
    assert!(app.memory().outbox().is_empty());
    let emails: Vec<_> = peer.received().iter().map(|letter| letter.email()).collect();
    assert_eq!(emails.len(), if finished { 1 } else { before + 1 }, "{polls}: at least once, once more after a crash");
    let same = |email: &Email| (email.header("Message-ID").to_owned(), email.code());
    assert!(emails.iter().all(|email| same(email) == same(&emails[0])), "{polls}: {emails:?}");
    match (finished, before) {
        (true, _) => Cut::Never,
        (false, 0) => Cut::BeforeTheLetter,
        (false, _) => Cut::BehindTheLetter,
    }
}

#[tokio::test]
async fn every_letter_arrives_though_the_dispatcher_is_dropped_at_each_await() {
    let (mut before, mut behind) = (0, 0);
    for polls in 0..1_000 {
        let mut cuts = Vec::new();
        for _ in 0..50 {
            cuts.push(cut_after(polls).await);
        }
        before += usize::from(cuts.contains(&Cut::BeforeTheLetter));
        behind += usize::from(cuts.contains(&Cut::BehindTheLetter));
        if cuts.iter().all(|cut| *cut == Cut::Never) {
            assert!(before >= 6 && behind >= 1, "{before} awaits before the letter was there, {behind} behind");
            return;
        }
    }
    panic!("a thousand polls were not enough");
}

#[tokio::test]
async fn the_code_of_one_e_mail_does_not_complete_the_flow_of_another() {
    let peer = Peer::plain().await;
    let app = App::with(|builder| {
        let courier = courier(&peer).build().unwrap();
        builder.method(Code::new()).courier(Channel::Email, courier)
    })
    .unwrap();
    let mut clients = Vec::new();
    for address in [ADA, "bob@example.org"] {
        let mut client = app.native();
        let page = client.open().await;
        let answer = json!({ "method": "code", "traits": { "email": address } });
        let page = client.submit(&page, answer.clone()).await;
        app.deliver().await.unwrap();
        clients.push((client, page, answer));
    }
    let codes: Vec<_> = peer.received().iter().map(|letter| letter.email().code()).collect();

    for ((client, page, answer), code) in clients.iter_mut().zip(codes.iter().rev()) {
        answer["code"] = code.as_str().into();
        assert_ne!(client.submit(page, answer.clone()).await.status(), 200);
    }
    assert!(app.identities().is_empty());
    for ((client, page, answer), code) in clients.iter_mut().zip(&codes) {
        answer["code"] = code.as_str().into();
        assert_eq!(client.submit(page, answer.clone()).await.status(), 200);
    }
    assert_eq!(app.identities().len(), 2);
}
