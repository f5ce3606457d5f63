//! How a body is written.

use bytes::Bytes;
use serde_json::Value;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Form,
}

impl Encoding {
    /// The encoding that a content type asks for; nothing when it is another one.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Some(Self::Json),
            "application/x-www-form-urlencoded" => Some(Self::Form),
            other => (other.starts_with("application/") && other.ends_with("+json")).then_some(Self::Json),
        }
    }

    /// The bytes of a body; nothing when a form has members that are no texts.
    pub(crate) fn write(self, body: &Value) -> Option<Bytes> {
        match self {
            Self::Json => Some(body.to_string().into()),
            Self::Form => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in body.as_object()? {
                    form.append_pair(name, value.as_str()?);
                }
                Some(form.finish().into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_content_type_says_how_a_body_is_written() {
        assert_eq!(Encoding::of("application/json"), Some(Encoding::Json));
        assert_eq!(Encoding::of("Application/JSON; charset=utf-8"), Some(Encoding::Json));
        assert_eq!(Encoding::of("application/vnd.api+json"), Some(Encoding::Json));
        assert_eq!(Encoding::of("application/x-www-form-urlencoded"), Some(Encoding::Form));
        assert_eq!(Encoding::of("text/plain"), None);
        assert_eq!(Encoding::of(""), None);
    }

    #[test]
    fn a_form_is_made_of_texts() {
        let form = |body| Encoding::Form.write(&body);

        assert_eq!(form(json!({ "To": "+49 30", "Body": "a&b" })).unwrap(), "Body=a%26b&To=%2B49+30");
        assert_eq!(form(json!({ "n": 1 })), None);
        assert_eq!(form(json!(["a"])), None);
    }
}
