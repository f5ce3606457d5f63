//! Every program in `examples/` starts and does its job.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// A program that runs until the test ends.
struct Program {
    child: Child,
    site: String,
    /// What it wrote to its standard error so far.
    log: Arc<Mutex<String>>,
}

impl Program {
    /// Starts an example and waits until it says where it listens.
    fn start(name: &str, arguments: &[&str]) -> Self {
        let own = std::env::current_exe().unwrap();
        let path = own.parent().and_then(|folder| folder.parent()).unwrap().join("examples").join(name);
        let mut command = Command::new(&path);
        let mut child =
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap_or_else(|error| {
                panic!("{} could not be started: {error}", path.display());
            });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let listening = lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned)).unwrap();
        // What it prints from now on is read away, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let log: Arc<Mutex<String>> = Arc::default();
        let (kept, errors) = (Arc::clone(&log), BufReader::new(child.stderr.take().unwrap()));
        std::thread::spawn(move || {
            errors.lines().map_while(Result::ok).for_each(|line| *kept.lock().unwrap() += &format!("{line}\n"));
        });
        let site = if listening.starts_with("http") { listening } else { format!("http://{listening}") };
        Self { child, site, log }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        self.send(Request::get(format!("{}{path}", self.site)).body(Full::default()).unwrap()).await
    }

    async fn post(&self, path: &str, kind: &str, body: String) -> (StatusCode, String) {
        let request = Request::builder().method(Method::POST).uri(format!("{}{path}", self.site));
        self.send(request.header(header::CONTENT_TYPE, kind).body(Full::from(body)).unwrap()).await
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> (StatusCode, String) {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = tokio::time::timeout(Duration::from_secs(20), client.request(request)).await.unwrap().unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Where a URL leads.
    #[cfg(feature = "oidc")]
    async fn led(&self, url: &str) -> String {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(Request::get(url).body(Full::<Bytes>::default()).unwrap()).await.unwrap();
        let location = answer.headers().get(header::LOCATION).unwrap_or_else(|| panic!("{url}: {answer:?}"));
        location.to_str().unwrap().to_owned()
    }

    /// Signs somebody up with a password, natively.
    async fn sign_up(&self, prefix: &str, email: &str) -> (StatusCode, Value) {
        let (_, flow) = self.get(&format!("{prefix}/self-service/registration/api")).await;
        let flow: Value = serde_json::from_str(&flow).unwrap();
        let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": email } });
        let path = format!("{prefix}/self-service/registration?flow={}", flow["id"].as_str().unwrap());
        let (status, body) = self.post(&path, "application/json", answer.to_string()).await;
        (status, serde_json::from_str(&body).unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn quickstart_signs_people_up() {
    let program = Program::start("quickstart", &["127.0.0.1:0"]);

    let (status, answer) = program.sign_up("/auth", "ada@example.org").await;

    assert_eq!(status, 200, "{answer}");
    assert!(answer["session_token"].as_str().unwrap().starts_with("ory_st_"));
    assert_eq!(program.get("/").await.1, "1 people have signed up.\n");
}

#[cfg(feature = "oidc")]
#[tokio::test]
async fn social_signs_people_up_with_the_provider_next_door() {
    let program = Program::start("social", &["127.0.0.1:0"]);
    let begin = format!(
        "/auth/self-service/registration/api?return_session_token_exchange_code=true&return_to={}/done",
        program.site
    );
    let (_, flow) = program.get(&begin).await;
    let flow: Value = serde_json::from_str(&flow).unwrap();
    let path = format!("/auth/self-service/registration?flow={}", flow["id"].as_str().unwrap());

    let (status, leaves) = program.post(&path, "application/json", json!({ "provider": "local" }).to_string()).await;
    let leaves: Value = serde_json::from_str(&leaves).unwrap();
    let page = leaves["redirect_browser_to"].as_str().unwrap();
    let back = program.led(&page.replace("/idp/authorize?", "/idp/agree?")).await;
    let done = program.led(&back).await;
    let code = done.split_once("code=").unwrap().1;
    let init = flow["session_token_exchange_code"].as_str().unwrap();
    let exchange = format!("/auth/sessions/token-exchange?init_code={init}&return_to_code={code}");
    let (exchanged, session) = program.get(&exchange).await;

    assert_eq!((status, exchanged), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::OK), "{session}");
    assert!(session.contains("ada@example.org"));
    assert!(program.get("/").await.1.starts_with("1 people have signed up."));
}

#[tokio::test]
async fn hyper_plain_signs_people_up() {
    let program = Program::start("hyper_plain", &["127.0.0.1:0"]);

    let (status, answer) = program.sign_up("", "ada@example.org").await;

    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["identity"]["traits"]["email"], "ada@example.org");
}

#[tokio::test]
async fn one_time_codes_sign_people_up_and_end_in_good_order() {
    let mut program = Program::start("one_time_codes", &["127.0.0.1:0"]);
    let (_, flow) = program.get("/auth/self-service/registration/api").await;
    let flow: Value = serde_json::from_str(&flow).unwrap();
    let path = format!("/auth/self-service/registration?flow={}", flow["id"].as_str().unwrap());
    let mut answer = json!({ "method": "code", "traits": { "email": "ada@example.org" } });

    let (sent, _) = program.post(&path, "application/json", answer.to_string()).await;
    let code = loop {
        let log = program.log.lock().unwrap().clone();
        let words = log.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6).map(str::to_owned);
        if let Some(code) = words {
            break code;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    answer["code"] = code.into();
    let (done, _) = program.post(&path, "application/json", answer.to_string()).await;

    assert_eq!((sent.as_u16(), done.as_u16()), (400, 200));
    let interrupted = Command::new("kill").args(["-INT", &program.child.id().to_string()]).status().unwrap();
    assert!(interrupted.success() && program.child.wait().unwrap().success());
}

#[tokio::test]
async fn own_users_sign_in_with_what_they_signed_up_with() {
    let program = Program::start("own_users", &["127.0.0.1:0"]);
    let form = "application/x-www-form-urlencoded";

    let (first, _) = program.sign_up("", "Ada@example.org").await;
    let (second, taken) = program.sign_up("", "ada@example.org").await;
    let right = program.post("/sign-in", form, "email=ada@example.org&password=correct+horse".to_owned()).await;
    let wrong = program.post("/sign-in", form, "email=ada@example.org&password=correct+cow".to_owned()).await;

    assert_eq!((first.as_u16(), second.as_u16()), (200, 400));
    assert_eq!(taken["ui"]["messages"][0]["id"], 4000007);
    assert_eq!(right, (StatusCode::OK, "hello; your invoices: welcome: 0.00\n".to_owned()));
    assert_eq!(wrong.0, StatusCode::UNAUTHORIZED);
    assert_eq!(program.get("/").await.1, "the host's own page\n");
}

/// A configuration file of its own, so that two programs do not meet on one port.
fn configuration(name: &str, change: impl FnOnce(&mut Value)) -> std::path::PathBuf {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/configs/one-step.json");
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file["serve"]["public"]["port"] = json!(0);
    change(&mut file);
    let own = std::env::temp_dir().join(format!("tower-registration-{name}-{}.json", std::process::id()));
    std::fs::write(&own, file.to_string()).unwrap();
    own
}

#[tokio::test]
async fn drop_in_serves_a_configuration_file_below_a_prefix() {
    let file = configuration("prefix", |_| {});

    let program =
        Program::start("drop_in", &["--config", file.to_str().unwrap(), "--base-url", "http://127.0.0.1:4433/auth/"]);
    let (status, answer) = program.sign_up("/auth", "ada@example.org").await;

    assert_eq!(status, 200, "{answer}");
    let schema = answer["identity"]["schema_url"].as_str().unwrap();
    assert_eq!(schema, "http://127.0.0.1:4433/auth/schemas/ZGVmYXVsdA");
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn drop_in_answers_preflights_of_the_origins_in_the_file() {
    let file = configuration("cors", |file| {
        file["serve"]["public"]["cors"] = json!({ "enabled": true, "allowed_origins": ["https://app.example.org"] });
    });
    let program = Program::start("drop_in", &["--config", file.to_str().unwrap()]);
    let preflight = |origin: &str| {
        Request::builder()
            .method(Method::OPTIONS)
            .uri(format!("{}/self-service/registration/browser", program.site))
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
            .body(Full::<Bytes>::default())
            .unwrap()
    };
    let client = Client::builder(TokioExecutor::new()).build_http();

    let listed = client.request(preflight("https://app.example.org")).await.unwrap();
    let other = client.request(preflight("https://evil.example.com")).await.unwrap();

    assert_eq!(listed.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example.org");
    assert_eq!(listed.headers()[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    assert!(!other.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    std::fs::remove_file(file).unwrap();
}

#[test]
fn drop_in_says_what_is_wrong_with_a_file() {
    let file = configuration("wrong", |file| file["selfservice"]["methods"]["password"]["enabled"] = json!("yes"));
    let own = std::env::current_exe().unwrap();
    let path = own.parent().and_then(|folder| folder.parent()).unwrap().join("examples/drop_in");

    let mut child =
        Command::new(path).args(["--config", file.to_str().unwrap()]).stderr(Stdio::piped()).spawn().unwrap();
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();

    assert!(!child.wait().unwrap().success());
    assert!(error.contains("selfservice.methods.password.enabled"), "{error}");
    std::fs::remove_file(file).unwrap();
}
