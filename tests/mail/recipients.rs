//! M1: whatever a person types as their address, a letter has one recipient, byte for byte the canonical address that the
//! letter is for; or there is no letter.

use std::collections::HashMap;

use serde_json::json;
use tower_registration::Verification;
use tower_registration::testing::App;

use super::dice::Dice;
use super::office::{Noted, VERIFY_UI, by_code, by_password, courier};
use super::peer::Peer;

const SEED: u64 = 4;
const ADDRESSES: usize = 3_000;
const EVE: &str = "eve@evil.example";

/// An address as it is typed, and where letters to it go; nothing where they must not go there or anywhere else.
struct Typed {
    text: String,
    canonical: Option<String>,
    /// Typed as nobody does who is in their right mind, but can be understood.
    odd: bool,
}

/// Three thousand, the same in every run: good ones in several spellings, and ones that mean harm.
fn table() -> Vec<Typed> {
    let mut dice = Dice::new(SEED);
    (0..ADDRESSES).map(|n| if n % 3 == 0 { good(n, &mut dice) } else { hostile(n, &mut dice) }).collect()
}

fn good(n: usize, dice: &mut Dice) -> Typed {
    let local = dice.pick(&["ada", "ada.b", "a+b=c", "x!#$%&'*-/?^_`{|}~", "o'hara", "a-_-", "0", "-"]);
    let domain =
        dice.pick(&["example.org", "mail.x-y.example", "xn--bcher-kva.example", "a.b.c.d.example", "1.example"]);
    let canonical = format!("{local}{n}@{domain}");
    let text = match dice.below(4) {
        0 => canonical.to_uppercase(),
        1 => format!(" {canonical}\t"),
        2 => canonical.replace("ada", "ａｄａ").replace("example", "ｅｘａｍｐｌｅ"),
        _ => canonical.clone(),
    };
    let odd = !text.is_ascii() || text.trim() != text;
    Typed { text, canonical: Some(canonical), odd }
}

/// Where tricks are put into an address.
const PLACES: usize = 6;

/// What another program might read as two addresses, as another address, or as a command.
const TRICKS: [&str; 48] = [
    ",eve@evil.example",
    ", eve@evil.example",
    ";eve@evil.example",
    " eve@evil.example",
    "\teve@evil.example",
    ">,<eve@evil.example",
    "> <eve@evil.example",
    ">\r\nRCPT TO:<eve@evil.example",
    "\r\nRCPT TO:<eve@evil.example>\r\n",
    "\nRCPT TO:<eve@evil.example>\n",
    "\rRCPT TO:<eve@evil.example>\r",
    "\r\nBcc: eve@evil.example",
    "\r\nDATA\r\n.\r\n",
    "\r\n.\r\nMAIL FROM:<eve@evil.example>",
    "\u{85}RCPT TO:<eve@evil.example>",
    "\u{2028}RCPT TO:<eve@evil.example>",
    "\u{0b}\u{0c}",
    "\0",
    "\0@evil.example",
    "%0d%0aRCPT TO:<eve@evil.example>",
    "%eve@evil.example",
    "!eve@evil.example",
    "@evil.example",
    "@evil.example:",
    "\u{ff20}evil.example",
    "\u{fe6b}evil.example",
    "\u{ff0c}eve@evil.example",
    "\u{fe50}eve@evil.example",
    "\u{ff1b}",
    "\u{ff1c}",
    "\u{ff1e}",
    "\u{ff08}x\u{ff09}",
    "\u{ff0e}",
    "\u{3002}",
    "\u{2024}",
    "\u{2100}",
    "\u{a0}",
    "\u{3000}",
    "\u{202e}",
    "\u{200b}",
    "\u{ad}",
    "(eve@evil.example)",
    "<eve@evil.example>",
    "\"eve@evil.example\"",
    "list:eve@evil.example;",
    "[127.0.0.1]",
    " SIZE=1 NOTIFY=SUCCESS",
    "..",
];

fn hostile(n: usize, dice: &mut Dice) -> Typed {
    let (trick, local) = (dice.pick(&TRICKS), format!("mallory{n}"));
    let text = match dice.below(PLACES) {
        0 => format!("{trick}{local}@example.org"),
        1 => format!("{local}{trick}x@example.org"),
        2 => format!("{local}@{trick}example.org"),
        3 => format!("{local}@exa{trick}mple.org"),
        4 => format!("\"{local}{trick}\"@example.org"),
        _ => format!("{local}@example.org{trick}"),
    };
    Typed { text, canonical: None, odd: false }
}

