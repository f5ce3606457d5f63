//! F1, F2: random bodies, sent to the whole service by every kind of client.
//!
//! Whatever comes, the service answers; what is refused leaves nobody and no session behind.

use std::time::Duration;

use proptest::prelude::{Strategy, any, prop};
use proptest::sample::select;
use proptest::{prop_assert, prop_oneof};
use serde_json::{Value, json};

use super::chance::{Held, block_on, for_all};
use super::door::{Answer, Door, FORM, JSON, NAVIGATION, Opened};

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

    for_all((forms, clients()), |(form, client)| block_on(leaves_nothing(&door, &client, FORM, form)));
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
    let types = select(vec![
        FORM,
        JSON,
        "multipart/form-data; boundary=x",
        "text/plain",
        "",
        "application/json; charset=utf-8",
    ]);

    for_all((bytes, types, clients()), |(bytes, kind, client)| block_on(leaves_nothing(&door, &client, kind, bytes)));
}

#[test]
fn f2_no_json_makes_the_service_fail() {
    let door = Door::default_app();

    for_all((documents(), clients()), |(document, client)| {
        block_on(leaves_nothing(&door, &client, JSON, document.to_string().into_bytes()))
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

    for_all((texts, clients()), |(text, client)| block_on(leaves_nothing(&door, &client, JSON, text)));
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

/// Who sends it, and with what.
#[derive(Clone, Copy, Debug)]
enum Client {
    Native,
    Script { with_cookie: bool },
    Page { with_cookie: bool },
}

fn clients() -> impl Strategy<Value = Client> {
    let browsers = [true, false]
        .into_iter()
        .flat_map(|with_cookie| [Client::Script { with_cookie }, Client::Page { with_cookie }]);
    select(browsers.chain([Client::Native, Client::Native]).collect::<Vec<_>>())
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

/// Sends a body on a fresh flow: an answer of ours, and somebody exists only if it says so.
async fn leaves_nothing(door: &Door, client: &Client, content_type: &str, body: Vec<u8>) -> Held {
    let opened = match client {
        Client::Native => door.open_native().await,
        Client::Script { .. } | Client::Page { .. } => door.open_browser("").await,
    };
    let before = door.stored();

    let answer = send(door, client, &opened, content_type, body).await;

    let after = door.stored();
    let registered = answer.body.get("identity").is_some() || answer.location() == "https://app.example.org/welcome";
    prop_assert!(after.flows == before.flows, "a flow was begun: {}", answer.brief());
    if registered {
        prop_assert!((after.identities, after.sessions) == (before.identities + 1, before.sessions + 1));
        return Ok(());
    }
    prop_assert!(after == before, "something is stored: {}", answer.brief());
    prop_assert!(is_refused(&answer, &opened), "{client:?}: {}", answer.brief());
    Ok(())
}

async fn send(door: &Door, client: &Client, opened: &Opened, content_type: &str, body: Vec<u8>) -> Answer {
    let (accept, cookie) = match client {
        Client::Native => (JSON, ""),
        Client::Script { with_cookie } => (JSON, if *with_cookie { opened.cookie.as_str() } else { "" }),
        Client::Page { with_cookie } => (NAVIGATION, if *with_cookie { opened.cookie.as_str() } else { "" }),
    };
    let head = [("accept", accept), ("content-type", content_type), ("cookie", cookie)]
        .map(|(name, value)| (name, value.as_bytes()));
    let body = with_token(body, content_type, opened);
    door.submit(&opened.flow, &head, body).await
}

/// A form is given the right token, so that what stands behind the guard is reached too.
fn with_token(mut body: Vec<u8>, content_type: &str, opened: &Opened) -> Vec<u8> {
    if content_type == FORM && !opened.token.is_empty() {
        let token = form_urlencoded::Serializer::new(String::new()).append_pair("csrf_token", &opened.token).finish();
        body = [token.as_bytes(), b"&", &body].concat();
    }
    body
}

/// A clear refusal, or a page that is led to its form or to the error page.
fn is_refused(answer: &Answer, opened: &Opened) -> bool {
    let to = answer.location();
    match answer.status {
        302 => to == format!("https://app.example.org/sign-up?flow={}", opened.flow),
        303 => to.starts_with("https://app.example.org/sorry?id="),
        _ => answer.is_clear_refusal(),
    }
}

/// The most memory that this process ever had, in bytes; nothing where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() * 1024
}
