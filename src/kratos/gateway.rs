//! `request_config`: a gateway that is called by HTTP, its body made by a Jsonnet template.

use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderName;
use serde_json::{Value, json};

use super::clients::Clients;
use super::section::Section;
use super::{LoadError, endpoint, source};
use crate::builder::Builder;
use crate::host::{Fetch, Rendered};
use crate::identity::Channel;
use crate::jsonnet::{Program, Sandbox};
use crate::mail::LetterKind;
use crate::sms::{Body, BodyError, HttpCourier};

/// Makes couriers. One for a file: its templates share their threads.
pub(super) struct Gateways {
    client: Arc<dyn Fetch>,
    sandbox: Sandbox,
    headers: Vec<HeaderName>,
}

impl Gateways {
    pub(super) fn new(clients: &Clients) -> Self {
        Self { client: clients.client(), sandbox: Sandbox::new(), headers: clients.headers().to_vec() }
    }

    /// Adds a courier for this channel.
    pub(super) fn courier(&self, builder: Builder, via: Channel, mut section: Section) -> Result<Builder, LoadError> {
        let endpoint = endpoint::read(&mut section)?;
        let mut courier = HttpCourier::builder_at(Arc::clone(&self.client), endpoint);
        if let Some(address) = section.text("body")? {
            let program = Program::load(&source::read(&section, "body", &address)?, &self.sandbox);
            courier = courier.body_by(Template(program.map_err(|error| section.fault("body", error.to_string()))?));
        }
        let courier = courier.build().map_err(|error| section.fault(endpoint::key_of(&error), error.to_string()))?;
        section.end()?;
        Ok(builder.courier(via, courier).letter_headers(self.headers.iter().cloned()))
    }
}

/// A body that a template makes: a function of `ctx`.
struct Template(Program);

#[async_trait]
impl Body for Template {
    async fn write(&self, letter: &Rendered) -> Result<Value, BodyError> {
        Ok(self.0.run(vec![("ctx", model(letter))], Vec::new()).await?)
    }
}

/// What a template is told of a letter.
fn model(letter: &Rendered) -> Value {
    let via = letter.to().via();
    let headers = match letter.kind() {
        LetterKind::RegistrationCode => letter.request_headers().clone(),
        _ => json!({}),
    };
    let mut model = json!({
        "recipient": letter.to().value(),
        "subject": letter.subject(),
        "body": letter.text(),
        "template_type": letter.kind().template(),
        "template_data": letter.data(),
        "message_type": via.as_str(),
        "request_headers": headers,
    });
    if let Some(html) = letter.html().filter(|_| via == Channel::Email) {
        model["html_body"] = html.into();
    }
    model
}
