//! G3: every answer carries the headers that keep it out of caches, frames and other sites' pages, and says what it is.

use std::sync::Arc;

use http::{HeaderMap, Method as Verb, Request, Response};
use http_body_util::Full;
use serde_json::json;
use tower::{Layer, ServiceExt};
use tower_registration::host::HostErrorKind;
use tower_registration::methods::{Password, WhenAway};
use tower_registration::testing::{BASE_URL, Call, Client, ClientKind, Fault, Faults, Reply, When};

use super::answers::{Content, cases, prepare};
use super::site::{Site, choices, sign_up, site_behind};

/// The headers of every answer, and those that depend on the service.
const ALWAYS: [(&str, &str); 6] = [
    ("cache-control", "private, no-cache, no-store, must-revalidate"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"),
    ("vary", "Origin, Cookie, Accept"),
];
const OWNED: &str = "cross-origin-resource-policy";
const TRANSPORT: &str = "strict-transport-security";
const TWO_YEARS: &str = "max-age=63072000; includeSubDomains";

/// What an answer of this service carries besides.
#[derive(Clone, Copy, Debug)]
struct Own {
    resource_policy: &'static str,
    transport: Option<&'static str>,
}

const ON_HTTPS: Own = Own { resource_policy: "same-origin", transport: Some(TWO_YEARS) };

fn check(what: &str, headers: &HeaderMap, own: Own) {
    let values = |name: &str| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    for (name, value) in ALWAYS {
        assert_eq!(values(name), [value], "{what}: {name}");
    }
    assert_eq!(values(OWNED), [own.resource_policy], "{what}");
    assert_eq!(values(TRANSPORT), own.transport.into_iter().collect::<Vec<_>>(), "{what}");
    assert!(!headers.contains_key("x-xss-protection"), "{what}");
}

/// Sends every request of the sweep and checks what comes back; says which statuses were seen.
async fn sweep(site: &Site, own: Own) -> Vec<u16> {
    let prepared = prepare(site).await;
    let mut seen = Vec::new();
    for case in cases(&prepared) {
        let reply = prepared.send(&case).await;
        assert_eq!(reply.status(), case.status, "{}: {reply:?}", case.what);
        check(case.what, reply.headers(), own);
        assert_eq!(reply.header("content-type"), case.content.as_str(), "{}: {reply:?}", case.what);
        assert_eq!(reply.headers().contains_key("retry-after"), reply.status() == 503, "{}", case.what);
        assert_eq!(reply.headers().contains_key("ory-error-id"), case.content == Content::Error, "{}", case.what);
        seen.push(reply.status());
    }
    seen.sort_unstable();
    seen.dedup();
    seen
}

const SWEPT: [u16; 13] = [200, 302, 303, 307, 400, 401, 403, 404, 405, 410, 413, 415, 500];

#[tokio::test]
async fn g3_every_answer_of_an_https_service_carries_the_headers() {
    assert_eq!(sweep(&Site::new(), ON_HTTPS).await, SWEPT);
}

#[tokio::test]
async fn g3_every_answer_of_a_service_for_other_origins_may_be_read_by_the_same_site() {
    let site = Site::with(|builder, _| builder.cors_origin("https://spa.example.org"));

    assert_eq!(sweep(&site, Own { resource_policy: "same-site", ..ON_HTTPS }).await, SWEPT);
}

#[tokio::test]
async fn g3_a_service_on_plain_http_does_not_speak_of_transport() {
    let site = Site::at("http://127.0.0.1:4433/auth", |builder, _| builder);

    assert_eq!(sweep(&site, Own { transport: None, ..ON_HTTPS }).await, SWEPT);
}

#[tokio::test]
async fn g3_a_host_that_speaks_of_transport_itself_is_left_alone() {
    let site = Site::with(|builder, _| builder.host_sets_hsts());

    assert_eq!(sweep(&site, Own { transport: None, ..ON_HTTPS }).await, SWEPT);
}

/// A service whose storage is away, with a flow that was opened before.
async fn away(kind: ClientKind) -> (Site, Client, Reply) {
    let plan = Faults::new();
    let site = site_behind(&plan);
    let mut client = site.client(kind);
    let page = client.open().await;
    plan.set(&[(When::Always(Call::Begin), Fault::Before(HostErrorKind::Unavailable))]);
    (site, client, page)
}

fn seconds(reply: &Reply) -> u32 {
    reply.header("retry-after").parse().unwrap_or_default()
}

#[tokio::test]
async fn g3_an_answer_in_bad_times_says_when_to_come_back() {
    for kind in [ClientKind::Native, ClientKind::Spa] {
        let (_, mut client, page) = away(kind).await;

        let reply = client.submit(&page, sign_up("ada@example.org")).await;

        assert_eq!((reply.status(), reply.at("/error/code")), (503, json!(503)), "{kind:?} {reply:?}");
        assert_eq!(reply.header("content-type"), Content::Error.as_str());
        assert!((1..=30).contains(&seconds(&reply)), "{reply:?}");
        check("503", reply.headers(), ON_HTTPS);
    }
}

#[tokio::test]
async fn g3_a_form_in_bad_times_is_answered_by_a_page_and_no_row_is_written() {
    let (site, mut browser, page) = away(ClientKind::Browser).await;
    let before = site.rows();

    let reply = browser.submit(&page, sign_up("ada@example.org")).await;

    assert_eq!((reply.status(), reply.header("content-type")), (503, Content::Html.as_str()), "{reply:?}");
    assert!((1..=30).contains(&seconds(&reply)), "{reply:?}");
    check("503 as a page", reply.headers(), ON_HTTPS);
    assert_eq!(site.rows().errors, before.errors);
}

#[tokio::test]
async fn g3_a_navigation_in_bad_times_writes_no_row() {
    let plan = Faults::new();
    plan.set(&[(When::First(Call::Put, 1), Fault::Before(HostErrorKind::Unavailable))]);
    let site = site_behind(&plan);

    let reply = site.browser().get("/self-service/registration/browser").await;

    assert_eq!(reply.status(), 503, "{reply:?}");
    assert!((1..=30).contains(&seconds(&reply)), "{reply:?}");
    assert_eq!(site.rows().errors, 0);
}

/// A list of leaked passwords that cannot be asked.
struct Unreachable;

#[async_trait::async_trait]
impl tower_registration::host::BreachList for Unreachable {
    async fn count(&self, _: &secrecy::SecretString) -> Result<u64, tower_registration::host::HostError> {
        Err(tower_registration::host::HostError::unavailable("no route"))
    }
}

#[tokio::test]
async fn g3_the_trouble_of_somebody_else_is_told_with_the_headers_too() {
    let memory = tower_registration::memory::Memory::new();
    let method = Password::new().breach_list(Unreachable, 0, WhenAway::Refuse);
    let builder = choices(BASE_URL).storage(memory.clone()).identities(memory).method(method);
    let mut native = Client::new(builder.build().unwrap(), "/auth", ClientKind::Native);
    let page = native.open().await;

    let reply = native.submit(&page, sign_up("ada@example.org")).await;

    assert_eq!((reply.status(), reply.header("content-type")), (502, Content::Error.as_str()), "{reply:?}");
    check("502", reply.headers(), ON_HTTPS);
}

#[tokio::test]
async fn g3_the_answers_of_the_host_stay_as_the_host_gave_them() {
    let hosts = tower::service_fn(|_: Request<Full<bytes::Bytes>>| async {
        let response = Response::builder().header("cache-control", "public").body(Full::<bytes::Bytes>::default());
        Ok::<_, std::convert::Infallible>(response.unwrap())
    });
    let service = Site::new().registration.layer().layer(hosts);
    let get = |path: &str| Request::builder().uri(path).body(Full::default()).unwrap();

    let host = service.clone().oneshot(get("/auth/self-service/other")).await.unwrap();
    let own = service.oneshot(get("/auth/sessions/whoami")).await.unwrap();

    assert_eq!(host.headers().len(), 1);
    assert_eq!(host.headers()["cache-control"], "public");
    check("whoami behind the layer", own.headers(), ON_HTTPS);
}

#[tokio::test]
async fn g3_an_answer_to_head_has_the_headers_of_the_answer_to_get() {
    let site = Arc::new(Site::new());
    for path in ["/sessions/whoami", "/schemas", "/schemas/person", "/nowhere", "/self-service/errors?id=stub:500"] {
        let mut native = site.native();
        let got = native.get(path).await;

        let head = native.send(Verb::HEAD, path, None, "application/json").await;

        assert_eq!((head.status(), head.body().len()), (got.status(), 0), "{path}");
        check(path, head.headers(), ON_HTTPS);
        assert_eq!(head.header("content-type"), got.header("content-type"), "{path}");
    }
}
