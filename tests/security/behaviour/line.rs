//! A connection that speaks as much HTTP as a measurement needs, and costs little.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

/// One connection, kept open.
pub(super) struct Line {
    stream: BufStream<TcpStream>,
}

/// What came back over it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<u32>,
    body: String,
}

impl Answer {
    /// The id of the flow that the answer shows.
    pub(super) fn flow_id(&self) -> String {
        let (_, rest) = self.body.split_once("{\"id\":\"").unwrap_or_else(|| panic!("no flow: {self:?}"));
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Line {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufStream::new(stream) }
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\r\n")).await
    }

    pub(super) async fn post(&mut self, path: &str, body: &str) -> Answer {
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n");
        self.ask(&format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")).await
    }

    async fn ask(&mut self, request: &str) -> Answer {
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
        let first = self.header().await;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        let (mut length, mut retry_after) = (0, None);
        loop {
            let header = self.header().await.to_ascii_lowercase();
            match header.split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().unwrap(),
                Some(("retry-after", value)) => retry_after = value.trim().parse().ok(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        Answer { status, retry_after, body: String::from_utf8(body).unwrap() }
    }

    async fn header(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }
}
