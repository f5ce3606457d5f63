//! W1: the checks of a new key, each with twelve answers that break it and nothing else.
//!
//! Every one is refused with a message, makes nobody, and spends its challenge: the next page has another.

use ciborium::{Value as Cbor, cbor};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower_registration::methods::{Need, Passkey};
use tower_registration::testing::{App, Authenticator, Ceremony, UI};

use super::{PARTY, app_with, by_passkey, ceremony, challenge, party};

/// One way to break a check.
type Variant = Box<dyn Fn(&mut Ceremony)>;

const VARIANTS: usize = 12;

/// Plays every variant on one flow: each page has a fresh challenge.
async fn all_are_refused(app: &App, authenticator: &Authenticator, variants: Vec<Variant>) {
    assert_eq!(variants.len(), VARIANTS);
    let mut client = app.native();
    let mut page = client.open().await;

    for (at, spoil) in variants.iter().enumerate() {
        let mut made = ceremony(authenticator, &page);
        spoil(&mut made);

        let answer = client.submit(&page, by_passkey("ada@example.org", &made.answer().to_string())).await;

        assert_eq!((answer.status(), answer.messages()), (400, vec![4_000_001]), "variant {at}: {:?}", answer.json());
        assert_ne!(challenge(&answer), challenge(&page), "variant {at} left its challenge");
        page = answer;
    }

    assert!(app.identities().is_empty());
    // The flow is as good as new: what was refused was refused for its flaw.
    let made = ceremony(authenticator, &page);
    let answer = client.submit(&page, by_passkey("ada@example.org", &made.answer().to_string())).await;
    assert_eq!(answer.status(), 200, "{:?}", answer.json());
}

async fn refused(variants: Vec<Variant>) {
    all_are_refused(&app_with(Passkey::new(party())), &Authenticator::new(), variants).await;
}

/// The client data says this instead; null takes the member away.
fn says(name: &'static str, value: Value) -> Variant {
    Box::new(move |made| {
        let mut said: Value = serde_json::from_slice(&made.client_data).unwrap();
        match &value {
            Value::Null => drop(said.as_object_mut().unwrap().remove(name)),
            value => said[name] = value.clone(),
        }
        made.client_data = said.to_string().into_bytes();
    })
}

/// The client data says something made of what it said.
fn turns(name: &'static str, turn: impl Fn(&str) -> String + 'static) -> Variant {
    Box::new(move |made| {
        let mut said: Value = serde_json::from_slice(&made.client_data).unwrap();
        said[name] = turn(said[name].as_str().unwrap()).into();
        made.client_data = said.to_string().into_bytes();
    })
}

fn does(change: impl Fn(&mut Ceremony) + 'static) -> Variant {
    Box::new(change)
}

