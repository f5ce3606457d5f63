//! What a courier is made from.

use std::sync::Arc;

use lettre::message::Mailbox;
use lettre::message::header::HeaderName;
use lettre::transport::smtp::extension::ClientId;
use secrecy::SecretString;
use time::Duration;
use tokio_rustls::rustls::pki_types::ServerName;

use super::connection::{Security, Server};
use super::letter::{self, Sender};
use super::pool::Pool;
use super::tls::Trust;
use super::{SmtpCourier, Tls};

/// How long a letter may take.
const TIME_LIMIT: Duration = Duration::seconds(10);
/// As many as a dispatcher has letters on their way.
const KEPT: usize = 16;
/// Headers that every letter has.
const FIXED: [&str; 12] = [
    "from",
    "sender",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
];

/// Settings of an [`SmtpCourier`].
#[derive(Clone)]
#[must_use]
pub struct SmtpBuilder {
    host: String,
    from: String,
    from_name: Option<String>,
    port: Option<u16>,
    tls: Tls,
    server_name: Option<String>,
    local_name: String,
    credentials: Option<(String, SecretString)>,
    headers: Vec<(String, String)>,
    trust: Trust,
    time_limit: Duration,
    kept: usize,
}

impl SmtpBuilder {
    pub(super) fn new(host: String, from: String) -> Self {
        Self {
            host,
            from,
            from_name: None,
            port: None,
            tls: Tls::StartTls,
            server_name: None,
            local_name: "localhost".to_owned(),
            credentials: None,
            headers: Vec::new(),
            trust: Trust::default(),
            time_limit: TIME_LIMIT,
            kept: KEPT,
        }
    }

    /// Sets how the connection is encrypted; by STARTTLS otherwise.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Sets the port; otherwise 587 with STARTTLS, 465 with TLS from the first byte, 25 in clear.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Signs in to the server, by `PLAIN`, or by `LOGIN` where that is all the server knows.
    pub fn credentials(mut self, user: impl Into<String>, password: SecretString) -> Self {
        self.credentials = Some((user.into(), password));
        self
    }

    /// Sets the name that people see beside the address that letters come from.
    pub fn from_name(mut self, name: impl Into<String>) -> Self {
        self.from_name = Some(name.into());
        self
    }

    /// Sets the name by which this machine introduces itself to the server; `localhost` otherwise. Strict servers ask for
    /// one that can be looked up.
    pub fn local_name(mut self, name: impl Into<String>) -> Self {
        self.local_name = name.into();
        self
    }

