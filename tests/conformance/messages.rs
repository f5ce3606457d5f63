//! Every message of the contract is said somewhere: in a conversation, or in one of the journeys of this file. A number that
//! is not said stands in a list, with the reason.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::{Value, json};
use time::Duration;
use tower_registration::breach::KnownPasswords;
use tower_registration::host::{Hook, HookContext};
use tower_registration::identity::{Draft, IdentityState};
use tower_registration::message::catalogue;
use tower_registration::methods::oidc::{Claims, Mapped, Provider};
use tower_registration::methods::{Oidc, Password, WhenAway};
use tower_registration::testing::{App, Client, IdentityProvider, Reply};
use tower_registration::{After, Schema, Stop, Style, Verification};

use crate::configurations;
use crate::run::played;

/// The numbers that the contract names and that nobody says here.
const NOT_SAID: &[(u64, &str)] = &[
    (1010001, "a label of the sign-in, which is the host's"),
    (1010002, "a label of the sign-in, which is the host's"),
    (1010016, "linking at a sign-in: `Linking` leads to the host's"),
    (1010017, "linking at a sign-in: `Linking` leads to the host's"),
    (1010018, "linking at a sign-in: `Linking` leads to the host's"),
    (1070015, "captchas are no part of the reference's open-source build"),
    (1070017, "recovery only"),
    (4000038, "captchas are no part of the reference's open-source build"),
    (4000043, "sign-in only"),
    (4010009, "linking at a sign-in: `Linking` leads to the host's"),
    (4040002, "defined by the reference, and never said"),
    (4070003, "defined by the reference, and never said at a verification"),
    (4070004, "a number without words"),
    (5000001, "the reason of another error, not a message of a page"),
    (5000002, "defined by the reference, and not said at a registration"),
    (5000003, "defined by the reference, and not said at a registration"),
];

/// The numbers that the contract names.
const CONTRACT: &str = "
    1010001 1010002 1010016 1010017 1010018 1040001 1040002 1040003 1040004 1040005 1040006 1040007 1040008 1040009
    1050013 1070001 1070002 1070007 1070008 1070009 1070011 1070012 1070015 1070017 1070018
    1080001 1080002 1080003 1080004 1080005
    4000001 4000002 4000003 4000004 4000005 4000007 4000009 4000017 4000018 4000019 4000020 4000021 4000022 4000023
    4000024 4000025 4000026 4000027 4000028 4000029 4000030 4000031 4000032 4000033 4000034 4000036 4000038 4000040
    4000041 4000043 4010003 4010006 4010009 4010011 4040001 4040002 4040003
    4070001 4070002 4070003 4070004 4070005 4070006 5000001 5000002 5000003";

/// The messages in an answer, by number and text.
fn said(value: &Value, found: &mut BTreeMap<u64, String>) {
    match value {
        Value::Object(members) => {
            let id = members.get("id").and_then(Value::as_u64);
            if let (Some(id), Some(text)) = (id, members.get("text").and_then(Value::as_str)) {
                found.insert(id, text.to_owned());
            }
            members.values().for_each(|part| said(part, found));
        }
        Value::Array(items) => items.iter().for_each(|part| said(part, found)),
        _ => {}
    }
}

