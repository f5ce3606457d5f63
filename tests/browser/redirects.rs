//! U3: the browser is the oracle. Whatever the service accepts as a return URL, Chromium ends at a listed place.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::routing::get;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_registration::methods::Password;
use tower_registration::testing::App;

use super::driver::Browser;

const KEPT: &str = include_str!("../security/corpus/redirects.json");
/// How many strings are put together anew, beside the kept ones.
const GENERATED: usize = 10_000;
/// How many of those that were accepted are followed for real; all of them are parsed by the browser.
const FOLLOWED: usize = 60;
/// In how many of those somebody signs up, to see what the service leads to.
const SIGNED_UP: usize = 500;

/// The places that are listed, as a browser names them: scheme, host with port, path.
fn is_listed(parts: &Value) -> bool {
    let text = |at: usize| parts[at].as_str().unwrap_or_default();
    let (scheme, host, path) = (text(0), text(1), text(2));
    let below = |path: &str, start: &str| path == start || path.starts_with(&format!("{start}/"));
    match (scheme, host) {
        ("https:", "www.example.org") => path.starts_with("/app/"),
        ("https:", "port.example.org:8443") => true,
        ("http:", "127.0.0.1:4455") => below(path, "/after"),
        ("https:", host) if host.ends_with(".wild.example.org") && host != ".wild.example.org" => below(path, "/in"),
        ("https:", "app.example.org") => below(path, "/auth/self-service"),
        ("myapp:", "callback") => true,
        _ => false,
    }
}

fn kept() -> Value {
    serde_json::from_str(KEPT).unwrap()
}

fn app(corpus: &Value) -> App {
    App::with(|builder| {
        let listed = corpus["listed"].as_array().unwrap().iter().map(|url| url.as_str().unwrap());
        let builder = listed.fold(builder, |builder, url| builder.allow_return_url(url));
        builder.default_return_url(corpus["default"].as_str().unwrap()).method(Password::new())
    })
    .unwrap()
}

/// Strings made of what return URLs are made of, in any order.
fn generated() -> Vec<String> {
    let parts = [
        "https:",
        "http:",
        "myapp:",
        "javascript:",
        "//",
        "/",
        "\\",
        "\\\\",
        "www.example.org",
        "www.example.org:443",
        "a.wild.example.org",
        "wild.example.org",
        "port.example.org:8443",
        "evil.com",
        "127.0.0.1:4455",
        "callback",
        "app",
        "/app/",
        "/in",
        "/after",
        "@",
        ":",
        "?",
        "#",
        ".",
        "..",
        "%2e",
        "%2f",
        "%5c",
        "%00",
        "\t",
        "\n",
        " ",
        "\u{3002}",
        "。",
        "\u{ff0f}",
        "\u{ff45}vil.com",
        "%",
        "[::1]",
        "user",
        "WWW.EXAMPLE.ORG",
    ];
    let strategy = proptest::collection::vec(proptest::sample::select(parts.to_vec()), 1..7);
    let likely = proptest::prop_oneof![
        1 => strategy.clone().prop_map(|parts| parts.concat()),
        2 => strategy.prop_map(|parts| format!("https://www.example.org/app/{}", parts.concat())),
        1 => proptest::collection::vec(proptest::sample::select(parts.to_vec()), 1..4)
            .prop_map(|parts| format!("{}://www.example.org/app/x", parts.concat())),
    ];
    let mut runner = TestRunner::deterministic();
    (0..GENERATED).map(|_| likely.new_tree(&mut runner).unwrap().current()).collect()
}

/// Whether a flow is begun with this return URL.
async fn is_accepted(app: &App, asked: &str) -> bool {
    let query: String = form_urlencoded::byte_serialize(asked.as_bytes()).collect();
    app.native().open_with(&format!("return_to={query}")).await.flow_id().is_some()
}

