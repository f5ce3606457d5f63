//! U1, U2, F3: where a person may be led after signing up.
//!
//! The kept strings were put together from parts, so their verdicts owe nothing to a parser. Where an accepted one ends
//! is read from the `Location` that a page gets when somebody signed up.

use proptest::prelude::{Just, Strategy, any, prop};
use proptest::prop_oneof;
use proptest::sample::select;
use serde_json::Value;
use tower_registration::memory::Memory;

use super::chance::{block_on, for_all};
use super::corpus::{Ledger, bytes, cases, quickest, timed};
use super::door::{Answer, Door, NAVIGATION, Opened, QUICK};
use super::redirect_oracle::{
    Harness, KEPT, door, door_over, encoded, ends_in_the_list, is_listed, listed, means_one_place, sign_up, submit,
};
use crate::kept;

const FORBIDDEN: &str = "self_service_flow_return_to_forbidden";

#[tokio::test]
async fn u1_every_kept_string_gets_its_verdict() {
    let door = door(&listed());

    let ledger = open_all(&door, &cases(KEPT)).await;

    ledger.close(1_500);
}

#[tokio::test]
async fn u2_every_accepted_string_ends_in_the_list() {
    let door = door(&listed());
    let accepted: Vec<Value> = cases(KEPT).into_iter().filter(|case| case["verdict"] == "accepted").collect();

    let ledger = sign_up_all(&door, &accepted).await;

    assert!(accepted.len() > 200);
    ledger.close(accepted.len());
}

/// What a browser is led to holds no more than what was decided about: nothing of the text as it was sent.
#[tokio::test]
async fn u2_a_location_is_written_anew() {
    let door = door(&listed());

    let plain = sign_up(&door, "return_to=HTTPS%3A%2F%2FWWW.%EF%BD%85xample.ORG%3A443%2Fapp%2Fa%20b%C3%A9").await;
    let fullwidth_stop = sign_up(&door, "return_to=%2F%2Fwww%E3%80%82example%E3%80%82org%2Fapp%2F").await;

    assert_eq!(plain.unwrap(), "https://www.example.org/app/a%20b%C3%A9");
    assert_eq!(fullwidth_stop.unwrap(), "https://www.example.org/app/");
}

#[test]
fn f3_whatever_is_accepted_ends_in_the_list() {
    let door = door(&listed());

    for_all(targets(), |target| {
        block_on(ends_in_the_list(&door, target.as_bytes()));
        Ok(())
    });
}

/// The flow repeats what was sent, and whoever follows that needs no default URL: it must mean the same without one.
#[test]
fn f3_an_accepted_url_is_listed_wherever_it_is_followed_from() {
    let door = door(&listed());

    for_all(targets(), |target| {
        block_on(means_one_place(&door, &target));
        Ok(())
    });
}

#[test]
fn f3_the_kept_inputs_come_to_what_their_names_say() {
    let mut harness = Harness::new();

    kept::play("return_to", |input| harness.play(input));
}

#[tokio::test]
async fn u1_a_page_is_led_to_the_error_page_and_no_flow_is_begun() {
    let door = door(&listed());
    let path = "/auth/self-service/registration/browser?return_to=%2F%2Fevil.com";
    let head = [("accept", NAVIGATION.as_bytes())];

    let answer = door.ask(http::Method::GET, path, &head, bytes::Bytes::new()).await;

    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with("https://ui.example.org/sorry?id="), "{}", answer.location());
    assert_eq!(door.stored().flows, 0);
}

/// Decided again at use: the list may have changed since the flow was begun.
#[tokio::test]
async fn u1_a_target_is_judged_again_before_anybody_exists() {
    let memory = Memory::new();
    let generous = door_over(&memory, &listed());
    let strict = door_over(&memory, &["https://www.example.org/app/welcome".to_owned()]);
    let path = "/auth/self-service/registration/browser?return_to=https%3A%2F%2Fport.example.org%3A8443%2F";
    let opened = generous.open(path, &[]).await.unwrap();

    let answer = submit(&strict, &opened, "late@example.org").await;

    assert_eq!((answer.status, answer.location()), (302, submit_page(&opened).as_str()));
    assert_eq!((strict.stored().identities, strict.hashes()), (0, 0));
}

/// Begins a native flow with each string, and notes what is not as it should be.
async fn open_all(door: &Door, cases: &[Value]) -> Ledger {
    let mut ledger = Ledger::default();
    for case in cases {
        let before = door.stored();
        let path = format!("/auth/self-service/registration/api?{}", query(case));
        let (took, opened) = quickest(QUICK, async || timed(door.open(&path, &[])).await).await;
        let grown = door.stored().flows > before.flows;
        let right = match &opened {
            Ok(opened) => case["verdict"] == "accepted" && opened.return_to == echo(case) && grown,
            Err(answer) => is_refused_as(&case["verdict"], answer) && !grown,
        };
        ledger.note(right, || format!("{case}: {:?}", opened.as_ref().map_err(Answer::brief)));
        ledger.note_time(QUICK, took, || case.to_string());
    }
    ledger
}