fn contract() -> BTreeSet<u64> {
    CONTRACT.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

#[tokio::test]
async fn every_message_of_the_contract_is_said_or_there_is_a_reason() {
    let mut found = BTreeMap::new();
    for reply in journeys().await {
        said(&reply.json(), &mut found);
    }
    std::thread::spawn(|| {
        let mut found = BTreeMap::new();
        for config in configurations() {
            played(config).conversations.iter().flat_map(|talk| talk.ours()).for_each(|ours| said(ours, &mut found));
        }
        found
    })
    .join()
    .unwrap()
    .into_iter()
    .for_each(|(id, text)| drop(found.insert(id, text)));

    let missing: Vec<u64> = contract()
        .into_iter()
        .filter(|id| !found.contains_key(id) && !NOT_SAID.iter().any(|(not, _)| not == id))
        .collect();
    let said_after_all: Vec<u64> = NOT_SAID.iter().map(|(id, _)| *id).filter(|id| found.contains_key(id)).collect();
    let odd: Vec<_> = found.iter().filter(|(_, text)| text.is_empty() || text.contains('{')).collect();

    assert!(missing.is_empty(), "nobody says {missing:?}");
    assert!(said_after_all.is_empty(), "these are said: {said_after_all:?}");
    assert!(odd.is_empty(), "a fact is missing: {odd:?}");
}

#[test]
fn the_catalogue_and_the_list_of_reasons_are_the_contract() {
    let known: BTreeSet<u64> = catalogue::ALL.iter().map(|message| u64::from(message.id())).collect();
    let not: BTreeSet<u64> = NOT_SAID.iter().map(|(id, _)| *id).collect();

    assert!(known.is_disjoint(&not), "{:?}", known.intersection(&not));
    assert_eq!(known.union(&not).copied().collect::<BTreeSet<_>>(), contract());
    assert!(NOT_SAID.iter().all(|(_, reason)| !reason.is_empty()));
}

/// What the recorded conversations of the played configurations do not come to.
async fn journeys() -> Vec<Reply> {
    let mut replies = keywords().await;
    replies.extend(passwords().await);
    replies.extend(hooks().await);
    replies.extend(expiry().await);
    replies.extend(links().await);
    replies.extend(phones().await);
    replies.push(linked().await);
    replies
}

fn sign_up(email: &str, password: &str) -> Value {
    json!({ "method": "password", "password": password, "traits": { "email": email } })
}

/// An app whose schema has these traits beside an identifier.
fn app_with_traits(traits: Value) -> App {
    let mut properties = json!({ "email": { "type": "string",
        "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } } });
    properties.as_object_mut().unwrap().extend(traits.as_object().cloned().unwrap());
    let schema =
        json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": properties } } });
    let schema = Schema::parse("person", &schema.to_string()).unwrap();
    App::bare(|builder| builder.schema(schema).method(Password::new()).style(Style::Unified)).unwrap()
}

/// One submission on a fresh page.
async fn answer(client: &mut Client, form: Value) -> Reply {
    let page = client.open().await;
    client.submit(&page, form).await
}

async fn keywords() -> Vec<Reply> {
    let app = app_with_traits(json!({
        "above": { "type": "number", "exclusiveMinimum": 1 },
        "most": { "type": "number", "maximum": 1 },
        "below": { "type": "number", "exclusiveMaximum": 1 },
        "few": { "type": "array", "items": { "type": "number" }, "maxItems": 1 },
        "many": { "type": "array", "items": { "type": "number" }, "minItems": 2 },
        "fixed": { "type": "array", "items": { "type": "number" }, "const": [1] },
    }));
    let traits = json!({ "email": "ada", "above": 1, "most": 2, "below": 1, "few": [1, 2], "many": [1], "fixed": [2] });
    let form = json!({ "method": "password", "password": "correct horse", "traits": traits });
    vec![answer(&mut app.native(), form).await]
}

async fn passwords() -> Vec<Reply> {
    let list = KnownPasswords::new(["correct horse"]);
    let method = Password::new().breach_list(list, 0, WhenAway::Refuse);
    let app = App::with(|builder| builder.method(method)).unwrap();
    let long = "x".repeat(2_000);
    vec![
        answer(&mut app.native(), sign_up("ada@example.org", "correct horse")).await,
        answer(&mut app.native(), sign_up("ada@example.org", &long)).await,
    ]
}

/// Refuses one password, and switches one account off.
struct Rules;

#[async_trait]
impl Hook for Rules {
    async fn before_create(&self, _: &HookContext<'_>, draft: &mut Draft) -> Result<(), Stop> {
        if draft.traits()["email"] == "refused@example.org" {
            let message = catalogue::PASSWORD_REFUSED.with("reason", "the host says so");
            return Err(Stop::refuse([message.at("password")]));
        }
        draft.set_state(IdentityState::Inactive);
        Ok(())
    }
}

async fn hooks() -> Vec<Reply> {
    let app = App::with(|builder| builder.method(Password::new()).hook(Rules)).unwrap();
    vec![
        answer(&mut app.native(), sign_up("refused@example.org", "correct horse")).await,
        answer(&mut app.native(), sign_up("ada@example.org", "correct horse")).await,
    ]
}

async fn expiry() -> Vec<Reply> {
    let app = App::with(|builder| {
        builder.method(Password::new()).verification(Verification::by_code("https://app.example.org/verify"))
    });
    let (app, mut ada) = app.map(|app| (app.clone(), app.native())).unwrap();
    let (page, proof) = (ada.open().await, ada.open_verification("").await);
    let nobody = ada.submit_verification(&proof, json!({ "nonsense": 1 })).await;
    app.clock().advance(Duration::hours(2));
    let gone = ada.submit(&page, sign_up("ada@example.org", "correct horse")).await;
    let new = ada.show(gone.at("/use_flow_id").as_str().unwrap()).await;
    let over = ada.submit_verification(&proof, json!({ "method": "code", "email": "ada@example.org" })).await;
    let over = ada.follow(over.location()).await;
    vec![nobody, new, over]
}

async fn links() -> Vec<Reply> {
    let app = App::with(|builder| {
        builder.method(Password::new()).verification(Verification::by_link("https://app.example.org/verify"))
    });
    let app = app.unwrap();
    let mut ada = app.spa();
    let _ = answer(&mut app.native(), sign_up("ada@example.org", "correct horse")).await;
    let page = ada.open_verification("").await;
    let sent = ada.submit_verification(&page, json!({ "method": "link", "email": "ada@example.org" })).await;
    let wrong = ada.submit_verification(&sent, json!({ "method": "link", "token": "wrong" })).await;
    let wrong = ada.show_verification(wrong.at("/use_flow_id").as_str().unwrap()).await;
    app.deliver().await.unwrap();
    let opened = ada.follow(&app.mailbox().latest_link("ada@example.org").unwrap()).await;
    let opened = ada.verification_page(opened).await;
    let button = json!({ "method": "link", "token": opened.value_of("token") });
    let done = ada.submit_verification(&opened, button.clone()).await;
    let again = ada.submit_verification(&opened, button).await;
    let again = ada.show_verification(again.at("/use_flow_id").as_str().unwrap()).await;
    vec![sent, wrong, done, again]
}

async fn phones() -> Vec<Reply> {
    const PHONE: &str = "+491711234567";
    let schema = json!({ "type": "object", "properties": { "traits": { "type": "object", "properties": { "phone": {
        "type": "string", "format": "tel", "ory.sh/kratos": {
            "credentials": { "password": { "identifier": true } }, "verification": { "via": "sms" } } } } } } });
    let schema = Schema::parse("person", &schema.to_string()).unwrap();
    let app = App::bare(|builder| {
        let verification = Verification::by_code("https://app.example.org/verify");
        let after = After::new().show_verification_ui(true);
        builder.schema(schema).method(Password::new()).style(Style::Unified).verification(verification).after(after)
    });
    let app = app.unwrap();
    let mut ada = app.native();
    let begun = ada.open_verification("").await;
    let form = json!({ "method": "password", "password": "correct horse", "traits": { "phone": PHONE } });
    let done = answer(&mut ada, form).await;
    let page = ada.verification_page(done).await;
    app.deliver().await.unwrap();
    let code = app.mailbox().latest_code(PHONE).unwrap();
    let proved = ada.submit_verification(&page, json!({ "method": "code", "code": code })).await;
    vec![begun, page, proved]
}

async fn linked() -> Reply {
    let provider = IdentityProvider::new("https://id.example.org");
    provider.set_claims(json!({ "sub": "1", "email": "ada@example.org" }));
    let local = Provider::generic("local", provider.issuer(), "client").client_secret("secret");
    let local = local.mapper(|claims: &Claims| Mapped::new(json!({ "email": claims.text("email") })));
    let method = Oidc::new(provider.clone()).provider(local);
    let app = App::with(|builder| builder.method(method).method(Password::new())).unwrap();
    let _ = answer(&mut app.native(), sign_up("ada@example.org", "correct horse")).await;
    let mut ada = app.browser();
    let leaves = answer(&mut ada, json!({ "provider": "local" })).await;
    let back = ada.follow(&provider.sign_in(leaves.location())).await;
    ada.page(back).await
}
