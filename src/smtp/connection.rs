//! One connection to the server: opened, signed in, one letter after the other.
//!
//! Commands, answers, sign-in and the doubling of dots are lettre's. Its transports are not used: their TLS takes the
//! provider that the process as a whole has installed, and their pool takes back a connection whose letter was dropped
//! half-way.

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::letter;
use super::line::Line;
use super::trouble::{Reply, Stage, Trouble};

/// Where the server is and how it is spoken to.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) hello: ClientId,
    pub(super) credentials: Option<(String, SecretString)>,
}

/// How the connection is encrypted.
pub(super) enum Security {
    Plain,
    StartTls(TlsConnector, ServerName<'static>),
    Implicit(TlsConnector, ServerName<'static>),
}

/// A connection that is signed in.
pub(super) struct Connection {
    client: AsyncSmtpConnection,
    /// How many letters it was used for.
    pub(super) letters: usize,
}

impl Connection {
    pub(super) async fn open(server: &Server) -> Result<Self, Trouble> {
        let stream = TcpStream::connect((server.host.as_str(), server.port)).await.map_err(Trouble::Connect)?;
        // Commands are short and answered one by one: waiting for more to send would only hold them back.
        stream.set_nodelay(true).map_err(Trouble::Connect)?;
        let peer = stream.peer_addr().map_err(Trouble::Connect)?;
        let line: Box<dyn AsyncTokioStream> = match &server.security {
            Security::Plain => Box::new(Line::new(stream, peer)),
            Security::Implicit(tls, name) => Box::new(Line::new(encrypted(stream, tls, name).await?, peer)),
            Security::StartTls(tls, name) => {
                let stream = start_tls(Line::new(stream, peer), &server.hello).await?;
                Box::new(Line::greeted(encrypted(stream, tls, name).await?, peer))
            }
        };
        let client = AsyncSmtpConnection::connect_with_transport(line, &server.hello).await;
        let mut client = client.map_err(|error| Trouble::of(Stage::Greeting, &error))?;
        if let Some((user, password)) = &server.credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            let signed_in = client.auth(DEFAULT_MECHANISMS, &credentials).await;
            signed_in.map_err(|error| Trouble::of(Stage::SignIn, &error))?;
        }
        Ok(Self { client, letters: 0 })
    }

    /// Whether the server still listens; an unfinished letter is forgotten.
    pub(super) async fn is_alive(&mut self) -> bool {
        self.client.command(Rset).await.is_ok()
    }

    /// Sends a letter to its recipient.
    pub(super) async fn send(&mut self, mail: &letter::Mail) -> Result<(), Trouble> {
        self.letters += 1;
        let mut parameters = Vec::new();
        if !mail.bytes.is_ascii() {
            // Only the address can be at fault: everything else is encoded.
            if !self.client.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Trouble::NoUnicode);
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        self.say(Stage::Sender, Mail::new(Some(mail.from.clone()), parameters)).await?;
        self.say(Stage::Recipient, Rcpt::new(mail.to.clone(), Vec::new())).await?;
        let asked = self.client.command(Data).await;
        expect(Stage::Words, Severity::PositiveIntermediate, asked)?;
        let taken = self.client.message(&mail.bytes).await;
        expect(Stage::Words, Severity::PositiveCompletion, taken)
    }

    /// Says goodbye.
    pub(super) async fn close(mut self) {
        drop(self.client.quit().await);
    }

    async fn say(&mut self, stage: Stage, command: impl std::fmt::Display) -> Result<(), Trouble> {
        let answer = self.client.command(command).await;
        expect(stage, Severity::PositiveCompletion, answer)
    }
}

/// The right kind of answer: one that belongs to another question would make a letter delivered that was not.
fn expect(
    stage: Stage,
    severity: Severity,
    answer: Result<Response, lettre::transport::smtp::Error>,
) -> Result<(), Trouble> {
    match answer {
        Ok(answer) if answer.code().severity == severity => Ok(()),
        Ok(_) => Err(Trouble::Broken(stage, None)),
        Err(error) => Err(Trouble::of(stage, &error)),
    }
}

async fn encrypted(
    stream: TcpStream,
    tls: &TlsConnector,
    name: &ServerName<'static>,
) -> Result<TlsStream<TcpStream>, Trouble> {
    tls.connect(name.clone(), stream).await.map_err(Trouble::Tls)
}

/// Everything that is said before the connection is encrypted: a greeting, and STARTTLS.
async fn start_tls(mut line: Line<TcpStream>, hello: &ClientId) -> Result<TcpStream, Trouble> {
    let broke = |error| Trouble::Broken(Stage::Greeting, Some(error));
    let accepted = |(number, words): (u16, Vec<String>)| match number {
        200..=299 => Ok(words),
        _ => Err(Trouble::Refused(Stage::Greeting, Reply::new(number, words.first().map_or("", String::as_str)))),
    };
    accepted(line.answer().await.map_err(broke)?)?;
    let offers = accepted(line.ask(&format!("EHLO {hello}\r\n")).await.map_err(broke)?)?;
    if !offers.iter().skip(1).any(|offer| offer.eq_ignore_ascii_case("STARTTLS")) {
        return Err(Trouble::NoStartTls);
    }
    accepted(line.ask("STARTTLS\r\n").await.map_err(broke)?)?;
    line.into_stream().map_err(broke)
}
