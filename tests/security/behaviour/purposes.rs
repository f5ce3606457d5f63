//! E3, from outside: what was made for one purpose is nothing for another.

use serde_json::json;
use tower_registration::SessionSettings;
use tower_registration::host::Kind;
use tower_registration::testing::{Client, Reply};

use super::site::{Site, sign_up};

const SESSION: &str = "ory_kratos_session";

/// Everything that the service ever handed out, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    SessionToken,
    SessionCookie,
    CsrfCookie,
    CsrfToken,
    ExchangeCode,
    FlowId,
    IdentityId,
    SessionId,
    ErrorId,
}

/// Every place that takes one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    TokenHeader,
    Bearer,
    SessionCookie,
    CsrfCookie,
    CsrfField,
    CsrfHeader,
    InitCode,
    ReturnCode,
    FlowShown,
    FlowSubmitted,
    ErrorShown,
}

const MADE: [Made; 9] = [
    Made::SessionToken,
    Made::SessionCookie,
    Made::CsrfCookie,
    Made::CsrfToken,
    Made::ExchangeCode,
    Made::FlowId,
    Made::IdentityId,
    Made::SessionId,
    Made::ErrorId,
];
const PLACES: [Place; 11] = [
    Place::TokenHeader,
    Place::Bearer,
    Place::SessionCookie,
    Place::CsrfCookie,
    Place::CsrfField,
    Place::CsrfHeader,
    Place::InitCode,
    Place::ReturnCode,
    Place::FlowShown,
    Place::FlowSubmitted,
    Place::ErrorShown,
];

/// The pairs that belong together; the second half of an exchange is known to nobody yet.
const PAIRS: [(Made, Place); 9] = [
    (Made::SessionToken, Place::TokenHeader),
    (Made::SessionToken, Place::Bearer),
    (Made::SessionCookie, Place::SessionCookie),
    (Made::CsrfCookie, Place::CsrfCookie),
    (Made::CsrfToken, Place::CsrfField),
    (Made::CsrfToken, Place::CsrfHeader),
    (Made::FlowId, Place::FlowShown),
    (Made::FlowId, Place::FlowSubmitted),
    (Made::ErrorId, Place::ErrorShown),
];

/// A service, and one value of each kind that it made.
struct Collected {
    site: Site,
    /// A browser with an open flow, and its page.
    spa: Client,
    page: Reply,
    values: Vec<(Made, String)>,
}

impl Collected {
    async fn new() -> Self {
        let site = Site::new();
        let text = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        let mut native = site.native();
        let api = native.open_with("return_session_token_exchange_code=true").await;
        let signed_up = native.submit(&api, sign_up("ada@example.org")).await;
        let mut other = site.spa();
        let page = other.open().await;
        assert_eq!(other.submit(&page, sign_up("eve@example.org")).await.status(), 200);
        let mut browser = site.browser();
        let led = browser.get("/self-service/registration/browser?identity_schema=unknown").await;
        let mut spa = site.spa();
        let page = spa.open().await;
        let values = vec![
            (Made::SessionToken, text(signed_up.at("/session_token"))),
            (Made::SessionCookie, other.cookies()[SESSION].clone()),
            (Made::CsrfCookie, csrf(&mut spa).1),
            (Made::CsrfToken, text(page.value_of("csrf_token"))),
            (Made::ExchangeCode, text(api.at("/session_token_exchange_code"))),
            (Made::FlowId, page.flow_id().unwrap()),
            (Made::IdentityId, text(signed_up.at("/identity/id"))),
            (Made::SessionId, text(signed_up.at("/session/id"))),
            (Made::ErrorId, led.location_parameter("id").unwrap()),
        ];
        assert_eq!(site.memory.count(Kind::Error), 1);
        Self { site, spa, page, values }
    }

