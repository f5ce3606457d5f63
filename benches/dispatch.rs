//! What letters cost: how fast queued e-mails go to a server on this machine, in how much memory; and what a
//! registration by code costs beside one by password.
//!
//! ```sh
//! cargo bench --features smtp --bench dispatch
//! ```
//!
//! The server is a process of its own that takes every letter and keeps none, so that neither its memory nor its
//! processor time count as the dispatcher's. Memory is read from `/proc`, so only Linux has figures for it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on has failed"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tower_registration::identity::Channel;
use tower_registration::memory::Memory;
use tower_registration::methods::{Code, Password};
use tower_registration::smtp::SmtpCourier;
use tower_registration::testing::{BASE_URL, Client, ClientKind, Mailbox, PERSON, UI};
use tower_registration::{Builder, Hashing, Registration, Schema, Secret, Style};

/// How much is measured.
struct Effort {
    runs: usize,
    letters: usize,
    registrations: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["sink"] => return sink(),
        ["dispatch", port, letters] => return runtime.block_on(dispatch(port, letters.parse().unwrap())),
        _ => {}
    }
    // `cargo bench` says that it is one; a test of all targets does not.
    let effort = match arguments.iter().any(|argument| argument == "--bench") {
        true => Effort { runs: 5, letters: 10_000, registrations: 300 },
        false => {
            println!("a brief run, to see that it works; its figures mean nothing");
            Effort { runs: 1, letters: 40, registrations: 3 }
        }
    };
    dispatches(&effort);
    runtime.block_on(registrations(&effort));
}

/// Registers people in memory.
fn registration(choose: impl FnOnce(Builder) -> Builder) -> Registration {
    let memory = Memory::new();
    let builder = Registration::builder(BASE_URL)
        .secret(Secret::random_until_restart().unwrap())
        .schema(Schema::parse("person", PERSON).unwrap())
        .style(Style::Unified)
        .storage(memory.clone())
        .identities(memory)
        .hashing(Hashing::new())
        .registration_ui(format!("{UI}/sign-up"))
        .error_ui(format!("{UI}/sorry"))
        .default_return_url(UI);
    choose(builder).build().unwrap()
}

fn client(service: &Registration) -> Client {
    Client::new(service.clone(), "/auth", ClientKind::Native)
}

/// Each run is a process of its own: memory that one has had is not counted as another's.
fn dispatches(effort: &Effort) {
    let server = Server::start();
    let mut speeds = Vec::new();
    for run in 1..=effort.runs {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let command = command.args(["dispatch", &server.port, &effort.letters.to_string()]);
        let output = command.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "a run failed: {output:?}");
        let line = String::from_utf8(output.stdout).unwrap();
        print!("run {run}: {line}");
        speeds.push(line.split_whitespace().next().unwrap().parse::<f64>().unwrap());
    }
    speeds.sort_by(f64::total_cmp);
    println!("letters a second, the median of {}: {:.0}", speeds.len(), speeds[speeds.len() / 2]);
}

/// Letters a second, and the most memory that sending them took beside what was there before.
async fn dispatch(port: &str, letters: usize) {
    let uri = format!("smtp://127.0.0.1:{port}/?disable_starttls=true");
    let courier = SmtpCourier::from_uri(&uri, "no-reply@example.org").unwrap().build().unwrap();
    let service = registration(|builder| builder.method(Code::new()).courier(Channel::Email, courier));
    let mut client = client(&service);
    for n in 0..letters {
        let page = client.open().await;
        let sent = client.submit(&page, by_code(&format!("person-{n}@example.org"))).await;
        assert_eq!(sent.status(), 400, "a code is on its way");
    }
    let before = memory("VmRSS");
    forget_peak();

    let begun = Instant::now();
    let flushed = service.dispatcher().flush().await.unwrap();
    let took = begun.elapsed();

    assert_eq!(flushed.delivered, letters);
    let speed = letters as f64 / took.as_secs_f64();
    let more = before.zip(memory("VmHWM")).map(|(before, peak)| peak.saturating_sub(before));
    let (before, more) = (shown(before), shown(more));
    println!("{speed:.0} letters a second: {letters} in {took:.2?}; {before} before, at most {more} more");
}

fn by_code(email: &str) -> Value {
    json!({ "method": "code", "traits": { "email": email } })
}

/// How long the requests of one registration take in process, by code and by password in turn. The letter is fetched
/// in between: it is the dispatcher's work, not the request's.
async fn registrations(effort: &Effort) {
    let mailbox = Mailbox::new();
    let courier = mailbox.clone();
    let service =
        registration(|builder| builder.method(Code::new()).method(Password::new()).courier(Channel::Email, courier));
    let (mut codes, mut passwords) = (Vec::new(), Vec::new());
    for n in 0..effort.registrations {
        let (email, mut client) = (format!("code-{n}@example.org"), client(&service));
        let begun = Instant::now();
        let page = client.open().await;
        let page = client.submit(&page, by_code(&email)).await;
        let asked = begun.elapsed();
        service.dispatcher().flush().await.unwrap();
        let mut answer = by_code(&email);
        answer["code"] = mailbox.latest_code(&email).unwrap().into();
        mailbox.take();
        let begun = Instant::now();
        let done = client.submit(&page, answer).await;
        codes.push(asked + begun.elapsed());
        assert_eq!(done.status(), 200);

        let begun = Instant::now();
        let page = client.open().await;
        let traits = json!({ "email": format!("password-{n}@example.org") });
        let answer = json!({ "method": "password", "password": "correct horse battery", "traits": traits });
        let done = client.submit(&page, answer).await;
        passwords.push(begun.elapsed());
        assert_eq!(done.status(), 200);
    }
    println!(
        "a registration by code: {:.2?}, three requests; by password: {:.2?}, two",
        median(codes),
        median(passwords)
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// A field of what the kernel says about this process, in KiB.
fn memory(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok()
}

/// The peak counts from now on.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn shown(kib: Option<u64>) -> String {
    kib.map_or_else(|| "unknown memory".to_owned(), |kib| format!("{kib} KiB"))
}

/// The server, until it is dropped.
struct Server {
    process: Child,
    port: String,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = command.arg("sink").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, port: line.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Takes letters for ever; the port is printed.
fn sink() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    for stream in listener.incoming() {
        std::thread::spawn(move || stream.and_then(|stream| take(&stream)));
    }
}

/// One conversation.
fn take(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut heard, mut say) = (BufReader::new(stream), stream);
    say.write_all(b"220 sink\r\n")?;
    let (mut line, mut in_letter) = (Vec::new(), false);
    while heard.read_until(b'\n', &mut line)? > 0 {
        let answer: &[u8] = match (in_letter, line.as_slice()) {
            (true, b".\r\n") => b"250 taken\r\n",
            (true, _) => b"",
            (false, b"DATA\r\n") => b"354 go\r\n",
            (false, _) => b"250 sink\r\n",
        };
        in_letter = answer.starts_with(b"354") || (in_letter && answer.is_empty());
        say.write_all(answer)?;
        line.clear();
    }
    Ok(())
}
