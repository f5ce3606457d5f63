//! Several processes of one service: what one began another one finishes, also while the secret is replaced.
//!
//! A service here has a pool of its own, and nothing in memory that another one knows.

use serde_json::{Value, json};
use tower_registration::host::Courier;
use tower_registration::identity::Channel;
use tower_registration::methods::{Code, Password};
use tower_registration::testing::{BASE_URL, Client, ClientKind, Mailbox, PERSON, Reply, UI};
use tower_registration::{After, Hashing, Registration, Schema, Secret, Style, Verification};

use crate::processes::{Place, Store};
use crate::sqlite::Folder;

const OLD: &str = "the secret of last year, which everybody still knows";
const NEW: &str = "the secret of this year, which is put in front of it";
const KINDS: [ClientKind; 3] = [ClientKind::Browser, ClientKind::Spa, ClientKind::Native];

/// A service with these secrets over a pool of its own.
async fn service(place: &Place, secrets: &[&str], courier: impl Courier) -> Registration {
    let Store { storage, identities, .. } = place.open().await;
    let builder = Registration::builder(BASE_URL)
        .hashing(Hashing::new().cost(8, 1))
        .schema(Schema::parse("person", PERSON).unwrap())
        .method(Password::new())
        .method(Code::new())
        .style(Style::Unified)
        .after(After::new().session(true))
        .verification(Verification::by_code("/verify"))
        .courier(Channel::Email, courier)
        .registration_ui(format!("{UI}/sign-up"))
        .error_ui(format!("{UI}/sorry"))
        .default_return_url(format!("{UI}/welcome"))
        .storage(storage)
        .identities(identities);
    let builder = secrets.iter().fold(builder, |builder, secret| builder.secret(Secret::new(secret).unwrap()));
    builder.build().unwrap()
}

/// The same person at another process: a client with the same cookies.
fn at(registration: &Registration, kind: ClientKind, before: Option<&mut Client>) -> Client {
    let mut client = Client::new(registration.clone(), "/auth", kind);
    if let Some(before) = before {
        client.cookies().clone_from(before.cookies());
    }
    client
}

fn by_password(email: &str) -> Value {
    json!({ "method": "password", "password": "correct horse", "traits": { "email": email } })
}

fn by_code(email: &str, code: Option<&str>) -> Value {
    let mut answer = json!({ "method": "code", "traits": { "email": email } });
    if let Some(code) = code {
        answer["code"] = code.into();
    }
    answer
}

fn succeeded(reply: &Reply) -> bool {
    reply.status() == 200 || reply.status() == 303 && reply.location() == format!("{UI}/welcome")
}

/// Who is signed in, asked of another process than the one that signed them in.
async fn who(registration: &Registration, kind: ClientKind, done: &Reply, before: &mut Client) -> Value {
    let client = at(registration, kind, Some(before));
    let token = done.at("/session_token");
    let mut client = client.with_header("x-session-token", token.as_str().unwrap_or_default());
    if kind != ClientKind::Native {
        client = at(registration, kind, Some(before));
    }
    client.whoami().await.unwrap_or_default()["identity"]["traits"]["email"].clone()
}

/// Flows, cookies, codes, letters and sessions of the first service go on with the second.
async fn goes_on(first: &Registration, second: &Registration, mailbox: &Mailbox) {
    for (number, kind) in KINDS.into_iter().enumerate() {
        // A password: begun there, finished here, signed in everywhere.
        let email = format!("ada-{number}@example.org");
        let mut there = at(first, kind, None);
        let page = there.open().await;
        let mut here = at(second, kind, Some(&mut there));
        let done = here.submit(&page, by_password(&email)).await;
        assert!(succeeded(&done), "{kind:?}: {} {}", done.status(), done.json());
        assert_eq!(who(second, kind, &done, &mut here).await, email, "{kind:?}");

        // A code: asked for there, delivered here, typed here.
        let email = format!("bob-{number}@example.org");
        let mut there = at(first, kind, None);
        let page = there.open().await;
        let sent = there.submit(&page, by_code(&email, None)).await;
        let page = there.page(sent).await;
        second.dispatcher().flush().await.unwrap();
        let code = mailbox.latest_code(&email).unwrap();
        let mut here = at(second, kind, Some(&mut there));
        let done = here.submit(&page, by_code(&email, Some(&code))).await;
        assert!(succeeded(&done), "{kind:?}: {} {}", done.status(), done.json());

        // A session and a letter from there: known here, and the code in the letter proves the address here.
        let email = format!("cleo-{number}@example.org");
        let mut there = at(first, kind, None);
        let page = there.open().await;
        let done = there.submit(&page, by_password(&email)).await;
        assert!(succeeded(&done), "{kind:?}: {} {}", done.status(), done.json());
        assert_eq!(who(second, kind, &done, &mut there).await, email, "{kind:?}");
    }
    let delivered = second.dispatcher().flush().await.unwrap();
    assert_eq!((delivered.postponed, delivered.given_up), (0, 0), "letters of the other process");
    let letters = mailbox.letters();
    let verifying = letters.iter().filter(|letter| letter.kind().template() == "verification_code_valid").count();
    assert_eq!(verifying, 6, "one for each who registered with a password");
}

