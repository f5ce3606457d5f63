//! F6: a token or a cookie that is accepted was issued by this service, and the token for this cookie.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use proptest::prelude::{Strategy, any, prop};
use proptest::prop_assert_eq;
use proptest::sample::{Index, select};

use super::chance::{Held, block_on, for_all};
use super::cookie_oracle::{Harness, answers_everywhere, is_accepted};
use super::door::{Door, Opened};
use crate::kept;

#[tokio::test]
async fn f6_no_token_with_another_bit_is_accepted() {
    let door = Door::default_app();
    let own = door.open_browser("").await;
    let bytes = STANDARD.decode(&own.token).unwrap();
    let flipped = (0..512).map(|bit| (own.cookie.clone(), STANDARD.encode(flipped(&bytes, bit))));

    let accepted = accepted(&door, &own.flow, flipped).await;

    assert!(is_accepted(&door, &own.flow, &[own.cookie.as_bytes()], &own.token).await);
    assert_eq!((bytes.len(), accepted), (64, Vec::new()));
}

#[tokio::test]
async fn f6_no_cookie_with_another_bit_is_accepted() {
    let door = Door::default_app();
    let own = door.open_browser("").await;
    let (name, value) = own.cookie.split_once('=').unwrap();
    let bytes = STANDARD.decode(value).unwrap();
    let flipped = (0..256).map(|bit| (format!("{name}={}", STANDARD.encode(flipped(&bytes, bit))), own.token.clone()));

    let accepted = accepted(&door, &own.flow, flipped).await;

    assert_eq!((bytes.len(), accepted), (32, Vec::new()));
}

/// The same bytes in another spelling are not what was issued.
#[tokio::test]
async fn f6_a_token_counts_to_the_letter() {
    let door = Door::default_app();
    let own = door.open_browser("").await;
    let bytes = STANDARD.decode(&own.token).unwrap();
    let secret = own.cookie.split_once('=').unwrap().1;
    let spellings = [
        STANDARD_NO_PAD.encode(&bytes),
        format!("{}=", own.token),
        format!(" {}", own.token),
        format!("{}\n", own.token),
        format!("\"{}\"", own.token),
        own.token.replace('=', "%3D"),
        own.token.to_lowercase(),
        format!("{}{}", own.token, own.token),
        STANDARD.encode([bytes.as_slice(), b"x"].concat()),
        STANDARD.encode(&bytes[1..]),
        STANDARD.encode(&bytes[..32]),
        STANDARD.encode(&bytes[32..]),
        STANDARD.encode([&bytes[32..], &bytes[..32]].concat()),
        STANDARD.encode([0; 64]),
        secret.to_owned(),
        format!("{secret}{secret}"),
    ];

    let accepted = accepted(&door, &own.flow, spellings.into_iter().map(|token| (own.cookie.clone(), token))).await;

    assert!(accepted.is_empty(), "{accepted:?} for {}", own.token);
}

/// A token with letters that only one alphabet has, in the other alphabet.
#[tokio::test]
async fn f6_the_other_alphabet_is_not_ours() {
    let door = Door::default_app();
    let own = open_with_telling_token(&door).await;
    let respelt = own.token.replace('+', "-").replace('/', "_");

    let accepted = is_accepted(&door, &own.flow, &[own.cookie.as_bytes()], &respelt).await;

    assert!(!accepted && respelt != own.token);
}

/// Another service on the same base URL has another secret: what it issued is nothing here.
#[tokio::test]
async fn f6_what_another_service_issued_is_refused() {
    let (ours, theirs) = (Door::default_app(), Door::default_app());
    let issued = theirs.open_browser("").await;
    let opened = ours.open_browser(&issued.cookie).await;

    let with_their_token = is_accepted(&ours, &opened.flow, &[issued.cookie.as_bytes()], &issued.token).await;
    let with_our_token = is_accepted(&ours, &opened.flow, &[issued.cookie.as_bytes()], &opened.token).await;

    assert_eq!((with_their_token, with_our_token), (false, true));
}

