//! F8: whatever becomes of an answer on its way, it is refused, or a second verifier accepts it too. Nothing panics, and
//! nothing is the server's fault.
//!
//! `SEED=… F8_MUTATIONS=…` replays a run, or plays more.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tower_registration::methods::{Need, Passkey};
use tower_registration::testing::{Authenticator, UI};

use super::second::{Expected, verify};
use super::{PARTY, app_with, by_passkey, ceremony, challenge, party};

/// A small generator: the same seed, the same mutations.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// Spoils bytes a little: a bit, a byte, a piece less, a piece twice, something in between.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let end = (at + 1 + self.below(8)).min(bytes.len());
        match self.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 if !bytes.is_empty() => bytes[at] = self.next() as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let byte = self.next() as u8;
                bytes.splice(at..at, [byte]);
            }
        }
    }
}

/// One answer to a page, spoiled somewhere.
fn mutated(chance: &mut Chance, page: &tower_registration::testing::Reply) -> String {
    let mut authenticator = Authenticator::new().verifies_user(chance.below(4) > 0);
    if chance.below(3) == 0 {
        authenticator = authenticator.attests_itself();
    }
    let mut made = ceremony(&authenticator, page);
    match chance.below(9) {
        0 => chance.spoil(&mut made.client_data),
        1 => made.flags ^= 1 << chance.below(8),
        2 => chance.spoil(&mut made.public_key),
        3 => chance.spoil(&mut made.extensions),
        4 => made.rp_id_hash[chance.below(32)] ^= 1 << chance.below(8),
        5 => made.credential_id = vec![1; chance.below(1_100)],
        6 => {
            // Signed before it is spoiled.
            let mut whole = made.attestation();
            chance.spoil(&mut whole);
            made.attestation_object = Some(whole);
        }
        7 => return member(chance, made.answer()),
        _ => {
            let mut text = made.answer().to_string().into_bytes();
            chance.spoil(&mut text);
            return String::from_utf8_lossy(&text).into_owned();
        }
    }
    made.answer().to_string()
}

/// Another value for a member of the answer.
fn member(chance: &mut Chance, mut answer: Value) -> String {
    let places = ["/id", "/rawId", "/type", "/response", "/response/clientDataJSON", "/response/attestationObject"];
    let place = places[chance.below(places.len())];
    let random: Vec<u8> = (0..chance.below(300)).map(|_| chance.next() as u8).collect();
    let values = [
        Value::Null,
        Value::from(7),
        Value::from(""),
        Value::from("="),
        Value::from("true"),
        Value::from(URL_SAFE_NO_PAD.encode(random)),
        Value::Array(vec![Value::Null; 3]),
        Value::Object(serde_json::Map::new()),
    ];
    *answer.pointer_mut(place).unwrap() = values[chance.below(values.len())].clone();
    answer.to_string()
}

async fn play(seed: u64, mutations: usize, need: Need) -> usize {
    let app = app_with(Passkey::new(party()).user_verification(need));
    let mut chance = Chance(seed);
    let mut client = app.native();
    let mut page = client.open().await;
    let mut accepted = 0;
    for at in 0..mutations {
        let asked = challenge(&page);
        let text = mutated(&mut chance, &page);
        let expected = Expected { challenge: &asked, origin: UI, party: PARTY, verified: need == Need::Required };
        let second = verify(&text, &expected);

        let answer = client.submit(&page, by_passkey(&format!("ada{at}@example.org"), &text)).await;

        match answer.status() {
            200 => {
                assert_eq!(second, Ok(()), "SEED={seed}, mutation {at}: accepted {text}");
                accepted += 1;
                page = client.open().await;
            }
            400 => {
                // An id that is known, or no answer at all: those are no verdicts on the ceremony.
                let verdict = answer.messages() == [4_000_001];
                assert!(verdict || [4_000_007, 4_010_003].contains(&answer.messages()[0]), "{:?}", answer.json());
                page = answer;
            }
            other => panic!("SEED={seed}, mutation {at}: {other} for {text}"),
        }
    }
    accepted
}

#[tokio::test]
async fn f8_two_thousand_mutations_are_refused_or_accepted_twice() {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let seed = number("SEED").unwrap_or(20_261_121);
    let mutations = number("F8_MUTATIONS").unwrap_or(2_000) as usize;

    let accepted =
        play(seed, mutations / 2, Need::Preferred).await + play(seed ^ 1, mutations / 2, Need::Required).await;

    assert!(accepted > mutations / 100, "only {accepted} are accepted: the mutations are too coarse to show anything");
    assert!(accepted < mutations / 2, "{accepted} are accepted: the mutations are too fine to show anything");
}
