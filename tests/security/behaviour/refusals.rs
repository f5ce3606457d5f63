//! L2: thousands of refused submissions hash nothing, leave nothing running and nothing in memory.
//!
//! Threads, open files and resident memory are those of a process, so the test runs in one of its own.
#![cfg(target_os = "linux")]

use http::Method as Verb;
use serde_json::{Value, json};
use time::Duration;
use tower_registration::testing::{Client, Reply};

use super::alone::alone;
use super::site::{Site, sign_up};

const WARM_UP: usize = 1_000;
const REFUSALS: usize = 5_000;
const MOST_DRIFT_KIB: usize = 4 * 1_024;
#[test]
fn l2_refused_submissions_leave_nothing_behind() {
    alone(module_path!(), "l2_refused_submissions_leave_nothing_behind", || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(measure());
    });
}

/// What the process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    threads: usize,
    files: usize,
    tasks: usize,
}

fn held() -> Held {
    Held {
        threads: status("Threads:"),
        files: std::fs::read_dir("/proc/self/fd").unwrap().count(),
        tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
    }
}

/// A number from the process's own status.
fn status(name: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

async fn measure() {
    let site = Site::new();
    let crowd = Crowd::new(&site).await;
    for number in 0..WARM_UP {
        crowd.refuse(number).await;
    }
    let (before, memory, rows) = (held(), status("VmRSS:"), site.rows());

    for number in 0..REFUSALS {
        crowd.refuse(number).await;
    }

    let after = site.rows();
    let drift = status("VmRSS:").saturating_sub(memory);
    assert_eq!(held(), before);
    assert_eq!((after.hashes, after.identities, after.sessions), (1, 1, 1), "one sign-up came before");
    assert_eq!((after.errors, after.spent), (rows.errors, rows.spent));
    assert_eq!(after.flows - rows.flows, REFUSALS / WAYS, "only the replacements of an expired flow");
    assert!(drift <= MOST_DRIFT_KIB, "{drift} KiB more than before");
}

/// So many ways there are to be refused.
const WAYS: usize = 10;

/// People who are refused, each in a way of their own.
struct Crowd {
    native: Client,
    api: Reply,
    spa: Client,
    page: Reply,
    expired: Reply,
}

impl Crowd {
    /// Somebody is there already, one flow has expired, and two are open.
    async fn new(site: &Site) -> Self {
        let (mut native, mut spa) = (site.native(), site.spa());
        let first = native.open().await;
        assert_eq!(native.submit(&first, sign_up("known@example.org")).await.status(), 200);
        let expired = native.open().await;
        site.clock.advance(Duration::minutes(61));
        let (api, page) = (native.open().await, spa.open().await);
        Self { native, api, spa, page, expired }
    }

    /// Makes one of the submissions and compares its answer.
    async fn refuse(&self, number: usize) {
        let (mut native, mut spa) = (self.native.clone(), self.spa.clone());
        let answer = |email: &str, password: &str| json!({ "method": "password", "password": password, "traits": { "email": email } });
        let good = sign_up("ada@example.org");
        let path = format!("/self-service/registration?flow={}", self.api.flow_id().unwrap());
        let send = |kind: &'static str, body: String| (Verb::POST, Some((kind, body)));
        let (reply, status, told): (Reply, u16, Value) = match number % WAYS {
            0 => (native.submit(&self.api, answer("ada@example.org", "short")).await, 400, json!(4000032)),
            1 => (native.submit(&self.api, answer("nonsense", "correct horse")).await, 400, json!(4000040)),
            2 => (native.submit(&self.api, sign_up("known@example.org")).await, 400, json!(4000007)),
            3 => (native.submit(&self.api, json!({ "method": "x" })).await, 400, json!(4010003)),
            4 => (native.submit(&self.expired, good).await, 410, json!("self_service_flow_expired")),
            5 => (native.with_header("cookie", "a=b").submit(&self.api, good).await, 400, json!(4000001)),
            6 => (spa.post_json(&path_of(&self.page), &good).await, 403, json!("security_csrf_violation")),
            7 => {
                let mut foreign = spa.with_header("origin", "https://evil.example.com");
                (foreign.submit(&self.page, good).await, 403, json!("security_csrf_violation"))
            }
            8 => {
                let (verb, body) = send("application/json", "{".to_owned());
                (native.send(verb, &path, body, "application/json").await, 400, json!(4000001))
            }
            _ => {
                let (verb, body) = send("application/json", "x".repeat(70_000));
                (native.send(verb, &path, body, "application/json").await, 413, Value::Null)
            }
        };
        let numbers: Vec<Value> = [reply.messages(), reply.messages_at("traits.email"), reply.messages_at("password")]
            .concat()
            .into_iter()
            .map(Value::from)
            .collect();
        let id = reply.at("/error/id");
        assert_eq!((reply.status(), numbers.first().unwrap_or(&id)), (status, &told), "{}: {reply:?}", number % WAYS);
    }
}

fn path_of(page: &Reply) -> String {
    format!("/self-service/registration?flow={}", page.flow_id().unwrap())
}
