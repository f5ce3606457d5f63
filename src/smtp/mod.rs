//! Letters as e-mails, by an SMTP server.
//!
//! ```
//! use tower_registration::smtp::SmtpCourier;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let courier = SmtpCourier::from_uri("smtps://ada:secret@mail.example.org/", "no-reply@example.org")?
//!     .from_name("Example")
//!     .build()?;
//! # let _ = courier; Ok(()) }
//! ```
//!
//! 1. A letter goes to one recipient: the address as it stands in the letter, byte for byte. One that an envelope cannot
//!    hold like that (quotes, brackets, a list), or that is not in ASCII where the server has no SMTPUTF8, is refused for
//!    good.
//! 2. Its headers are `From`, `To`, `Subject`, `Date`, `Message-ID`, those of MIME, and those that the host adds. None of
//!    them has a line end from a letter. The `Message-ID` is the letter's own: it is the same whenever it is tried.
//! 3. Its words are text, with the same words as HTML where the templates give some.
//! 4. STARTTLS is required where it is chosen, never tried. What is said in clear before it counts for nothing after.
//! 5. A letter has ten seconds. A connection whose letter was not answered to its end is closed, never used again; others
//!    wait for the next letter.
//! 6. Only a recipient that cannot be written to ends a letter. Everything else is tried again: a refused password, a
//!    certificate that has run out, a server that is away or finds fault with the sender.
//!
//! No error repeats what the server said in words: servers like to repeat addresses. Nothing is logged here; a host that
//! turns on lettre's own feature `tracing` has letters and passwords in its log, at level debug.

mod builder;
mod connection;
mod letter;
mod line;
mod pool;
mod tls;
mod trouble;
mod uri;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::host::{Courier, Rendered, Undelivered};
use connection::{Connection, Server};
use letter::{Mail, Sender};
use pool::Pool;
use trouble::Trouble;

pub use builder::{SmtpBuilder, SmtpError};

/// Delivers letters to an SMTP server. Clones share their connections.
#[derive(Clone)]
pub struct SmtpCourier {
    server: Arc<Server>,
    sender: Arc<Sender>,
    pool: Arc<Pool>,
    limit: Duration,
}

/// How the connection to the server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tls {
    /// The connection begins in clear and must be encrypted by STARTTLS before anything else is said.
    #[default]
    StartTls,
    /// The connection is encrypted from its first byte.
    Implicit,
    /// The connection is not encrypted.
    ///
    /// # Weakens
    ///
    /// Whoever is on the way reads every code, and the password that signs in. For a server on the same machine.
    Plain,
}

impl SmtpCourier {
    /// A courier to the server on this host, for letters that come from this address.
    pub fn builder(host: impl Into<String>, from: impl Into<String>) -> SmtpBuilder {
        SmtpBuilder::new(host.into(), from.into())
    }

    /// A courier to the server of a connection URI as Kratos writes it, for letters that come from this address:
    ///
    /// - `smtp://user:password@host:port/` requires STARTTLS, with `?disable_starttls=true` nothing is encrypted;
    /// - `smtps://user:password@host:port/` is encrypted from the first byte;
    /// - `?skip_ssl_verify=true` is [`danger_accept_any_certificate`](SmtpBuilder::danger_accept_any_certificate),
    ///   `?server_name=…` is [`server_name`](SmtpBuilder::server_name).
    ///
    /// User and password are percent-encoded.
    ///
    /// # Errors
    ///
    /// [`SmtpError::Uri`] says what is wrong with the URI.
    pub fn from_uri(uri: &str, from: impl Into<String>) -> Result<SmtpBuilder, SmtpError> {
        uri::read(uri, from.into())
    }

    async fn carry(&self, mail: &Mail) -> Result<(), Trouble> {
        let mut connection = match self.pool.take().await {
            Some(connection) => connection,
            None => Connection::open(&self.server).await?,
        };
        let sent = connection.send(mail).await;
        // A letter that is dropped half-way takes its connection along: it never gets here.
        if sent.as_ref().err().is_none_or(Trouble::leaves_a_connection) {
            self.pool.keep(connection);
        }
        sent
    }
}

#[async_trait]
impl Courier for SmtpCourier {
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered> {
        let mail = self.sender.write(letter)?;
        let carried = tokio::time::timeout(self.limit, self.carry(&mail)).await;
        Ok(carried.unwrap_or(Err(Trouble::TooLong))?)
    }
}

impl std::fmt::Debug for SmtpCourier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("SmtpCourier");
        out.field("host", &self.server.host).field("port", &self.server.port).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
