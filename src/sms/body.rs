//! What a gateway is told.

use std::error::Error;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::host::Rendered;

/// Why there is no body. Says nothing of the letter: it goes to the log.
pub(crate) type BodyError = Box<dyn Error + Send + Sync>;

/// Makes the body of a request from a letter.
#[async_trait]
pub(crate) trait Body: Send + Sync + 'static {
    async fn write(&self, letter: &Rendered) -> Result<Value, BodyError>;
}

/// A body as the host makes it.
pub(super) struct Own<F>(pub(super) F);

#[async_trait]
impl<F: Fn(&Rendered) -> Value + Send + Sync + 'static> Body for Own<F> {
    async fn write(&self, letter: &Rendered) -> Result<Value, BodyError> {
        Ok((self.0)(letter))
    }
}

/// The body of gateways that were made for Kratos.
pub(super) fn default(letter: &Rendered) -> Value {
    let fact = |name: &str| letter.data().get(name).cloned().unwrap_or_default();
    json!({
        "recipient": letter.to().value(),
        "template_type": letter.kind().template(),
        "to": fact("to"),
        "recovery_code": fact("recovery_code"),
        "recovery_url": fact("recovery_url"),
        "verification_url": fact("verification_url"),
        "verification_code": fact("verification_code"),
        "subject": letter.subject(),
        "body": letter.text(),
    })
}

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
    pub(super) fn write(self, body: &Value) -> Option<Bytes> {
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
