//! A second reader of bodies, written from the texts of JSON (RFC 8259) and of forms, and from the bounds of bodies.

const DEEPEST: usize = 32;
const MOST_VALUES: usize = 1_000;
const LONGEST: usize = 4_096;

/// As much of a JSON value as is compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    Members(Vec<(String, Node)>),
    Items(Vec<Node>),
    /// A number, `true`, `false`, `null`.
    Word(String),
}

impl Node {
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Members(members) => members.iter().find(|(own, _)| own == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Members(members) => members.iter().map(|(name, _)| name.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

/// The first value of a body; nothing when it is none, or beyond the bounds.
pub(super) fn json(body: &[u8]) -> Option<Node> {
    Reader { rest: body, values: 0 }.value(0)
}

struct Reader<'b> {
    rest: &'b [u8],
    values: usize,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.blanks();
        let there = self.rest.first() == Some(&byte);
        self.rest = &self.rest[usize::from(there)..];
        there
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        self.values += 1;
        if self.values > MOST_VALUES || depth > DEEPEST {
            return None;
        }
        self.blanks();
        match self.rest.first()? {
            b'"' => self.text().map(Node::Text),
            b'{' => self.members(depth),
            b'[' => self.items(depth),
            _ => self.word(),
        }
    }

    fn members(&mut self, depth: usize) -> Option<Node> {
        self.takes(b'{');
        let mut members: Vec<(String, Node)> = Vec::new();
        while !self.takes(b'}') {
            if !members.is_empty() && !self.takes(b',') {
                return None;
            }
            self.blanks();
            let name = self.text()?;
            let value = self.takes(b':').then(|| self.value(depth + 1))??;
            match members.iter().find(|(own, _)| *own == name) {
                Some((_, first)) if *first != value => return None,
                Some(_) => {}
                None => members.push((name, value)),
            }
        }
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        Some(Node::Members(members))
    }

    fn items(&mut self, depth: usize) -> Option<Node> {
        self.takes(b'[');
        let mut items = Vec::new();
        while !self.takes(b']') {
            if !items.is_empty() && !self.takes(b',') {
                return None;
            }
            items.push(self.value(depth + 1)?);
        }
        Some(Node::Items(items))
    }

    fn text(&mut self) -> Option<String> {
        self.rest = self.rest.strip_prefix(b"\"")?;
        let mut bytes = Vec::new();
        loop {
            let (first, rest) = self.rest.split_first()?;
            self.rest = rest;
            match first {
                b'"' => break,
                b'\\' => {
                    let escaped = self.escaped()?;
                    bytes.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
                }
                0..0x20 => return None,
                byte => bytes.push(*byte),
            }
        }
        String::from_utf8(bytes).ok().filter(|text| text.len() <= LONGEST)
    }

    fn escaped(&mut self) -> Option<char> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(match first {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'"' | b'\\' | b'/' => char::from(*first),
            b'u' => {
                let first = self.digits()?;
                let pair = (0xd800..0xdc00).contains(&first);
                if pair {
                    self.rest = self.rest.strip_prefix(b"\\u")?;
                }
                let units = [first, if pair { self.digits()? } else { 0 }];
                char::decode_utf16(units).next()?.ok()?
            }
            _ => return None,
        })
    }

    fn digits(&mut self) -> Option<u16> {
        let (digits, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        let digits =
            std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u16::from_str_radix(digits, 16).ok()
    }

    fn word(&mut self) -> Option<Node> {
        let ends = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"+-.".contains(byte);
        let (word, rest) = self.rest.split_at(self.rest.iter().position(ends).unwrap_or(self.rest.len()));
        let word = std::str::from_utf8(word).ok()?;
        self.rest = rest;
        match word {
            "true" | "false" | "null" => Some(Node::Word(word.to_owned())),
            number => is_number(number).then(|| Node::Word(spelled(number))),
        }
    }
}

/// A number that a computer can hold.
fn is_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = word.split_once(['e', 'E']).unwrap_or((word, "0"));
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let sound = digits(whole) && digits(fraction) && digits(exponent) && (whole == "0" || !whole.starts_with('0'));
    sound && word.parse::<f64>().is_ok_and(f64::is_finite)
}

/// One spelling for a number that has several.
fn spelled(number: &str) -> String {
    let whole = number != "-0" && (number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok());
    let float = number.parse::<f64>().unwrap_or_default() + 0.0;
    if whole { number.to_owned() } else { format!("{float:?}") }
}

/// Names and values of a form; nothing when it is none.
pub(super) fn form(body: &[u8]) -> Option<Vec<(String, String)>> {
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            Some((unescaped(&pair[..at])?, unescaped(pair.get(at + 1..).unwrap_or_default())?))
        })
        .collect()
}

fn unescaped(text: &[u8]) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b';' => return None,
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, behind) = rest.split_first_chunk::<2>()?;
                let digit = |at: usize| char::from(digits[at]).to_digit(16);
                bytes.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
                rest = behind;
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}
