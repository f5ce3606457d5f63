//! Gateways as configuration files describe them: with bodies in Jsonnet.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower_registration::identity::Channel;
use tower_registration::memory::Memory;
use tower_registration::testing::{Client, ClientKind, Mailbox, Reply, TestClock};
use tower_registration::{Registration, kratos};

use crate::server::{Server, answer};
use crate::sms::{ADA, NUMBER};
use crate::tape::Tape;

/// A recorded configuration, with the gateway for text messages at another place.
fn file(name: &str, gateway: &Server) -> Value {
    let path = format!("{}/tests/conformance/configs/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["courier"]["channels"][0]["request_config"]["url"] = gateway.at("/sms").as_str().into();
    file
}

fn template(source: &str) -> Value {
    format!("base64://{}", STANDARD.encode(source)).into()
}

/// The service of a file; e-mails go nowhere unless the file says so.
fn service(file: &Value) -> Registration {
    // A clock that stands still: a letter that failed is not due again while others are delivered.
    service_at(file, TestClock::default())
}

fn service_at(file: &Value, clock: TestClock) -> Registration {
    let memory = Memory::new();
    let builder = kratos::load(&file.to_string()).unwrap().builder.storage(memory.clone()).identities(memory);
    let builder = builder.clock(clock);
    let by_http = file["courier"]["delivery_strategy"] == "http";
    let builder = if by_http { builder } else { builder.courier(Channel::Email, Mailbox::new()) };
    builder.build().unwrap()
}

/// Asks for a code; gives the client and its page.
async fn ask(service: &Registration, traits: &Value) -> (Client, Reply) {
    let mut client = Client::new(service.clone(), "", ClientKind::Native);
    let page = client.open().await;
    let page = client.submit(&page, json!({ "method": "code", "traits": traits })).await;
    assert_eq!(page.messages(), [1_040_005], "{page:?}");
    (client, page)
}

fn code(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6).unwrap()
}

/// Signs up with the code of the text message that the gateway got.
async fn sign_up(name: &str) {
    let gateway = Server::start(|_, _| answer(200, "")).await;
    let service = service(&file(name, &gateway));
    let traits = json!({ "phone": NUMBER });
    let (mut client, page) = ask(&service, &traits).await;

    assert_eq!(service.dispatcher().flush().await.unwrap().delivered, 1, "{name}");
    let asked = gateway.asked().remove(0);
    let message = asked.json();
    let text = message["text"].as_str().unwrap();
    let done = client.submit(&page, json!({ "method": "code", "traits": traits, "code": code(text) })).await;

    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/sms"));
    assert_eq!(message, json!({ "to": NUMBER, "text": text, "template": "registration_code_valid" }));
    assert!(text.starts_with("Your registration code is: ") && text.contains("@127.0.0.1 #"), "{text}");
    assert_eq!(done.status(), 200, "{done:?}");
    assert_eq!(done.at("/identity/traits/phone"), NUMBER);
}

#[tokio::test]
async fn a_sign_up_by_text_message_from_a_file_to_its_end() {
    sign_up("sms").await;
    sign_up("sms-or-email").await;
    sign_up("sms-verify").await;
}

#[tokio::test]
async fn a_template_is_told_everything_of_a_letter() {
    let gateway = Server::start(|_, _| answer(200, "")).await;
    let mut file = file("sms-or-email", &gateway);
    let request = &mut file["courier"]["channels"][0]["request_config"];
    request["body"] = template("function(ctx) ctx");
    request["method"] = "PATCH".into();
    request["headers"] = json!({ "X-Tenant": "seven" });
    request["auth"] = json!({ "type": "api_key", "config": { "in": "header", "name": "X-Key", "value": "key" } });
    file["courier"]["delivery_strategy"] = "http".into();
    file["courier"]["http"] = json!({ "request_config": {
        "url": gateway.at("/mail").as_str(), "method": "POST", "body": template("function(ctx) ctx"),
        "auth": { "type": "basic_auth", "config": { "user": "ada", "password": "secret" } } } });
    let service = service(&file);

    drop(ask(&service, &json!({ "phone": NUMBER, "email": ADA })).await);
    assert_eq!(service.dispatcher().flush().await.unwrap().delivered, 2);

    let mut asked = gateway.asked();
    asked.sort_by(|a, b| a.path.cmp(&b.path));
    let [mail, sms] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(mail.header("authorization"), "Basic YWRhOnNlY3JldA==");
    assert_eq!((sms.method.as_str(), sms.header("x-tenant"), sms.header("x-key")), ("PATCH", "seven", "key"));
    let (mail, sms) = (mail.json(), sms.json());
    let number = code(sms["body"].as_str().unwrap());
    assert_eq!((&sms["recipient"], &sms["subject"], &sms["message_type"]), (&json!(NUMBER), &json!(""), &json!("sms")));
    assert_eq!(sms["template_type"], "registration_code_valid");
    assert_eq!(sms["template_data"]["registration_code"], number);
    assert_eq!(sms["template_data"]["request_url_domain"], "127.0.0.1");
    let headers = json!({ "Accept": ["application/json"], "Content-Type": ["application/json"] });
    assert_eq!((sms.get("html_body"), &sms["request_headers"]), (None, &headers));
    assert_eq!((&mail["recipient"], &mail["message_type"]), (&json!(ADA), &json!("email")));
    assert!(mail["html_body"].as_str().unwrap().contains("<p>"), "{mail}");
    assert_eq!(mail["template_data"]["traits"], json!({ "phone": NUMBER, "email": ADA }));
}

