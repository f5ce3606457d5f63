//! R3, R4, B2: a code succeeds once and is judged a few times, and what is counted of an address stays counted, through two
//! services with pools of their own over one database.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower_registration::testing::{Client, ClientKind, Faults, Mailbox, Reply};
use tower_registration::{AddressLimits, Registration};

use crate::kills::host;
use crate::processes::{Place, Store, record, rounds};
use crate::sqlite::Folder;

const ADA: &str = "ada@example.org";

/// A service of its own, as in a process of its own, and where its letters arrive.
struct Town {
    registration: Registration,
    mailbox: Mailbox,
}

impl Town {
    async fn at(place: &Place, isolation: Option<&str>, limits: AddressLimits) -> (Self, Store) {
        let (store, mailbox) = (place.open_at(isolation).await, Mailbox::new());
        let builder = host::builder(&store, &Faults::new(), mailbox.clone());
        (Self { registration: builder.address_limits(limits).build().unwrap(), mailbox }, store)
    }

    fn native(&self) -> Client {
        Client::new(self.registration.clone(), "/auth", ClientKind::Native)
    }

    /// Asks for a code and reads it.
    async fn sent(&self, email: &str) -> (Reply, String) {
        let mut client = self.native();
        let page = client.open().await;
        let page = client.submit(&page, by_code(email, None)).await;
        assert_eq!(page.messages(), [1_040_005], "{}", page.json());
        (page, self.read(email).await)
    }

    async fn read(&self, email: &str) -> String {
        self.registration.dispatcher().flush().await.unwrap();
        self.mailbox.latest_code(email).unwrap()
    }

    /// Whether a wrong code was judged.
    async fn judges(&self, page: &Reply, email: &str, code: &str) -> bool {
        self.native().submit(page, by_code(email, Some(code))).await.messages() == [4_040_003]
    }
}

fn by_code(email: &str, code: Option<&str>) -> Value {
    let mut answer = json!({ "method": "code", "traits": { "email": email } });
    if let Some(code) = code {
        answer["code"] = code.into();
    }
    answer
}

fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// Sends the same answer so often at once, alternately to one service and the other.
async fn at_once(towns: [&Town; 2], clients: usize, page: &Reply, answer: Value) -> Vec<Reply> {
    let (page, answer) = (Arc::new(page.clone()), Arc::new(answer));
    let mut going = JoinSet::new();
    for number in 0..clients {
        let (mut client, page, answer) = (towns[number % 2].native(), Arc::clone(&page), Arc::clone(&answer));
        going.spawn(async move { client.submit(&page, (*answer).clone()).await });
    }
    going.join_all().await
}

fn limits() -> AddressLimits {
    AddressLimits::new().letters(1_000, 1_000).wrong_codes(1_000, 1_000)
}

async fn a_code_succeeds_once(place: &Place, isolation: Option<&str>, codes: usize) {
    let ((one, store), (other, _)) =
        (Town::at(place, isolation, limits()).await, Town::at(place, isolation, limits()).await);
    for round in 0..codes {
        let email = format!("ada-{round}@example.org");
        let (page, code) = one.sent(&email).await;

        let answers = at_once([&one, &other], 16, &page, by_code(&email, Some(&code))).await;

        let count = |status| answers.iter().filter(|answer| answer.status() == status).count();
        // Inner errors of native flows are told with 400, too: without a message.
        let taken = answers.iter().filter(|answer| answer.messages() == [4_000_007]).count();
        let told = taken + count(503);
        assert_eq!((count(200), told), (1, 15), "round {round}: {answers:?}");
    }
    let identities = store.number("SELECT count(*) FROM registration_identities").await;
    assert_eq!(identities, i64::try_from(codes).unwrap());
    let level = isolation.unwrap_or("its own isolation");
    record("R3", &format!("{}, {level}: {codes} codes x 16 right answers, one success each", place.name()));
}

async fn a_code_is_judged_five_times(place: &Place, rounds: usize) {
    let ((one, _), (other, _)) = (Town::at(place, None, limits()).await, Town::at(place, None, limits()).await);
    for round in 0..rounds {
        let email = format!("ada-{round}@example.org");
        let (page, code) = one.sent(&email).await;
        let wrong = wrong(&code);

        let answers = at_once([&one, &other], 64, &page, by_code(&email, Some(wrong))).await;

        let mut verdicts = answers.iter().filter(|answer| answer.messages() == [4_040_003]).count();
        assert!(verdicts <= 5, "round {round}: {verdicts}");
        // Those that were sent away come again, to a service that has just started.
        let restarted = if round % 16 == 0 { Some(Town::at(place, None, limits()).await.0) } else { None };
        let town = restarted.as_ref().unwrap_or(&other);
        for _ in 0..6 {
            verdicts += usize::from(town.judges(&page, &email, wrong).await);
        }
        assert_eq!(verdicts, 5, "round {round}: never more, and none is forgotten");
        let late = town.native().submit(&page, by_code(&email, Some(&code))).await;
        assert_ne!(late.status(), 200, "round {round}: not even the right one counts now");
    }
    record("R4", &format!("{}: {rounds} rounds of 64 wrong codes at once, 5 verdicts each", place.name()));
}

