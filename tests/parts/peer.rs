//! A raw server that plays its part by a script and remembers how the other side behaved.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use url::Url;

/// What the server does on every connection.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// Reads whatever comes and says nothing.
    Silent,
    /// Says this behind each request, and keeps the connection.
    Says(&'static [u8]),
    /// Says this behind the first request, and hangs up.
    HangsUp(&'static [u8]),
    /// Says the first behind the first request, then the second again and again, after a pause each.
    Repeats(&'static [u8], &'static [u8], Duration),
}

/// A running server.
#[derive(Clone, Default)]
pub(crate) struct Peer {
    port: u16,
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    written: Arc<AtomicUsize>,
}

impl Peer {
    /// Starts a server on a runtime of its own, so that its tasks are none of the test's.
    pub(crate) fn start(part: Part) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let peer = Self { port: listener.local_addr().unwrap().port(), ..Self::default() };
        let own = peer.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    let own = own.clone();
                    own.begun.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(async move {
                        own.play(part, stream).await;
                        own.ended.fetch_add(1, Ordering::SeqCst);
                    });
                }
            });
        });
        peer
    }

    async fn play(&self, part: Part, mut stream: TcpStream) {
        let mut request = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut request).await {
            let whole = request[..read].windows(4).any(|end| end == b"\r\n\r\n");
            match part {
                Part::Says(words) if whole => drop(self.say(&mut stream, words).await),
                Part::HangsUp(words) => return drop(self.say(&mut stream, words).await),
                Part::Repeats(start, piece, pause) => {
                    let mut said = self.say(&mut stream, start).await;
                    while said.is_ok() {
                        sleep(pause).await;
                        said = self.say(&mut stream, piece).await;
                    }
                    return;
                }
                Part::Silent | Part::Says(_) => {}
            }
        }
    }

    async fn say(&self, stream: &mut TcpStream, words: &[u8]) -> std::io::Result<()> {
        stream.write_all(words).await?;
        self.written.fetch_add(words.len(), Ordering::SeqCst);
        Ok(())
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}/", self.port)).unwrap()
    }

    /// The same place, as one that speaks TLS.
    pub(crate) fn tls_url(&self) -> Url {
        Url::parse(&format!("https://127.0.0.1:{}/", self.port)).unwrap()
    }

    /// How many connections were opened.
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// How many bytes were accepted by the system on the way to the other side.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }

    /// Waits until the other side has closed every connection; says whether it did within five seconds.
    pub(crate) async fn is_left(&self) -> bool {
        let left = async {
            while self.ended.load(Ordering::SeqCst) < self.begun() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(5), left).await.is_ok()
    }
}
