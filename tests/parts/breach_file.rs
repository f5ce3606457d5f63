//! Leaked passwords and private addresses, as a configuration file says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower_registration::kratos;
use tower_registration::memory::Memory;
use tower_registration::testing::{Client, ClientKind, PERSON};

use crate::peer::{Part, Peer};

/// A file with this configuration of passwords and these clients; what is called there is not spoken to by anybody who
/// knows TLS.
fn file(password: Value, clients: Value) -> String {
    json!({
        "serve": { "public": { "base_url": "http://127.0.0.1:4433/" } },
        "secrets": { "cookie": ["a secret that is as long as it has to be"] },
        "hashers": { "algorithm": "argon2", "argon2": { "memory": "64KB", "iterations": 1 } },
        "identity": { "schemas": [{ "id": "default", "url": format!("base64://{}", STANDARD.encode(PERSON)) }] },
        "clients": clients,
        "selfservice": {
            "default_browser_return_url": "http://127.0.0.1:4455/",
            "methods": { "password": { "config": password } },
            "flows": { "registration": { "enable_legacy_one_step": true } }
        }
    })
    .to_string()
}

async fn sign_up(file: &str) -> u16 {
    let memory = Memory::new();
    let builder = kratos::load(file).unwrap().builder.storage(memory.clone()).identities(memory);
    let mut native = Client::new(builder.build().unwrap(), "", ClientKind::Native);
    let page = native.open().await;
    let form = json!({ "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" } });
    native.submit(&page, form).await.status()
}

/// A place that ends every handshake.
fn place() -> (Peer, String) {
    let peer = Peer::start(Part::HangsUp(b"no TLS here"));
    let host = format!("127.0.0.1:{}", peer.port());
    (peer, host)
}

#[tokio::test]
async fn the_service_of_the_file_is_asked_unless_the_file_says_no() {
    let (peer, host) = place();
    let by_default = file(json!({ "haveibeenpwned_host": host }), json!({}));
    let off = file(json!({ "haveibeenpwned_host": host, "haveibeenpwned_enabled": false }), json!({}));

    assert_eq!(sign_up(&off).await, 200);
    assert_eq!(peer.begun(), 0);
    assert_eq!(sign_up(&by_default).await, 200);
    assert!(peer.begun() > 0);
}

#[tokio::test]
async fn what_happens_without_an_answer_is_as_the_file_says() {
    let (_peer, host) = place();
    let wanted = |ignore| file(json!({ "haveibeenpwned_host": host, "ignore_network_errors": ignore }), json!({}));

    assert_eq!(sign_up(&wanted(true)).await, 200);
    assert_eq!(sign_up(&wanted(false)).await, 502);
}

#[tokio::test]
async fn private_addresses_are_called_unless_the_file_forbids_them() {
    let (peer, host) = place();
    let forbidding = |exceptions: &[String]| {
        let clients =
            json!({ "http": { "disallow_private_ip_ranges": true, "private_ip_exception_urls": exceptions } });
        file(json!({ "haveibeenpwned_host": host, "ignore_network_errors": false }), clients)
    };

    assert_eq!(sign_up(&forbidding(&[])).await, 502);
    assert_eq!(sign_up(&forbidding(&[format!("https://{host}"), format!("http://{host}/range/*")])).await, 502);
    assert_eq!(peer.begun(), 0);
    assert_eq!(sign_up(&forbidding(&[format!("https://{host}/range/*")])).await, 502);
    assert!(peer.begun() > 0);
}
