//! Letters to a mail server that somebody else wrote: aiosmtpd, of Debian's package `python3-aiosmtpd`.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde_json::Value;
use tower_registration::host::{Courier, Rendered};
use tower_registration::smtp::{SmtpBuilder, SmtpCourier};

use super::certificates::Certificates;
use super::mime::{Email, comparable};
use super::office::{FROM, by_code, courier, letters, told};
use super::peer::Peer;

const NAME: &str = "real.example.org";

/// The server, until it is dropped.
struct Real {
    process: Child,
    printed: BufReader<ChildStdout>,
    port: u64,
    files: Vec<PathBuf>,
}

impl Real {
    /// Starts the server. Where it is not installed, the test says so, and fails where everything must be there.
    fn start(kind: &str, certificates: Option<&Certificates>) -> Option<Self> {
        let Some(python) = python() else {
            eprintln!("SKIPPED: no Python with aiosmtpd; install python3-aiosmtpd");
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "everything is installed in CI");
            return None;
        };
        let file = |(name, text): (&str, &String)| {
            let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", uuid::Uuid::new_v4()));
            std::fs::write(&path, text).unwrap();
            path
        };
        let pems = certificates.map(|own| [("certificate.pem", &own.certificate), ("key.pem", &own.key)]);
        let files: Vec<_> = pems.into_iter().flatten().map(file).collect();
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mail/real.py");
        let mut command = Command::new(python);
        let mut process = command.arg(program).arg(kind).args(&files).stdout(Stdio::piped()).spawn().unwrap();
        let printed = BufReader::new(process.stdout.take().unwrap());
        let mut real = Self { process, printed, port: 0, files };
        real.port = real.next()["port"].as_u64().unwrap();
        Some(real)
    }

    /// What it prints next.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.printed.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn courier(&self, scheme: &str, certificates: &Certificates) -> SmtpBuilder {
        let uri = format!("{scheme}://ada:hunter2@127.0.0.1:{}/?server_name={NAME}", self.port);
        SmtpCourier::from_uri(&uri, FROM).unwrap().root_certificate(certificates.authority.clone())
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.files.iter().for_each(|path| drop(std::fs::remove_file(path)));
    }
}

/// A Python that has the library: Debian's own where another one comes first.
fn python() -> Option<&'static str> {
    let knows = |python: &&str| {
        let mut command = Command::new(python);
        let asked = command.args(["-c", "import aiosmtpd.smtp"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    ["python3", "/usr/bin/python3"].into_iter().find(knows)
}

fn content(arrived: &Value) -> Vec<u8> {
    STANDARD.decode(arrived["content"].as_str().unwrap()).unwrap()
}

/// Letters whose words begin with dots, go beyond a line, and are not in ASCII.
async fn dotted() -> Vec<Rendered> {
    let words = super::office::Words::default();
    let text = format!(".\n..\n.x\nÄ . \n{}\n\n.\n", "lang ".repeat(60));
    words.set("Grüße, and .\r\n dots", &text, Some("<p>.</p>\n.\n"));
    let mailbox = tower_registration::testing::Mailbox::new();
    let app = by_code(mailbox.clone(), |builder| builder.templates(words));
    for address in ["ada@example.org", "bob+x@example.org"] {
        let _ = super::office::ask(&app, address).await;
        app.deliver().await.unwrap();
    }
    mailbox.letters()
}

#[tokio::test]
async fn a_real_server_gets_every_byte_over_one_connection() {
    let Some(mut real) = Real::start("plain", None) else { return };
    let peer = Peer::plain().await;
    let uri = format!("smtp://127.0.0.1:{}/?disable_starttls=true", real.port);
    let to_real = SmtpCourier::from_uri(&uri, FROM).unwrap().build().unwrap();
    let to_peer = courier(&peer).build().unwrap();
    let mut letters = letters(&["carl@example.org"]).await;
    letters.extend(dotted().await);

    let mut connections = Vec::new();
    for letter in &letters {
        to_real.deliver(letter).await.unwrap();
        to_peer.deliver(letter).await.unwrap();
        let (arrived, expected) = (real.next(), peer.received().pop().unwrap());
        connections.push(arrived["connection"].clone());
        assert_eq!((&arrived["from"], &arrived["to"]), (&FROM.into(), &vec![letter.to().value()].into()));
        assert_eq!(comparable(&content(&arrived)), comparable(&expected.bytes()));
        let email = Email::read(&content(&arrived));
        assert_eq!(email.header("Message-ID"), format!("<{}@example.org>", letter.id()));
        assert_eq!(email.text.trim_end(), letter.text().trim_end());
    }

    assert_eq!(connections.len(), 3);
    assert!(connections.windows(2).all(|two| two[0] == two[1]), "{connections:?}");
}

#[tokio::test]
async fn a_real_server_is_signed_in_to_behind_tls() {
    for (kind, scheme) in [("starttls", "smtp"), ("implicit", "smtps")] {
        let certificates = Certificates::for_name(NAME);
        let Some(mut real) = Real::start(kind, Some(&certificates)) else { return };
        let courier = real.courier(scheme, &certificates).build().unwrap();

        for letter in letters(&["ada@example.org", "bob@example.org"]).await {
            courier.deliver(&letter).await.unwrap();
            let arrived = real.next();

            assert_eq!((&arrived["encrypted"], &arrived["signed_in"]), (&true.into(), &true.into()), "{kind}");
            assert_eq!(arrived["to"][0], letter.to().value());
        }
    }
}

#[tokio::test]
async fn a_real_server_that_refuses_the_password_gets_no_letter() {
    let certificates = Certificates::for_name(NAME);
    let Some(mut real) = Real::start("starttls", Some(&certificates)) else { return };
    let letters = letters(&["ada@example.org", "bob@example.org"]).await;
    let wrong = real.courier("smtp", &certificates).credentials("ada", SecretString::from("hunter3")).build().unwrap();
    let right = real.courier("smtp", &certificates).build().unwrap();

    let error = wrong.deliver(&letters[0]).await.unwrap_err();
    right.deliver(&letters[1]).await.unwrap();

    assert!(!error.is_for_good() && told(&error).contains("535 5.7.8"), "{}", told(&error));
    assert_eq!(real.next()["to"][0], "bob@example.org", "the first letter that arrived");
}

#[tokio::test]
async fn a_real_server_without_starttls_gets_no_letter() {
    let Some(real) = Real::start("plain", None) else { return };
    let courier = real.courier("smtp", &Certificates::for_name(NAME)).build().unwrap();

    let error = courier.deliver(&letters(&["ada@example.org"]).await[0]).await.unwrap_err();

    assert!(!error.is_for_good() && told(&error).contains("STARTTLS"), "{}", told(&error));
}
