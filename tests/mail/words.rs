//! What an e-mail looks like when it arrives.

use serde_json::json;
use tower_registration::Verification;
use tower_registration::memory::Memory;
use tower_registration::testing::{Client, ClientKind};

use super::mime::Email;
use super::office::{VERIFY_UI, ask, by_code, by_password, courier, sign_up};
use super::peer::Peer;

const ADA: &str = "ada@example.org";

#[tokio::test]
async fn a_code_arrives_as_text_and_as_html_under_the_subject_of_the_contract() {
    let peer = Peer::plain().await;
    let app = by_code(courier(&peer).build().unwrap(), |builder| builder);
    let _ = ask(&app, ADA).await;

    assert_eq!(app.deliver().await.unwrap().delivered, 1);

    let email = peer.received()[0].email();
    let code = email.code();
    assert_eq!(code.len(), 6);
    assert_eq!(email.names(), ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]);
    assert_eq!((email.header("From"), email.header("To")), ("no-reply@example.org", ADA));
    assert_eq!(email.header("Subject"), format!("Use code {code} to complete your account registration"));
    let text = format!("Complete your account registration with the following code:\n\n{code}\n\n");
    assert_eq!(email.text, format!("{text}This code expires in 60 minutes.\n"));
    assert!(email.html.unwrap().contains(&format!("<p>{code}</p>")));
}

#[tokio::test]
async fn a_link_arrives_whole() {
    let peer = Peer::plain().await;
    let app = by_password(courier(&peer).build().unwrap(), "email", Verification::by_link(VERIFY_UI));
    let _ = sign_up(&app, ADA).await;

    assert_eq!(app.deliver().await.unwrap().delivered, 1);

    let email = peer.received()[0].email();
    assert_eq!(email.header("Subject"), "Please verify your email address");
    let link = email.text.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
    assert!(link.starts_with("https://app.example.org/auth/self-service/verification?flow="), "{link}");
    let escaped = link.replace('&', "&amp;");
    assert!(email.html.unwrap().contains(&format!("<a href=\"{escaped}\">{escaped}</a>")));
}

#[tokio::test]
async fn the_envelope_names_sender_and_recipient_and_nothing_else() {
    let peer = Peer::plain().await;
    let app = by_code(courier(&peer).local_name("app.example.org").build().unwrap(), |builder| builder);
    let _ = ask(&app, ADA).await;

    app.deliver().await.unwrap();

    let expected = [
        "EHLO app.example.org\r\n",
        "MAIL FROM:<no-reply@example.org>\r\n",
        "RCPT TO:<ada@example.org>\r\n",
        "DATA\r\n",
    ];
    assert_eq!(peer.said(), expected);
}

/// The file of a Kratos deployment, its keys below `courier.smtp`.
fn file(peer: &Peer) -> String {
    use base64::Engine as _;
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": { "email": {
        "type": "string", "format": "email",
        "ory.sh/kratos": { "credentials": { "code": { "identifier": true, "via": "email" } } } } } } } });
    let url = base64::engine::general_purpose::STANDARD.encode(schema.to_string());
    let file = json!({
        "dsn": "memory",
        "serve": { "public": { "base_url": "http://127.0.0.1:4433/" } },
        "secrets": { "cookie": ["a secret that is as long as it has to be"] },
        "identity": { "schemas": [{ "id": "default", "url": format!("base64://{url}") }] },
        "selfservice": {
            "default_browser_return_url": "http://127.0.0.1:4455/",
            "methods": { "password": { "enabled": false }, "code": { "enabled": true, "passwordless_enabled": true } }
        },
        "courier": { "smtp": {
            "connection_uri": peer.uri(), "from_address": "hello@example.com", "from_name": "Grüße",
            "local_name": "kratos.example.com", "headers": { "X-SES-SOURCE-ARN": "arn:aws:ses:x" }
        } }
    });
    file.to_string()
}

#[tokio::test]
async fn a_kratos_file_says_where_letters_come_from() {
    let (peer, memory) = (Peer::plain().await, Memory::new());
    let loaded = tower_registration::kratos::load(&file(&peer)).unwrap();
    let service = loaded.builder.storage(memory.clone()).identities(memory).build().unwrap();
    let mut client = Client::new(service.clone(), "", ClientKind::Native);
    let page = client.open().await;
    let sent = client.submit(&page, json!({ "method": "code", "traits": { "email": ADA } })).await;
    assert_eq!(sent.status(), 400, "{}", sent.json());

    assert_eq!(service.dispatcher().flush().await.unwrap().delivered, 1);

    let received = peer.received().remove(0);
    assert_eq!(received.commands[0], "EHLO kratos.example.com\r\n");
    assert_eq!(received.commands[1], "MAIL FROM:<hello@example.com>\r\n");
    let email: Email = received.email();
    assert_eq!(email.header("From"), "=?utf-8?b?R3LDvMOfZQ==?= <hello@example.com>");
    assert_eq!(email.header("X-SES-SOURCE-ARN"), "arn:aws:ses:x");
}
