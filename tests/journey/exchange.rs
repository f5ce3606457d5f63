//! Pairs of codes where nobody comes back from another page, and flows of an organization.
//!
//! A pair is exchanged once a browser has come back from a provider (`social.rs`). Every other method answers the native
//! client itself, and its pair stays unused.

use serde_json::{Value, json};
use tower_registration::methods::{Code, Password};
use tower_registration::testing::{App, Client, ClientKind, Reply};
use tower_registration::{After, Style};
use uuid::Uuid;

const PAIR: &str = "return_session_token_exchange_code=true";

fn app(style: Style) -> App {
    let after = After::new().session(true);
    App::with(|builder| builder.method(Password::new()).method(Code::new()).style(style).after(after)).unwrap()
}

async fn exchanged(client: &mut Client, init: &str, code: &str) -> Reply {
    client.get_json(&format!("/sessions/token-exchange?init_code={init}&return_to_code={code}")).await
}

/// Registers by a method, step by step; the last answer.
async fn registered(app: &App, client: &mut Client, page: &Reply, method: &str) -> Reply {
    let traits = json!({ "email": "ada@example.org" });
    let form = |more: Value| {
        let mut form = json!({ "method": method, "traits": traits });
        form.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        form
    };
    match method {
        "password" => client.submit(page, form(json!({ "password": "correct horse" }))).await,
        "code" => {
            let _ = client.submit(page, form(json!({}))).await;
            app.deliver().await.unwrap();
            let code = app.mailbox().latest_code("ada@example.org").unwrap();
            client.submit(page, form(json!({ "code": code }))).await
        }
        _ => {
            let _ = client.submit(page, form(json!({}))).await;
            client.submit(page, json!({ "method": "password", "password": "correct horse", "traits": traits })).await
        }
    }
}

#[tokio::test]
async fn a_method_without_another_page_answers_the_client_itself_and_its_pair_opens_nothing() {
    for (method, style) in [
        ("password", Style::Unified),
        ("code", Style::Unified),
        ("profile", Style::ProfileFirst),
        ("code", Style::ProfileFirst),
    ] {
        let app = app(style);
        let mut native = app.native();
        let page = native.open_with(&format!("{PAIR}&return_to=https://app.example.org/back")).await;
        let init = page.at("/session_token_exchange_code").as_str().unwrap().to_owned();

        let done = registered(&app, &mut native, &page, method).await;
        let guessed = exchanged(&mut native, &init, &"x".repeat(64)).await;
        let shown = native.show(&page.flow_id().unwrap()).await;

        assert_eq!(done.status(), 200, "{method}: {}", done.json());
        let token = done.at("/session_token").as_str().unwrap().to_owned();
        assert_eq!(done.at("/continue_with/0/ory_session_token"), json!(token), "{method}");
        assert_eq!((guessed.status(), guessed.at("/error/code")), (404, json!(404)), "{method}");
        assert!(shown.at("/session_token_exchange_code").is_null(), "{method}: shown once");
    }
}

#[tokio::test]
async fn a_pair_is_for_native_clients_that_ask_for_it_by_the_one_word() {
    let app = app(Style::Unified);
    for (kind, query) in [
        (ClientKind::Spa, PAIR),
        (ClientKind::Browser, PAIR),
        (ClientKind::Native, "return_session_token_exchange_code=1"),
        (ClientKind::Native, "return_session_token_exchange_code=True"),
    ] {
        let page = app.client(kind).open_with(query).await;

        assert_eq!((page.status(), page.at("/session_token_exchange_code")), (200, Value::Null), "{kind:?} {query}");
    }
    for path in ["", "?init_code=a", "?return_to_code=a", "?init_code=&return_to_code=a"] {
        let told = app.native().get_json(&format!("/sessions/token-exchange{path}")).await;
        assert_eq!(told.status(), 400, "{path}");
    }
}

#[tokio::test]
async fn the_flow_of_an_organization_names_it_has_no_form_and_registers_a_person_without_one() {
    for kind in [ClientKind::Spa, ClientKind::Native] {
        let app = app(Style::Unified);
        let mut ada = app.client(kind);
        let id = Uuid::new_v4();
        let mut page = ada.open_with(&format!("organization={id}")).await;
        assert_eq!((page.at("/organization_id"), page.at("/ui/nodes")), (json!(id), Value::Null), "{kind:?}");
        let query = page.at("/request_url").as_str().unwrap().to_owned();
        assert!(query.ends_with(&format!("?organization={id}")), "{query}");
        if kind == ClientKind::Spa {
            // There is no form, so its token comes from another page of this browser.
            let token = ada.open().await.value_of("csrf_token");
            let mut form = json!({ "method": "password", "password": "x", "traits": {} });
            form["csrf_token"] = token;
            page = ada.post_json(&format!("/self-service/registration?flow={}", page.flow_id().unwrap()), &form).await;
            assert_eq!((page.at("/organization_id"), page.messages_at("traits.email")), (json!(id), vec![4000002]));
        }

        let mut form = crate::ada();
        form["csrf_token"] = ada.open().await.value_of("csrf_token");
        let path = format!("/self-service/registration?flow={}", page.flow_id().unwrap());
        if kind == ClientKind::Native {
            form.as_object_mut().unwrap().remove("csrf_token");
        }
        let done = ada.post_json(&path, &form).await;

        assert_eq!(done.status(), 200, "{kind:?} {}", done.json());
        for pointer in ["/identity/organization_id", "/session/identity/organization_id"] {
            assert!(done.json().pointer(pointer).is_some_and(Value::is_null), "{kind:?} {pointer}");
        }
    }
}
