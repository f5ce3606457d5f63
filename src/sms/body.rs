//! What a gateway is told.

use std::error::Error;

use async_trait::async_trait;
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
