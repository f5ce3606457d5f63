//! F4, F5: an identifier has one form, which is found again by itself, and it is that form which counts.

use serde_json::json;
use tokio::runtime::Runtime;
use tower_registration::methods::{Code, Password};
use tower_registration::testing::{App, Client};
use tower_registration::{Schema, Style};

/// Plays an input of the fuzz target `email`: an address as it is typed.
pub(crate) struct Emails {
    runtime: Runtime,
    app: App,
    played: usize,
}

impl Emails {
    pub(crate) fn new() -> Self {
        Self { runtime: prepared(), app: app(), played: 0 }
    }

    /// Whether a letter goes there.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        let typed = String::from_utf8_lossy(input);
        let sent = self.runtime.block_on(leads_to_a_fixed_point(&self.app, &typed));
        self.played += 1;
        // An address gets so many letters and no more: the next input meets another service.
        if sent || self.played.is_multiple_of(500) {
            self.app = app();
        }
        sent
    }
}

/// Plays an input of the fuzz target `identifiers`: a letter for the kind, and two lines, each an identifier as it is
/// typed.
pub(crate) struct Identifiers(Runtime);

impl Identifiers {
    pub(crate) fn new() -> Self {
        Self(prepared())
    }

    /// Whether both are one.
    pub(crate) fn play(&mut self, input: &[u8]) -> bool {
        let text = String::from_utf8_lossy(input);
        let mut letters = text.chars();
        let kind = if letters.next() == Some('p') { Kind::Phone } else { Kind::Name };
        let (one, other) = letters.as_str().split_once('\n').unwrap_or((letters.as_str(), ""));
        self.0.block_on(are_one(kind, one, other))
    }
}

/// A runtime in a process that has read the number plans: where no schema asks for phone numbers, the first identifier that
/// begins with a plus does it.
fn prepared() -> Runtime {
    drop(Kind::Phone.app());
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// What names a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Phone,
}

impl Kind {
    /// A host where people sign up with it and a password.
    pub(super) fn app(self) -> App {
        let mark = json!({ "credentials": { "password": { "identifier": true } } });
        let mut name = json!({ "type": "string", "ory.sh/kratos": mark });
        if self == Self::Phone {
            name["format"] = "tel".into();
        }
        let traits = json!({ "type": "object", "properties": { "name": name } });
        let schema = json!({ "type": "object", "properties": { "traits": traits } });
        let schema = Schema::parse("person", &schema.to_string()).unwrap();
        let password = Password::new().allow_similar();
        App::bare(|builder| builder.schema(schema).method(password).style(Style::Unified)).unwrap()
    }
}

/// Signs up with this identifier: its canonical form, or nothing where it is refused.
pub(super) async fn sign_up(app: &App, kind: Kind, typed: &str) -> Option<String> {
    let known = app.identities().len();
    let mut client = app.native();
    let page = client.open().await;
    let answer = json!({ "method": "password", "password": "correct horse", "traits": { "name": typed } });
    let answer = client.submit(&page, answer).await;
    assert!(matches!(answer.status(), 200 | 400), "{kind:?} {typed:?}: {}", answer.json());
    if answer.status() != 200 {
        return None;
    }
    let people = app.identities();
    assert_eq!(people.len(), known + 1, "{kind:?} {typed:?}");
    let id = answer.at("/identity/id").as_str().unwrap().to_owned();
    let own = people.iter().find(|person| person.id().to_string() == id).unwrap();
    Some(app.memory().credentials(own.id())[0].identifiers()[0].clone())
}

/// Whether two spellings are one identifier: exactly then the second is refused where the first is known, and they have
/// one canonical form.
async fn are_one(kind: Kind, one: &str, other: &str) -> bool {
    let (app, apart) = (kind.app(), kind.app());
    let Some(canonical) = sign_up(&app, kind, one).await else { return false };
    let again = sign_up(&kind.app(), kind, &canonical).await;
    assert_eq!(again.as_ref(), Some(&canonical), "{kind:?} {one:?}");
    assert_eq!(sign_up(&app, kind, &canonical).await, None, "{kind:?} {one:?} and {canonical:?}");
    let Some(form) = sign_up(&apart, kind, other).await else { return false };
    let beside = sign_up(&app, kind, other).await;
    assert_eq!(beside.is_none(), form == canonical, "{kind:?} {one:?} and {other:?}: {canonical:?} and {form:?}");
    beside.is_none()
}

/// Whether an address gets a letter. Then it is sound, and so written finds itself.
pub(super) async fn leads_to_a_fixed_point(app: &App, typed: &str) -> bool {
    let mut client = app.native();
    let Some(to) = letter_to(app, &mut client, typed).await else { return false };
    assert!(is_sound(&to), "{typed:?} became {to:?}");
    let again = letter_to(app, &mut client, &to).await;
    assert_eq!(again.as_ref(), Some(&to), "{typed:?}");
    true
}

/// What a submission for this address came to: the address that the letter goes to.
pub(super) async fn letter_to(app: &App, client: &mut Client, typed: &str) -> Option<String> {
    let page = client.open().await;
    let sent = client.submit(&page, json!({ "method": "code", "traits": { "email": typed } })).await;
    assert!(sent.status() == 400, "{}", sent.status());
    assert!([1040005, 4000040, 4000001, 4000003, 4000017, 4000002, 0].contains(
        &sent.messages().first().copied().or(sent.messages_at("traits.email").first().copied()).unwrap_or_default()
    ));
    app.deliver().await.unwrap();
    let letters = app.mailbox().take();
    assert!(letters.len() <= 1);
    letters.first().map(|letter| letter.to().value().to_owned())
}

/// What every accepted address must be.
pub(super) fn is_sound(address: &str) -> bool {
    let quoted = address.starts_with('"');
    let forbidden = |c: char| c.is_control() || c.is_whitespace() && c != ' ' || !quoted && " ,;<>()".contains(c);
    !address.is_empty()
        && address.len() <= 254
        && (quoted || address.matches('@').count() == 1)
        && !address.chars().any(forbidden)
}

/// People sign up with one-time codes.
pub(super) fn app() -> App {
    App::with(|builder| builder.method(Code::new())).unwrap()
}