fn bytes(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn w1_01_the_client_data_is_about_a_new_key() {
    let values = [
        json!("webauthn.get"),
        json!("payment.get"),
        json!("Webauthn.create"),
        json!("webauthn.create "),
        json!("webauthn.create\u{0}"),
        json!(""),
        json!(7),
        json!(true),
        json!(["webauthn.create"]),
        json!({ "type": "webauthn.create" }),
        json!("create"),
        Value::Null,
    ];

    refused(values.into_iter().map(|value| says("type", value)).collect()).await;
}

#[tokio::test]
async fn w1_02_it_answers_the_challenge_of_the_flow() {
    refused(vec![
        says("challenge", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        says("challenge", json!("")),
        says("challenge", Value::Null),
        says("challenge", json!(1)),
        turns("challenge", |right| format!("{right}=")),
        turns("challenge", |right| right[1..].to_owned()),
        turns("challenge", |right| right[..right.len() - 1].to_owned()),
        turns("challenge", |right| format!("{right}A")),
        turns("challenge", |right| format!(" {right}")),
        turns("challenge", str::to_ascii_uppercase),
        turns("challenge", |right| right.chars().rev().collect()),
        turns("challenge", |right| {
            let first = if right.starts_with('A') { 'B' } else { 'A' };
            format!("{first}{}", &right[1..])
        }),
    ])
    .await;
}

#[tokio::test]
async fn w1_03_it_comes_from_an_accepted_page() {
    let origins = [
        json!("http://app.example.org"),
        json!("https://app.example.org:8443"),
        json!("https://example.org"),
        json!("https://x.app.example.org"),
        json!("https://app.example.org.evil.example.net"),
        json!("https://evil-app.example.org"),
        json!("https://app.example.org@evil.example.net"),
        json!("https://evil@app.example.org"),
        json!("https://app.example.org."),
        json!("null"),
        json!(""),
        Value::Null,
    ];

    refused(origins.into_iter().map(|origin| says("origin", origin)).collect()).await;
}

#[tokio::test]
async fn w1_04_it_does_not_come_from_a_frame() {
    let framed = |top: Value| {
        does(move |made| {
            says("crossOrigin", json!(true))(made);
            says("topOrigin", top.clone())(made);
        })
    };
    let twice = |first: bool| {
        does(move |made| {
            let said = String::from_utf8(made.client_data.clone()).unwrap();
            let plain =
                said.replace("\"crossOrigin\":false", &format!("\"crossOrigin\":{first},\"crossOrigin\":{}", !first));
            assert_ne!(plain, said);
            made.client_data = plain.into_bytes();
        })
    };

    refused(vec![
        framed(Value::Null),
        framed(json!(UI)),
        framed(json!("https://evil.example.net")),
        framed(json!("")),
        framed(json!("null")),
        framed(json!(7)),
        twice(true),
        twice(false),
        says("crossOrigin", json!("true")),
        says("crossOrigin", json!(1)),
        says("crossOrigin", json!([true])),
        says("crossOrigin", json!({})),
    ])
    .await;
}

#[tokio::test]
async fn w1_05_a_frame_is_only_accepted_inside_of_a_known_page() {
    let app = app_with(Passkey::new(party().embedder("https://portal.example.net")));
    let tops = [
        "https://evil.example.net",
        "http://portal.example.net",
        "https://portal.example.net:8443",
        "https://portal.example.net.evil.example.net",
        "https://x.portal.example.net",
        "https://example.net",
        "https://portal.example.net@evil.example.net",
        UI,
        "portal.example.net",
        "null",
        "",
        "android:portal.example.net",
    ];
    let variants = tops.into_iter().map(|top| {
        does(move |made| {
            says("crossOrigin", json!(true))(made);
            says("topOrigin", json!(top))(made);
        })
    });

    all_are_refused(&app, &Authenticator::new(), variants.collect()).await;
}

#[tokio::test]
async fn w1_06_the_key_is_for_this_relying_party() {
    let texts = ["", "example.org", "APP.EXAMPLE.ORG", "app.example.org.", " app.example.org", UI, "evil.example.net"];
    let mut variants: Vec<Variant> = texts
        .into_iter()
        .map(|text| does(move |made| made.rp_id_hash = Sha256::digest(text.as_bytes()).into()))
        .collect();
    variants.extend([
        does(|made| made.rp_id_hash = [0; 32]),
        does(|made| made.rp_id_hash = [0xff; 32]),
        does(|made| made.rp_id_hash[0] ^= 1),
        does(|made| made.rp_id_hash[31] ^= 0x80),
        does(|made| made.rp_id_hash = Sha256::digest(Sha256::digest(PARTY.as_bytes())).into()),
    ]);

    refused(variants).await;
}

/// The first twelve combinations of flags for which this holds; a key always follows, extensions never.
fn flags(wrong: impl Fn(u8) -> bool) -> Vec<Variant> {
    let all = (0..=0x7f_u8).filter(|flags| flags & 0x40 != 0 && wrong(*flags));
    all.take(VARIANTS).map(|flags| does(move |made| made.flags = flags)).collect()
}

#[tokio::test]
async fn w1_07_a_person_was_there() {
    refused(flags(|flags| flags & 0x01 == 0)).await;
}

#[tokio::test]
async fn w1_08_the_person_was_verified_where_that_is_required() {
    let app = app_with(Passkey::new(party()).user_verification(Need::Required));
    let variants = flags(|flags| flags & 0x01 != 0 && flags & 0x04 == 0 && flags & 0x18 != 0x10);

    all_are_refused(&app, &Authenticator::new(), variants).await;
}

#[tokio::test]
async fn w1_09_a_key_that_is_backed_up_says_that_it_can_be() {
    let mut variants = flags(|flags| flags & 0x01 != 0 && flags & 0x18 == 0x10);
    variants.extend((0..4_u8).map(|more| {
        does(move |made| {
            made.flags = 0xd1 | more << 1;
            made.extensions = vec![0xa0];
        })
    }));

    refused(variants).await;
}

#[tokio::test]
async fn w1_10_the_kind_of_key_was_offered_and_is_what_it_says() {
    let key = |change: fn(&mut Vec<(Cbor, Cbor)>)| {
        does(move |made| {
            let read: Cbor = ciborium::from_reader(made.public_key.as_slice()).unwrap();
            let mut members = read.into_map().unwrap();
            change(&mut members);
            made.public_key = bytes(&Cbor::Map(members));
        })
    };
    fn set(members: &mut [(Cbor, Cbor)], label: i64, value: impl Into<Cbor>) {
        let member = members.iter_mut().find(|(key, _)| *key == Cbor::from(label)).unwrap();
        member.1 = value.into();
    }

    refused(vec![
        key(|members| set(members, 3, -47)),
        key(|members| set(members, 3, -65535)),
        key(|members| set(members, 3, 0)),
        key(|members| set(members, 3, -257)),
        key(|members| set(members, 3, -8)),
        key(|members| set(members, 3, -37)),
        key(|members| set(members, 3, "ES256")),
        key(|members| members.retain(|(key, _)| *key != Cbor::from(3))),
        key(|members| set(members, 1, 3)),
        key(|members| set(members, -1, 2)),
        key(|members| set(members, -3, vec![1_u8; 32])),
        key(|members| set(members, -2, vec![0_u8; 31])),
    ])
    .await;
}

/// It is kept as it came, and who reads it later may be stricter.
#[tokio::test]
async fn w1_10_a_key_is_written_in_one_way() {
    // a5, 1: 2, 3: -7, -1: 1, -2: 58 20 …, -3: 58 20 …
    let at = |from: usize, end: usize, piece: &'static [u8]| {
        does(move |made| drop(made.public_key.splice(from..end, piece.iter().copied())))
    };
    let framed = |front: &'static [u8], back: &'static [u8]| {
        does(move |made| made.public_key = [front, &made.public_key[1..], back].concat())
    };

    refused(vec![
        framed(b"\xbf", b"\xff"),
        framed(b"\xb8\x05", b""),
        framed(b"\xb9\0\x05", b""),
        framed(b"\xa6", b"\x01\x02"),
        at(1, 2, b"\x18\x01"),
        at(2, 3, b"\x18\x02"),
        at(2, 3, b"\xc1\x02"),
        at(4, 5, b"\x38\x06"),
        at(6, 7, b"\x18\x01"),
        at(8, 10, b"\x59\0\x20"),
        at(8, 10, b"\x5a\0\0\0\x20"),
        at(43, 45, b"\x59\0\x20"),
    ])
    .await;
}

#[tokio::test]
async fn w1_11_the_format_is_known_and_its_statement_complete() {
    let statement = |format: &'static str, statement: Cbor| {
        does(move |made| {
            made.format = format.to_owned();
            made.statement = Some(bytes(&statement));
        })
    };
    let empty = || Cbor::Map(Vec::new());

    refused(vec![
        statement("none", cbor!({ "alg" => -7 }).unwrap()),
        statement("none", Cbor::Null),
        statement("none", Cbor::from(1)),
        statement("", empty()),
        statement("NONE", empty()),
        statement("unheard-of", empty()),
        statement("packed", empty()),
        statement("fido-u2f", empty()),
        statement("tpm", empty()),
        statement("apple", empty()),
        statement("android-key", empty()),
        statement("android-safetynet", empty()),
    ])
    .await;
}

