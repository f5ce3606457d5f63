//! E1: tokens do not repeat, and each of their positions is as likely to hold one letter as another.
//!
//! The service draws from a seeded source, so that a run is the same as the one before: what is judged is what the
//! service makes of random bytes. Codes, flow ids, CSRF secrets and CSRF tokens come from 100,000 flows each; session
//! tokens come from 5,000 registrations at the lowest hash cost.
//!
//! A position passes when the p-value of its χ² lies between 10⁻⁴ and 1 − 10⁻⁴. By the approximation of Wilson and
//! Hilferty the cube root of χ²/n, n degrees of freedom, is normal with mean 1 − 2/9n and variance 2/9n; the bounds
//! are then 3.719 standard deviations on either side.
//!
//! There are 223 positions in all. Whoever changes the order in which bytes are drawn draws another sample, and one in
//! twenty of those has a position out of bounds by chance: another seed then tells chance from a fault.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tower_registration::Schema;
use tower_registration::testing::{Client, Reply};

use super::site::{PASSWORD, Seeded, Site, sign_up, working};

const FLOWS: usize = 100_000;
/// A measurement waits for so many of them at most.
const BATCH: usize = 5_000;
const REGISTRATIONS: usize = 5_000;
/// The quantile of the normal distribution at 1 − 10⁻⁴.
const MOST_DEVIATIONS: f64 = 3.719;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &[u8] = b"0123456789abcdef";

/// What was seen of one kind of token.
struct Sample {
    /// The column of each letter.
    columns: [Option<usize>; 256],
    seen: HashSet<Vec<u8>>,
    /// How often each letter stood at each position.
    counts: Vec<Vec<u32>>,
}

impl Sample {
    fn of(letters: &[u8], length: usize) -> Self {
        let mut columns = [None; 256];
        letters.iter().enumerate().for_each(|(column, letter)| columns[usize::from(*letter)] = Some(column));
        Self { columns, seen: HashSet::new(), counts: vec![vec![0; letters.len()]; length] }
    }

    fn bytes(length: usize) -> Self {
        Self::of(&(0..=255).collect::<Vec<u8>>(), length)
    }

    fn add(&mut self, token: &[u8]) {
        assert_eq!(token.len(), self.counts.len(), "{token:?}");
        self.count(token);
        assert!(self.seen.insert(token.to_vec()), "{token:?} came twice");
    }

    fn count(&mut self, token: &[u8]) {
        for (counts, letter) in self.counts.iter_mut().zip(token) {
            let column = self.columns[usize::from(*letter)];
            counts[column.unwrap_or_else(|| panic!("{letter} in {token:?}"))] += 1;
        }
    }

    fn judge(&self, what: &str, many: usize) {
        assert_eq!(self.seen.len(), many, "{what}");
        for (at, counts) in self.counts.iter().enumerate() {
            let away = deviations(counts);
            assert!(away.abs() < MOST_DEVIATIONS, "{what}, position {at}: {away} standard deviations");
        }
    }
}

/// How far χ² is from what chance makes of it, in standard deviations.
fn deviations(counts: &[u32]) -> f64 {
    let total: f64 = counts.iter().map(|count| f64::from(*count)).sum();
    let expected = total / counts.len() as f64;
    let square: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    let freedom = (counts.len() - 1) as f64;
    let variance = 2.0 / (9.0 * freedom);
    ((square / freedom).cbrt() - (1.0 - variance)) / variance.sqrt()
}

fn seeded(seed: u64) -> Site {
    let nickname = r#"{ "type": "object", "properties": { "traits": { "type": "object", "properties": {
        "nick": { "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } } } } } }"#;
    let schema = Schema::parse("nickname", nickname).unwrap();
    Site::with(|builder, _| builder.random(Seeded::new(seed)).schema(schema).default_schema("nickname"))
}

/// The text behind a mark in an answer, up to the next quote.
fn behind<'r>(reply: &'r Reply, mark: &str) -> &'r str {
    let body = std::str::from_utf8(reply.body()).unwrap();
    let (_, rest) = body.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {body}"));
    rest.split('"').next().unwrap()
}