/// Delivers everything, and sees to it that each letter has one recipient. Gives the recipients by the flow's own words
/// for them.
async fn judge(app: &App, noted: &Noted<tower_registration::smtp::SmtpCourier>, peer: &Peer) -> Vec<String> {
    app.deliver().await.unwrap();
    let tries = noted.tries();
    let received = peer.received();
    let taken: Vec<_> = tries.iter().filter(|tried| tried.failed.is_none()).collect();
    assert!(tries.iter().all(|tried| tried.failed != Some(false)), "a letter is delivered or refused for good");
    assert_eq!((taken.len(), app.memory().outbox().len()), (received.len(), 0));
    let by_id: HashMap<String, &str> =
        taken.iter().map(|tried| (format!("<{}@example.org>", tried.letter.id()), tried.letter.to().value())).collect();
    for arrived in &received {
        let to = by_id[arrived.email().header("Message-ID")];
        assert_eq!(arrived.recipients(), [format!("RCPT TO:<{to}>\r\n")]);
        assert_eq!(arrived.email().header("To"), to);
    }
    let named = peer.said().iter().filter(|line| line.to_ascii_uppercase().contains("RCPT")).count();
    assert_eq!(named, received.len(), "nobody else was named to the server");
    taken.iter().map(|tried| tried.letter.to().value().to_owned()).collect()
}

/// Every good address got its letter, nobody else did but the canonical form of what was typed.
fn compare(table: &[Typed], mut reached: Vec<String>, least_refused: usize) {
    let expected: Vec<_> = table.iter().filter_map(|typed| typed.canonical.clone()).collect();
    for address in &expected {
        let at = reached.iter().position(|other| other == address);
        reached.swap_remove(at.unwrap_or_else(|| panic!("no letter to {address}")));
    }
    for address in &reached {
        // What a trick left of an address that means no harm: one name at the host that was typed, or a new one there.
        assert!(!address.contains("evil"), "{address:?}");
        assert_eq!((address.matches('@').count(), address.matches("mallory").count()), (1, 1), "{address:?}");
    }
    let refused = table.len() - expected.len() - reached.len();
    assert!(refused >= least_refused, "{refused} of {} refused; reached: {reached:?}", table.len());
}

/// Anybody may ask to prove any address: what is typed is judged by nobody but the courier.
#[tokio::test]
async fn m1_a_letter_to_an_unknown_address_has_one_recipient_or_none() {
    let (peer, table) = (Peer::plain().await, table());
    let noted = Noted::new(courier(&peer).build().unwrap());
    let verification = Verification::by_code(VERIFY_UI).tell_unknown(true);
    let app = by_password(noted.clone(), "email", verification);
    let mut client = app.native();

    for typed in &table {
        let page = client.open_verification("").await;
        let _ = client.submit_verification(&page, json!({ "method": "code", "email": typed.text })).await;
    }
    let reached = judge(&app, &noted, &peer).await;

    compare(&table, reached, 1_500);
}

#[tokio::test]
async fn m1_a_code_goes_to_one_recipient_or_to_none() {
    let (peer, mut table) = (Peer::plain().await, table());
    // The format of the schema refuses blanks and wide letters.
    table.retain(|typed| !typed.odd);
    let noted = Noted::new(courier(&peer).build().unwrap());
    let app = by_code(noted.clone(), |builder| builder);
    let mut client = app.native();

    for typed in &table {
        let page = client.open().await;
        let _ = client.submit(&page, json!({ "method": "code", "traits": { "email": typed.text } })).await;
    }
    let reached = judge(&app, &noted, &peer).await;

    compare(&table, reached, 1_500);
}

/// A server without SMTPUTF8 gets no address that it cannot take; with it, the address as it is.
#[tokio::test]
async fn an_address_that_is_not_in_ascii_goes_only_to_a_server_that_takes_it() {
    for unicode in [false, true] {
        let peer = Peer::with(super::peer::Offers { unicode, ..Default::default() }).await;
        let noted = Noted::new(courier(&peer).build().unwrap());
        let verification = Verification::by_code(VERIFY_UI).tell_unknown(true);
        let app = by_password(noted.clone(), "email", verification);
        let mut client = app.native();
        for address in ["grüße@bücher.example", "ada@example.org"] {
            let page = client.open_verification("").await;
            let _ = client.submit_verification(&page, json!({ "method": "code", "email": address })).await;
        }

        let mut reached = judge(&app, &noted, &peer).await;

        reached.sort();
        let expected: &[&str] =
            if unicode { &["ada@example.org", "grüße@bücher.example"] } else { &["ada@example.org"] };
        assert_eq!(reached, expected);
        let parameters = peer.said().iter().filter(|line| line.ends_with(" SMTPUTF8\r\n")).count();
        assert_eq!(parameters, usize::from(unicode), "asked for where it is needed alone");
    }
}

#[test]
fn the_table_means_what_it_says() {
    let table = table();

    let hostile = table.iter().filter(|typed| typed.canonical.is_none());
    assert_eq!((table.len(), hostile.clone().count()), (ADDRESSES, 2_000));
    assert!(hostile.filter(|typed| typed.text.contains(EVE)).count() > 700);
}
