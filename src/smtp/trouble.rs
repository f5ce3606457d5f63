//! Why a letter was not delivered, and whether that is for good.
//!
//! Only one thing is for good: the recipient cannot be written to. Everything else may be mended by somebody (a password,
//! a certificate, a blocked sender, a full mailbox), and the letter is tried again until what it says has ended:
//!
//! 1. `5.1.1`, `5.1.2`, `5.1.3`, `5.1.6`, `5.1.10` and `5.2.1`, at `RCPT TO` or behind the words of the letter, name the
//!    recipient: no such mailbox or host, no address, moved, accepts no mail, closed. For good.
//! 2. Without such a detail, 501, 550, 551 and 553 at `RCPT TO` say the same. For good.
//! 3. An address that cannot be written in an envelope, or that needs SMTPUTF8 from a server without it. For good.
//! 4. Whatever else: no connection, no TLS, sign-in refused, 4xx, other details (`5.7.1` means the sender), a 5xx in
//!    another place, an answer that is none, no answer in time. Tried again. So is a 4xx with a detail of 5: the number
//!    counts.
//!
//! Nothing that the server says in words is kept: it tends to repeat addresses.

use std::fmt;
use std::io;

use lettre::transport::smtp::Error;

use crate::host::Undelivered;

/// Why a letter was not delivered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the address cannot be written to by SMTP")]
    Address,
    #[error("the address is not in ASCII and the server has no SMTPUTF8")]
    NoUnicode,
    #[error("the letter cannot be written as an e-mail")]
    Letter(#[source] lettre::error::Error),
    #[error("no connection")]
    Connect(#[source] io::Error),
    #[error("no TLS")]
    Tls(#[source] io::Error),
    #[error("the server offers no STARTTLS")]
    NoStartTls,
    #[error("{0}: the server answered {1}")]
    Refused(Stage, Reply),
    #[error("the server offers no way to sign in that is known here: PLAIN and LOGIN are")]
    NoSignIn,
    #[error("{0}: the connection broke, or what was answered made no sense")]
    Broken(Stage, #[source] Option<io::Error>),
    #[error("the server took too long")]
    TooLong,
}

/// What was going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Greeting,
    SignIn,
    Sender,
    Recipient,
    Words,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "greeting",
            Self::SignIn => "sign-in",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Words => "words",
        })
    }
}

/// What a server answered: a number, and the detail of RFC 3463 where it gave one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    number: u16,
    detail: Option<String>,
}

impl Reply {
    /// An answer with this number and text.
    pub(super) fn new(number: u16, text: &str) -> Self {
        let word = text.split_whitespace().next().unwrap_or_default();
        let is_part = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_detail = word.split('.').count() == 3 && word.split('.').all(is_part);
        Self { number, detail: is_detail.then(|| word.to_owned()) }
    }

    fn names_the_recipient(&self, stage: Stage) -> bool {
        match self.detail.as_deref() {
            Some(detail) => {
                let names = matches!(detail, "5.1.1" | "5.1.2" | "5.1.3" | "5.1.6" | "5.1.10" | "5.2.1");
                names && self.number >= 500 && matches!(stage, Stage::Recipient | Stage::Words)
            }
            None => stage == Stage::Recipient && matches!(self.number, 501 | 550 | 551 | 553),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)?;
        self.detail.iter().try_for_each(|detail| write!(f, " {detail}"))
    }
}

impl Trouble {
    /// What an error of the client means here.
    pub(super) fn of(stage: Stage, error: &Error) -> Self {
        let source = std::error::Error::source(error);
        if let Some(code) = error.status() {
            let text = source.map(ToString::to_string).unwrap_or_default();
            return Self::Refused(stage, Reply::new(code.into(), &text));
        }
        if stage == Stage::SignIn && error.is_client() {
            return Self::NoSignIn;
        }
        let broke = source.and_then(|source| source.downcast_ref::<io::Error>());
        Self::Broken(stage, broke.map(|error| io::Error::new(error.kind(), error.to_string())))
    }

    /// Whether trying again would be in vain.
    fn is_for_good(&self) -> bool {
        match self {
            Self::Address | Self::NoUnicode => true,
            Self::Refused(stage, reply) => reply.names_the_recipient(*stage),
            _ => false,
        }
    }

    /// Whether the server is still there for the next letter.
    pub(super) fn leaves_a_connection(&self) -> bool {
        match self {
            Self::NoUnicode => true,
            Self::Refused(_, reply) => reply.number != 421,
            _ => false,
        }
    }
}

impl From<Trouble> for Undelivered {
    fn from(trouble: Trouble) -> Self {
        match trouble.is_for_good() {
            true => Self::for_good(trouble),
            false => Self::new(trouble),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(stage: Stage, number: u16, text: &str) -> Undelivered {
        Trouble::Refused(stage, Reply::new(number, text)).into()
    }

    #[test]
    fn only_the_recipient_ends_a_letter() {
        let for_good = [
            (Stage::Recipient, 550, "5.1.1 no such user"),
            (Stage::Recipient, 550, "no such user"),
            (Stage::Recipient, 501, "5.1.3 bad address"),
            (Stage::Recipient, 553, ""),
            (Stage::Recipient, 556, "5.1.10 accepts no mail"),
            (Stage::Words, 550, "5.1.1 no such user"),
        ];
        let for_now = [
            (Stage::Greeting, 554, "no service"),
            (Stage::SignIn, 535, "5.7.8 wrong password"),
            (Stage::Sender, 550, "5.1.8 sender"),
            (Stage::Sender, 550, "5.1.1 sender"),
            (Stage::Recipient, 421, "4.3.2 closing"),
            (Stage::Recipient, 450, "4.1.1 greylisted"),
            (Stage::Recipient, 450, "5.1.1 greylisted"),
            (Stage::Recipient, 550, "5.7.1 your network is blocked"),
            (Stage::Recipient, 550, "5.1.8 sender"),
            (Stage::Recipient, 530, "sign in first"),
            (Stage::Recipient, 552, "5.2.2 mailbox full"),
            (Stage::Words, 550, "looks like spam"),
            (Stage::Words, 554, "5.7.1 looks like spam"),
        ];

        for (stage, number, text) in for_good {
            assert!(refused(stage, number, text).is_for_good(), "{stage}: {number} {text}");
        }
        for (stage, number, text) in for_now {
            assert!(!refused(stage, number, text).is_for_good(), "{stage}: {number} {text}");
        }
    }

    #[test]
    fn what_the_server_says_in_words_is_not_repeated() {
        let trouble = Trouble::Refused(Stage::Recipient, Reply::new(550, "5.1.1 <ada@example.org>: unknown"));

        assert_eq!(trouble.to_string(), "recipient: the server answered 550 5.1.1");
        assert!(!format!("{trouble:?}").contains("ada"));
        assert_eq!(Reply::new(250, "ada.b.c says").detail, None);
    }
}
