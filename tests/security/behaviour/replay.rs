//! S1: a flow that is finished, expired or was finished by another method makes nobody, hashes nothing and opens no
//! session, whatever is sent to it.

use http::Method as Verb;
use serde_json::{Value, json};
use time::Duration;
use tower_registration::form::Submission;
use tower_registration::identity::{Draft, MethodId};
use tower_registration::methods::{Context, Method, Slot, Step};
use tower_registration::page::{Field, Group, InputKind, View};
use tower_registration::testing::{Client, ClientKind, Reply};
use tower_registration::{Stop, Style};

use super::replay_table::{End, Expected, Guard, Row, Sent, invited, rows};
use super::site::{Rows, Site, sign_up};

const KNOWN: &str = "known@example.org";

#[tokio::test]
async fn s1_a_form_from_a_browser_to_a_flow_at_its_end_does_nothing() {
    assert_eq!(play(ClientKind::Browser, Style::Unified).await, 456);
}

#[tokio::test]
async fn s1_a_form_from_a_browser_to_a_flow_of_two_steps_at_its_end_does_nothing() {
    assert_eq!(play(ClientKind::Browser, Style::ProfileFirst).await, 456);
}

#[tokio::test]
async fn s1_json_from_a_script_to_a_flow_at_its_end_does_nothing() {
    assert_eq!(play(ClientKind::Spa, Style::Unified).await, 456);
}

#[tokio::test]
async fn s1_json_from_a_script_to_a_flow_of_two_steps_at_its_end_does_nothing() {
    assert_eq!(play(ClientKind::Spa, Style::ProfileFirst).await, 456);
}

#[tokio::test]
async fn s1_json_from_a_native_client_to_a_flow_at_its_end_does_nothing() {
    assert_eq!(play(ClientKind::Native, Style::Unified).await, 228);
}

#[tokio::test]
async fn s1_json_from_a_native_client_to_a_flow_of_two_steps_at_its_end_does_nothing() {
    assert_eq!(play(ClientKind::Native, Style::ProfileFirst).await, 228);
}

/// Plays every row for this kind of client and says how many there were.
async fn play(kind: ClientKind, style: Style) -> usize {
    let site = Site::with(|builder, _| builder.style(style).method(Invitation));
    finish(&mut site.native(), style, &sign_up(KNOWN)).await;
    let rows = rows(kind, style);
    for (number, row) in rows.iter().enumerate() {
        check(&site, row, &format!("ada-{number}@example.org")).await;
    }
    rows.len()
}

/// Brings a flow to its end, sends the row's submission to it, and compares answer and storage.
async fn check(site: &Site, row: &Row, own: &str) {
    let mut client = site.client(row.kind);
    let page = begin(&mut client, row.style, own).await;
    // The browser as it is when the answer to its submission is lost: without session, and with the old cookie.
    let mut late = client.clone();
    end(site, row.end, &mut client, &page, own).await;
    let before = site.rows();

    let answer = send(site, row, &mut late, &page, own).await;

    let expected = row.expected();
    assert_eq!(read(row, &mut late, &page, &answer).await, expected, "{row:?}: {answer:?}");
    assert_eq!(site.rows(), changed(before, row, expected), "{row:?}");
    assert!(!answer.header("set-cookie").contains("session"), "{row:?}: {answer:?}");
    assert_eq!(answer.at("/session_token"), Value::Null, "{row:?}");
}

/// Begins a flow; in two steps the traits are typed already.
async fn begin(client: &mut Client, style: Style, email: &str) -> Reply {
    let page = client.open().await;
    if style == Style::Unified {
        return page;
    }
    let moved = client.submit(&page, json!({ "method": "profile", "traits": { "email": email } })).await;
    client.page(moved).await
}

async fn finish(client: &mut Client, style: Style, answer: &Value) {
    let email = answer["traits"]["email"].as_str().unwrap().to_owned();
    let page = begin(client, style, &email).await;
    let done = client.submit(&page, answer.clone()).await;
    assert!(matches!(done.status(), 200 | 303), "{done:?}");
}

async fn end(site: &Site, end: End, client: &mut Client, page: &Reply, own: &str) {
    let answer = match end {
        End::Finished | End::FinishedAndExpired => Some(sign_up(own)),
        End::FinishedByAnother => Some(invited(own)),
        End::Expired => None,
    };
    if let Some(answer) = answer {
        let done = client.submit(page, answer).await;
        assert!(matches!(done.status(), 200 | 303), "{done:?}");
    }
    if matches!(end, End::Expired | End::FinishedAndExpired) {
        site.clock.advance(Duration::minutes(61));
    }
}

/// Sends the row's submission as its kind of client does.
async fn send(site: &Site, row: &Row, client: &mut Client, page: &Reply, own: &str) -> Reply {
    let path = format!("/self-service/registration?flow={}", page.flow_id().unwrap());
    let token = arm(site, row, client, page).await;
    let mut fields = row.fields(own, KNOWN);
    if let (Some(members), Some(token)) = (fields.as_object_mut(), token) {
        members.insert("csrf_token".to_owned(), token);
    }
    let (form, accept) = match row.kind {
        ClientKind::Browser => (true, "text/html"),
        _ => (false, "application/json"),
    };
    let kind = if form { "application/x-www-form-urlencoded" } else { "application/json" };
    let body = match row.sent {
        Sent::ByGet => return client.send(Verb::GET, &path, None, accept).await,
        Sent::Empty => String::new(),
        Sent::Broken if form => "%zz".to_owned(),
        Sent::Broken => "{".to_owned(),
        _ if form => as_form(&fields),
        _ => fields.to_string(),
    };
    client.send(Verb::POST, &path, Some((kind, body)), accept).await
}