/// Codes that were delivered before the secret was replaced still count.
async fn delivered_codes_count(first: &Registration, second: &Registration, mailbox: &Mailbox) {
    let mut there = at(first, ClientKind::Native, None);
    let page = there.open().await;
    let page = there.submit(&page, by_code("dora@example.org", None)).await;
    first.dispatcher().flush().await.unwrap();
    let code = mailbox.latest_code("dora@example.org").unwrap();

    let done = at(second, ClientKind::Native, None).submit(&page, by_code("dora@example.org", Some(&code))).await;

    assert!(succeeded(&done), "{}", done.json());
}

async fn all(place: &Place, before: &[&str], after: &[&str]) {
    let mailbox = Mailbox::new();
    let first = service(place, before, mailbox.clone()).await;
    let second = service(place, after, mailbox.clone()).await;

    goes_on(&first, &second, &mailbox).await;
    delivered_codes_count(&first, &second, &mailbox).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_sqlite_what_one_process_began_another_finishes() {
    let folder = Folder::new();

    all(&Place::in_folder(&folder), &[OLD], &[OLD]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_postgres_what_one_process_began_another_finishes() {
    all(&Place::in_schema("elsewhere"), &[OLD], &[OLD]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_sqlite_a_secret_is_replaced_while_people_register() {
    let folder = Folder::new();

    all(&Place::in_folder(&folder), &[OLD], &[NEW, OLD]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_postgres_a_secret_is_replaced_while_people_register() {
    all(&Place::in_schema("rotated"), &[OLD], &[NEW, OLD]).await;
}

/// An address gets five letters an hour, while there are processes with the old secret beside those with both, and while
/// there are processes with both beside those with the new one.
async fn letters_stay_counted(place: &Place) {
    let mailbox = Mailbox::new();
    let old = service(place, &[OLD], mailbox.clone()).await;
    let both = service(place, &[NEW, OLD], mailbox.clone()).await;
    let new = service(place, &[NEW], mailbox.clone()).await;
    for registration in [&old, &both, &old, &both, &new, &both, &new, &both] {
        let mut client = at(registration, ClientKind::Native, None);
        let page = client.open().await;
        let sent = client.submit(&page, by_code("ada@example.org", None)).await;
        assert_eq!(sent.messages(), [1_040_005], "the surplus looks the same");
    }

    both.dispatcher().flush().await.unwrap();

    assert_eq!(mailbox.letters().len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b2_in_sqlite_a_replaced_secret_resets_no_counter() {
    let folder = Folder::new();

    letters_stay_counted(&Place::in_folder(&folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b2_in_postgres_a_replaced_secret_resets_no_counter() {
    letters_stay_counted(&Place::in_schema("b2_rotated")).await;
}

/// Without the old secret nothing of it goes on: so it is the old secret that makes it go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_without_the_old_secret_does_not_know_its_codes() {
    let (place, mailbox) = (Place::in_schema("forgotten"), Mailbox::new());
    let first = service(&place, &[OLD], mailbox.clone()).await;
    let second = service(&place, &[NEW], mailbox.clone()).await;
    let mut there = at(&first, ClientKind::Native, None);
    let page = there.open().await;
    let page = there.submit(&page, by_code("dora@example.org", None)).await;
    first.dispatcher().flush().await.unwrap();
    let code = mailbox.latest_code("dora@example.org").unwrap();

    let refused = at(&second, ClientKind::Native, None).submit(&page, by_code("dora@example.org", Some(&code))).await;

    assert_eq!(refused.messages(), [4_040_003], "{}", refused.json());
}