#[test]
fn f6_a_changed_token_or_cookie_is_refused() {
    let door = Door::default_app();
    let (own, other) = block_on(async { (door.open_browser("").await, door.open_browser("").await) });

    for_all((changes(), changes()), |changed| block_on(stays_refused(&door, &own, &other, &changed)));
}

#[test]
fn f6_no_cookie_header_makes_the_service_fail() {
    let door = Door::default_app();
    let own = block_on(door.open_browser(""));
    let words = vec![own.cookie.clone(), "; ".to_owned(), "=".to_owned(), "ory_kratos_session=".to_owned()];
    let visible: Vec<u8> = (0x20..=0xff).filter(|byte| *byte != 0x7f).collect();
    let piece = proptest::prop_oneof![
        4 => select(words).prop_map(String::into_bytes),
        1 => prop::collection::vec(select(visible), 0..40),
        1 => "[A-Za-z0-9+/=_-]{0,120}".prop_map(String::into_bytes),
    ];
    let headers = prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());

    for_all(headers, |header| {
        block_on(answers_everywhere(&door, &own, &[&header]));
        Ok(())
    });
}

#[test]
fn f6_the_kept_inputs_come_to_what_their_names_say() {
    let mut harness = Harness::new();

    kept::play("cookies", |input| harness.play(input));
}

/// A way to change a text: cut, replaced at a place, longer, or that of another browser.
#[derive(Clone, Debug)]
enum Change {
    None,
    Foreign,
    Cut(Index),
    Replaced(Index, char),
    Inserted(Index, char),
    Text(String),
}

fn changes() -> impl Strategy<Value = Change> {
    let letter = || select(('A'..='Z').chain('a'..='z').chain('0'..='9').chain("+/=-_ %.".chars()).collect::<Vec<_>>());
    proptest::prop_oneof![
        2 => proptest::strategy::Just(Change::None),
        1 => proptest::strategy::Just(Change::Foreign),
        2 => any::<Index>().prop_map(Change::Cut),
        4 => (any::<Index>(), letter()).prop_map(|(at, letter)| Change::Replaced(at, letter)),
        3 => (any::<Index>(), letter()).prop_map(|(at, letter)| Change::Inserted(at, letter)),
        2 => "[A-Za-z0-9+/=]{0,100}".prop_map(Change::Text),
    ]
}

impl Change {
    fn made_to(&self, own: &str, foreign: &str) -> String {
        let at = |index: &Index| index.index(own.len());
        match self {
            Self::None => own.to_owned(),
            Self::Foreign => foreign.to_owned(),
            Self::Cut(index) => own[..at(index)].to_owned(),
            Self::Replaced(index, letter) => format!("{}{letter}{}", &own[..at(index)], &own[at(index) + 1..]),
            Self::Inserted(index, letter) => format!("{}{letter}{}", &own[..at(index)], &own[at(index)..]),
            Self::Text(text) => text.clone(),
        }
    }
}

async fn stays_refused(door: &Door, own: &Opened, other: &Opened, changed: &(Change, Change)) -> Held {
    let (name, value) = own.cookie.split_once('=').unwrap();
    let foreign = other.cookie.split_once('=').unwrap().1;
    let (secret, token) = (changed.0.made_to(value, foreign), changed.1.made_to(&own.token, &other.token));

    let accepted = is_accepted(door, &own.flow, &[format!("{name}={secret}").as_bytes()], &token).await;

    // Blanks around a cookie are none of it.
    let issued = secret.trim() == value && token == own.token;
    prop_assert_eq!(accepted, issued, "cookie {} and token {}", secret, token);
    Ok(())
}

/// The pairs of cookie and token that are accepted.
async fn accepted(door: &Door, flow: &str, pairs: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut accepted = Vec::new();
    for (cookie, token) in pairs {
        if is_accepted(door, flow, &[cookie.as_bytes()], &token).await {
            accepted.push((cookie, token));
        }
    }
    accepted
}

/// Begins a flow whose token has letters that only one alphabet has.
async fn open_with_telling_token(door: &Door) -> Opened {
    loop {
        let opened = door.open_browser("").await;
        if opened.token.contains(['+', '/']) {
            return opened;
        }
    }
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}
