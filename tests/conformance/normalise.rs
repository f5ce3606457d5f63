//! Puts names in the place of whatever is new in each run, so that two runs can be compared.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex::{Captures, Regex};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::variables::Variables;

static UUID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap());
static TIME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)").unwrap());
static PARAMETER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"\b(state|nonce|code_challenge|code)=([^&\s"]+)"#).unwrap());
static AGO: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"expired [\d.]+ minutes ago").unwrap());
static CSRF_COOKIE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^csrf_token_[0-9a-f]{64}$").unwrap());
static NAMED_UUID: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"<uuid\d+>").unwrap());

/// What stands as it is in a part of a URL.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const OPAQUE_MEMBERS: [&str; 4] =
    ["session_token", "ory_session_token", "code_challenge", "session_token_exchange_code"];
const OPAQUE_PARAMETERS: [&str; 5] = ["state", "nonce", "code_challenge", "code", "token"];
const URL_MEMBERS: [&str; 8] =
    ["redirect_browser_to", "redirect_to", "url", "action", "request_url", "api", "schema_url", "src"];

/// The UUIDs of one conversation in the order of their appearance.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: BTreeMap<String, String>,
}

impl Names {
    fn of(&mut self, uuid: &str) -> String {
        let next = self.known.len() + 1;
        self.known.entry(uuid.to_owned()).or_insert_with(|| format!("<uuid{next}>")).clone()
    }
}

/// Normalises the answers of one conversation.
#[derive(Debug)]
pub(crate) struct Normaliser<'a> {
    base: &'a str,
    made_up: Vec<(&'a str, &'a str)>,
    names: &'a mut Names,
}

impl<'a> Normaliser<'a> {
    /// For a service at this base URL, which ends with no slash.
    pub(crate) fn new(base: &'a str, variables: &'a Variables, names: &'a mut Names) -> Self {
        Self { base, made_up: variables.made_up(), names }
    }

    /// What is compared of an answer.
    pub(crate) fn answer(&mut self, answer: &Answer) -> Value {
        let mut out = json!({ "status": answer.status });
        if let Some(kind) = answer.header("content-type").filter(|_| !answer.body.is_empty()) {
            out["content_type"] = kind.split(';').next().unwrap_or_default().trim().into();
        }
        if let Some(location) = answer.header("location") {
            out["location"] = self.url(&location);
        }
        let mut cookies: Vec<Value> = answer.cookies().iter().map(|line| cookie(line)).collect();
        if !cookies.is_empty() {
            cookies.sort_by(|one, other| one["name"].as_str().cmp(&other["name"].as_str()));
            out["cookies"] = cookies.into();
        }
        let body = answer.json();
        if !body.is_null() {
            out["json"] = self.json(&body, None);
        }
        out
    }

    /// What is compared of a value that a peer says.
    pub(crate) fn value(&mut self, value: &Value) -> Value {
        self.json(value, None)
    }

    fn json(&mut self, value: &Value, key: Option<&str>) -> Value {
        match (value, key) {
            (Value::Object(members), _) => self.object(members),
            (Value::Array(items), _) => items.iter().map(|item| self.json(item, key)).collect(),
            (Value::String(_), Some(key)) if OPAQUE_MEMBERS.contains(&key) => "<opaque>".into(),
            (Value::String(_), Some("csrf_token")) => "<csrf>".into(),
            (Value::String(url), Some(key)) if URL_MEMBERS.contains(&key) && url.contains("://") => self.url(url),
            (Value::String(text), _) => self.text(text).into(),
            (_, Some("expires_in" | "since")) => "<number>".into(),
            (other, _) => other.clone(),
        }
    }

    fn object(&mut self, members: &Map<String, Value>) -> Value {
        let mut members = members.clone();
        let is = |members: &Map<String, Value>, key: &str, text: &str| members.get(key).is_some_and(|own| own == text);
        let filled = members.get("value").is_some_and(|value| !value.is_null() && value != "");
        if is(&members, "node_type", "input") && is(&members, "name", "csrf_token") && filled {
            members.insert("value".to_owned(), "<csrf>".into());
        }
        let holds_options = ["webauthn_register_trigger", "passkey_create_data"];
        if holds_options.iter().any(|name| is(&members, "name", name))
            && let Some(options) = members.get("value").and_then(Value::as_str)
        {
            let options = self.creation_options(options);
            members.insert("value".to_owned(), options);
        }
        for (key, name) in [("onclick", "<script>"), ("ip_address", "<address>")] {
            if members.get(key).is_some_and(Value::is_string) {
                members.insert(key.to_owned(), name.into());
            }
        }
        if is(&members, "node_type", "script") {
            members.insert("nonce".to_owned(), "<nonce>".into());
            members.insert("integrity".to_owned(), "<integrity>".into());
        }
        let named = members.iter().map(|(key, value)| (self.text(key), self.json(value, Some(key))));
        Value::Object(named.collect())
    }