#[tokio::test]
async fn w1_12_a_statement_is_true() {
    /// The statement that the key signs, read.
    fn own(made: &Ceremony) -> Vec<(Cbor, Cbor)> {
        let object: Cbor = ciborium::from_reader(made.attestation().as_slice()).unwrap();
        let (_, statement) = object.into_map().unwrap().swap_remove(1);
        statement.into_map().unwrap()
    }
    let signed = |change: fn(&mut Vec<(Cbor, Cbor)>)| {
        does(move |made| {
            let mut statement = own(made);
            change(&mut statement);
            made.statement = Some(bytes(&Cbor::Map(statement)));
        })
    };
    /// Signs, and only then changes what was signed.
    fn later(change: fn(&mut Ceremony)) -> Variant {
        does(move |made| {
            made.statement = Some(bytes(&Cbor::Map(own(made))));
            change(made);
        })
    }
    fn signature(statement: &mut [(Cbor, Cbor)]) -> &mut Vec<u8> {
        statement[1].1.as_bytes_mut().unwrap()
    }

    let variants = vec![
        signed(|statement| signature(statement)[10] ^= 1),
        signed(|statement| signature(statement).truncate(8)),
        signed(|statement| signature(statement).clear()),
        signed(|statement| signature(statement).push(0)),
        signed(|statement| statement[0].1 = Cbor::from(-257)),
        signed(|statement| statement[0].1 = Cbor::from("ES256")),
        signed(|statement| drop(statement.remove(0))),
        signed(|statement| statement.push((Cbor::from("x5c"), Cbor::Array(vec![Cbor::from(vec![0x30_u8, 0])])))),
        later(|made| made.sign_count += 1),
        later(|made| made.credential_id[0] ^= 1),
        later(|made| made.client_data.push(b' ')),
        later(|made| made.flags ^= 0x04),
    ];

    all_are_refused(&app_with(Passkey::new(party())), &Authenticator::new().attests_itself(), variants).await;
}