/// Signs somebody up with each string, and notes those that lead elsewhere.
async fn sign_up_all(door: &Door, cases: &[Value]) -> Ledger {
    let mut ledger = Ledger::default();
    for case in cases {
        let ended = sign_up(door, &query(case)).await;
        let listed = ended.as_deref().is_ok_and(is_listed);
        ledger.note(listed, || format!("{case}: {:?}", ended.map_err(|answer| answer.brief())));
    }
    ledger
}

/// URLs put together in the usual order, and their parts in any.
fn targets() -> impl Strategy<Value = String> {
    prop_oneof![2 => ordered(), 1 => prop::collection::vec(part(), 1..9).prop_map(|parts| parts.concat())]
}

fn ordered() -> impl Strategy<Value = String> {
    let starts = [
        "https://",
        "HTTPS://",
        "//",
        "http://",
        "myapp://",
        "https:///",
        "https:",
        "https:/",
        "https://u:p@",
        "https:\\\\",
    ];
    let ports = ["", "", "", ":443", ":8443", ":4455", ":444", ":0", ":65536"];
    let paths = [
        "/app",
        "/app/",
        "/application",
        "/in",
        "/inside",
        "/in/",
        "/after",
        "/afterwards",
        "",
        "/",
        "/auth/self-service",
        "/auth/self-servicex",
        "/app/../x",
        "/app/%2e%2E/in",
        "/APP/",
        "//app/",
    ];
    let tails = prop_oneof![3 => Just(String::new()), 1 => part()];
    let parts =
        (select(starts.to_vec()), select(HOSTS.to_vec()), select(ports.to_vec()), select(paths.to_vec()), tails);
    parts.prop_map(|(start, host, port, path, tail)| format!("{start}{host}{port}{path}{tail}"))
}

fn part() -> impl Strategy<Value = String> {
    let parts = [
        "https:",
        "HTTPS:",
        "http:",
        "myapp:",
        "javascript:",
        "data:",
        "blob:",
        "/",
        "//",
        "///",
        "\\",
        "\t",
        "\n",
        " ",
        ".",
        "..",
        "%2e%2e",
        "%2f",
        "%5c",
        "%00",
        "%",
        "%zz",
        "@",
        ":",
        ":443",
        ":8443",
        ":4455",
        "?",
        "#",
        "*",
        "[",
        "app",
        "/app/",
        "/in",
        "/after",
        "/auth/self-service",
        "u:p",
        "。",
        "℀",
        "\u{ad}",
        "https://www.example.org/app/",
    ];
    prop_oneof![
        6 => select(parts.to_vec()).prop_map(str::to_owned),
        3 => select(HOSTS.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ]
}

const HOSTS: [&str; 13] = [
    "www.example.org",
    "WWW.EXAMPLE.ORG",
    "ｗww.example.org",
    "a.wild.example.org",
    "wild.example.org",
    "evilwild.example.org",
    "port.example.org",
    "127.0.0.1",
    "127.1",
    "callback",
    "evil.com",
    "www.example.org.evil.com",
    "id.example.org",
];

fn submit_page(opened: &Opened) -> String {
    format!("https://ui.example.org/sign-up?flow={}", opened.flow)
}

fn is_refused_as(verdict: &Value, answer: &Answer) -> bool {
    let forbidden = answer.error_id() == FORBIDDEN;
    let escape = answer.error_id().is_empty()
        && answer.error_reason().starts_with("Unable to parse the return_to query parameter as an URL: ");
    let expected = match verdict.as_str().unwrap() {
        "forbidden" => forbidden,
        "escape" => escape,
        "refused" => forbidden || escape,
        _ => false,
    };
    answer.status == 400 && expected
}

/// The query of a case: as it stands, or the string that is asked for, encoded.
fn query(case: &Value) -> String {
    match case["query"].as_str() {
        Some(query) => query.to_owned(),
        None => format!("return_to={}", encoded(asked(case).as_bytes())),
    }
}

fn asked(case: &Value) -> String {
    String::from_utf8(bytes(&case["asked"])).unwrap()
}

/// What the flow repeats of it.
fn echo(case: &Value) -> String {
    match case.get("asked") {
        Some(_) => asked(case),
        None => case["echo"].as_str().unwrap_or_default().to_owned(),
    }
}
