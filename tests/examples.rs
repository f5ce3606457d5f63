//! Every program in `examples/` starts and does its job.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "peers/postgres.rs"]
mod server;

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
        self.send(
            request.header(header::CONTENT_TYPE, kind).header(header::ACCEPT, kind).body(Full::from(body)).unwrap(),
        )
        .await
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

    /// The first code that the development courier printed.
    async fn printed_code(&self) -> String {
        let code = async {
            loop {
                let log = self.log.lock().unwrap().clone();
                if let Some(code) = log.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6) {
                    return code.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), code).await.unwrap()
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
async fn quickstart_shows_pages_signs_people_up_and_prints_their_codes() {
    let program = Program::start("quickstart", &["127.0.0.1:0"]);

    let (first, _) = program.get("/auth/registration").await;
    let (last, page) = program.get("/auth/registered").await;
    let (status, answer) = program.sign_up("/auth", "ada@example.org").await;
    let _ = program.printed_code().await;

    assert_eq!((first.as_u16(), last.as_u16()), (303, 200));
    assert!(page.contains("You are signed up"));
    assert_eq!(status, 200, "{answer}");
    assert!(answer["session_token"].as_str().unwrap().starts_with("ory_st_"));
    assert!(program.get("/").await.1.starts_with("<p>1 people have signed up."));
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
    answer["code"] = program.printed_code().await.into();
    let (done, _) = program.post(&path, "application/json", answer.to_string()).await;

    assert_eq!((sent.as_u16(), done.as_u16()), (400, 200));
    let interrupted = Command::new("kill").args(["-INT", &program.child.id().to_string()]).status().unwrap();
    assert!(interrupted.success() && program.child.wait().unwrap().success());
}

/// What becomes of the buttons is seen in `tests/browser`.
#[tokio::test]
async fn passkey_shows_a_page_with_the_script_of_the_library_and_nothing_inline() {
    let program = Program::start("passkey", &["127.0.0.1:0"]);
    let (led, _) = program.get("/auth/registration").await;
    let (_, flow) = program.get("/auth/self-service/registration/api").await;
    let flow: Value = serde_json::from_str(&flow).unwrap();
    let (served, script) = program.get("/auth/.well-known/ory/webauthn.js").await;

    assert!(program.site.starts_with("http://localhost:"));
    assert_eq!((led.as_u16(), served.as_u16()), (303, 200));
    assert!(flow["ui"]["nodes"].to_string().contains("oryPasskeyRegistration"), "{flow}");
    assert!(script.contains("oryWebAuthnInitialized"));
}

#[tokio::test]
async fn one_time_codes_prove_the_address_of_somebody_with_a_password() {
    let program = Program::start("one_time_codes", &["127.0.0.1:0"]);
    let (_, answer) = program.sign_up("/auth", "ada@example.org").await;
    let flow = answer["continue_with"].as_array().unwrap().iter().find_map(|next| next["flow"]["id"].as_str());
    let path = format!("/auth/self-service/verification?flow={}", flow.unwrap());
    let token = answer["session_token"].as_str().unwrap().to_owned();
    assert_eq!(answer["identity"]["verifiable_addresses"][0]["verified"], false, "{answer}");

    let code = json!({ "method": "code", "code": program.printed_code().await });
    let (status, _) = program.post(&path, "application/json", code.to_string()).await;
    let whoami = Request::get(format!("{}/auth/sessions/whoami", program.site)).header("x-session-token", token);
    let (_, session) = program.send(whoami.body(Full::default()).unwrap()).await;

    let session: Value = serde_json::from_str(&session).unwrap();
    assert_eq!(status, 200);
    assert_eq!(session["identity"]["verifiable_addresses"][0]["verified"], true, "{session}");
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

/// Breaks the host's account and then its user: whatever fails, nothing is there, and the same flow works afterwards.
async fn all_or_nothing(dsn: &str, execute: impl AsyncFn(&'static str)) {
    let program = Program::start("shared_database", &[dsn, "127.0.0.1:0"]);
    let (_, flow) = program.get("/auth/self-service/registration/api").await;
    let flow: Value = serde_json::from_str(&flow).unwrap();
    let path = format!("/auth/self-service/registration?flow={}", flow["id"].as_str().unwrap());
    let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" } });
    let submit = || program.post(&path, "application/json", answer.to_string());
    let mut seen = Vec::new();

    for (away, back) in [
        ("ALTER TABLE accounts RENAME TO broken", "ALTER TABLE broken RENAME TO accounts"),
        (
            "ALTER TABLE users RENAME COLUMN password_hash TO broken",
            "ALTER TABLE users RENAME COLUMN broken TO password_hash",
        ),
    ] {
        execute(away).await;
        let (status, _) = submit().await;
        execute(back).await;
        seen.push((status.as_u16(), program.get("/").await.1));
    }
    let (status, done) = submit().await;
    seen.push((status.as_u16(), program.get("/").await.1));
    let (again, taken) = program.sign_up("/auth", "ada@example.org").await;

    let nothing = "0 users, 0 accounts\n".to_owned();
    // A native flow is told of inner trouble by 400 on the wire.
    assert_eq!(seen[..2], [(400, nothing.clone()), (400, nothing)]);
    assert_eq!(seen[2], (200, "1 users, 1 accounts\n".to_owned()), "{done}");
    assert_eq!((again.as_u16(), &taken["ui"]["messages"][0]["id"]), (400, &json!(4000007)));
}

#[tokio::test]
async fn shared_database_writes_all_or_nothing_into_sqlite() {
    let folder = std::env::temp_dir().join(format!("tower-registration-shared-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("app.db");

    all_or_nothing(&format!("sqlite://{}", file.display()), async |statement| {
        let pool = sqlx::SqlitePool::connect_with(tower_registration::sqlite::options(&file)).await.unwrap();
        sqlx::query(statement).execute(&pool).await.unwrap();
        pool.close().await;
    })
    .await;

    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn shared_database_writes_all_or_nothing_into_postgres() {
    let dsn = server::server().dsn();
    let pool = sqlx::PgPool::connect(&dsn).await.unwrap();

    all_or_nothing(&dsn, async |statement| {
        sqlx::query(statement).execute(&pool).await.unwrap();
    })
    .await;
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

/// Signs one person up twice, with the program started anew in between.
async fn stays_signed_up(name: &str, dsn: &str) {
    let file = configuration(name, |_| {});
    let arguments = ["--config", file.to_str().unwrap(), "--dsn", dsn];
    let program = Program::start("drop_in", &arguments);
    let (first, answer) = program.sign_up("", "ada@example.org").await;
    drop(program);

    let program = Program::start("drop_in", &arguments);
    let (second, taken) = program.sign_up("", "ada@example.org").await;

    assert_eq!((first.as_u16(), second.as_u16()), (200, 400), "{answer}");
    assert_eq!(taken["ui"]["messages"][0]["id"], 4000007);
    std::fs::remove_file(file).unwrap();
}

/// Ten programs that start at once on an empty database are one service: a flow of the first is submitted to all of them
/// at the same time, and one of them makes the identity.
async fn ten_are_one(name: &str, dsn: &str) {
    let file = configuration(name, |_| {});
    let start = || {
        let (file, dsn) = (file.to_str().unwrap().to_owned(), dsn.to_owned());
        std::thread::spawn(move || Program::start("drop_in", &["--config", &file, "--dsn", &dsn]))
    };
    let starting: Vec<_> = (0..10).map(|_| start()).collect();
    let programs: Vec<Program> = starting.into_iter().map(|program| program.join().unwrap()).collect();
    let (_, flow) = programs[0].get("/self-service/registration/api").await;
    let flow: Value = serde_json::from_str(&flow).unwrap();
    let path = format!("/self-service/registration?flow={}", flow["id"].as_str().unwrap());
    let answer = json!({ "method": "password", "password": "correct horse", "traits": { "email": "ada@example.org" } });

    let mut submits = tokio::task::JoinSet::new();
    for program in programs {
        let (path, answer) = (path.clone(), answer.to_string());
        submits.spawn(async move { program.post(&path, "application/json", answer).await });
    }
    let answers = submits.join_all().await;

    let taken = |body: &str| serde_json::from_str::<Value>(body).unwrap()["ui"]["messages"][0]["id"] == 4000007;
    let outcome = |(status, body): &(StatusCode, String)| match status.as_u16() {
        200 => "made",
        400 if taken(body) => "taken",
        // Too many wrote into the one flow at the same time.
        503 => "come again",
        _ => "wrong",
    };
    let outcomes: Vec<&str> = answers.iter().map(outcome).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "made").count(), 1, "{outcomes:?}");
    assert!(!outcomes.contains(&"wrong"), "{outcomes:?}");
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn ten_programs_that_start_at_once_are_one_service_on_sqlite() {
    let folder = std::env::temp_dir().join(format!("tower-registration-ten-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();

    ten_are_one("ten-sqlite", &format!("sqlite://{}", folder.join("registration.db").display())).await;

    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn ten_programs_that_start_at_once_are_one_service_on_postgres() {
    let dsn = server::server().dsn();
    let pool = sqlx::PgPool::connect(&dsn).await.unwrap();
    // A database of its own: the tables are in its public schema.
    sqlx::query("CREATE DATABASE ten").execute(&pool).await.unwrap();

    ten_are_one("ten-postgres", &dsn.replace("/postgres?", "/ten?")).await;
}

#[tokio::test]
async fn drop_in_keeps_people_in_a_sqlite_file() {
    let file = std::env::temp_dir().join(format!("tower-registration-drop-in-{}.db", std::process::id()));

    stays_signed_up("sqlite", &format!("sqlite://{}?_fk=true", file.display())).await;

    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
}

#[tokio::test]
async fn drop_in_keeps_people_in_postgres() {
    stays_signed_up("postgres", &server::server().dsn()).await;
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