    /// Whether the place takes the value for its own.
    async fn takes(&self, place: Place, value: &str) -> bool {
        let whoami = |name: &'static str, value: String| async move {
            self.site.native().with_header(name, &value).get_json("/sessions/whoami").await.status() == 200
        };
        let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        match place {
            Place::TokenHeader => whoami("x-session-token", value.to_owned()).await,
            Place::Bearer => whoami("authorization", format!("Bearer {value}")).await,
            Place::SessionCookie => whoami("cookie", format!("{SESSION}={value}")).await,
            Place::CsrfCookie => self.submitted(Some(value), None).await.status() != 403,
            Place::CsrfField => self.submitted(None, Some(value)).await.status() != 403,
            Place::CsrfHeader => {
                let mut spa = self.spa.clone().with_header("x-csrf-token", value);
                spa.post_json("/self-service/registration/browser", &json!({})).await.status() == 405
            }
            Place::InitCode => {
                self.got(&format!("/sessions/token-exchange?init_code={encoded}&return_to_code=x")).await
            }
            Place::ReturnCode => {
                let init = &self.values.iter().find(|(made, _)| *made == Made::ExchangeCode).unwrap().1;
                self.got(&format!("/sessions/token-exchange?init_code={init}&return_to_code={encoded}")).await
            }
            Place::FlowShown => self.got(&format!("/self-service/registration/flows?id={encoded}")).await,
            Place::FlowSubmitted => {
                let path = format!("/self-service/registration?flow={encoded}");
                !matches!(self.spa.clone().post_json(&path, &json!({})).await.status(), 400 | 404)
            }
            Place::ErrorShown => self.got(&format!("/self-service/errors?id={encoded}")).await,
        }
    }

    async fn got(&self, path: &str) -> bool {
        !matches!(self.spa.clone().get_json(path).await.status(), 400 | 403 | 404)
    }

    /// Submits the open flow of the browser with this cookie or token in place of its own.
    async fn submitted(&self, cookie: Option<&str>, token: Option<&str>) -> Reply {
        let mut spa = self.spa.clone();
        let name = csrf(&mut spa).0;
        if let Some(cookie) = cookie {
            spa.cookies().insert(name, cookie.to_owned());
        }
        let mut answer = json!({ "method": "password", "traits": {} });
        if let Some(token) = token {
            answer["csrf_token"] = json!(token);
        }
        spa.submit(&self.page, answer).await
    }
}

fn csrf(client: &mut Client) -> (String, String) {
    let found = client.cookies().iter().find(|(name, _)| name.starts_with("csrf_token_")).unwrap();
    (found.0.clone(), found.1.clone())
}

#[tokio::test]
async fn e3_what_was_made_for_one_purpose_is_refused_for_every_other() {
    let collected = Collected::new().await;
    let mut pairs = 0;
    for (made, value) in &collected.values {
        for place in PLACES.into_iter().filter(|place| !PAIRS.contains(&(*made, *place))) {
            assert!(!collected.takes(place, value).await, "{made:?} was taken as {place:?}");
            pairs += 1;
        }
    }

    assert_eq!(collected.values.iter().map(|(made, _)| *made).collect::<Vec<_>>(), MADE);
    assert_eq!(pairs, MADE.len() * PLACES.len() - PAIRS.len());
    assert_eq!(collected.site.rows().identities, 2);
}

#[tokio::test]
async fn e3_what_was_made_for_a_purpose_is_taken_for_it() {
    let collected = Collected::new().await;
    for (made, place) in PAIRS {
        let value = &collected.values.iter().find(|(own, _)| *own == made).unwrap().1;
        assert!(collected.takes(place, value).await, "{made:?} was refused as {place:?}");
    }
}

#[tokio::test]
async fn e3_a_session_cookie_of_another_name_is_no_session() {
    let site = Site::new();
    let other = renamed(&site);
    let mut ada = site.spa();
    let page = ada.open().await;
    assert_eq!(ada.submit(&page, sign_up("ada@example.org")).await.status(), 200);
    let cookie = ada.cookies()[SESSION].clone();
    let mut eve = other.spa();
    let page = eve.open().await;
    assert_eq!(eve.submit(&page, sign_up("eve@example.org")).await.status(), 200);

    let presented = other.native().with_header("cookie", &format!("other={cookie}")).get_json("/sessions/whoami").await;
    let own = format!("other={}", eve.cookies()["other"]);
    let own = other.native().with_header("cookie", &own).get_json("/sessions/whoami").await;

    assert_eq!((presented.status(), own.status()), (401, 200));
}

/// A service with the same secret, the same storage and another name for its cookie.
fn renamed(site: &Site) -> Site {
    let settings = SessionSettings::new().cookie_name("other");
    let memory = site.memory.clone();
    Site::with(|builder, _| builder.storage(memory.clone()).identities(memory).session(settings))
}
