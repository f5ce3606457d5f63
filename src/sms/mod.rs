//! Letters by HTTP: text messages, or e-mails, through a gateway.
//!
//! ```
//! use http::Method;
//! use serde_json::json;
//! use tower_registration::fetch::Client;
//! use tower_registration::sms::HttpCourier;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let courier = HttpCourier::builder(Client::new()?, "https://sms.example.org/messages")
//!     .method(Method::PUT)
//!     .bearer("key of the gateway")
//!     .body(|letter| json!({ "to": letter.to().value(), "text": letter.text() }))
//!     .build()?;
//! # let _ = courier; Ok(()) }
//! ```
//!
//! 1. A letter is one request, tried once. It has ten seconds.
//! 2. Its body is JSON, or a form where the header `Content-Type` says `application/x-www-form-urlencoded`; then every
//!    member of the body must be a text. Without a [body](HttpBuilder::body) of the host's it is Kratos' default:
//!    `recipient`, `to`, `template_type`, `subject`, `body`, and `verification_code`, `verification_url`, `recovery_code`,
//!    `recovery_url`, which are `null` where the letter has none.
//! 3. Any status of 2xx means that the letter is delivered; the body of the answer is not looked at. Redirects are not
//!    followed.
//! 4. Everything else is tried again later, as long as what the letter says is of use or as often as
//!    [`message_retries`](crate::Builder::message_retries) says: a wrong key, a full account or a fault of the gateway may be
//!    mended until then. No status is known to mean at every gateway that the number does not exist.
//! 5. A request without an answer may have arrived. The letter comes again then, with the same
//!    [`id`](crate::host::Rendered::id): a body that carries it lets a gateway send it once.
//!
//! Errors say the status or the kind of trouble; never the address, what was sent, or what the gateway answered.

mod body;
mod builder;

use std::sync::Arc;

use async_trait::async_trait;
use http::StatusCode;

use crate::endpoint::{Encoding, Endpoint};
use crate::host::{Courier, Fetch, FetchRequest, Rendered, Undelivered, Unfetched};
#[cfg(feature = "kratos")]
pub(crate) use body::{Body, BodyError};

pub use crate::endpoint::EndpointError as HttpCourierError;
pub use builder::HttpBuilder;

/// Delivers letters to a gateway by HTTP requests.
#[derive(Clone)]
pub struct HttpCourier {
    fetch: Arc<dyn Fetch>,
    /// The request of every letter, but for its body.
    request: FetchRequest,
    encoding: Encoding,
    body: Arc<dyn body::Body>,
}

impl HttpCourier {
    /// A courier to the gateway at this URL, by requests that this client makes.
    ///
    /// A user name and password in the URL become a header for basic authentication.
    pub fn builder(fetch: impl Fetch, url: impl Into<String>) -> HttpBuilder {
        Self::builder_at(Arc::new(fetch), Endpoint::new(url.into()))
    }

    /// A courier to a gateway that is set up already.
    pub(crate) fn builder_at(fetch: Arc<dyn Fetch>, endpoint: Endpoint) -> HttpBuilder {
        HttpBuilder::new(fetch, endpoint)
    }

    async fn send(&self, letter: &Rendered) -> Result<(), Trouble> {
        let body = self.body.write(letter).await.map_err(Trouble::Body)?;
        let body = self.encoding.write(&body).ok_or(Trouble::NoForm)?;
        let answer = self.fetch.fetch(self.request.clone().with_body(body)).await.map_err(Trouble::NoAnswer)?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(Trouble::Refused(status)),
        }
    }
}

#[async_trait]
impl Courier for HttpCourier {
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered> {
        self.send(letter).await.map_err(Undelivered::new)
    }
}

/// Without path, query, headers and body: they hold keys.
impl std::fmt::Debug for HttpCourier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpCourier").field("request", &self.request).finish_non_exhaustive()
    }
}

/// Why a letter was not delivered.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the body of the request cannot be made")]
    Body(#[source] body::BodyError),
    #[error("the body of the request is no form: its members must be texts")]
    NoForm,
    #[error("the gateway gave no answer")]
    NoAnswer(#[source] Unfetched),
    #[error("the gateway answered {0}")]
    Refused(StatusCode),
}