#[tokio::test]
async fn w1_13_an_id_has_a_length() {
    let lengths = [0, 1024, 1025, 1026, 1100, 1500, 2000, 2048, 3000, 4000, 4096, 6000];

    refused(lengths.into_iter().map(|length| does(move |made| made.credential_id = vec![7; length])).collect()).await;
}

#[tokio::test]
async fn w1_15_the_client_data_is_text() {
    let bytes = |front: &'static [u8], back: &'static [u8]| {
        does(move |made| made.client_data = [front, made.client_data.as_slice(), back].concat())
    };
    let inside = |wrong: &'static [u8]| {
        does(move |made| {
            let end = made.client_data.len() - 1;
            let member = [b",\"x\":\"".as_slice(), wrong, b"\"".as_slice()].concat();
            made.client_data.splice(end..end, member);
        })
    };

    refused(vec![
        bytes(b"\xff\xfe", b""),
        bytes(b"\xfe\xff", b""),
        bytes(b"\xef\xbb", b""),
        bytes(b"", b"\xef\xbb\xbf"),
        bytes(b"", b"{}"),
        bytes(b"\0", b""),
        inside(b"\xff"),
        inside(b"\xc0\xaf"),
        inside(b"\xed\xa0\x80"),
        inside(b"\xf4\x90\x80\x80"),
        inside(b"\xe2\x82"),
        inside(b"\n"),
    ])
    .await;
}

#[tokio::test]
async fn w1_16_what_stands_behind_the_key_is_announced_and_well_formed() {
    let behind = |flags: u8, extensions: &'static [u8]| {
        does(move |made| {
            made.flags = flags;
            made.extensions = extensions.to_vec();
        })
    };

    refused(vec![
        behind(0xc1, b""),
        behind(0xc1, b"\x01"),
        behind(0xc1, b"\x60"),
        behind(0xc1, b"\x80"),
        behind(0xc1, b"\xa1"),
        behind(0xc1, b"\xa1\x61x"),
        behind(0xc1, b"\xa0\xa0"),
        behind(0xc1, b"\xa0\0"),
        behind(0x41, b"\xa0"),
        behind(0x41, b"\0"),
        behind(0x01, b""),
        behind(0xc1, b"\xff"),
    ])
    .await;
}