#[tokio::test]
async fn a_template_is_told_of_the_headers_on_the_files_list_and_of_none_for_the_proof_of_an_address() {
    let gateway = Server::start(|_, _| answer(200, "")).await;
    let mut file = file("sms-verify", &gateway);
    file["courier"]["channels"][0]["request_config"]["body"] = template("function(ctx) ctx");
    file["clients"] = json!({ "web_hook": { "header_allowlist": ["X-Tenant", "ACCEPT-language"] } });
    let service = service(&file);
    let (seven, german) = (("x-tenant", "seven"), ("accept-language", "de"));
    let mut client = Client::new(service.clone(), "", ClientKind::Native);
    client = client.with_header(seven.0, seven.1).with_header(german.0, german.1).with_header("x-other", "x");
    let traits = json!({ "phone": NUMBER });
    let page = client.open().await;
    drop(client.submit(&page, json!({ "method": "code", "traits": traits })).await);
    let verification = client.open_verification("").await;
    assert_eq!(service.dispatcher().flush().await.unwrap().delivered, 1);
    let number = code(gateway.asked()[0].json()["body"].as_str().unwrap()).to_owned();
    let done = client.submit(&page, json!({ "method": "code", "traits": traits, "code": number })).await;
    assert_eq!(done.status(), 200, "{done:?}");
    drop(client.submit_verification(&verification, json!({ "method": "code", "email": NUMBER })).await);
    let _ = service.dispatcher().flush().await.unwrap();

    let told = gateway.asked().into_iter().map(|asked| asked.json());
    let told: Vec<Value> = told.map(|message| json!([message["template_type"], message["request_headers"]])).collect();
    let chosen = json!({ "X-Tenant": ["seven"], "Accept-Language": ["de"] });
    assert_eq!(told[0], json!(["registration_code_valid", chosen]));
    assert!(told.len() > 1 && told[1..].iter().all(|told| *told == json!(["verification_code_valid", {}])), "{told:?}");
}

#[tokio::test]
async fn a_template_that_fails_or_never_ends_holds_up_its_own_letters_alone() {
    let gateway = Server::start(|_, _| answer(200, "")).await;
    let mut file = file("sms-or-email", &gateway);
    let endless = "function(ctx) if ctx.recipient == '+4915100000001' then error ctx.body else
        if ctx.recipient == '+4915100000002' then (local f(n) = if n < 0 then 1 else f(n + 1) tailstrict; f(0)) else
        { to: ctx.recipient }";
    file["courier"]["channels"][0]["request_config"]["body"] = template(endless);
    let service = service(&file);

    for number in ["+4915100000001", "+4915100000002", NUMBER] {
        drop(ask(&service, &json!({ "phone": number })).await);
    }
    let flushed = service.dispatcher().flush().await.unwrap();

    assert_eq!((flushed.delivered, flushed.postponed, flushed.given_up), (1, 2, 0));
    assert_eq!(gateway.asked().len(), 1);
    assert_eq!(gateway.asked()[0].json(), json!({ "to": NUMBER }));
}

#[tokio::test]
async fn nothing_of_a_letter_or_a_file_is_told_to_the_log() {
    let tape = Tape::default();
    let _recording = tracing::subscriber::set_default(tape.clone());
    let gateway = Server::start(|_, asked| answer(400, asked.body.clone())).await;
    let mut file = file("sms", &gateway);
    file["courier"]["message_retries"] = 0.into();
    let sources = [
        "function(ctx) ctx",
        "function(ctx) error ctx.body",
        "function(ctx) (local f(n) = if n < 0 then 'canary' else f(n + 1) tailstrict; f(0))",
    ];

    let mut codes = Vec::new();
    for source in sources {
        file["courier"]["channels"][0]["request_config"]["body"] = template(source);
        file["courier"]["channels"][0]["request_config"]["headers"] = json!({ "x-key": "canary" });
        let clock = TestClock::default();
        let service = service_at(&file, clock.clone());
        drop(ask(&service, &json!({ "phone": NUMBER })).await);
        assert_eq!(service.dispatcher().flush().await.unwrap().postponed, 1);
        clock.advance(time::Duration::minutes(2));
        assert_eq!(service.dispatcher().flush().await.unwrap().given_up, 1);
        codes.extend(gateway.asked().iter().map(|asked| code(asked.json()["body"].as_str().unwrap()).to_owned()));
    }

    let told = tape.told();
    assert!(told.contains("letter_given_up") && told.contains("did not end in time"), "{told}");
    assert!(!codes.is_empty());
    for hidden in codes.iter().map(String::as_str).chain(["canary", NUMBER, &NUMBER[1..]]) {
        assert!(!told.contains(hidden), "{told}");
    }
}

#[tokio::test]
async fn other_requests_go_on_while_templates_are_at_work() {
    let gateway = Server::start(|_, _| answer(200, "")).await;
    let mut file = file("sms", &gateway);
    let endless = "function(ctx) (local f(n) = if n < 0 then 1 else f(n + 1) tailstrict; f(0))";
    file["courier"]["channels"][0]["request_config"]["body"] = template(endless);
    let service = service(&file);
    drop(ask(&service, &json!({ "phone": NUMBER })).await);
    let dispatcher = service.dispatcher();

    let mut flushing = std::pin::pin!(dispatcher.flush());
    let mut longest = std::time::Duration::ZERO;
    let postponed = loop {
        let begun = std::time::Instant::now();
        tokio::select! {
            biased;
            flushed = &mut flushing => break flushed.unwrap().postponed,
            () = tokio::time::sleep(std::time::Duration::from_millis(5)) => longest = longest.max(begun.elapsed()),
        }
    };

    assert_eq!(postponed, 1);
    assert!(longest < std::time::Duration::from_millis(500), "{longest:?}");
}
