//! F1, F2: random bodies, sent to the whole service by every kind of client.

use std::time::Duration;

use proptest::prelude::{Just, Strategy, any, prop};
use proptest::prop_oneof;
use proptest::sample::select;
use serde_json::{Value, json};

use super::body_oracle::{Client, Harness, TYPES, leaves_nothing};
use super::chance::{Held, block_on, for_all};
use super::door::{Door, FORM, JSON};
use crate::kept;

const NAMES: [&str; 22] = [
    "method",
    "password",
    "traits",
    "traits.email",
    "traits.name",
    "traits.name.first",
    "traits.name.last",
    "traits.x",
    "csrf_token",
    "transient_payload",
    "transient_payload.a",
    "traits.email.0",
    "traits[email]",
    "traits.a[999999999]",
    "provider",
    "screen",
    "id_token",
    "code",
    "",
    ".",
    "traits.",
    "__proto__",
];
const VALUES: [&str; 20] = [
    "password",
    "code",
    "oidc",
    "profile",
    "short",
    "correct horse",
    "ada@example.org",
    "x",
    "",
    "{}",
    "[]",
    "{\"email\":\"ada@example.org\"}",
    "null",
    "true",
    "1e400",
    "\u{0}",
    "🎉",
    "{\"a\":",
    "previous",
    "https://evil.com",
];

#[test]
fn f1_no_form_makes_the_service_fail() {
    let door = Door::default_app();
    let field = (prop_oneof![4 => select(NAMES.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,20}"], values());
    let forms = prop::collection::vec(field, 0..24)
        .prop_map(|fields| form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes());

    for_all((forms, clients()), |(form, client)| is_answered(&door, client, FORM, form));
}

#[test]
fn f1_no_bytes_make_the_service_fail() {
    let door = Door::default_app();
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        "[a-z.&=%+;\\[\\]0-9]{0,200}".prop_map(String::into_bytes),
        "(method=password&)?(traits\\.[a-z]{1,3}(\\[[0-9]{0,12}\\])?=[%a-f0-9]{0,9}&){0,20}"
            .prop_map(String::into_bytes),
    ];

    for_all((bytes, select(TYPES.to_vec()), clients()), |(bytes, kind, client)| {
        is_answered(&door, client, kind, bytes)
    });
}

#[test]
fn f2_no_json_makes_the_service_fail() {
    let door = Door::default_app();

    for_all((documents(), clients()), |(document, client)| {
        is_answered(&door, client, JSON, document.to_string().into_bytes())
    });
}

#[test]
fn f2_no_text_like_json_makes_the_service_fail() {
    let door = Door::default_app();
    let parts = select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        "\"method\":\"password\"",
        "\"traits\":{\"email\":\"ada@example.org\"}",
        "\"password\":\"x\"",
        "1e400",
        "-",
        "0",
        "null",
        "\u{feff}",
        "\n",
        "é",
        "\"csrf_token\":1",
    ]);
    let texts = prop::collection::vec(parts, 0..30).prop_map(|parts| parts.concat().into_bytes());

    for_all((texts, clients()), |(text, client)| is_answered(&door, client, JSON, text));
}

#[test]
fn f1_f2_the_kept_inputs_come_to_what_their_names_say() {
    let mut harness = Harness::new();

    kept::play("body", |input| harness.play(input));
}

/// An index claims a size that nobody ever sent: it costs neither time nor memory.
#[tokio::test]
async fn f1_an_index_is_no_size() {
    let door = Door::default_app();
    let before = peak_memory();

    for_each_index(&door, &["0", "64", "65", "999999999", "4294967295", "18446744073709551615"]).await;

    // Other tests run beside this one: the bound is far above them and far below what an index claims.
    assert!(peak_memory() - before < 1 << 29, "{} bytes", peak_memory() - before);
}

/// TH-L4: a flow's row is at most 1 KiB plus the traits, however large the body was.
#[tokio::test]
async fn f1_a_refused_body_is_not_kept() {
    let door = Door::default_app();
    let opened = door.open_native().await;
    let filler: Value = (0..14).map(|n| (format!("unknown{n}"), json!("x".repeat(4_000)))).collect();
    let mut answer = json!({ "method": "password", "password": "short", "traits": { "email": "ada@example.org" } });
    answer.as_object_mut().unwrap().extend(filler.as_object().unwrap().clone());

    let refused = door.submit_native(&opened.flow, JSON, answer.to_string()).await;

    assert_eq!(refused.field_messages(), [("password".to_owned(), vec![4_000_032])]);
    assert!(door.size_of(&opened.flow).await < 1_024 + "ada@example.org".len());
}

/// Sends forms that claim a list of this size: each is refused at once, and the flow stays small.
async fn for_each_index(door: &Door, indexes: &[&str]) {
    for index in indexes {
        let opened = door.open_native().await;
        let names = ["traits.a[#]", "traits.a.#", "traits[#]", "a[#][#]"];
        let form = names.map(|name| format!("{}=x", name.replace('#', index))).join("&");
        let answer = door.submit_native(&opened.flow, FORM, format!("method=password&{form}")).await;
        assert!(answer.is_clear_refusal(), "{}", answer.brief());
        assert!(answer.took < Duration::from_secs(2), "{index}: {:?}", answer.took);
        assert!(door.size_of(&opened.flow).await < 1_024, "{index}");
    }
}

fn clients() -> impl Strategy<Value = Client> {
    prop_oneof![2 => Just(Client::Native), 4 => select(Client::ALL.to_vec())]
}

fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(VALUES.to_vec()).prop_map(str::to_owned),
        2 => "\\PC{0,30}",
        1 => (select(vec!["a", "é", "%", "[", "{\"a\":"]), 0..6_000_usize).prop_map(|(part, times)| part.repeat(times)),
    ]
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        values().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
    ];
    let name = || {
        prop_oneof![
            4 => select(NAMES.to_vec()).prop_map(str::to_owned),
            1 => select(vec!["email", "name", "first"]).prop_map(str::to_owned),
            1 => "\\PC{0,9}",
        ]
    };
    leaf.prop_recursive(8, 80, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..8).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn is_answered(door: &Door, client: Client, content_type: &str, body: Vec<u8>) -> Held {
    block_on(leaves_nothing(door, client, content_type, body));
    Ok(())
}

/// The most memory that this process ever had, in bytes; nothing where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() * 1024
}
