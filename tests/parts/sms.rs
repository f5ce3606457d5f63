//! The courier for gateways: what it sends, what counts as delivered, and what it says of what went wrong.

use std::error::Error;
use std::time::{Duration, Instant};

use http::{HeaderValue, Method};
use secrecy::SecretString;
use serde_json::{Value, json};
use tower_registration::fetch::Client;
use tower_registration::host::{Courier, Rendered, Undelivered};
use tower_registration::identity::Channel;
use tower_registration::methods::Code;
use tower_registration::sms::{HttpBuilder, HttpCourier};
use tower_registration::testing::App;
use tower_registration::{Builder, Schema, Style};

use crate::server::{Asked, Server, answer, drips, nobody, says};

pub(crate) const NUMBER: &str = "+4915123456789";
pub(crate) const ADA: &str = "ada@example.org";

/// Whoever has an address gets a code there.
const PERSON: &str = r#"{ "type": "object", "properties": { "traits": { "type": "object", "properties": {
    "email": { "type": "string", "format": "email", "ory.sh/kratos": {
        "credentials": { "code": { "identifier": true, "via": "email" } } } },
    "phone": { "type": "string", "format": "tel", "ory.sh/kratos": {
        "credentials": { "code": { "identifier": true, "via": "sms" } } } } } } } }"#;

fn app(choose: impl FnOnce(Builder) -> Builder) -> App {
    let schema = Schema::parse("person", PERSON).unwrap();
    App::bare(|builder| choose(builder.schema(schema).style(Style::Unified).method(Code::new()))).unwrap()
}

/// The letter that a sign-up with these traits causes.
async fn letter(traits: Value) -> Rendered {
    let app = app(|builder| builder);
    let mut client = app.native();
    let page = client.open().await;
    let sent = client.submit(&page, json!({ "method": "code", "traits": traits })).await;
    assert_eq!(sent.messages(), [1_040_005]);
    app.deliver().await.unwrap();
    app.mailbox().take().remove(0)
}

async fn message() -> Rendered {
    letter(json!({ "phone": NUMBER })).await
}

fn code(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6).unwrap()
}

/// A client that calls this machine too.
fn client() -> Client {
    Client::builder().allow_private(true).build().unwrap()
}

fn courier(url: impl AsRef<str>) -> HttpBuilder {
    HttpCourier::builder(client(), url.as_ref())
}

/// What a gateway is asked for a text message.
async fn asked(choose: impl FnOnce(HttpBuilder) -> HttpBuilder) -> Asked {
    let gateway = Server::start(|_, _| answer(200, "")).await;
    choose(courier(&gateway.url)).build().unwrap().deliver(&message().await).await.unwrap();
    gateway.asked().remove(0)
}

async fn refusal(courier: HttpBuilder) -> Undelivered {
    courier.build().unwrap().deliver(&message().await).await.unwrap_err()
}

/// An error with everything that it says, for people and for developers.
fn said(error: &Undelivered) -> String {
    let mut said = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(error) = source {
        said.push_str(&format!(": {error}"));
        source = error.source();
    }
    said
}

#[tokio::test]
async fn a_letter_is_one_request_as_it_was_chosen() {
    let gateway = Server::start(|_, _| answer(202, "")).await;
    let letter = message().await;
    let courier = courier(gateway.at("/v1/send?from=app"))
        .method(Method::PUT)
        .header("X-Tenant", "seven")
        .bearer("key")
        .body(|letter| json!({ "to": letter.to().value(), "text": letter.text(), "id": letter.id() }));

    courier.build().unwrap().deliver(&letter).await.unwrap();

    assert_eq!(gateway.asked().len(), 1);
    let asked = &gateway.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("PUT", "/v1/send?from=app"));
    assert_eq!((asked.header("x-tenant"), asked.header("authorization")), ("seven", "Bearer key"));
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.json(), json!({ "to": NUMBER, "text": letter.text(), "id": letter.id() }));
}

#[tokio::test]
async fn without_a_body_of_its_own_it_is_the_one_that_kratos_sends() {
    let gateway = Server::start(|_, _| answer(200, "")).await;
    let courier = courier(&gateway.url).build().unwrap();
    let (message, mail) = (message().await, letter(json!({ "email": ADA })).await);

    courier.deliver(&message).await.unwrap();
    courier.deliver(&mail).await.unwrap();

    let body = |to: &str, subject: &str, text: &str| {
        json!({
            "recipient": to, "to": to, "template_type": "registration_code_valid", "subject": subject, "body": text,
            "recovery_code": null, "recovery_url": null, "verification_code": null, "verification_url": null
        })
    };
    assert_eq!(gateway.asked()[0].json(), body(NUMBER, "", message.text()));
    assert_eq!(gateway.asked()[1].json(), body(ADA, mail.subject(), mail.text()));
}

#[tokio::test]
async fn a_form_is_sent_where_the_content_type_says_so() {
    let form = |courier: HttpBuilder| courier.header("Content-Type", "application/x-www-form-urlencoded");

    let asked =
        asked(|courier| form(courier).body(|letter| json!({ "To": letter.to().value(), "Body": "a b&c" }))).await;

    assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(asked.body, "Body=a+b%26c&To=%2B4915123456789");
    let error = refusal(form(courier("http://127.0.0.1:9/")).body(|_| json!({ "n": 1 }))).await;
    assert!(said(&error).contains("members must be texts"));
}

