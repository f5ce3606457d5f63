//! Reads an e-mail back: dots, headers, parts, words.

use super::peer::Received;

/// An e-mail, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Email {
    /// Names and values in order, continued lines joined.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
}

impl Received {
    /// The bytes that were to be sent: no line begins with a dot that was not there.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in self.raw.split_inclusive(|byte| *byte == b'\n') {
            bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
        // The line end before the last dot is the client's.
        bytes.strip_suffix(b"\r\n").unwrap().to_vec()
    }

    pub(crate) fn email(&self) -> Email {
        Email::read(&self.bytes())
    }
}

impl Email {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let whole = std::str::from_utf8(bytes).unwrap();
        let (headers, body) = split(whole);
        let kind = value(&headers, "Content-Type").unwrap().to_owned();
        let Some((_, boundary)) = kind.split_once("boundary=\"") else {
            // A line end closes the words.
            return Self { text: words(&headers, body.strip_suffix("\r\n").unwrap()), headers, html: None };
        };
        let boundary = format!("--{}", boundary.trim_end_matches('"'));
        let parts: Vec<_> = body.split(&boundary).skip(1).map(|part| split(part.trim_start_matches("\r\n"))).collect();
        let [(first, text), (second, html), _] = &parts[..] else { panic!("{} parts", parts.len()) };
        assert!(value(first, "Content-Type").unwrap().starts_with("text/plain"));
        assert!(value(second, "Content-Type").unwrap().starts_with("text/html"));
        // The line end before a boundary belongs to the boundary.
        let own = |headers: &[_], body: &str| words(headers, body.strip_suffix("\r\n").unwrap());
        Self { text: own(first, text), html: Some(own(second, html)), headers }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        value(&self.headers, name).unwrap()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The first six digits in a row.
    pub(crate) fn code(&self) -> String {
        let mut runs = self.text.split(|c: char| !c.is_ascii_digit());
        runs.find(|run| run.len() == 6).unwrap_or_default().to_owned()
    }
}

/// An e-mail without what differs from one sending to the next: its date, and the border between its parts.
pub(crate) fn comparable(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap().trim_end_matches("\r\n").to_owned();
    let border = text.split_once("boundary=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(border, _)| border);
    let text = border.map_or(text.clone(), |border| text.replace(border, "border"));
    let lines = text.split("\r\n").map(|line| if line.starts_with("Date: ") { "Date: now" } else { line });
    lines.collect::<Vec<_>>().join("\r\n")
}

fn split(text: &str) -> (Vec<(String, String)>, &str) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    (head.split("\r\n").filter_map(pair).collect(), body)
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// Quoted-printable, decoded.
fn words(headers: &[(String, String)], body: &str) -> String {
    assert_eq!(value(headers, "Content-Transfer-Encoding"), Some("quoted-printable"));
    let joined = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let coded = (*byte == b'=').then(|| behind.split_at_checked(2)).flatten();
        let (byte, next) = match coded {
            Some((digits, next)) => (u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap(), next),
            None => (*byte, behind),
        };
        bytes.push(byte);
        rest = next;
    }
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}