/// The digits of a flow id that are random: version and variant are fixed.
fn digits(id: &str) -> (Vec<u8>, u8) {
    let digits: Vec<u8> = id.bytes().filter(|byte| *byte != b'-').collect();
    assert!(digits.len() == 32 && digits[12] == b'4', "{id}");
    let free = digits.iter().enumerate().filter(|(at, _)| !matches!(at, 12 | 16)).map(|(_, digit)| *digit);
    (free.collect(), digits[16])
}

fn csrf_cookie(client: &mut Client) -> Vec<u8> {
    let value = client.cookies().values().next().unwrap();
    STANDARD.decode(value).unwrap()
}

#[tokio::test]
async fn e1_exchange_codes_and_the_ids_of_native_flows_are_evenly_spread() {
    let site = seeded(1);
    let (mut codes, mut ids) = (Sample::of(ALPHANUMERIC, 64), Sample::of(HEX, 30));
    let mut variants = Sample::of(b"89ab", 1);
    let mut native = site.native();

    for _ in 0..FLOWS / BATCH {
        let _working = working().await;
        for _ in 0..BATCH {
            let page = native.get("/self-service/registration/api?return_session_token_exchange_code=true").await;
            codes.add(behind(&page, "\"session_token_exchange_code\":\"").as_bytes());
            let (free, variant) = digits(behind(&page, "\"id\":\""));
            ids.add(&free);
            variants.count(&[variant]);
        }
    }

    codes.judge("exchange codes", FLOWS);
    ids.judge("flow ids", FLOWS);
    variants.judge("the variant of flow ids", 0);
}

#[tokio::test]
async fn e1_csrf_secrets_and_tokens_are_evenly_spread() {
    let site = seeded(2);
    let (mut secrets, mut tokens) = (Sample::bytes(32), Sample::bytes(64));
    let mut spa = site.spa();

    for _ in 0..FLOWS / BATCH {
        let _working = working().await;
        for _ in 0..BATCH {
            spa.cookies().clear();
            let page = spa.get("/self-service/registration/browser").await;
            secrets.add(&csrf_cookie(&mut spa));
            let token = behind(&page, "\"name\":\"csrf_token\",\"type\":\"hidden\",\"value\":\"");
            tokens.add(&STANDARD.decode(token).unwrap());
        }
    }

    secrets.judge("CSRF secrets", FLOWS);
    tokens.judge("CSRF tokens", FLOWS);
}

#[tokio::test]
async fn e1_session_tokens_are_evenly_spread() {
    let _working = working().await;
    let site = seeded(3);
    let mut tokens = Sample::of(ALPHANUMERIC, 32);
    let mut native = site.native();

    for number in 0..REGISTRATIONS {
        let page = native.open().await;
        let answer =
            json!({ "method": "password", "password": PASSWORD, "traits": { "nick": format!("ada-{number}") } });
        let done = native.submit(&page, answer).await;
        tokens.add(behind(&done, "\"session_token\":\"ory_st_").as_bytes());
    }

    tokens.judge("session tokens", REGISTRATIONS);
}

#[tokio::test]
async fn e1_tokens_of_one_browser_differ_from_page_to_page_and_stay_good() {
    let site = Site::new();
    let mut spa = site.spa();
    let mut pages = Vec::new();
    for _ in 0..100 {
        pages.push(spa.open().await);
    }
    let tokens: HashSet<String> = pages.iter().map(|page| page.value_of("csrf_token").to_string()).collect();

    let mut answer = sign_up("ada@example.org");
    answer["csrf_token"] = pages[0].value_of("csrf_token");
    let done = spa.submit(&pages[99], answer).await;

    assert_eq!(tokens.len(), 100);
    assert_eq!(done.status(), 200);
}

#[test]
fn e1_the_measure_finds_what_is_uneven() {
    let even = [100; 62];
    let mut slanted = [390; 62];
    slanted[..8].fill(488);

    assert!(deviations(&even) < -MOST_DEVIATIONS, "chance is never as even as that");
    assert!(deviations(&slanted) > MOST_DEVIATIONS, "the first letters are a quarter more likely");
}
