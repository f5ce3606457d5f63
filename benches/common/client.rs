//! A client on a kept-alive connection. It costs little, because it runs on the cores of the server it measures.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::Bytes;
use http::Request;

/// One connection, for one request after the other.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer<'c> {
    head: &'c str,
    pub(crate) body: &'c [u8],
}

impl Connection {
    pub(crate) fn to(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    /// Sends a request and reads the answer to its end.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Answer<'_> {
        self.stream.write_all(request).unwrap();
        self.buffer.clear();
        let head = loop {
            self.read_more();
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let whole = head + self.answer(head).header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.buffer.len() < whole {
            self.read_more();
        }
        self.answer(head)
    }

    fn read_more(&mut self) {
        let mut chunk = [0; 8 * 1024];
        let length = self.stream.read(&mut chunk).unwrap();
        assert!(length > 0, "the server closed the connection");
        self.buffer.extend_from_slice(&chunk[..length]);
    }

    fn answer(&self, head: usize) -> Answer<'_> {
        let (head, body) = self.buffer.split_at(head);
        Answer { head: std::str::from_utf8(head).unwrap(), body }
    }
}

impl Answer<'_> {
    pub(crate) fn status(&self) -> u16 {
        self.head["HTTP/1.1 ".len()..][..3].parse().unwrap()
    }

    /// The value of a header; its name as the server writes it, in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|line| line.split_once(": ")).find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}

/// A request as it goes over the wire.
pub(crate) fn wire(request: &Request<Bytes>) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\nhost: app.example.org\r\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", request.body().len()));
    [head.as_bytes(), request.body()].concat()
}
