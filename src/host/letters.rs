//! Who words letters, and who carries them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use uuid::Uuid;

use crate::identity::{Address, IdentityId};
use crate::mail::LetterKind;

/// Carries one rendered e-mail or text message to a person.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Delivers a letter. The same letter may come again, with the same [`Rendered::id`], when nobody could say whether
    /// it arrived.
    ///
    /// # Errors
    ///
    /// [`Undelivered`] when it may not have arrived; it is tried again later unless that would be in vain.
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered>;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<C: Courier + ?Sized> Courier for Arc<C> {
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered> {
        (**self).deliver(letter).await
    }
}

/// Words letters. The ready-made part is [`templates::BuiltIn`](crate::templates::BuiltIn).
pub trait Templates: Send + Sync + 'static {
    /// Words a letter. What a person typed may stand in it only where nobody else would be misled by it.
    fn render(&self, letter: &Model<'_>) -> Rendered;
}

/// What a letter is about, for whoever words it.
#[non_exhaustive]
pub struct Model<'a> {
    /// The id of the letter, for [`Rendered::new`].
    pub id: Uuid,
    /// What it is about.
    pub kind: LetterKind,
    /// Whose it is: nobody's before the registration is complete.
    pub identity: Option<IdentityId>,
    /// Where it goes.
    pub to: &'a Address,
    /// The code it carries.
    pub code: Option<&'a str>,
    /// The link it carries.
    pub link: Option<&'a str>,
    /// How long code and link last, in whole minutes.
    pub expires_in_minutes: i64,
    /// The host name of the service: text messages name it, so that a phone fills in the code there only.
    pub domain: &'a str,
    /// What the person told about themselves.
    pub traits: &'a Value,
    /// What the client wants templates to see.
    pub transient: &'a Value,
    /// The URL at which the person began.
    pub request_url: &'a str,
    /// The headers of the request that caused the letter, as far as [chosen](crate::Builder::letter_headers): for each
    /// name, as in `Accept-Language`, a list of values.
    pub request_headers: &'a Value,
}

/// Without code and link.
impl fmt::Debug for Model<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A letter, ready to be carried.
#[derive(Clone, PartialEq)]
#[must_use]
pub struct Rendered {
    pub(crate) id: Uuid,
    pub(crate) kind: LetterKind,
    pub(crate) to: Address,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
    pub(crate) data: Value,
    pub(crate) request_headers: Value,
}

impl Rendered {
    /// A letter about what the model says; a text message has no subject.
    pub fn new(model: &Model<'_>, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            id: model.id,
            kind: model.kind,
            to: model.to.clone(),
            subject: subject.into(),
            text: text.into(),
            html: None,
            data: Value::Null,
            request_headers: model.request_headers.clone(),
        }
    }

    /// Sets the same words as HTML.
    pub fn with_html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// Sets the facts of the letter, for services that word messages by themselves.
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = data;
        self
    }

    /// The id of the letter: the same whenever it is tried, for a `Message-ID`.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> LetterKind {
        self.kind
    }

    /// Where it goes.
    #[must_use]
    pub fn to(&self) -> &Address {
        &self.to
    }

    /// The subject of an e-mail.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The plain text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same words as HTML.
    #[must_use]
    pub fn html(&self) -> Option<&str> {
        self.html.as_deref()
    }

    /// The facts of the letter.
    #[must_use]
    pub fn data(&self) -> &Value {
        &self.data
    }

    /// The headers of the request that caused the letter, as far as [chosen](crate::Builder::letter_headers).
    #[must_use]
    pub fn request_headers(&self) -> &Value {
        &self.request_headers
    }
}

/// Without subject and text: they hold a code.
impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Rendered");
        out.field("id", &self.id).field("kind", &self.kind).field("to", &self.to).finish_non_exhaustive()
    }
}

/// A letter may not have arrived.
#[derive(Debug, thiserror::Error)]
#[error("the letter was not delivered")]
pub struct Undelivered {
    #[source]
    source: Box<dyn Error + Send + Sync>,
    in_vain: bool,
}

impl Undelivered {
    /// Not delivered for now, for this reason: it is tried again.
    #[must_use]
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), in_vain: false }
    }

    /// Not delivered, and trying again would be in vain: the address does not exist.
    #[must_use]
    pub fn for_good(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), in_vain: true }
    }

    /// Whether trying again would be in vain.
    #[must_use]
    pub fn is_for_good(&self) -> bool {
        self.in_vain
    }
}
