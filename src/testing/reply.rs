//! What came back.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use url::Url;

/// A response, read to its end.
#[derive(Clone, Debug)]
#[must_use]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    pub(super) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first value of a header; empty when there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The bytes of the body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The part of the JSON body at a pointer, such as `/error/id`; null when there is none.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or_default()
    }

    /// Where a redirect leads.
    #[must_use]
    pub fn location(&self) -> &str {
        self.header(header::LOCATION.as_str())
    }

    /// The value of a parameter in the query of the redirect's target.
    #[must_use]
    pub fn location_parameter(&self, name: &str) -> Option<String> {
        let base = Url::parse("http://relative.invalid").ok()?;
        let target = base.join(self.location()).ok()?;
        target.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The id of the flow that the answer is about: in its body, or in the page it leads to.
    #[must_use]
    pub fn flow_id(&self) -> Option<String> {
        let in_body = self.json();
        let in_body = in_body.get("ui").and_then(|_| in_body.get("id")?.as_str().map(str::to_owned));
        in_body.or_else(|| self.location_parameter("flow"))
    }

    /// The names of the fields, in order.
    #[must_use]
    pub fn field_names(&self) -> Vec<String> {
        self.fields().iter().filter_map(|node| Some(node.pointer("/attributes/name")?.as_str()?.to_owned())).collect()
    }

    /// The first field with this name, as the wire shows it; null when there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> Value {
        let named = |node: &Value| node.pointer("/attributes/name").is_some_and(|own| own == name);
        self.fields().into_iter().find(named).unwrap_or_default()
    }

    /// The value that stands in a field; null when there is none.
    #[must_use]
    pub fn value_of(&self, name: &str) -> Value {
        self.field(name).pointer("/attributes/value").cloned().unwrap_or_default()
    }

    /// The numbers of the messages at a field.
    #[must_use]
    pub fn messages_at(&self, name: &str) -> Vec<u64> {
        numbers(self.field(name).get("messages"))
    }

    /// The numbers of the messages for the page as a whole.
    #[must_use]
    pub fn messages(&self) -> Vec<u64> {
        numbers(self.json().pointer("/ui/messages"))
    }

    fn fields(&self) -> Vec<Value> {
        self.json().pointer("/ui/nodes").and_then(Value::as_array).cloned().unwrap_or_default()
    }
}

fn numbers(messages: Option<&Value>) -> Vec<u64> {
    let all = messages.and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|message| message.get("id")?.as_u64()).collect()
}
