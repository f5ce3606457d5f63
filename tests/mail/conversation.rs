//! What the mail server of [`peer`](super::peer) says, and what it hears.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::peer::{Mood, Received, Shared};

/// What a connection has come to.
struct Session {
    shared: Arc<Shared>,
    number: usize,
    encrypted: bool,
    user: Option<String>,
    commands: Vec<String>,
}

/// How a conversation went on.
enum Next {
    Over,
    Encrypt,
}

pub(crate) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut hang_ups = shared.hang_ups.subscribe();
    shared.state().open += 1;
    tokio::select! {
        () = converse(stream, Arc::clone(&shared)) => {}
        _ = hang_ups.changed() => {}
    }
    shared.state().open -= 1;
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let (mood, number) = {
        let mut state = shared.state();
        state.sessions += 1;
        (state.mood.clone(), state.sessions)
    };
    if mood == Mood::Away {
        return;
    }
    let offers = shared.offers.clone();
    let mut session = Session { shared, number, encrypted: offers.implicit, user: None, commands: Vec::new() };
    // A client that goes away is no trouble of ours.
    let _ = match (offers.implicit, offers.tls) {
        (true, Some(tls)) => match tls.accept(stream).await {
            Ok(stream) => session.talk(&mut BufReader::new(stream), true).await.map(drop),
            Err(error) => Err(error),
        },
        (_, tls) => session.talk_and_encrypt(stream, tls).await,
    };
}

impl Session {
    async fn talk_and_encrypt(&mut self, stream: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        if let (Next::Encrypt, Some(tls)) = (self.talk(&mut stream, true).await?, tls) {
            if self.mood() == Mood::NoTls {
                // Only when the client has begun: what comes before is something else.
                stream.fill_buf().await?;
                return stream.get_mut().write_all(b"this is no TLS\r\n").await;
            }
            let stream = tls.accept(stream.into_inner()).await?;
            self.encrypted = true;
            self.talk(&mut BufReader::new(stream), false).await?;
        }
        Ok(())
    }

    fn mood(&self) -> Mood {
        self.shared.state().mood.clone()
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufReader<S>,
        greets: bool,
    ) -> io::Result<Next> {
        if greets {
            self.answer(stream, "CONNECT", "220 peer.example.org\r\n").await?;
        }
        loop {
            let Some(line) = self.hear(stream).await? else { return Ok(Next::Over) };
            let upper = line.to_ascii_uppercase();
            let verb = upper.split([' ', ':', '\r']).next().unwrap_or_default().to_owned();
            match verb.as_str() {
                "EHLO" => {
                    let offers = self.offers();
                    self.answer(stream, "EHLO", &offers).await?;
                }
                "STARTTLS" => {
                    let answer = match self.mood() {
                        Mood::Injects => "220 go\r\n250 said in clear\r\n",
                        _ => "220 go\r\n",
                    };
                    self.answer(stream, "STARTTLS", answer).await?;
                    return Ok(Next::Encrypt);
                }
                "AUTH" => self.sign_in(stream, &line).await?,
                "RCPT" => {
                    let refused = self.shared.state().refused.clone();
                    let refused = refused.iter().find(|(to, _)| line.contains(&format!("<{to}>")));
                    let answer = refused.map_or_else(|| "250 ok\r\n".to_owned(), |(_, words)| format!("{words}\r\n"));
                    self.answer(stream, "RCPT", &answer).await?;
                }
                "DATA" => {
                    self.answer(stream, "DATA", "354 go\r\n").await?;
                    let is_refused = matches!(self.mood(), Mood::Says("DATA", _));
                    if !is_refused && !self.take(stream).await? {
                        return Ok(Next::Over);
                    }
                }
                "QUIT" => {
                    self.answer(stream, "QUIT", "221 bye\r\n").await?;
                    return Ok(Next::Over);
                }
                "MAIL" | "RSET" | "NOOP" => self.answer(stream, &verb, "250 ok\r\n").await?,
                _ => self.answer(stream, &verb, "500 what\r\n").await?,
            }
        }
    }

    fn offers(&self) -> String {
        let offers = &self.shared.offers;
        let mut lines = vec!["peer.example.org".to_owned(), "8BITMIME".to_owned()];
        if offers.tls.is_some() && !self.encrypted {
            lines.push("STARTTLS".to_owned());
        }
        if offers.unicode {
            lines.push("SMTPUTF8".to_owned());
        }
        if !offers.auth.is_empty() {
            lines.push(format!("AUTH {}", offers.auth));
        }
        let last = lines.pop().unwrap();
        let all: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
        format!("{all}250 {last}\r\n")
    }

    async fn sign_in<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufReader<S>,
        line: &str,
    ) -> io::Result<()> {
        let decoded = |text: &str| String::from_utf8(STANDARD.decode(text.trim()).unwrap()).unwrap();
        let (user, password) = match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["AUTH", "PLAIN", answer] => {
                let answer = decoded(answer);
                let mut parts = answer.split('\0').skip(1).map(str::to_owned);
                (parts.next().unwrap(), parts.next().unwrap())
            }
            _ => {
                self.answer(stream, "AUTH", "334 VXNlcm5hbWU6\r\n").await?;
                let user = self.hear(stream).await?.unwrap_or_default();
                self.answer(stream, "AUTH", "334 UGFzc3dvcmQ6\r\n").await?;
                let password = self.hear(stream).await?.unwrap_or_default();
                (decoded(&user), decoded(&password))
            }
        };
        if (user.as_str(), password.as_str()) != ("ada", "hunter2") {
            return self.answer(stream, "AUTH", "535 5.7.8 no\r\n").await;
        }
        self.user = Some(user);
        self.answer(stream, "AUTH", "235 2.7.0 yes\r\n").await
    }

    /// Takes a letter. Says whether the conversation goes on.
    async fn take<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: &mut BufReader<S>) -> io::Result<bool> {
        let mut raw = Vec::new();
        loop {
            let from = raw.len();
            if stream.read_until(b'\n', &mut raw).await? == 0 {
                return Ok(false);
            }
            if raw[from..] == *b".\r\n" {
                raw.truncate(from);
                break;
            }
        }
        let commands = std::mem::take(&mut self.commands);
        let mood = self.mood();
        let taken = !matches!(mood, Mood::Says(".", _) | Mood::Silent | Mood::Drops);
        let (session, encrypted, user) = (self.number, self.encrypted, self.user.clone());
        self.shared.state().received.push(Received { session, encrypted, user, commands, raw, taken });
        if mood == Mood::Drops {
            return Ok(false);
        }
        if mood == Mood::Silent {
            // The client is left waiting until it hangs up.
            drop(stream.read_until(b'\n', &mut Vec::new()).await);
            return Ok(false);
        }
        self.answer(stream, ".", "250 taken\r\n").await?;
        Ok(true)
    }

    async fn hear<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufReader<S>,
    ) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8(line).unwrap();
        self.commands.push(line.clone());
        self.shared.state().said.push(line.clone());
        Ok(Some(line))
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufReader<S>,
        to: &str,
        words: &str,
    ) -> io::Result<()> {
        let stream = stream.get_mut();
        match self.mood() {
            Mood::Says(verb, other) if verb == to => stream.write_all(format!("{other}\r\n").as_bytes()).await?,
            Mood::Slow(pause) => {
                for byte in words.bytes() {
                    tokio::time::sleep(pause).await;
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                }
            }
            _ => stream.write_all(words.as_bytes()).await?,
        }
        stream.flush().await
    }
}
