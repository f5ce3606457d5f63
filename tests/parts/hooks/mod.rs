//! Web hooks over the network: services that are slow, refuse, answer garbage or far too much, send elsewhere, or are gone;
//! and hooks as configuration files describe them.

mod flood;
mod receiver;
#[cfg(feature = "sqlite")]
mod restart;
mod secrets;
mod templates;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use serde_json::{Value, json};
use tower_registration::fetch::Client;
use tower_registration::methods::Password;
use tower_registration::testing::{App, Reply};
use tower_registration::webhooks::{Webhook, WebhookBuilder, Webhooks};
use url::Url;

use crate::server::{Server, answer, drips, nobody, says};

/// The answer that somebody called Ada gives.
fn ada() -> Value {
    json!({ "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" } })
}

/// A client that calls this machine too.
fn client() -> Client {
    Client::builder().allow_private(true).build().unwrap()
}

fn hook(url: &Url) -> WebhookBuilder {
    Webhook::builder(client(), url.as_str())
}

fn app(hook: WebhookBuilder) -> App {
    let hooks = Webhooks::new().after_method("password", hook.build().unwrap());
    App::with(|builder| builder.method(Password::new()).hook(hooks)).unwrap()
}

async fn sign_up(app: &App) -> Reply {
    let mut client = app.native();
    let page = client.open().await;
    client.submit(&page, ada()).await
}

/// What a native client hears when it signs up with this hook, and whether there is an identity then.
async fn heard(hook: WebhookBuilder) -> (u16, Value, usize) {
    let app = app(hook);
    let reply = sign_up(&app).await;
    (reply.status(), reply.at("/error/code"), app.identities().len())
}

const INTERNAL: u16 = 400;

#[tokio::test]
async fn a_service_is_called_over_the_network() {
    let server = Server::start(|_, _| answer(200, r#"{"identity":{"external_id":"crm-1"}}"#)).await;
    let app = app(hook(&server.at("/people?list=1")).can_change());

    let done = sign_up(&app).await;

    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/people?list=1"));
    assert_eq!(asked.json()["identity"]["traits"]["email"], "ada@example.org");
    assert_eq!((done.status(), done.at("/identity/external_id")), (200, json!("crm-1")));
}

#[tokio::test]
async fn a_slow_service_is_waited_for_as_long_as_was_chosen() {
    let slow = drips(b"", Duration::from_millis(200)).await;
    let begun = Instant::now();

    let (status, code, identities) = heard(hook(&slow).can_refuse().time_limit(Duration::from_millis(50))).await;

    assert_eq!((status, code, identities), (502, json!(502), 0));
    let pauses = Duration::from_secs(3);
    assert!(begun.elapsed() >= pauses && begun.elapsed() < pauses + Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_answer_that_drips_is_no_answer() {
    let drips = drips(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", Duration::from_millis(20)).await;

    let decides = heard(hook(&drips).can_change().time_limit(Duration::from_millis(100))).await;
    let plain = heard(hook(&drips).time_limit(Duration::from_millis(800))).await;

    assert_eq!((decides.0, decides.2), (502, 0));
    assert_eq!((plain.0, plain.2), (200, 1), "its status counts");
}

#[tokio::test]
async fn a_service_that_is_gone_is_an_internal_error() {
    let gone = nobody().await;

    let decides = heard(hook(&gone).can_refuse()).await;
    let plain = heard(hook(&gone)).await;

    assert_eq!(decides, (INTERNAL, json!(500), 0));
    assert_eq!(plain, (INTERNAL, json!(500), 1));
}

#[tokio::test]
async fn garbage_is_an_internal_error() {
    for said in [&b"garbage\r\n\r\n"[..], b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
        let garbage = says(said).await;

        assert_eq!(heard(hook(&garbage).can_change()).await, (INTERNAL, json!(500), 0), "{said:?}");
    }
}

/// 100 MB, made while they are sent: so many pieces of blanks, and then what would count.
struct Huge(usize, &'static str);

impl http_body::Body for Huge {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        self.0 += 1;
        let piece = match self.0 {
            ..=1600 => &[b' '; 64 << 10],
            1601 => self.1.as_bytes(),
            _ => return Poll::Ready(None),
        };
        Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(piece)))))
    }
}

fn huge(last: &'static str) -> Body {
    Body::new(Huge(0, last))
}

#[tokio::test]
async fn a_hundred_megabytes_are_not_read() {
    let begun = Instant::now();
    for (status, last) in [(200, "{}"), (400, r#"{"messages":[{"messages":[]}]}"#)] {
        let server = Server::start(move |_, _| answer(status, huge(last))).await;

        let decides = heard(hook(&server.url).can_change()).await;

        assert_eq!((decides, server.asked().len()), ((INTERNAL, json!(500), 0), 1), "and it is not tried again");
    }
    let server = Server::start(move |_, _| answer(200, huge(""))).await;
    assert_eq!(heard(hook(&server.url)).await.0, 200);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = Server::start(|_, _| answer(400, "")).await;
    let to = target.url.to_string();
    let server = Server::start(move |_, _| {
        let mut redirect = answer(307, "");
        redirect.headers_mut().insert("location", to.parse().unwrap());
        redirect
    })
    .await;

    let heard = heard(hook(&server.url).can_change()).await;

    assert_eq!((heard.0, heard.2, target.connections()), (200, 1, 0));
}

#[tokio::test]
async fn private_addresses_are_refused_unless_they_are_allowed() {
    let server = Server::start(|_, _| answer(204, "")).await;
    let public_only = || Webhook::builder(Client::new().unwrap(), server.url.as_str());
    let allowed = Client::builder().allow_private_host("127.0.0.1").build().unwrap();

    let refused = heard(public_only().can_refuse()).await;
    let plain = heard(public_only()).await;
    assert_eq!((refused, plain, server.connections()), ((INTERNAL, json!(500), 0), (INTERNAL, json!(500), 1), 0));

    assert_eq!(heard(Webhook::builder(allowed, server.url.as_str())).await.0, 200);
    assert_eq!(server.connections(), 1);
}
