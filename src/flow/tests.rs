use serde_json::json;

use super::*;
use crate::message::catalogue;

fn flow() -> Flow {
    let at = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let mut typed = Typed::default();
    typed.set("traits.email", &json!("ada@example.org"));
    Flow {
        facts: Facts {
            id: FlowId::new(Uuid::new_v4()),
            kind: FlowKind::Browser,
            issued_at: at,
            expires_at: at + time::Duration::HOUR,
            query: "return_to=%2Fa".to_owned(),
            return_to: Some("/a".to_owned()),
            organization: None,
            schema: None,
            login_challenge: Some("challenge".to_owned()),
            screen: Screen::Only(MethodId::new("code")),
            state: State::SentEmail,
            active: Some(MethodId::new("code")),
            messages: vec![
                catalogue::PASSWORD_TOO_SHORT.with("min_length", 8).with("actual_length", 3).at("password"),
                Message::custom(77, MessageKind::Error, "of a {host}").on_page(),
            ],
            typed,
            exchange: Some(Uuid::new_v4()),
        },
        drawers: BTreeMap::from([("code".to_owned(), json!({ "tries": 1 }))]),
        binding: Some([7; 32]),
        spent: None,
        attempt: Some(Uuid::new_v4()),
        away: Some(Away { method: "oidc".to_owned(), trip: [1; 16], bound: Some([2; 32]) }),
    }
}

#[test]
fn a_flow_comes_back_as_it_was_stored() {
    let flow = flow();

    let body = flow.encode().unwrap();
    let back = Flow::decode(flow.facts.id, flow.facts.expires_at, None, &body).unwrap();

    assert_eq!(format!("{back:?}"), format!("{flow:?}"));
    assert_eq!(back.facts.messages[0].message().text(), flow.facts.messages[0].message().text());
}

#[test]
fn a_fresh_flow_is_a_small_row() {
    let mut flow = flow();
    flow.facts.messages.clear();

    assert!(flow.encode().unwrap().len() < 512);
}

#[test]
fn ids_are_read_in_every_form_of_the_contract() {
    let id = "6b6f4a4e-3c61-4bd1-9fd5-0a2d1c9c8a10";
    let bare = id.replace('-', "");
    for text in [id, &id.to_uppercase(), &bare, &format!("{{{id}}}"), &format!("urn:uuid:{id}")] {
        assert_eq!(FlowId::parse(text).map(|id| id.to_string()).as_deref(), Some(id), "{text}");
    }
    for text in ["", " ", "x", &format!(" {id}"), &format!("URN:UUID:{id}"), &Uuid::nil().to_string()] {
        assert_eq!(FlowId::parse(text), None, "{text}");
    }
}

#[test]
fn leaves_are_named_by_their_path() {
    let value = json!({ "a.b": 1, "list": ["x", { "y": null }], "none": {} });

    let names: Vec<String> = leaves(&value, "traits").into_iter().map(|(name, _)| name).collect();

    assert_eq!(names, ["traits.a\\.b", "traits.list.0", "traits.list.1.y"]);
}

#[test]
fn a_whole_number_is_shown_without_a_fraction() {
    let mut typed = Typed::default();
    for (name, value) in [("a", json!(20.0)), ("b", json!(0.5)), ("c", json!("20.0")), ("d", json!(1e300))] {
        typed.set(name, &value);
    }

    let shown: Vec<String> = typed.iter().map(|(_, value)| value.to_string()).collect();

    assert_eq!(shown, ["20", "0.5", "\"20.0\"", "1e+300"]);
}
