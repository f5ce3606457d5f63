//! A mail server that takes every letter, counts it when it has said so, and can stop talking at a chosen word.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// Where the server stops talking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It has greeted, and been greeted.
    Connected,
    /// It has a letter, and has not said so.
    BeforeTaken,
}

/// A letter that was taken: the server has said so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Taken {
    pub(crate) to: String,
    pub(crate) id: String,
}

/// A running server. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    taken: Mutex<Vec<Taken>>,
    /// Where to stop, when it comes there for the n-th time.
    stop: Mutex<Option<(Stop, usize)>>,
    stopped: Notify,
}

impl Sink {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Self { address: listener.local_addr().unwrap(), shared: Arc::default() };
        let shared = Arc::clone(&sink.shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                // Whoever is killed in the middle of a word is no trouble of the server's.
                tokio::spawn(async move { shared.talk(stream).await });
            }
        });
        sink
    }

    pub(crate) fn uri(&self) -> String {
        format!("smtp://{}/?disable_starttls=true", self.address)
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }

    /// Stops where it is told to, at the n-th time from now, and completes then.
    pub(crate) async fn stops_at(&self, stop: Stop, nth: usize) {
        *self.shared.stop.lock().unwrap() = Some((stop, nth));
        self.shared.stopped.notified().await;
    }
}

impl Shared {
    /// Goes on, or says nothing any more.
    async fn pass(&self, at: Stop) {
        let stops = {
            let mut stop = self.stop.lock().unwrap();
            match stop.as_mut() {
                Some((chosen, nth)) if *chosen == at => {
                    *nth -= 1;
                    if *nth == 0 { stop.take().is_some() } else { false }
                }
                _ => false,
            }
        };
        if stops {
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 sink\r\n").await?;
        let (mut to, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            let answer: &[u8] = match verb.as_str() {
                "EHLO" | "HELO" => {
                    self.pass(Stop::Connected).await;
                    b"250-sink\r\n250 SMTPUTF8\r\n"
                }
                "RCPT" => {
                    to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    b"250 yes\r\n"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let Some(id) = letter(&mut stream).await? else { return Ok(()) };
                    self.pass(Stop::BeforeTaken).await;
                    // From here on the letter is the server's, whether the client hears of it or not.
                    self.taken.lock().unwrap().push(Taken { to: to.clone(), id });
                    b"250 taken\r\n"
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => b"250 fine\r\n",
            };
            stream.write_all(answer).await?;
        }
    }
}

/// Reads a letter to the line with the dot and gives its `Message-ID`.
async fn letter(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let (mut id, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        if line == ".\r\n" {
            return Ok(Some(id));
        }
        if let Some((name, value)) = line.split_once(':').filter(|_| id.is_empty())
            && name.eq_ignore_ascii_case("message-id")
        {
            id = value.trim().to_owned();
        }
    }
}