/// Signs somebody up who asked for this return URL: where they are led.
async fn led_to(app: &App, asked: &str, number: usize) -> String {
    let mut browser = app.browser();
    let query: String = form_urlencoded::byte_serialize(asked.as_bytes()).collect();
    let page = browser.open_with(&format!("return_to={query}")).await;
    let form = json!({ "method": "password", "password": "correct horse",
        "traits": { "email": format!("p{number}@example.org") } });
    let done = browser.submit(&page, form).await;
    assert_eq!(done.status(), 303, "{asked:?}: {:?}", done.json());
    done.location().to_owned()
}

/// Where the browser says that each string leads, from a page at the default return URL: scheme, host, path.
async fn parsed(browser: &Browser, strings: &[String], base: &str) -> Vec<Value> {
    let script = format!(
        "const base = document.createElement('base'); base.href = {}; document.head.append(base);
         const link = document.createElement('a');
         const parts = {}.map(text => {{ link.setAttribute('href', text); return [link.protocol, link.host, link.pathname]; }});
         base.remove(); return parts;",
        json!(base),
        json!(strings)
    );
    browser.script(&script).await.as_array().unwrap().clone()
}

/// A page of ours that leads on to wherever it is told.
async fn redirector() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let lead = async |uri: Uri| {
        let (_, to) = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, to.parse().unwrap());
        (StatusCode::SEE_OTHER, headers)
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(lead))).await });
    address
}

/// Where the browser ends when a page leads it there. Nobody listens at those hosts: the address is what counts.
async fn followed(browser: &Browser, redirector: &str, to: &str) -> Value {
    let query: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
    let _ = browser.try_go(&format!("{redirector}/?to={query}")).await;
    let url = browser.url().await;
    let url = url::Url::parse(&url).unwrap();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    json!([format!("{}:", url.scheme()), format!("{}{port}", url.host_str().unwrap_or_default()), url.path()])
}

#[tokio::test]
async fn u3_whatever_is_accepted_ends_at_a_listed_place() {
    let Some(browser) = Browser::take().await else { return };
    let corpus = kept();
    let app = app(&corpus);
    let base = corpus["default"].as_str().unwrap();
    let asked = corpus["cases"].as_array().unwrap().iter().filter_map(|case| case["asked"].as_str().map(str::to_owned));
    let asked: Vec<String> = asked.chain(generated()).collect();

    let mut accepted = Vec::new();
    for text in asked {
        if is_accepted(&app, &text).await {
            accepted.push(text);
        }
    }
    assert!(accepted.len() > 400, "{} accepted", accepted.len());
    let mut targets = Vec::new();
    for (number, text) in accepted.iter().step_by(accepted.len().div_ceil(SIGNED_UP)).enumerate() {
        targets.push(led_to(&app, text, number).await);
    }
    for strings in [&accepted, &targets] {
        let ends = parsed(&browser, strings, base).await;
        let escapes: Vec<_> = strings.iter().zip(&ends).filter(|(_, end)| !is_listed(end)).collect();
        assert!(escapes.is_empty(), "{escapes:?}");
    }
    let redirector = redirector().await;
    let on_the_web: Vec<&String> = targets.iter().filter(|target| target.starts_with("http")).collect();
    for target in on_the_web.iter().step_by(on_the_web.len().div_ceil(FOLLOWED)) {
        let end = followed(&browser, &redirector, target).await;
        assert!(is_listed(&end), "{target} ends at {end}");
    }
}

#[tokio::test]
async fn u3_the_oracle_notices_an_escape() {
    let Some(browser) = Browser::take().await else { return };
    let escapes =
        ["//evil.com/app/", "/\\evil.com", "https:\\\\evil.com", "/app/../x", "javascript:x", "/app/\t/../../x"];
    let escapes = escapes.map(str::to_owned);

    let ends = parsed(&browser, &escapes, "https://www.example.org/app/welcome").await;
    let end = followed(&browser, &redirector().await, "https://evil.com/app/").await;

    assert!(ends.iter().all(|end| !is_listed(end)), "{ends:?}");
    assert_eq!(end, json!(["https:", "evil.com", "/app/"]));
}
