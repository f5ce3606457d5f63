//! One Chromium for all tests, driven over WebDriver: JSON over HTTP, as the W3C describes it.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

/// The name that WebDriver gives to an element in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Names of this machine and nothing else: no test leaves it.
const LOCAL: &str = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1";
const PATIENCE: Duration = Duration::from_secs(20);

/// The browser of this run: tests take turns.
static BROWSER: LazyLock<Mutex<Option<Session>>> = LazyLock::new(|| Mutex::new(None));

/// A session of the driver. The process ends with the test program: its standard input is then closed.
#[derive(Debug)]
struct Session {
    url: String,
    _driver: Child,
}

/// The browser, fresh for one test: no cookies, one window, nothing emulated.
pub(crate) struct Browser {
    url: String,
    _turn: MutexGuard<'static, Option<Session>>,
}

/// An element of the page.
#[derive(Clone, Debug)]
pub(crate) struct Element(String);

impl Browser {
    /// Waits for the turn of this test. Without the programs the test fails where they are asked for, and says so
    /// elsewhere.
    pub(crate) async fn take() -> Option<Self> {
        let mut turn = BROWSER.lock().await;
        if turn.is_none() {
            *turn = start().await;
        }
        let url = turn.as_ref()?.url.clone();
        let browser = Self { url, _turn: turn };
        browser.refresh_all().await;
        Some(browser)
    }

    async fn refresh_all(&self) {
        let windows = self.ask(Method::GET, "/window/handles", Value::Null).await;
        for window in windows.as_array().into_iter().flatten().skip(1) {
            self.switch(window.as_str().unwrap()).await;
            self.ask(Method::DELETE, "/window", Value::Null).await;
        }
        self.switch(windows[0].as_str().unwrap()).await;
        self.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": false })).await;
        self.cdp("Emulation.setEmulatedMedia", json!({ "media": "", "features": [] })).await;
        self.cdp("Network.clearBrowserCookies", json!({})).await;
        self.size(1024, 900).await;
        self.language("en").await;
        self.go("about:blank").await;
        let _ = self.log().await;
    }

    pub(crate) async fn go(&self, url: &str) {
        self.ask(Method::POST, "/url", json!({ "url": url })).await;
    }

    /// Opens an address that need not answer; what the driver said.
    pub(crate) async fn try_go(&self, url: &str) -> Result<Value, Value> {
        self.command(Method::POST, "/url", json!({ "url": url })).await
    }

    pub(crate) async fn url(&self) -> String {
        self.ask(Method::GET, "/url", Value::Null).await.as_str().unwrap().to_owned()
    }