    /// The options for a new key, which are JSON within a text: without challenge and user id.
    fn creation_options(&mut self, text: &str) -> Value {
        match serde_json::from_str(text) {
            Ok(options) => self.without_bytes(&options, None),
            Err(_) => "<unparsed>".into(),
        }
    }

    fn without_bytes(&mut self, value: &Value, key: Option<&str>) -> Value {
        match (value, key) {
            (Value::Object(members), _) => {
                let kept = members.iter().map(|(key, part)| (key.clone(), self.without_bytes(part, Some(key))));
                Value::Object(kept.collect())
            }
            (Value::Array(items), _) => items.iter().map(|item| self.without_bytes(item, key)).collect(),
            (_, Some("challenge")) => "<bytes>".into(),
            // The id of the relying party is a domain; any other id is random.
            (Value::String(id), Some("id")) if !id.contains('.') && id != "localhost" => "<bytes>".into(),
            (Value::String(text), _) => self.text(text).into(),
            (other, _) => other.clone(),
        }
    }

    /// A URL in its parts, the query sorted.
    fn url(&mut self, url: &str) -> Value {
        let parts = UrlParts::of(url);
        let pairs = form_urlencoded::parse(parts.query.as_bytes());
        let mut query: Vec<(String, String)> = pairs
            .map(|(key, value)| match OPAQUE_PARAMETERS.contains(&&*key) && !value.is_empty() {
                true => (key.into_owned(), "<opaque>".to_owned()),
                false => (key.into_owned(), self.text(&value)),
            })
            .collect();
        query.sort();
        let place = match parts.scheme.is_empty() {
            true => parts.path,
            false => format!("{}://{}{}", parts.scheme, parts.authority, parts.path),
        };
        json!({ "url": self.text(&place), "query": query, "fragment": parts.fragment })
    }

    fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.made_up {
            let named = format!("<{name}>");
            text = text.replace(value, &named).replace(&escaped(value), &named);
            text = text.replace(&value.to_lowercase(), &format!("<{name}:lower>"));
        }
        text = text.replace(self.base, "<base>").replace(&escaped(self.base), "<base>");
        let hide = |found: &Captures<'_>| match found[2].chars().count() > 30 {
            true => format!("{}=<opaque>", &found[1]),
            false => found[0].to_owned(),
        };
        let text = PARAMETER.replace_all(&text, hide);
        let text = AGO.replace_all(&text, "expired <number> minutes ago");
        let text = UUID.replace_all(&text, |found: &Captures<'_>| self.names.of(&found[0].to_lowercase()));
        TIME.replace_all(&text, "<time>").into_owned()
    }
}

/// A cookie as it is set: its name, whether it is emptied, and its attributes; those that are times without the time.
fn cookie(line: &str) -> Value {
    let mut parts = line.split(';').map(str::trim);
    let first = parts.next().unwrap_or_default();
    let (name, value) = first.split_once('=').unwrap_or((first, ""));
    let name = CSRF_COOKIE.replace(name, "csrf_token_<hash>");
    let without_time = |attribute: &str| {
        let name = attribute.split('=').next().unwrap_or_default();
        let timed = attribute.contains('=') && ["expires", "max-age"].contains(&name.to_lowercase().as_str());
        if timed { name.to_owned() } else { attribute.to_owned() }
    };
    let mut attributes: Vec<String> = parts.map(without_time).collect();
    attributes.sort();
    json!({ "name": name, "cleared": value.is_empty(), "attributes": attributes })
}

/// The answers of a conversation with its UUIDs counted anew, in the order in which they stand when the members of each
/// object are read by name.
pub(crate) fn canonical(answers: &Value) -> Value {
    renumber(answers, &mut Names::default())
}

fn renumber(value: &Value, names: &mut Names) -> Value {
    let rename = |text: &str, names: &mut Names| {
        NAMED_UUID.replace_all(text, |found: &Captures<'_>| names.of(&found[0])).into_owned()
    };
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            sorted.into_iter().map(|(key, part)| (rename(key, names), renumber(part, names))).collect()
        }
        Value::Array(items) => items.iter().map(|item| renumber(item, names)).collect(),
        Value::String(text) => rename(text, names).into(),
        other => other.clone(),
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// A URL cut at its marks, and judged by nobody: what a server sends is compared even where it is no URL.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct UrlParts {
    pub(crate) scheme: String,
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) fragment: String,
}

impl UrlParts {
    /// The parts of a URL or of a reference; what is not there is empty.
    pub(crate) fn of(url: &str) -> Self {
        let mut parts = Self::default();
        let mut rest = url;
        if let Some((scheme, after)) = url.split_once(':')
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        {
            parts.scheme = scheme.to_ascii_lowercase();
            rest = after;
        }
        if let Some(after) = rest.strip_prefix("//") {
            let end = after.find(['/', '?', '#']).unwrap_or(after.len());
            parts.authority = after[..end].to_owned();
            rest = &after[end..];
        }
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Self { path: path.to_owned(), query: query.to_owned(), fragment: fragment.to_owned(), ..parts }
    }
}
