//! X2: a page of another site makes the victim's browser do what the attacker wants.
//!
//! The service is at `id.site.localhost`; the attacker has a sibling, `evil.site.localhost`, which may plant cookies for
//! the whole site, and a foreign site, `evil.localhost`. The attacker knows the id of the victim's flow, and has a flow,
//! a cookie and a token of his own. In the end nobody is registered, no letter was written and no session handed out; and
//! the victim can still sign up.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::net::TcpListener;

use super::driver::Browser;
use super::site::{Site, with_codes};

/// What the attacker's page does. `SUBMIT` is the victim's form, `FIELDS` what the attacker would fill in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Attack {
    Form,
    FormPlain,
    FormMultipart,
    Fetch,
    FetchJson,
    Beacon,
    Image,
    Window,
    Frame,
    Redirect307,
    ServiceWorker,
    ForcedCode,
}

const ATTACKS: [Attack; 12] = [
    Attack::Form,
    Attack::FormPlain,
    Attack::FormMultipart,
    Attack::Fetch,
    Attack::FetchJson,
    Attack::Beacon,
    Attack::Image,
    Attack::Window,
    Attack::Frame,
    Attack::Redirect307,
    Attack::ServiceWorker,
    Attack::ForcedCode,
];

impl Attack {
    fn script(self) -> &'static str {
        match self {
            Self::Form | Self::ForcedCode => "post(SUBMIT, 'application/x-www-form-urlencoded', FIELDS)",
            Self::FormPlain => "post(SUBMIT, 'text/plain', { [JSON.stringify(NESTED).slice(0, -1) + ',\"x\":\"']: '\"}' })",
            Self::FormMultipart => "post(SUBMIT, 'multipart/form-data', FIELDS)",
            Self::Fetch => {
                "fetch(SUBMIT, { method: 'POST', mode: 'no-cors', credentials: 'include', body: new URLSearchParams(FIELDS) })"
            }
            Self::FetchJson => {
                "fetch(SUBMIT, { method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' },
                    body: JSON.stringify(NESTED) }).catch(() => {});
                 fetch(SUBMIT, { method: 'POST', mode: 'no-cors', credentials: 'include',
                    headers: { 'content-type': 'text/plain' }, body: JSON.stringify(NESTED) })"
            }
            Self::Beacon => {
                "navigator.sendBeacon(SUBMIT, new URLSearchParams(FIELDS));
                 navigator.sendBeacon(SUBMIT, new Blob([JSON.stringify(NESTED)], { type: 'text/plain' }))"
            }
            Self::Image => "new Image().src = SUBMIT + '&' + new URLSearchParams(FIELDS)",
            Self::Window => "open(SUBMIT + '&' + new URLSearchParams(FIELDS)) || location.assign(SUBMIT + '&' + new URLSearchParams(FIELDS))",
            Self::Frame => {
                "const frame = document.createElement('iframe'); frame.name = 'inside'; document.body.append(frame);
                 post(SUBMIT, 'application/x-www-form-urlencoded', FIELDS, 'inside');
                 const page = document.createElement('iframe'); page.src = PAGE; document.body.append(page)"
            }
            Self::Redirect307 => "post('/307?' + encodeURIComponent(SUBMIT), 'application/x-www-form-urlencoded', FIELDS)",
            Self::ServiceWorker => {
                "navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready).then(() => {
                    const claim = () => post('/worked?' + encodeURIComponent(SUBMIT), 'application/x-www-form-urlencoded', FIELDS);
                    navigator.serviceWorker.controller ? claim() : navigator.serviceWorker.addEventListener('controllerchange', claim) })"
            }
        }
    }

    /// Whether a request reaches the form's address: a page that did nothing would show nothing.
    fn reaches(self) -> &'static str {
        match self {
            Self::Image | Self::Window => "GET /auth/self-service/registration ",
            _ => "POST /auth/self-service/registration ",
        }
    }
}

pub(super) const HELPERS: &str = "
function post(to, kind, fields, target) {
    const form = document.createElement('form');
    form.method = 'post'; form.action = to; form.enctype = kind; if (target) form.target = target;
    for (const [name, value] of Object.entries(fields)) {
        const input = document.createElement('input'); input.type = 'hidden'; input.name = name; input.value = value; form.append(input);
    }
    document.body.append(form); form.submit();
}";

