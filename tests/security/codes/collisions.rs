//! N4: one string names one person, whichever kind of credential it is an identifier of.

use serde_json::json;
use tower_registration::methods::{Code, Password};
use tower_registration::testing::App;
use tower_registration::{Schema, Style};

use super::with;

/// A user name for a password, and an address for codes.
const TWO_KINDS: &str = r#"{ "type": "object", "properties": { "traits": { "type": "object", "properties": {
    "name": { "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } },
    "email": { "type": "string", "format": "email", "ory.sh/kratos": {
        "credentials": { "code": { "identifier": true, "via": "email" } } } } } } } }"#;

#[tokio::test]
async fn n4_a_name_that_looks_like_an_address_belongs_to_one_person() {
    for round in 0..100 {
        let schema = Schema::parse("person", TWO_KINDS).unwrap();
        let app = App::bare(|builder| {
            let password = Password::new().allow_similar();
            builder.schema(schema).style(Style::Unified).method(Code::new()).method(password)
        })
        .unwrap();
        let address = format!("ada{round}@example.org");
        let spelled = if round % 2 == 0 { address.to_uppercase() } else { address.clone() };
        let mut client = app.native();
        let page = client.open().await;
        let by_name = json!({ "method": "password", "password": "correct horse", "traits": { "name": spelled } });
        let by_code = json!({ "method": "code", "traits": { "email": address } });

        let (first, second) = if round % 3 == 0 {
            let first = client.submit(&page, by_name).await;
            let page = client.open().await;
            let sent = client.submit(&page, by_code.clone()).await;
            app.deliver().await.unwrap();
            let code = app.mailbox().latest_code(&address).unwrap();
            (first, client.submit(&sent, with(by_code, "code", &code)).await)
        } else {
            let sent = client.submit(&page, by_code.clone()).await;
            app.deliver().await.unwrap();
            let code = app.mailbox().latest_code(&address).unwrap();
            let first = client.submit(&sent, with(by_code, "code", &code)).await;
            let page = client.open().await;
            (first, client.submit(&page, by_name).await)
        };

        assert_eq!((first.status(), second.messages()), (200, vec![4000007]), "round {round}");
        assert_eq!(app.identities().len(), 1);
    }
}
