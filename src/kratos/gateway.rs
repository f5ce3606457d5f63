//! `request_config`: a gateway that is called by HTTP, its body made by a Jsonnet template.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::clients::Clients;
use super::section::Section;
use super::{LoadError, source};
use crate::builder::Builder;
use crate::host::{Fetch, Rendered};
use crate::identity::Channel;
use crate::jsonnet::{Program, Sandbox};
use crate::sms::{Body, BodyError, HttpBuilder, HttpCourier, HttpCourierError};

/// Makes couriers. One for a file: its templates share their threads.
pub(super) struct Gateways {
    client: Arc<dyn Fetch>,
    sandbox: Sandbox,
}

impl Gateways {
    pub(super) fn new(clients: &Clients) -> Self {
        Self { client: clients.client(), sandbox: Sandbox::new() }
    }

    /// Adds a courier for this channel.
    pub(super) fn courier(&self, builder: Builder, via: Channel, mut section: Section) -> Result<Builder, LoadError> {
        let url = section.text("url")?.ok_or_else(|| section.fault("url", "is missing"))?;
        let mut courier = HttpCourier::builder(Arc::clone(&self.client), url);
        if let Some(method) = section.text("method")? {
            let method: Method = method.parse().map_err(|_| section.fault("method", "must be a verb of HTTP"))?;
            courier = courier.method(method);
        }
        let mut headers = section.section("headers")?;
        for name in headers.left().map(str::to_owned).collect::<Vec<_>>() {
            let value = headers.text(&name)?.unwrap_or_default();
            courier = courier.header(name, value);
        }
        courier = auth(courier, section.section("auth")?)?;
        if let Some(address) = section.text("body")? {
            let program = Program::load(&source::read(&section, "body", &address)?, &self.sandbox);
            courier = courier.body_by(Template(program.map_err(|error| section.fault("body", error.to_string()))?));
        }
        let courier = courier.build().map_err(|error| section.fault(key_of(&error), error.to_string()))?;
        section.end()?;
        Ok(builder.courier(via, courier))
    }
}

/// `auth`: who calls.
fn auth(courier: HttpBuilder, mut section: Section) -> Result<HttpBuilder, LoadError> {
    let Some(kind) = section.text("type")? else {
        section.end()?;
        return Ok(courier);
    };
    let mut config = section.section("config")?;
    let mut given = |name: &str| config.text(name)?.ok_or_else(|| config.fault(name, "is missing"));
    let courier = match kind.as_str() {
        "basic_auth" => {
            let user = given("user")?;
            courier.basic_auth(user, SecretString::from(given("password")?))
        }
        "api_key" => {
            let (name, key) = (given("name")?, SecretString::from(given("value")?));
            match given("in")?.as_str() {
                "header" => courier.api_key_header(name, key),
                "cookie" => courier.api_key_cookie(name, key),
                _ => return Err(config.fault("in", "must be `header` or `cookie`")),
            }
        }
        _ => return Err(section.fault("type", "must be `basic_auth` or `api_key`")),
    };
    config.end()?;
    section.end()?;
    Ok(courier)
}

/// The key that a setting comes from.
fn key_of(error: &HttpCourierError) -> &'static str {
    match error {
        HttpCourierError::Url(_) => "url",
        HttpCourierError::Header { .. } | HttpCourierError::ContentType => "headers",
        HttpCourierError::Auth => "auth",
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
    let mut model = json!({
        "recipient": letter.to().value(),
        "subject": letter.subject(),
        "body": letter.text(),
        "template_type": letter.kind().template(),
        "template_data": letter.data(),
        "message_type": via.as_str(),
        // Letters do not keep the headers of the request that caused them.
        "request_headers": {},
    });
    if let Some(html) = letter.html().filter(|_| via == Channel::Email) {
        model["html_body"] = html.into();
    }
    model
}
