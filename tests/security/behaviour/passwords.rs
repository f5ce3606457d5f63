//! P4, P5: which passwords are accepted, and what is stored of them.

use std::collections::HashMap;

use argon2::{Argon2, PasswordVerifier};
use secrecy::SecretString;
use serde_json::{Value, json};
use tower_registration::identity::IdentityId;
use tower_registration::memory::Memory;
use tower_registration::methods::Password;
use tower_registration::testing::{BASE_URL, Client, Reply};
use tower_registration::{Hashing, hashing};
use uuid::Uuid;

use super::password_rules::{FAMILIES, Family, distance, longest_run, similar, verdict};
use super::site::{PASSWORD, Seeded, Site, choices, sign_up, working};

const OF_EACH: usize = 1_000;

/// Somebody who tries a password, as JSON or as a form.
async fn attempt(client: &mut Client, page: &Reply, email: &str, password: &str, as_form: bool) -> Reply {
    let path = format!("/self-service/registration?flow={}", page.flow_id().unwrap());
    if as_form {
        let fields = [("method", "password"), ("password", password), ("traits.email", email)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        return client.post_form(&path, &fields).await;
    }
    let answer = json!({ "method": "password", "password": password, "traits": { "email": email } });
    client.post_json(&path, &answer).await
}

/// The hash that is stored for whoever an answer is about.
fn stored(site: &Site, done: &Reply) -> String {
    let id = Uuid::parse_str(done.at("/identity/id").as_str().unwrap()).unwrap();
    let credentials = site.memory.credentials(IdentityId::new(id));
    let password = credentials.iter().find(|credential| credential.kind().as_str() == "password").unwrap();
    password.config()["hashed_password"].as_str().unwrap().to_owned()
}

fn verifies(phc: &str, password: &str) -> bool {
    hashing::verify(phc, &SecretString::from(password)).unwrap()
}

/// The second reader of a hash.
fn verifies_elsewhere(phc: &str, password: &str) -> bool {
    Argon2::default().verify_password(password.as_bytes(), phc).is_ok()
}

/// How many passwords of each family were accepted and refused.
type Tally = HashMap<(Family, bool), usize>;

#[tokio::test]
async fn p4_p5_passwords_are_judged_by_the_rules_and_stored_as_they_were_typed() {
    let _working = working().await;
    let (site, random) = (Site::new(), Seeded::new(4));
    let mut tally = Tally::new();
    let (mut accepted, mut refused, mut tries) = (0, 0, 0);
    let mut client = site.native();
    let mut page = client.open().await;

    while accepted < OF_EACH || refused < OF_EACH {
        let family = FAMILIES[tries % FAMILIES.len()];
        let email = format!("correcthorse-{tries}@example.org");
        let password = family.make(&random, &email);
        let expected = verdict(&password, &email);
        let full = if expected.is_none() { accepted } else { refused };
        tries += 1;
        if full == OF_EACH {
            continue;
        }
        *tally.entry((family, expected.is_none())).or_default() += 1;
        let answer = attempt(&mut client, &page, &email, &password, tries % 2 == 0).await;
        match expected {
            Some(message) => {
                assert_eq!(answer.messages_at("password"), [message], "{family:?} {password:?} {email}");
                refused += 1;
            }
            None => {
                assert_eq!(answer.status(), 200, "{family:?} {password:?} {email}: {answer:?}");
                reread(&stored(&site, &answer), &password);
                accepted += 1;
                page = client.open().await;
            }
        }
    }

    assert_eq!((site.rows().identities, site.rows().hashes), (OF_EACH, OF_EACH));
    FAMILIES.into_iter().for_each(|family| assert!(tally[&(family, false)] >= 50, "{family:?}: {tally:?}"));
    FAMILIES.into_iter().for_each(|family| assert!(tally[&(family, true)] >= 50, "{family:?}: {tally:?}"));
}

/// The hash is of exactly this password: two readers say so.
fn reread(phc: &str, password: &str) {
    assert!(verifies(phc, password) && verifies_elsewhere(phc, password), "{password:?}");
    let cut: String = password.chars().take(password.chars().count() - 1).collect();
    for other in [cut.as_str(), password.trim(), &password.to_uppercase(), &format!("{password} ")] {
        let same = other == password;
        assert_eq!(verifies(phc, other), same, "{password:?} {other:?}");
        assert_eq!(verifies_elsewhere(phc, other), same, "{password:?} {other:?}");
    }
}

#[test]
fn p4_the_oracle_knows_the_vectors_of_the_contract() {
    let cases = [
        ("hello@example.com", "hello@exam", 7, 10, true),
        ("hello@example.com", "h3ll0@example", 6, 8, true),
        ("abcdefgh", "abcdefgh1234567", 7, 8, true),
        ("abcdefgh", "abcdefgh12345678", 8, 8, false),
        ("abcd", "9d3c8a1b", 7, 1, false),
        ("d4f6090b-5a84", "d4f6090b-5a84-2184-4404-8d1b-8da3eb00ebbe", 28, 13, false),
        ("müller@example.com", "müllermüller", 10, 4, false),
        ("äöüäöü", "äöüäöüxyz", 3, 1, true),
    ];
    for (identifier, password, edits, run, verdict) in cases {
        assert_eq!(distance(password, identifier), edits, "{identifier} {password}");
        assert_eq!(longest_run(password, identifier), run, "{identifier} {password}");
        assert_eq!(similar(password, identifier), verdict, "{identifier} {password}");
    }
    assert!(!similar(&"a".repeat(257), &"a".repeat(257)));
}

#[tokio::test]
async fn p4_the_bounds_count_code_points_and_nothing_is_cut() {
    let site = Site::new();
    let mut client = site.native();
    let mut lengths = Vec::new();
    for (number, length) in [7, 8, 9, 64, 1_024, 1_025].into_iter().enumerate() {
        let page = client.open().await;
        let email = format!("ada-{number}@example.org");
        let answer = attempt(&mut client, &page, &email, &"🐎".repeat(length), false).await;
        let context = answer.field("password").pointer("/messages/0/context/actual_length").cloned();
        lengths.push((answer.status(), context.and_then(|length| length.as_u64())));
    }

    let accepted = (200, None);
    assert_eq!(lengths, [(400, Some(7)), accepted, accepted, accepted, accepted, (400, Some(1_025))]);
}

/// Signs somebody up at this cost and gives the hash that was stored.
async fn hashed_at(hashing: Hashing) -> String {
    let site = Site::with(|builder, _| builder.hashing(hashing));
    let mut client = site.native();
    let page = client.open().await;
    let done = client.submit(&page, sign_up("ada@example.org")).await;
    assert_eq!(done.status(), 200, "{done:?}");
    stored(&site, &done)
}

#[tokio::test]
async fn p5_hashes_of_every_cost_say_how_they_were_made_and_are_read_by_two_readers() {
    let costs = [(8, 1, 1), (64, 3, 1), (64, 2, 4), (256, 16, 1), (19_456, 2, 1), (47_104, 1, 1), (12_288, 3, 1)];
    for (kib, passes, lanes) in costs {
        let phc = hashed_at(Hashing::new().cost(kib, passes).lanes(lanes)).await;

        let parts: Vec<&str> = phc.split('$').collect();
        let cost = format!("m={kib},t={passes},p={lanes}");
        assert_eq!(parts[..4], ["", "argon2id", "v=19", &cost], "{phc}");
        assert_eq!((parts[4].len(), parts[5].len()), (22, 43), "16 bytes of salt, 32 of hash: {phc}");
        reread(&phc, PASSWORD);
    }
}

#[tokio::test]
async fn p5_two_hashes_of_one_password_have_nothing_in_common() {
    let (first, second) = (hashed_at(Hashing::new().cost(8, 1)).await, hashed_at(Hashing::new().cost(8, 1)).await);

    let tail = |phc: &str| phc.split('$').skip(4).map(str::to_owned).collect::<Vec<_>>();
    assert!(tail(&first).iter().zip(tail(&second)).all(|(one, other)| *one != other), "{first} {second}");
}

#[tokio::test]
async fn p5_whatever_cost_a_service_can_be_built_with_its_hashes_can_be_read() {
    for hashing in [Hashing::new().cost(8, 17), Hashing::new().cost(512, 1).lanes(17)] {
        let memory = Memory::new();
        let builder = choices(BASE_URL).storage(memory.clone()).identities(memory).method(Password::new());
        let built = builder.hashing(hashing.clone()).build();

        if built.is_ok() {
            let phc = hashed_at(hashing).await;
            let read = hashing::verify(&phc, &SecretString::from(PASSWORD));
            assert_eq!(read, Ok(true), "the service makes a hash that it refuses to read: {phc}");
        }
    }
}

/// What `build` warns about at this cost.
fn warned(kib: u32, passes: u32) -> bool {
    let site = Site::with(|builder, _| builder.hashing(Hashing::new().cost(kib, passes).threads(1)));
    site.registration.warnings().iter().any(|warning| warning.contains(&format!("{kib} KiB and {passes} passes")))
}

#[test]
fn p5_a_cost_below_the_floor_is_warned_about() {
    let below = [(47_103, 1), (19_455, 2), (12_287, 3), (12_288, 2), (12_287, 16), (8, 1)];
    let enough = [(47_104, 1), (19_456, 2), (12_288, 3), (12_288, 4), (65_536, 1)];

    assert_eq!(below.map(|(kib, passes)| warned(kib, passes)), [true; 6]);
    assert_eq!(enough.map(|(kib, passes)| warned(kib, passes)), [false; 5]);
}

#[tokio::test]
async fn p5_nobody_who_signs_up_otherwise_has_an_empty_password() {
    let site = Site::with(|builder, _| builder.method(super::replay::Invitation));
    let mut client = site.native();
    let page = client.open().await;
    let done = client.submit(&page, super::replay_table::invited("ada@example.org")).await;
    let id = Uuid::parse_str(done.at("/identity/id").as_str().unwrap()).unwrap();

    let credentials = site.memory.credentials(IdentityId::new(id));

    let hashes: Vec<Option<&Value>> = credentials.iter().map(|own| own.config().get("hashed_password")).collect();
    assert!(hashes.iter().all(Option::is_none), "{hashes:?}");
    assert!(credentials.iter().all(|own| own.kind().as_str() != "password" || !own.is_usable()));
}