    /// Sets the name that the server's certificate must have; the host otherwise.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Trusts another certificate authority, in PEM, beside those that browsers trust. Can be called more than once.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust.roots.push(pem.into());
        self
    }

    /// Shows the server a certificate, in PEM, with its chain and its private key.
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>, key: SecretString) -> Self {
        self.trust.own = Some((pem.into(), key));
        self
    }

    /// Adds a header to every letter.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets how long a letter may take, from connecting to the server's last word; 10 seconds otherwise. A letter that
    /// takes longer may have arrived: it is tried again with the same `Message-ID`.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets how many connections wait for further letters, each for at most half a minute; 16 otherwise, 0 for none.
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.kept = connections;
        self
    }

    /// Accepts any certificate.
    ///
    /// # Weakens
    ///
    /// Whoever is between this machine and the server can pretend to be the server: they read every code and every
    /// password that signs in to it.
    pub fn danger_accept_any_certificate(mut self) -> Self {
        self.trust.anyone = true;
        self
    }

    /// Checks the settings and makes the courier; it connects when there is a letter.
    ///
    /// # Errors
    ///
    /// [`SmtpError`] says which setting cannot be and why.
    pub fn build(self) -> Result<SmtpCourier, SmtpError> {
        let sender = self.sender()?;
        let limit = std::time::Duration::try_from(self.time_limit).unwrap_or_default();
        if limit.is_zero() {
            return Err(SmtpError::TimeLimit);
        }
        let server = Server {
            security: self.security()?,
            hello: self.hello()?,
            port: self.port.unwrap_or(match self.tls {
                Tls::StartTls => 587,
                Tls::Implicit => 465,
                Tls::Plain => 25,
            }),
            host: self.host,
            credentials: self.credentials,
        };
        let pool = Pool::new(self.kept);
        Ok(SmtpCourier { server: Arc::new(server), sender: Arc::new(sender), pool, limit })
    }

    fn security(&self) -> Result<Security, SmtpError> {
        let name = || {
            let name = self.server_name.as_ref().unwrap_or(&self.host);
            let parsed = ServerName::try_from(name.clone());
            parsed.map_err(|_| SmtpError::ServerName { name: name.clone() })
        };
        Ok(match self.tls {
            Tls::Plain => Security::Plain,
            Tls::StartTls => Security::StartTls(self.trust.connector()?, name()?),
            Tls::Implicit => Security::Implicit(self.trust.connector()?, name()?),
        })
    }

    fn hello(&self) -> Result<ClientId, SmtpError> {
        let name = &self.local_name;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        match name.parse() {
            Ok(std::net::IpAddr::V4(address)) => Ok(ClientId::Ipv4(address)),
            Ok(std::net::IpAddr::V6(address)) => Ok(ClientId::Ipv6(address)),
            Err(_) if !name.is_empty() && name.len() <= 255 && name.chars().all(is_name) => {
                Ok(ClientId::Domain(name.clone()))
            }
            Err(_) => Err(SmtpError::LocalName { name: name.clone() }),
        }
    }

    fn sender(&self) -> Result<Sender, SmtpError> {
        let email = letter::parse(&self.from).filter(|_| self.from.is_ascii());
        let email = email.ok_or_else(|| SmtpError::From { address: self.from.clone() })?;
        let name = self.from_name.clone().filter(|name| !name.trim().is_empty());
        if name.iter().any(|name| name.chars().any(char::is_control)) {
            return Err(SmtpError::FromName);
        }
        let headers = self.headers.iter().map(|(name, value)| header(name, value)).collect::<Result<_, _>>()?;
        Ok(Sender { mailbox: Mailbox::new(name, email), headers })
    }
}

/// A header that cannot take the place of another one.
fn header(name: &str, value: &str) -> Result<(HeaderName, String), SmtpError> {
    let fault = |why| SmtpError::Header { name: name.to_owned(), why };
    if FIXED.iter().any(|fixed| name.eq_ignore_ascii_case(fixed)) {
        return Err(fault("every letter has its own"));
    }
    if value.chars().any(char::is_control) {
        return Err(fault("its value must be one line"));
    }
    let is_token = name.bytes().all(|byte| byte.is_ascii_graphic());
    let parsed = is_token.then(|| HeaderName::new_from_ascii(name.to_owned()).ok()).flatten();
    Ok((parsed.ok_or_else(|| fault("that is no name of a header"))?, value.to_owned()))
}

/// Without credentials and key.
impl std::fmt::Debug for SmtpBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("SmtpBuilder");
        out.field("host", &self.host).field("port", &self.port).field("tls", &self.tls).finish_non_exhaustive()
    }
}

/// A courier cannot be made like this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpError {
    /// The connection URI cannot be read. It is not repeated here: it may hold a password.
    #[error("the connection URI cannot be used: {0}")]
    Uri(String),
    /// The address that letters come from is none that a server takes.
    #[error("letters cannot come from `{address}`; write for example no-reply@example.org")]
    #[non_exhaustive]
    From {
        /// What was given.
        address: String,
    },
    /// The name that letters come from has line ends or other control characters.
    #[error("`.from_name(…)` must be one line")]
    FromName,
    /// The name of this machine is none.
    #[error("`.local_name(\"{name}\")` is no host name and no IP address")]
    #[non_exhaustive]
    LocalName {
        /// What was given.
        name: String,
    },
    /// No certificate can have this name.
    #[error("no certificate can be for `{name}`; set the host, or `.server_name(…)`, to a host name or an IP address")]
    #[non_exhaustive]
    ServerName {
        /// What was given.
        name: String,
    },
    /// A header cannot be added.
    #[error("`.header(\"{name}\", …)`: {why}")]
    #[non_exhaustive]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A certificate or its key cannot be used.
    #[error("a certificate cannot be used: {0}")]
    Certificate(String),
    /// Nothing can be done in no time.
    #[error("`.time_limit(…)` must be longer than nothing")]
    TimeLimit,
}
