//! Who is called, and who calls: the keys that gateways and web hooks have in common.

use http::Method;
use secrecy::SecretString;

use super::LoadError;
use super::section::Section;
use crate::endpoint::{Auth, Endpoint, EndpointError};

/// Reads `url`, `method`, `headers` and `auth`.
pub(super) fn read(section: &mut Section) -> Result<Endpoint, LoadError> {
    let url = section.text("url")?.ok_or_else(|| section.fault("url", "is missing"))?;
    let mut endpoint = Endpoint::new(url);
    if let Some(method) = section.text("method")? {
        let method: Method = method.parse().map_err(|_| section.fault("method", "must be a verb of HTTP"))?;
        endpoint.set_method(method);
    }
    let mut headers = section.section("headers")?;
    for name in headers.left().map(str::to_owned).collect::<Vec<_>>() {
        let value = headers.text(&name)?.unwrap_or_default();
        endpoint.add_header(name, value.into());
    }
    endpoint.set_auth(auth(section.section("auth")?)?);
    Ok(endpoint)
}

/// `auth`: who calls.
fn auth(mut section: Section) -> Result<Auth, LoadError> {
    let Some(kind) = section.text("type")? else {
        section.end()?;
        return Ok(Auth::Nothing);
    };
    let mut config = section.section("config")?;
    let mut given = |name: &str| config.text(name)?.ok_or_else(|| config.fault(name, "is missing"));
    let auth = match kind.as_str() {
        "basic_auth" => Auth::Basic(given("user")?, given("password")?.into()),
        "api_key" => {
            let (name, key) = (given("name")?, SecretString::from(given("value")?));
            match given("in")?.as_str() {
                "header" => Auth::Header(name, key),
                "cookie" => Auth::Cookie(name, key),
                _ => return Err(config.fault("in", "must be `header` or `cookie`")),
            }
        }
        _ => return Err(section.fault("type", "must be `basic_auth` or `api_key`")),
    };
    config.end()?;
    section.end()?;
    Ok(auth)
}

/// The key that a setting comes from.
pub(super) fn key_of(error: &EndpointError) -> &'static str {
    match error {
        EndpointError::Url(_) => "url",
        EndpointError::Header { .. } | EndpointError::ContentType => "headers",
        EndpointError::Auth => "auth",
    }
}