    /// Waits for a page whose address ends like this.
    pub(crate) async fn comes_to(&self, end: &str) {
        let begun = Instant::now();
        while !self.url().await.ends_with(end) {
            assert!(begun.elapsed() < PATIENCE, "not at {end} but at {}", self.url().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn title(&self) -> String {
        self.ask(Method::GET, "/title", Value::Null).await.as_str().unwrap().to_owned()
    }

    pub(crate) async fn back(&self) {
        self.ask(Method::POST, "/back", json!({})).await;
    }

    pub(crate) async fn reload(&self) {
        self.ask(Method::POST, "/refresh", json!({})).await;
    }

    /// Opens a second tab; where the first is.
    pub(crate) async fn open_tab(&self) -> String {
        let first = self.ask(Method::GET, "/window", Value::Null).await.as_str().unwrap().to_owned();
        let second = self.ask(Method::POST, "/window/new", json!({ "type": "tab" })).await;
        self.switch(second["handle"].as_str().unwrap()).await;
        first
    }

    pub(crate) async fn switch(&self, window: &str) {
        self.ask(Method::POST, "/window", json!({ "handle": window })).await;
    }

    /// The first element for a selector, once it is there.
    pub(crate) async fn find(&self, css: &str) -> Element {
        let begun = Instant::now();
        loop {
            if let Some(element) = self.all(css).await.into_iter().next() {
                return element;
            }
            assert!(begun.elapsed() < PATIENCE, "no {css} at {}\n{}", self.url().await, self.source().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn all(&self, css: &str) -> Vec<Element> {
        let query = json!({ "using": "css selector", "value": css });
        let found = self.ask(Method::POST, "/elements", query).await;
        let id = |element: &Value| Element(element[ELEMENT].as_str().unwrap().to_owned());
        found.as_array().unwrap().iter().map(id).collect()
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        let element = self.find(css).await;
        let text = self.ask(Method::GET, &format!("/element/{}/text", element.0), Value::Null).await;
        text.as_str().unwrap().to_owned()
    }

    /// Waits for a page whose first element for a selector says this. Pages may change while it looks.
    pub(crate) async fn shows(&self, css: &str, text: &str) {
        let begun = Instant::now();
        while self.says(css).await.as_deref() != Some(text) {
            assert!(begun.elapsed() < PATIENCE, "no \"{text}\" at {}\n{}", self.url().await, self.source().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the first element for a selector says, unless it is just going away.
    async fn says(&self, css: &str) -> Option<String> {
        let element = self.all(css).await.into_iter().next()?;
        let text = self.command(Method::GET, &format!("/element/{}/text", element.0), Value::Null).await;
        Some(text.ok()?.as_str()?.to_owned())
    }

    /// A property of the first element for a selector.
    pub(crate) async fn property(&self, css: &str, name: &str) -> Value {
        let element = self.find(css).await;
        self.ask(Method::GET, &format!("/element/{}/property/{name}", element.0), Value::Null).await
    }

    /// Types into a field, in place of what stands in it.
    pub(crate) async fn fill(&self, name: &str, text: &str) {
        let element = self.find(&format!("[name=\"{name}\"]:not([type=hidden])")).await;
        self.ask(Method::POST, &format!("/element/{}/clear", element.0), json!({})).await;
        self.ask(Method::POST, &format!("/element/{}/value", element.0), json!({ "text": text })).await;
    }

    pub(crate) async fn click(&self, css: &str) {
        let element = self.find(css).await;
        self.ask(Method::POST, &format!("/element/{}/click", element.0), json!({})).await;
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            let key = key.to_string();
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
        });
        let actions = json!([{ "type": "key", "id": "keyboard", "actions": strokes.collect::<Value>() }]);
        self.ask(Method::POST, "/actions", json!({ "actions": actions })).await;
    }

    /// What a script in the page returns.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.ask(Method::POST, "/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// What a script in the page gives to its last argument.
    pub(crate) async fn script_later(&self, script: &str) -> Value {
        self.ask(Method::POST, "/execute/async", json!({ "script": script, "args": [] })).await
    }

    /// A command of the DevTools protocol.
    pub(crate) async fn cdp(&self, command: &str, parameters: Value) -> Value {
        self.ask(Method::POST, "/goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// What the browser wrote to its console since the last time.
    pub(crate) async fn log(&self) -> Vec<String> {
        let entries = self.ask(Method::POST, "/se/log", json!({ "type": "browser" })).await;
        entries.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// The first line on the console that has one of these in it, once it is there.
    pub(crate) async fn complains(&self, any: &[&str]) -> String {
        let begun = Instant::now();
        loop {
            if let Some(line) = self.log().await.into_iter().find(|line| any.iter().any(|part| line.contains(part))) {
                return line;
            }
            assert!(begun.elapsed() < PATIENCE, "nothing of {any:?} on the console\n{}", self.source().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sets how large the page is shown, in CSS pixels.
    pub(crate) async fn size(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Sets the language that the browser asks for.
    pub(crate) async fn language(&self, code: &str) {
        let agent = self.cdp("Browser.getVersion", json!({})).await["userAgent"].clone();
        self.cdp("Network.setUserAgentOverride", json!({ "userAgent": agent, "acceptLanguage": code })).await;
    }

    /// Shows pages as somebody sees them who prefers the dark.
    pub(crate) async fn prefer_dark(&self) {
        let features = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
        self.cdp("Emulation.setEmulatedMedia", json!({ "media": "", "features": features })).await;
    }

    pub(crate) async fn disable_scripts(&self) {
        self.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    }

    /// A picture of what is shown, as PNG in Base64.
    pub(crate) async fn picture(&self) -> String {
        self.ask(Method::GET, "/screenshot", Value::Null).await.as_str().unwrap().to_owned()
    }

    pub(crate) async fn source(&self) -> String {
        self.ask(Method::GET, "/source", Value::Null).await.as_str().unwrap().to_owned()
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.command(method, path, body).await;
        answer.unwrap_or_else(|error| panic!("{path}: {} {}", error["error"], error["message"]))
    }

    async fn command(&self, method: Method, path: &str, body: Value) -> Result<Value, Value> {
        send(method, &format!("{}{path}", self.url), body).await
    }
}

async fn send(method: Method, url: &str, body: Value) -> Result<Value, Value> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = Request::builder().method(method).uri(url).header(header::CONTENT_TYPE, "application/json");
    let request = request.body(Full::<Bytes>::from(body)).unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(60), client.request(request)).await.unwrap().unwrap();
    let ok = answer.status().is_success();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let mut answer: Value = serde_json::from_slice(&body).unwrap();
    let value = answer["value"].take();
    if ok { Ok(value) } else { Err(value) }
}

/// Starts the driver, and the browser through it; nothing where a program is missing on a machine that need not have it.
async fn start() -> Option<Session> {
    // The driver and its browsers are a group of processes, which ends when nobody holds the pipe any more.
    let script = "command -v chromedriver >&2 || exit 1; chromedriver --port=0 & exec >&-; read -r _; kill -TERM 0";
    let mut driver = Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
    let port = lines.find_map(|line| {
        let port = line.split("successfully on port ").nth(1)?.trim_end_matches('.').to_owned();
        port.parse::<u16>().ok()
    });
    let Some(port) = port else {
        drop(driver.wait());
        missing("chromedriver");
        return None;
    };
    std::thread::spawn(move || lines.for_each(drop));
    let mut arguments = vec!["--headless=new", "--disable-gpu", "--hide-scrollbars", "--window-size=1024,900", LOCAL];
    // As root, Chromium does not run in its own sandbox; it visits nothing but these tests.
    arguments.extend(is_root().then_some("--no-sandbox"));
    let wanted = json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
        "timeouts": { "pageLoad": 20_000, "script": 20_000 },
    } } });
    let driver_url = format!("http://127.0.0.1:{port}");
    let session = send(Method::POST, &format!("{driver_url}/session"), wanted).await;
    let session = session.unwrap_or_else(|error| panic!("Chromium does not start: {}", error["message"]));
    let id = session["sessionId"].as_str().unwrap();
    Some(Session { url: format!("{driver_url}/session/{id}"), _driver: driver })
}

/// Something that the tests need is not there.
pub(crate) fn missing(what: &str) {
    let advice = format!("{what} is missing; `scripts/test` installs it");
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{advice}");
    eprintln!("NOT TESTED: {advice}");
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}
