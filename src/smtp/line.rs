//! What the server says, a line at a time.
//!
//! It stands between the socket and lettre's client, which by itself keeps what it has read ahead across STARTTLS, and
//! panics at an offer that is nothing but blanks.
//!
//! 1. A line goes on to the client when all of it is there; it has at most [`LONGEST`] bytes.
//! 2. It begins with a number, and says something behind it or nothing at all. Whatever else comes ends the connection.
//! 3. After STARTTLS nothing may be left that was said in clear: somebody on the way could have put it there.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Bytes of a line, its end included; twice what servers may say.
const LONGEST: usize = 1024;
/// Lines of one answer.
const MOST_LINES: usize = 100;

/// A stream on which a server speaks in lines.
pub(super) struct Line<S> {
    stream: S,
    server: SocketAddr,
    heard: Vec<u8>,
    /// How many of the bytes heard are lines that may go on.
    good: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    /// A stream on which the server is about to greet.
    pub(super) fn new(stream: S, server: SocketAddr) -> Self {
        Self { stream, server, heard: Vec::new(), good: 0 }
    }

    /// A stream on which the server has greeted before it was encrypted. It does not greet again, but clients wait for
    /// it.
    pub(super) fn greeted(stream: S, server: SocketAddr) -> Self {
        Self { heard: b"220 encrypted\r\n".to_vec(), ..Self::new(stream, server) }
    }

    /// Says something and gives the answer: its number, and the words of each line.
    pub(super) async fn ask(&mut self, command: &str) -> io::Result<(u16, Vec<String>)> {
        self.stream.write_all(command.as_bytes()).await?;
        self.stream.flush().await?;
        self.answer().await
    }

    /// The next answer.
    pub(super) async fn answer(&mut self) -> io::Result<(u16, Vec<String>)> {
        let mut words = Vec::new();
        loop {
            std::future::poll_fn(|cx| self.poll_line(cx)).await?;
            let end = self.heard.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let line = String::from_utf8_lossy(&self.heard[..end]).into_owned();
            self.pass(end);
            let Some(number) = line.get(..3).and_then(|number| number.parse().ok()) else {
                return Err(fault("the server ended the connection"));
            };
            words.push(line.get(4..).unwrap_or_default().trim_end().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok((number, words));
            }
            if words.len() == MOST_LINES {
                return Err(fault("the server's answer does not end"));
            }
        }
    }

    /// The stream alone.
    pub(super) fn into_stream(self) -> io::Result<S> {
        match self.heard.is_empty() {
            true => Ok(self.stream),
            false => Err(fault("something was said in clear behind the answer to STARTTLS")),
        }
    }

    /// Waits until a line is there, or the server has ended the connection.
    fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.good == 0 {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let line = &self.heard[..=end];
                if !is_reply(line) {
                    return Poll::Ready(Err(fault("the server does not speak SMTP")));
                }
                self.good = end + 1;
            } else if self.heard.len() >= LONGEST {
                return Poll::Ready(Err(fault("a line of the server is too long")));
            } else {
                let mut bytes = [0; LONGEST];
                let free = LONGEST - self.heard.len();
                let mut more = ReadBuf::new(&mut bytes[..free]);
                ready!(Pin::new(&mut self.stream).poll_read(cx, &mut more))?;
                if more.filled().is_empty() {
                    return Poll::Ready(Ok(()));
                }
                self.heard.extend_from_slice(more.filled());
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Drops bytes that have gone on.
    fn pass(&mut self, bytes: usize) {
        self.heard.drain(..bytes);
        self.good = self.good.saturating_sub(bytes);
    }
}

/// Three digits; then the end of the line, or a mark and words. Words that are blanks are none: the client that reads
/// them expects some.
fn is_reply(line: &[u8]) -> bool {
    let Ok(line) = std::str::from_utf8(line) else { return false };
    let Some(line) = line.strip_suffix("\r\n") else { return false };
    let (number, rest) = line.split_at_checked(3).unwrap_or_default();
    let words = rest.strip_prefix(['-', ' ']);
    number.len() == 3
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && words.map_or(rest.is_empty(), |words| words.is_empty() || !words.trim().is_empty())
}

fn fault(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Line<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let line = self.get_mut();
        ready!(line.poll_line(cx))?;
        let most = line.good.min(buf.remaining());
        buf.put_slice(&line.heard[..most]);
        line.pass(most);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Line<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Line<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.server)
    }
}

/// Without what was heard: servers repeat addresses.
impl<S> fmt::Debug for Line<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("server", &self.server).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    fn line(heard: &[u8]) -> Line<tokio_test_stream::Said> {
        let server = SocketAddr::from(([127, 0, 0, 1], 25));
        Line::new(tokio_test_stream::said(heard), server)
    }

    /// A stream that says something and ends.
    mod tokio_test_stream {
        pub(super) type Said = tokio::io::Join<std::io::Cursor<Vec<u8>>, tokio::io::Sink>;

        pub(super) fn said(heard: &[u8]) -> Said {
            tokio::io::join(std::io::Cursor::new(heard.to_vec()), tokio::io::sink())
        }
    }

    #[tokio::test]
    async fn lines_pass_as_they_were_said() {
        let said = b"220 a b\r\n250-one\r\n250 \r\n250\r\n";
        let mut passed = Vec::new();

        line(said).read_to_end(&mut passed).await.unwrap();

        assert_eq!(passed, said);
    }

    #[tokio::test]
    async fn an_answer_has_a_number_and_lines() {
        let mut line = line(b"220 mail.example.org\r\n250-mail\r\n250-STARTTLS\r\n250 SIZE 1\r\n");

        assert_eq!(line.answer().await.unwrap(), (220, vec!["mail.example.org".to_owned()]));
        assert_eq!(line.ask("EHLO x\r\n").await.unwrap().1, ["mail", "STARTTLS", "SIZE 1"]);
        assert!(line.answer().await.is_err());
    }

    #[tokio::test]
    async fn what_is_no_reply_ends_the_connection() {
        let endless = "250-x\r\n".repeat(MOST_LINES + 1);
        let long = format!("220 {}\r\n", "x".repeat(LONGEST));
        for said in ["220 a\n", "22 a\r\n", "SSH-2.0-x\r\n", "250-  \r\n", "2200 a\r\n", "+OK\r\n", &endless, &long] {
            assert!(line(said.as_bytes()).answer().await.is_err(), "{said}");
        }
        assert!(line(b"220 \xff\r\n").answer().await.is_err());
    }

    #[tokio::test]
    async fn nothing_said_in_clear_survives_starttls() {
        let mut honest = line(b"220 go\r\n");
        let mut hostile = line(b"220 go\r\n250 said before TLS\r\n");
        honest.ask("STARTTLS\r\n").await.unwrap();
        hostile.ask("STARTTLS\r\n").await.unwrap();

        assert!(honest.into_stream().is_ok());
        assert!(hostile.into_stream().is_err());
    }
}