const WORKER: &str = "
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', event => {
    const url = new URL(event.request.url);
    if (url.pathname !== '/worked') return;
    event.respondWith(event.request.text().then(body => fetch(decodeURIComponent(url.search.slice(1)), { method: 'POST',
        mode: 'no-cors', credentials: 'include', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body })));
});";

/// A server of the attacker: one page under any name, a redirect that repeats a form, a worker.
pub(super) struct Evil {
    port: u16,
    page: Arc<std::sync::Mutex<String>>,
}

impl Evil {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let page: Arc<std::sync::Mutex<String>> = Arc::default();
        let shown = Arc::clone(&page);
        let app =
            Router::new().fallback(move |request: Request| async move { answer(&request, &shown.lock().unwrap()) });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { port, page }
    }

    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.port)
    }

    /// Has the browser visit this page, and waits until a request that begins like this has reached the service.
    pub(super) async fn lure(&self, browser: &Browser, site: &Site, host: &str, page: &str, reaches: &str) {
        page.clone_into(&mut self.page.lock().unwrap());
        site.asked.lock().unwrap().clear();
        browser.go(&self.url(host)).await;
        for _ in 0..600 {
            if site.asked.lock().unwrap().iter().any(|asked| asked.starts_with(reaches)) {
                tokio::time::sleep(Duration::from_millis(100)).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        panic!("{page} from {host} never reached the service: {:?}", site.asked.lock().unwrap());
    }
}

fn answer(request: &Request, page: &str) -> Response {
    match request.uri().path() {
        "/307" => {
            let to = request.uri().query().unwrap_or_default();
            let to = percent_encoding::percent_decode_str(to).decode_utf8_lossy().into_owned();
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response()
        }
        "/worker.js" => ([(header::CONTENT_TYPE, "text/javascript")], WORKER).into_response(),
        _ => Html(format!("<!doctype html><title>evil</title><body>{page}")).into_response(),
    }
}

/// A flow that the attacker began himself: its id, its token, and the cookie that belongs to it.
pub(super) struct Own {
    pub(super) flow: String,
    pub(super) token: String,
    pub(super) cookie: String,
}

pub(super) async fn attackers_own(site: &Site) -> Own {
    let get = async |url: String, cookie: &str| {
        // The machine's resolver need not know the names that the browser knows.
        let local = url.replace("id.site.localhost", "127.0.0.1");
        let request = http::Request::get(local).header(header::COOKIE, cookie).body(Full::<Bytes>::default()).unwrap();
        Client::builder(TokioExecutor::new()).build_http().request(request).await.unwrap()
    };
    let begun = get(format!("{}/self-service/registration/browser", site.base), "").await;
    let cookie = begun.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = begun.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let html = get(page.clone(), &cookie).await.into_body().collect().await.unwrap().to_bytes();
    let html = String::from_utf8(html.to_vec()).unwrap();
    let token = html.split("name=\"csrf_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let token = token.replace("&#x2f;", "/").replace("&amp;", "&");
    Own { flow: page.split("flow=").nth(1).unwrap().to_owned(), token, cookie }
}

async fn host() -> Site {
    Site::at("id.site.localhost", "/auth", |_, builder| with_codes(builder)).await
}

/// The attacker's page for this attack on this flow.
fn page(attack: Attack, site: &Site, flow: &str, own: &Own, plants: bool) -> String {
    let method = if attack == Attack::ForcedCode { "code" } else { "password" };
    let (email, password) = ("evil@example.org", "correct horse");
    let fields = json!({ "method": method, "csrf_token": own.token, "traits.email": email, "password": password });
    let nested =
        json!({ "method": method, "csrf_token": own.token, "traits": { "email": email }, "password": password });
    let submit = format!("{}/self-service/registration?flow={flow}", site.base);
    let plant = if plants {
        format!("document.cookie = '{}; Domain=site.localhost; Path=/';", own.cookie)
    } else {
        String::new()
    };
    format!(
        "<script>{HELPERS}{plant}
         const SUBMIT = {}, PAGE = {}, FIELDS = {fields}, NESTED = {nested};
         {}</script>",
        json!(submit),
        json!(format!("{}/registration?flow={flow}", site.base)),
        attack.script()
    )
}

/// Visits the attacker's page and waits until what it does has reached the service.
async fn lure(browser: &Browser, site: &Site, evil: &Evil, host: &str, attack: Attack, page: String) {
    evil.lure(browser, site, host, &page, attack.reaches()).await;
}

/// Nothing came of an attack.
pub(super) async fn nothing_happened(browser: &Browser, site: &Site, what: &str) {
    assert_eq!(site.people(), 0, "{what}: somebody was registered");
    assert_eq!(site.letters().await, 0, "{what}: a letter was written");
    let cookies = browser.cdp("Network.getCookies", json!({ "urls": [site.base] })).await;
    assert!(!cookies.to_string().contains("ory_kratos_session"), "{what}: a session was handed out");
}

pub(super) async fn victims_flow(browser: &Browser, site: &Site) -> String {
    site.open(browser).await;
    browser.url().await.split("flow=").nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn x2_no_page_of_another_site_submits_the_form_of_a_victim() {
    let Some(browser) = Browser::take().await else { return };
    let (site, evil) = (host().await, Evil::start().await);
    let own = attackers_own(&site).await;
    let flow = victims_flow(&browser, &site).await;
    for attack in ATTACKS {
        for host in ["evil.site.localhost", "evil.localhost"] {
            let page = page(attack, &site, &flow, &own, false);
            lure(&browser, &site, &evil, host, attack, page).await;
            nothing_happened(&browser, &site, &format!("{attack:?} from {host}")).await;
        }
    }

    browser.go(&format!("{}/registration?flow={flow}", site.base)).await;
    browser.fill("traits.email", "victim@example.org").await;
    browser.fill("password", "correct horse").await;
    browser.click("button[value=password]").await;
    browser.find("[name=code]").await;
    assert_eq!(site.people(), 1, "the victim can still sign up");
}

/// The attacker makes the victim complete a registration of the attacker's own: cookie, flow and token fit together.
#[tokio::test]
async fn x2_a_sibling_that_plants_cookies_completes_nothing_in_the_victims_browser() {
    let Some(browser) = Browser::take().await else { return };
    let (site, evil) = (host().await, Evil::start().await);
    let own = attackers_own(&site).await;
    for attack in ATTACKS {
        browser.cdp("Network.clearBrowserCookies", json!({})).await;
        let page = page(attack, &site, &own.flow, &own, true);
        lure(&browser, &site, &evil, "evil.site.localhost", attack, page).await;
        nothing_happened(&browser, &site, &format!("{attack:?} with a planted cookie")).await;
    }
}

/// A cookie planted beside the victim's own: nobody can say which is whose, so neither counts.
#[tokio::test]
async fn x2_a_second_cookie_of_the_same_name_opens_nothing() {
    let Some(browser) = Browser::take().await else { return };
    let (site, evil) = (host().await, Evil::start().await);
    let own = attackers_own(&site).await;
    let flow = victims_flow(&browser, &site).await;
    for target in [&flow, &own.flow] {
        let page = page(Attack::Form, &site, target, &own, true);
        lure(&browser, &site, &evil, "evil.site.localhost", Attack::Form, page).await;
        nothing_happened(&browser, &site, "two cookies").await;
    }
}

/// The same page does its harm where it stands on the service's own origin: the attacks would work if nothing stopped
/// them.
#[tokio::test]
async fn x2_the_attacks_would_work_from_the_same_origin() {
    let Some(browser) = Browser::take().await else { return };
    let site = host().await;
    site.open(&browser).await;
    let url = browser.url().await;
    let submit = url.replace("/registration?", "/self-service/registration?");
    let script = format!(
        "const token = document.querySelector('[name=csrf_token]').value;
         return fetch({}, {{ method: 'POST', body: new URLSearchParams({{ method: 'password', csrf_token: token,
            'traits.email': 'same@example.org', password: 'correct horse' }}) }}).then(answer => answer.status)",
        json!(submit)
    );

    browser.script(&script).await;

    assert_eq!(site.people(), 1);
}

#[tokio::test]
async fn x2_the_page_is_not_shown_inside_of_another() {
    let Some(browser) = Browser::take().await else { return };
    let (site, evil) = (host().await, Evil::start().await);
    let page = format!("<iframe name=inside src=\"{}/registration\"></iframe>", site.base);
    *evil.page.lock().unwrap() = page;

    browser.go(&evil.url("evil.site.localhost")).await;

    browser.complains(&["Refused to display", "frame-ancestors"]).await;
    assert!(site.asked.lock().unwrap().iter().any(|asked| asked.starts_with("GET /auth/registration")));
}
