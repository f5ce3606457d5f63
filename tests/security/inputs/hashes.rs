//! F12: a stored hash from elsewhere cannot make the check fail, run long or take much memory.

use std::time::Duration;

use proptest::prelude::{Strategy, any, prop};
use proptest::prop_assert;
use proptest::sample::{Index, select};
use tower_registration::hashing::{VerifyError, verify};
use tower_registration::host::Kind;
use tower_registration::testing::App;

use super::chance::{block_on, for_all};
use super::door::{Door, JSON};
use super::hash_oracle::{BOUND, Harness, is_nobodys};
use super::stopwatch::Stopwatch;
use crate::kept;

/// The hash of `correct horse` at the lowest cost, from a service that stored it.
fn stored() -> String {
    let app = App::new().unwrap();
    let door = Door::of(&app);
    block_on(async {
        let opened = door.open_native().await;
        let answer = r#"{"method":"password","password":"correct horse","traits":{"email":"ada@example.org"}}"#;
        assert_eq!(door.submit_native(&opened.flow, JSON, answer).await.status, 200);
    });
    assert_eq!(app.memory().count(Kind::Flow), 1);
    let credentials = app.memory().credentials(app.identities()[0].id());
    let hash =
        credentials.iter().find_map(|credential| credential.config()["hashed_password"].as_str().map(str::to_owned));
    hash.unwrap()
}

#[test]
fn f12_the_stored_hash_is_that_of_the_password_alone() {
    let phc = stored();

    assert_eq!(verify(&phc, &"correct horse".into()), Ok(true));
    assert_eq!(verify(&phc, &"correct horse ".into()), Ok(false));
}

#[test]
fn f12_a_changed_hash_is_nobodys() {
    let phc = stored();
    // No digits: a cost is only ever made smaller here, larger ones have a test of their own.
    let letter = || select("$,=vmtpid+/-_ \0éAZaz".chars().collect::<Vec<_>>());
    let changes = proptest::prop_oneof![
        any::<Index>().prop_map(|at| (at, None, 1)),
        (any::<Index>(), letter()).prop_map(|(at, letter)| (at, Some(letter), 0)),
        (any::<Index>(), letter()).prop_map(|(at, letter)| (at, Some(letter), 1)),
        (any::<Index>(), 2..60_usize).prop_map(|(at, cut)| (at, None, cut)),
    ];

    for_all(prop::collection::vec(changes, 1..4), |changes| {
        let changed = changes.iter().fold(phc.clone(), |text, change| edited(&text, change));
        is_nobodys(&phc, &changed);
        Ok(())
    });
}

#[test]
fn f12_a_cost_is_bounded_before_it_is_paid() {
    let cost = || proptest::prop_oneof![1..16_u64, 16..64_u64, (1_u64 << 18) + 1..u64::MAX];
    let lanes = || proptest::prop_oneof![1..3_u64, 17..100_000_u64];
    let algorithms =
        || select(vec!["argon2id", "argon2i", "argon2d", "scrypt", "pbkdf2-sha256", "bcrypt", "2b", "", "ARGON2ID"]);
    let versions = || select(vec!["", "$v=19", "$v=16", "$v=18", "$v=99999999999", "$v=", "$v=-1"]);

    for_all(
        (algorithms(), versions(), cost(), 17..u64::MAX, lanes(), 0..90_usize),
        |(name, version, m, t, p, salt)| {
            let tail = format!("{}$5Vfjg8vGzX6B3ZB5tDYuvJ0C0H6CF1m0jmlyKdQ7Z1k", "c".repeat(salt));
            let watch = Stopwatch::start();
            let verdict = verify(&format!("${name}{version}$m={m},t={t},p={p}${tail}"), &"x".into());
            prop_assert!(verdict.is_err(), "{verdict:?}");
            prop_assert!(watch.elapsed() < BOUND, "{:?}", watch.elapsed());
            Ok(())
        },
    );
}

#[test]
fn f12_a_cheap_cost_with_a_huge_memory_or_many_lanes_is_refused() {
    let tail = "c29tZXNhbHRzb21lc2FsdA$5Vfjg8vGzX6B3ZB5tDYuvJ0C0H6CF1m0jmlyKdQ7Z1k";
    let costly = [
        "m=262145,t=1,p=1",
        "m=4194304,t=1,p=1",
        "m=4294967295,t=1,p=1",
        "m=8,t=17,p=1",
        "m=136,t=1,p=17",
        "m=262144,t=17,p=1",
    ];
    let broken = [
        "m=4294967296,t=1,p=1",
        "m=0,t=1,p=1",
        "m=8,t=0,p=1",
        "m=8,t=1,p=0",
        "m=7,t=1,p=1",
        "m=-8,t=1,p=1",
        "m=8,t=1,p=1,x=1",
    ];

    let verdicts = |costs: &[&str]| -> Vec<Result<bool, VerifyError>> {
        costs.iter().map(|cost| verify(&format!("$argon2id$v=19${cost}${tail}"), &"x".into())).collect()
    };
    let watch = Stopwatch::start();

    assert_eq!(verdicts(&costly), vec![Err(VerifyError::TooCostly); costly.len()]);
    assert!(verdicts(&broken).iter().all(Result::is_err), "{:?}", verdicts(&broken));
    assert!(watch.elapsed() < BOUND, "{:?}", watch.elapsed());
}

#[test]
fn f12_any_text_is_answered() {
    for_all("\\PC{0,80}|(\\$[a-z0-9=,+/]{0,30}){0,7}", |text| {
        prop_assert!(verify(&text, &"x".into()) != Ok(true), "{text}");
        Ok(())
    });
}

#[test]
fn f12_the_kept_inputs_come_to_what_their_names_say() {
    let mut harness = Harness::new();

    kept::play("phc", |input| harness.play(input));
}

#[test]
fn f12_a_long_text_is_not_read() {
    let watch = Stopwatch::start();

    let verdict = verify(&format!("$argon2id$v=19$m=8,t=1,p=1${}", "c".repeat(100_000_000)), &"x".into());

    assert_eq!(verdict, Err(VerifyError::Malformed));
    assert!(watch.elapsed() < Duration::from_secs(2), "{:?}", watch.elapsed());
}

/// Puts a letter in, or takes some out.
fn edited(text: &str, (at, letter, cut): &(Index, Option<char>, usize)) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.is_empty() {
        return String::new();
    }
    let at = at.index(letters.len());
    let behind = letters.len().min(at + cut);
    letters[..at].iter().chain(letter).chain(&letters[behind..]).collect()
}