/// Gives the client what the row's guard brings, and says which token goes along.
async fn arm(site: &Site, row: &Row, client: &mut Client, page: &Reply) -> Option<Value> {
    let own = page.value_of("csrf_token");
    match row.guard {
        Guard::Right => {}
        Guard::NoToken => return None,
        Guard::WrongToken => return Some(site.spa().open().await.value_of("csrf_token")),
        Guard::NoCookie => client.cookies().clear(),
        Guard::Stranger => {
            let mut stranger = site.client(row.kind);
            let token = stranger.open().await.value_of("csrf_token");
            *client.cookies() = stranger.cookies().clone();
            return Some(token);
        }
        Guard::ForeignOrigin => *client = client.clone().with_header("origin", "https://evil.example.com"),
        Guard::NativeCookie => *client = client.clone().with_header("cookie", "a=b"),
    }
    (row.kind != ClientKind::Native).then_some(own)
}

fn as_form(fields: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.as_object().unwrap() {
        match value.as_str() {
            Some(text) => form.append_pair(name, text),
            None => form.append_pair("traits.email", value["email"].as_str().unwrap()),
        };
    }
    form.finish()
}

/// What the answer says, after its status was compared with the kind of client.
async fn read(row: &Row, client: &mut Client, page: &Reply, answer: &Reply) -> Expected {
    let flow = page.flow_id().unwrap();
    let json = row.kind != ClientKind::Browser;
    match answer.status() {
        400 if json && row.sent == Sent::ByGet => Expected::NothingSubmitted,
        400 if json => message(answer),
        302 if !json && answer.location_parameter("flow").as_ref() == Some(&flow) => match row.sent {
            Sent::ByGet => Expected::NothingSubmitted,
            _ => message(&client.show(&flow).await),
        },
        410 if json => {
            let new = answer.at("/use_flow_id").as_str().unwrap().to_owned();
            assert_eq!(answer.at("/error/id"), "self_service_flow_expired", "{row:?}");
            replaced(row, client, &flow, &new).await
        }
        403 if json && answer.at("/error/id") == "security_csrf_violation" => Expected::Csrf,
        404 if json => Expected::Disabled,
        303 if !json && answer.location().contains("/sign-up") => {
            replaced(row, client, &flow, &answer.location_parameter("flow").unwrap()).await
        }
        303 if !json && answer.location().contains("/sorry") => {
            let id = answer.location_parameter("id").unwrap();
            match client.get_json(&format!("/self-service/errors?id={id}")).await.at("/error/code").as_u64() {
                Some(403) => Expected::Csrf,
                Some(404) => Expected::Disabled,
                code => panic!("{row:?}: {code:?}"),
            }
        }
        status => panic!("{row:?}: {status} {answer:?}"),
    }
}

fn message(page: &Reply) -> Expected {
    let at = |name: &str| page.messages_at(name);
    match [page.messages(), at("traits.email"), at("password")].concat()[..] {
        [4000007] => Expected::Taken,
        [only] => Expected::Message(only),
        ref all => panic!("{all:?}: {page:?}"),
    }
}

/// Compares the new flow: another one, which says why, and shows what a submission past the guard typed.
async fn replaced(row: &Row, client: &mut Client, old: &str, new: &str) -> Expected {
    assert_ne!(old, new, "{row:?}");
    if row.guard == Guard::Right {
        let page = client.show(new).await;
        assert_eq!((page.status(), page.messages()), (200, vec![4040001]), "{row:?}");
        assert_eq!(page.value_of("password"), Value::Null, "{row:?}");
    }
    Expected::Replaced
}

/// What there must be afterwards: nothing new but the replacement, and an error kept for a browser's error page.
fn changed(before: Rows, row: &Row, expected: Expected) -> Rows {
    let forwarded = row.kind == ClientKind::Browser && matches!(expected, Expected::Csrf | Expected::Disabled);
    let strangers = usize::from(matches!(row.guard, Guard::WrongToken | Guard::Stranger));
    Rows {
        flows: before.flows + strangers + usize::from(expected == Expected::Replaced),
        errors: before.errors + usize::from(forwarded),
        ..before
    }
}

/// Lets in who knows the word.
pub(super) struct Invitation;

#[async_trait::async_trait]
impl Method for Invitation {
    fn id(&self) -> MethodId {
        MethodId::new("invitation")
    }

    fn fields(&self, view: &View<'_>) -> Vec<Field> {
        let word = Field::input(Group::Other("invitation"), InputKind::Text, "word");
        if view.asks_credentials() { vec![word] } else { Vec::new() }
    }

    async fn submit(&self, cx: &Context<'_>, form: &Submission, _: &mut Slot<'_>) -> Result<Step, Stop> {
        Ok(Step::Register(Draft::new(cx.traits(form, &["word"])?)))
    }
}