/// Seven wrong codes are judged for an address, whatever happens between them.
async fn wrong_codes_stay_counted(place: &Place) {
    let few = AddressLimits::new().letters(100, 100).wrong_codes(7, 100);
    let ((one, _), (other, _)) = (Town::at(place, None, few.clone()).await, Town::at(place, None, few.clone()).await);
    let (page, code) = one.sent(ADA).await;
    let mut judged = 0;
    for _ in 0..3 {
        judged += usize::from(one.judges(&page, ADA, wrong(&code)).await);
    }

    // A new code in the same flow.
    let mut resend = by_code(ADA, None);
    resend["resend"] = "code".into();
    let page = one.native().submit(&page, resend).await;
    let code = one.read(ADA).await;
    judged += usize::from(one.judges(&page, ADA, wrong(&code)).await);
    // A new flow, in another process.
    let (page, code) = other.sent(ADA).await;
    judged += usize::from(other.judges(&page, ADA, wrong(&code)).await);
    // A restart.
    drop(one);
    let (one, store) = Town::at(place, None, few).await;
    judged += usize::from(one.judges(&page, ADA, wrong(&code)).await);
    // Somebody else has the right code.
    let (bobs, right) = one.sent("bob@example.org").await;
    let bob = one.native().submit(&bobs, by_code("bob@example.org", Some(&right))).await;
    judged += usize::from(one.judges(&page, ADA, wrong(&code)).await);
    let (page, code) = one.sent(ADA).await;
    let late = one.native().submit(&page, by_code(ADA, Some(&code))).await;
    let beyond = one.judges(&page, ADA, wrong(&code)).await || other.judges(&page, ADA, wrong(&code)).await;

    assert_eq!((judged, beyond, bob.status()), (7, false, 200));
    assert_eq!((late.status(), late.messages()), (400, vec![4_000_001]), "beyond the count nothing is judged");
    assert_eq!(store.number("SELECT count(*) FROM registration_identities").await, 1);
}

/// Four letters are sent to an address, whatever happens between them.
async fn letters_stay_counted(place: &Place) {
    let few = AddressLimits::new().letters(4, 100);
    let ((one, _), (other, _)) = (Town::at(place, None, few.clone()).await, Town::at(place, None, few.clone()).await);
    let (page, _) = one.sent(ADA).await;
    let mut resend = by_code(ADA, None);
    resend["resend"] = "code".into();
    assert_eq!(other.native().submit(&page, resend.clone()).await.messages(), [1_040_005]);
    let (restarted, store) = Town::at(place, None, few).await;
    for town in [&restarted, &one, &other, &restarted] {
        let mut client = town.native();
        let page = client.open().await;
        assert_eq!(
            client.submit(&page, by_code(ADA, None)).await.messages(),
            [1_040_005],
            "the surplus looks the same"
        );
    }

    for town in [&one, &other, &restarted] {
        town.registration.dispatcher().flush().await.unwrap();
    }

    let sent: usize = [&one, &other, &restarted].iter().map(|town| town.mailbox.letters().len()).sum();
    assert_eq!((sent, store.number("SELECT count(*) FROM registration_outbox").await), (4, 0));
}

/// `R3_CODES=10000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_in_sqlite_sixteen_right_answers_at_once_make_one_identity() {
    let folder = Folder::new();

    a_code_succeeds_once(&Place::in_folder(&folder), None, rounds("R3_CODES", 6)).await;
}

/// `R3_CODES=10000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_in_postgres_sixteen_right_answers_at_once_make_one_identity_at_every_isolation_level() {
    for (schema, level) in [("r3_rc", "read committed"), ("r3_rr", "repeatable read"), ("r3_s", "serializable")] {
        a_code_succeeds_once(&Place::in_schema(schema), Some(level), rounds("R3_CODES", 6)).await;
    }
}

/// `R4_ROUNDS=10000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_in_sqlite_sixty_four_wrong_answers_at_once_get_five_verdicts() {
    let folder = Folder::new();

    a_code_is_judged_five_times(&Place::in_folder(&folder), rounds("R4_ROUNDS", 6)).await;
}

/// `R4_ROUNDS=10000` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_in_postgres_sixty_four_wrong_answers_at_once_get_five_verdicts() {
    a_code_is_judged_five_times(&Place::in_schema("r4"), rounds("R4_ROUNDS", 6)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b2_in_sqlite_nothing_resets_what_is_counted_of_an_address() {
    let (codes, letters) = (Folder::new(), Folder::new());

    wrong_codes_stay_counted(&Place::in_folder(&codes)).await;
    letters_stay_counted(&Place::in_folder(&letters)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b2_in_postgres_nothing_resets_what_is_counted_of_an_address() {
    wrong_codes_stay_counted(&Place::in_schema("b2_codes")).await;
    letters_stay_counted(&Place::in_schema("b2_letters")).await;
}
