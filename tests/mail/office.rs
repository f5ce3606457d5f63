//! A host whose letters are e-mails, and people who sign up with it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use time::Duration;
use tower_registration::host::{Courier, Model, Rendered, Templates, Undelivered};
use tower_registration::identity::Channel;
use tower_registration::methods::{Code, Password};
use tower_registration::smtp::{SmtpBuilder, SmtpCourier};
use tower_registration::testing::{App, Mailbox, Reply};
use tower_registration::{Builder, Schema, Style, Verification};

use super::peer::Peer;

pub(crate) const FROM: &str = "no-reply@example.org";
pub(crate) const VERIFY_UI: &str = "https://app.example.org/verify";

/// A courier to this server: in clear, and quick to lose its patience.
pub(crate) fn courier(peer: &Peer) -> SmtpBuilder {
    SmtpCourier::from_uri(&peer.uri(), FROM).unwrap().time_limit(Duration::seconds(5))
}

/// People sign up with one-time codes.
pub(crate) fn by_code(courier: impl Courier, choose: impl FnOnce(Builder) -> Builder) -> App {
    let mark = json!({ "credentials": { "code": { "identifier": true, "via": "email" } } });
    let schema = person(&json!({ "type": "string", "format": "email", "ory.sh/kratos": mark }));
    app(schema, |builder| choose(builder.method(Code::new()).courier(Channel::Email, courier)))
}

/// People sign up with a password, and prove their address afterwards.
pub(crate) fn by_password(courier: impl Courier, format: &str, verification: Verification) -> App {
    let mark = json!({ "credentials": { "password": { "identifier": true } }, "verification": { "via": "email" } });
    let schema = person(&json!({ "type": "string", "format": format, "ory.sh/kratos": mark }));
    app(schema, |builder| builder.method(Password::new()).verification(verification).courier(Channel::Email, courier))
}

fn app(schema: Schema, choose: impl FnOnce(Builder) -> Builder) -> App {
    App::bare(|builder| choose(builder.schema(schema).style(Style::Unified))).unwrap()
}

fn person(email: &Value) -> Schema {
    let name = json!({ "type": "string" });
    let traits = json!({ "type": "object", "properties": { "email": email, "name": name }, "required": ["email"] });
    let schema = json!({ "type": "object", "properties": { "traits": traits } });
    Schema::parse("person", &schema.to_string()).unwrap()
}

/// Asks for a code for this address.
pub(crate) async fn ask(app: &App, email: &str) -> Reply {
    let mut client = app.native();
    let page = client.open().await;
    client.submit(&page, json!({ "method": "code", "traits": { "email": email } })).await
}

/// Signs up with a password.
pub(crate) async fn sign_up(app: &App, email: &str) -> Reply {
    let mut client = app.native();
    let page = client.open().await;
    let traits = json!({ "email": email });
    client.submit(&page, json!({ "method": "password", "password": "correct horse", "traits": traits })).await
}

/// Letters to these addresses, not yet delivered by anybody.
pub(crate) async fn letters(addresses: &[&str]) -> Vec<Rendered> {
    let mailbox = Mailbox::new();
    let app = by_code(mailbox.clone(), |builder| builder);
    for address in addresses {
        assert_eq!(ask(&app, address).await.messages(), [1_040_005], "{address}");
        app.deliver().await.unwrap();
    }
    mailbox.letters()
}

/// One letter to Ada.
pub(crate) async fn letter() -> Rendered {
    letters(&["ada@example.org"]).await.remove(0)
}

/// Words every letter in the same way, whatever it is about.
#[derive(Clone, Default)]
pub(crate) struct Words {
    words: Arc<Mutex<(String, String, Option<String>)>>,
}

impl Words {
    pub(crate) fn set(&self, subject: &str, text: &str, html: Option<&str>) {
        *self.words.lock().unwrap() = (subject.to_owned(), text.to_owned(), html.map(str::to_owned));
    }
}

impl Templates for Words {
    fn render(&self, letter: &Model<'_>) -> Rendered {
        let (subject, text, html) = self.words.lock().unwrap().clone();
        let rendered = Rendered::new(letter, subject, text);
        match html {
            Some(html) => rendered.with_html(html),
            None => rendered,
        }
    }
}

/// What became of one try to deliver a letter.
#[derive(Clone, Debug)]
pub(crate) struct Try {
    pub(crate) letter: Rendered,
    /// Whether it failed for good, where it failed.
    pub(crate) failed: Option<bool>,
    /// The error as a log shows it.
    pub(crate) why: String,
}

/// Notes what another courier does.
#[derive(Clone)]
pub(crate) struct Noted<C> {
    courier: C,
    tries: Arc<Mutex<Vec<Try>>>,
}

impl<C> Noted<C> {
    pub(crate) fn new(courier: C) -> Self {
        Self { courier, tries: Arc::default() }
    }

    pub(crate) fn tries(&self) -> Vec<Try> {
        self.tries.lock().unwrap().clone()
    }
}

#[async_trait]
impl<C: Courier> Courier for Noted<C> {
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered> {
        let done = self.courier.deliver(letter).await;
        let failed = done.as_ref().err().map(Undelivered::is_for_good);
        let why = done.as_ref().err().map(told).unwrap_or_default();
        self.tries.lock().unwrap().push(Try { letter: letter.clone(), failed, why });
        done
    }
}

/// An error with everything that a log could show of it.
pub(crate) fn told(error: &Undelivered) -> String {
    let mut told = format!("{error:?} {error}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        told = format!("{told}: {error}");
        source = error.source();
    }
    told
}
