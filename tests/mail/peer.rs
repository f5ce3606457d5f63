//! A mail server that keeps every byte it is told, and misbehaves on demand.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::conversation::serve;

/// How the server behaves towards everybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// Hangs up before it says a word.
    Away,
    /// Answers this command with this line and does not do it; `CONNECT` is the greeting, `.` the end of a letter.
    Says(&'static str, &'static str),
    /// Takes a letter and says nothing any more.
    Silent,
    /// Takes a letter and hangs up.
    Drops,
    /// Pauses before each byte.
    Slow(Duration),
    /// Agrees to TLS and then speaks something else.
    NoTls,
    /// Says more in clear than the answer to STARTTLS.
    Injects,
}

/// A letter as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The number of the connection, from 1.
    pub(crate) session: usize,
    pub(crate) encrypted: bool,
    pub(crate) user: Option<String>,
    /// The commands since the last letter, line ends included.
    pub(crate) commands: Vec<String>,
    /// Everything between DATA and the line with the dot, dots still doubled.
    pub(crate) raw: Vec<u8>,
    /// Whether the client was told that it was taken.
    pub(crate) taken: bool,
}

impl Received {
    /// The lines that name recipients.
    pub(crate) fn recipients(&self) -> Vec<&str> {
        let names = |line: &&String| line.to_ascii_uppercase().starts_with("RCPT TO");
        self.commands.iter().filter(names).map(String::as_str).collect()
    }
}

/// What the server offers; nothing of it otherwise.
#[derive(Clone, Default)]
pub(crate) struct Offers {
    pub(crate) tls: Option<TlsAcceptor>,
    /// Whether a connection is encrypted from its first byte.
    pub(crate) implicit: bool,
    /// Ways to sign in; the only user is `ada` with `hunter2`.
    pub(crate) auth: &'static str,
    pub(crate) unicode: bool,
}

/// A running server. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) offers: Offers,
    state: Mutex<State>,
    /// Counts how often everybody was hung up on.
    pub(crate) hang_ups: watch::Sender<usize>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) mood: Mood,
    /// Connections so far, and those that are open.
    pub(crate) sessions: usize,
    pub(crate) open: usize,
    pub(crate) received: Vec<Received>,
    /// Every line of every connection, as it came.
    pub(crate) said: Vec<String>,
    /// Recipients and the answer that they get.
    pub(crate) refused: Vec<(String, &'static str)>,
    listening: Option<JoinHandle<()>>,
}

impl Peer {
    /// A server that offers nothing in particular.
    pub(crate) async fn plain() -> Self {
        Self::with(Offers { unicode: true, ..Offers::default() }).await
    }

    pub(crate) async fn with(offers: Offers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared { offers, state: Mutex::default(), hang_ups: watch::Sender::new(0) };
        let peer = Self { address, shared: Arc::new(shared) };
        peer.listen(listener);
        peer
    }

    fn listen(&self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        self.shared.state().listening = Some(listening);
    }

    /// Ends every connection, without a word.
    pub(crate) fn hangs_up(&self) {
        self.shared.hang_ups.send_modify(|times| *times += 1);
    }

    /// Ends every connection; nobody listens any more.
    pub(crate) async fn leaves(&self) {
        let listening = self.shared.state().listening.take();
        if let Some(listening) = listening {
            listening.abort();
            drop(listening.await);
        }
        self.hangs_up();
    }

    /// Listens again, at the same address.
    pub(crate) async fn returns(&self) {
        self.listen(TcpListener::bind(self.address).await.unwrap());
    }

    pub(crate) fn uri(&self) -> String {
        format!("smtp://{}/?disable_starttls=true", self.address)
    }

    pub(crate) fn becomes(&self, mood: Mood) {
        self.shared.state().mood = mood;
    }

    pub(crate) fn refuses(&self, recipient: &str, answer: &'static str) {
        self.shared.state().refused.push((recipient.to_owned(), answer));
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// What was received since the last time.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.shared.state().received)
    }

    pub(crate) fn said(&self) -> Vec<String> {
        self.shared.state().said.clone()
    }

    /// How many connections there were.
    pub(crate) fn sessions(&self) -> usize {
        self.shared.state().sessions
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.shared.state().open
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