#[tokio::test]
async fn the_gateway_learns_who_calls() {
    let basic = asked(|courier| courier.basic_auth("ada", "secret")).await;
    let header = asked(|courier| courier.api_key_header("X-Api-Key", "key")).await;
    let cookie = asked(|courier| courier.api_key_cookie("api", "key")).await;
    let last = asked(|courier| courier.basic_auth("ada", "secret").bearer(SecretString::from("token"))).await;

    assert_eq!(basic.header("authorization"), "Basic YWRhOnNlY3JldA==");
    assert_eq!((header.header("x-api-key"), header.header("authorization")), ("key", ""));
    assert_eq!(cookie.header("cookie"), "api=key");
    assert_eq!(last.header("authorization"), "Bearer token");
}

#[tokio::test]
async fn two_hundreds_are_delivered_and_all_else_is_tried_again() {
    let gateway = Server::start(|_, asked| answer(asked.path[1..].parse().unwrap(), "")).await;
    let letter = message().await;

    for status in [200, 201, 202, 204, 299] {
        courier(gateway.at(&format!("/{status}"))).build().unwrap().deliver(&letter).await.unwrap();
    }
    for status in [300, 304, 400, 401, 403, 404, 410, 422, 429, 500, 501, 503] {
        let courier = courier(gateway.at(&format!("/{status}"))).build().unwrap();
        let error = courier.deliver(&letter).await.unwrap_err();
        assert!(!error.is_for_good() && said(&error).contains(&status.to_string()), "{}", said(&error));
    }
}

#[tokio::test]
async fn a_redirect_is_no_delivery_and_is_not_followed() {
    let elsewhere = Server::start(|_, _| answer(200, "")).await;
    let to = HeaderValue::from_str(elsewhere.url.as_str()).unwrap();
    let gateway = Server::start(move |_, _| {
        let mut answer = answer(307, "");
        answer.headers_mut().insert("location", to.clone());
        answer
    })
    .await;

    let error = refusal(courier(&gateway.url)).await;

    assert!(said(&error).contains("307"));
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_is_left_and_the_rest_of_an_answer_does_not_count() {
    let silent = drips(b"", Duration::from_secs(60)).await;
    let slow_body = drips(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", Duration::from_millis(20)).await;
    let large = Server::start(|_, _| answer(200, vec![b'x'; 1 << 20])).await;
    let letter = message().await;

    let begun = Instant::now();
    let error = refusal(courier(silent).time_limit(Duration::from_millis(200))).await;

    assert!(begun.elapsed() < Duration::from_secs(3) && said(&error).contains("in time"), "{}", said(&error));
    courier(slow_body).build().unwrap().deliver(&letter).await.unwrap();
    courier(&large.url).build().unwrap().deliver(&letter).await.unwrap();
}

#[tokio::test]
async fn a_private_address_is_called_only_where_that_is_allowed() {
    let gateway = Server::start(|_, _| answer(200, "")).await;
    let public_only = HttpCourier::builder(Client::new().unwrap(), gateway.url.as_str());

    let error = refusal(public_only).await;

    assert!(said(&error).contains("may not be called") && !error.is_for_good(), "{}", said(&error));
    assert_eq!(gateway.connections(), 0);
}

#[tokio::test]
async fn no_error_says_an_address_a_code_or_a_key() {
    let letter = message().await;
    let echo = Server::start(|_, asked| answer(500, asked.body.clone())).await;
    let secret = |courier: HttpBuilder| courier.header("x-tenant", "canary").api_key_cookie("api", "canary");
    let with_login = |url: &url::Url| {
        let mut url = url.join("/canary?key=canary").unwrap();
        url.set_username("canary").unwrap();
        url
    };
    let garbage = says(b"canary +4915123456789 HTTP/1.1\r\n\r\n").await;
    let broken = says(b"").await;

    for url in [&echo.url, &nobody().await, &garbage, &broken] {
        let courier = secret(courier(with_login(url))).build().unwrap();
        let said = said(&courier.deliver(&letter).await.unwrap_err());
        for hidden in ["canary", NUMBER, &NUMBER[1..], code(letter.text()), "Your registration code"] {
            assert!(!said.contains(hidden), "{said}");
            assert!(!format!("{courier:?}").contains(hidden), "{courier:?}");
        }
    }
}

#[tokio::test]
async fn a_person_signs_up_with_the_code_of_a_message_that_came_at_the_second_try() {
    let gateway = Server::start(|n, _| answer(if n == 0 { 503 } else { 200 }, "")).await;
    let courier = courier(&gateway.url).body(|letter| json!({ "text": letter.text() })).build().unwrap();
    let app = app(|builder| builder.courier(Channel::Sms, courier));
    let mut client = app.native();
    let traits = json!({ "phone": "+49 1512 3456789" });
    let page = client.open().await;

    let page = client.submit(&page, json!({ "method": "code", "traits": traits })).await;
    assert_eq!(app.deliver().await.unwrap().postponed, 1);
    app.clock().advance(time::Duration::seconds(5));
    assert_eq!(app.deliver().await.unwrap().delivered, 1);
    let asked = gateway.asked();
    let text = asked[1].json()["text"].as_str().unwrap().to_owned();
    let done = client.submit(&page, json!({ "method": "code", "traits": traits, "code": code(&text) })).await;

    assert_eq!(asked[0].body, asked[1].body, "the same letter comes again");
    assert_eq!(done.status(), 200, "{done:?}");
    assert_eq!(app.identities()[0].traits()["phone"], NUMBER);
}
