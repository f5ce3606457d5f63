//! Clients that were made for Kratos, unmodified, register people with `drop_in`: the TypeScript SDK and the Python SDK.
//!
//! Beside them: the proxy that leads a part of Kratos' clients here.
//!
//! `scripts/test` installs them. Where one is missing, its test says so, and fails in CI.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod proxy;
mod sink;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use sink::Sink;

const TYPESCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/client-fetch/node_modules");
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/ory-kratos-client/bin/python");

/// What each client promises, in this order.
const PROMISES: [&str; 7] = [
    "a native client registers, after a mistake that it can read",
    "the address is proved by the code of a letter",
    "refusals are read by their types",
    "a native client registers with a code",
    "a provider is left for",
    "a flow of a browser is nothing without its cookie",
    "a single-page application registers, and is signed in by its cookie",
];

#[test]
fn the_typescript_sdk_registers_people_in_every_way() {
    if !is_installed(TYPESCRIPT, "the npm package @ory/client-fetch") {
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/fetch.mjs");
    let mut command = Command::new("node");
    command.args([script, TYPESCRIPT]);

    keeps_its_promises(command);
}

#[test]
fn the_python_sdk_registers_people_in_every_way() {
    if !is_installed(PYTHON, "the PyPI package ory-kratos-client") {
        return;
    }
    let mut command = Command::new(PYTHON);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/kratos.py"));

    keeps_its_promises(command);
}

#[test]
fn the_openapi_document_is_one() {
    if !is_installed(PYTHON, "the PyPI package openapi-spec-validator") {
        return;
    }
    let program =
        "import json, sys; from openapi_spec_validator import validate; validate(json.load(open(sys.argv[1])))";
    let mut python = Command::new(PYTHON);
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

    let output = python.args(["-c", program, document]).output().unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a client against a service of its own, and gives it the codes that it asks for.
fn keeps_its_promises(mut client: Command) {
    let sink = Sink::start();
    let server = DropIn::start(&sink);
    let mut client = client.arg(&server.base).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = client.stdin.take().unwrap();
    let mut kept = Vec::new();

    for line in BufReader::new(client.stdout.take().unwrap()).lines().map(Result::unwrap) {
        if let Some(address) = line.strip_prefix("mail ") {
            writeln!(input, "{}", sink.code(address)).unwrap();
        } else if let Some(promise) = line.strip_prefix("ok ") {
            kept.push(promise.to_owned());
        }
    }

    let ended = client.wait().unwrap();
    assert!(ended.success(), "the client failed after {kept:?}");
    assert_eq!(kept, PROMISES);
}

/// Whether a client is there; it must be in CI.
fn is_installed(path: &str, name: &str) -> bool {
    let there = Path::new(path).exists();
    if !there {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "everything is installed in CI");
        println!("not run: {name} is missing; `scripts/test` installs it");
    }
    there
}

/// The program that serves a configuration file. It ends with this.
struct DropIn {
    process: Child,
    port: u16,
    base: String,
}

impl DropIn {
    fn start(sink: &Sink) -> Self {
        // Its URL must be known before it listens.
        let port = free_port();
        let base = format!("http://127.0.0.1:{port}");
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("clients-{port}.json"));
        std::fs::write(&file, configuration(&base, port, sink).to_string()).unwrap();
        let own = std::env::current_exe().unwrap();
        let program = own.parent().and_then(Path::parent).unwrap().join("examples/drop_in");
        let mut command = Command::new(&program);
        let mut process = command.arg("--config").arg(&file).stdout(Stdio::piped()).spawn().unwrap_or_else(|error| {
            panic!("{} could not be started: {error}", program.display());
        });
        let mut listening = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut listening).unwrap();
        assert!(listening.starts_with("listening on "), "drop_in does not start: {listening}");
        Self { process, port, base }
    }
}

impl Drop for DropIn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A file as a deployment of Kratos has it: password, code, a social provider, and the proof of addresses.
fn configuration(base: &str, port: u16, sink: &Sink) -> Value {
    let follows = json!({ "hooks": [{ "hook": "session" }, { "hook": "show_verification_ui" }] });
    let mapper = encoded("{ identity: { traits: { email: std.extVar('claims').email } } }");
    json!({
        "serve": { "public": { "base_url": base, "host": "127.0.0.1", "port": port } },
        "dev": true,
        "secrets": { "cookie": ["a secret that is as long as it has to be"] },
        "hashers": { "algorithm": "argon2", "argon2": { "memory": "8MB", "iterations": 1, "parallelism": 1 } },
        "courier": { "smtp": { "connection_uri": format!("smtp://127.0.0.1:{}/?disable_starttls=true", sink.port) } },
        "identity": { "schemas": [{ "id": "default", "url": encoded(&schema().to_string()) }] },
        "selfservice": {
            "default_browser_return_url": "http://127.0.0.1:4455/welcome",
            "allowed_return_urls": ["http://127.0.0.1:4455/"],
            "methods": {
                "password": { "config": { "haveibeenpwned_enabled": false } },
                "code": { "passwordless_enabled": true },
                "oidc": { "enabled": true, "config": { "providers": [{
                    "id": "github", "provider": "github", "client_id": "a client", "client_secret": "a secret",
                    "mapper_url": mapper
                }] } }
            },
            "flows": {
                "registration": {
                    "ui_url": "http://127.0.0.1:4455/registration",
                    "after": { "password": follows, "code": follows, "oidc": follows }
                },
                "verification": { "enabled": true, "ui_url": "http://127.0.0.1:4455/verification" }
            }
        }
    })
}

fn schema() -> Value {
    json!({ "type": "object", "properties": { "traits": { "type": "object", "required": ["email"], "properties": {
        "email": { "type": "string", "format": "email", "title": "E-Mail", "ory.sh/kratos": {
            "credentials": {
                "password": { "identifier": true },
                "code": { "identifier": true, "via": "email" }
            },
            "verification": { "via": "email" }
        } }
    } } } })
}

fn encoded(text: &str) -> String {
    use base64::Engine as _;
    format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(text))
}
