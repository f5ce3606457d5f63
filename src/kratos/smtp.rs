//! `courier.smtp`: the server that takes e-mails.

use super::LoadError;
use super::section::Section;
use crate::builder::Builder;

/// Reads the section: without a `connection_uri` nobody carries e-mails.
#[cfg(feature = "smtp")]
pub(super) fn read(builder: Builder, mut section: Section) -> Result<Builder, LoadError> {
    use crate::smtp::SmtpCourier;
    use secrecy::SecretString;

    let uri = section.text("connection_uri")?.filter(|uri| !uri.is_empty());
    let from = section.text("from_address")?.unwrap_or_else(|| "no-reply@ory.kratos.sh".to_owned());
    let mut courier = match &uri {
        Some(uri) => {
            SmtpCourier::from_uri(uri, from).map_err(|error| section.fault("connection_uri", error.to_string()))?
        }
        None => SmtpCourier::builder("localhost", from),
    };
    if let Some(name) = section.text("from_name")? {
        courier = courier.from_name(name);
    }
    if let Some(name) = section.text("local_name")? {
        courier = courier.local_name(name);
    }
    let mut headers = section.section("headers")?;
    for name in headers.left().map(str::to_owned).collect::<Vec<_>>() {
        let value = headers.text(&name)?.unwrap_or_default();
        courier = courier.header(name, value);
    }
    let certificate = file(&mut section, "client_cert_path")?;
    let key = file(&mut section, "client_key_path")?;
    match (certificate, key) {
        (Some(certificate), Some(key)) => courier = courier.client_certificate(certificate, SecretString::from(key)),
        (None, None) => {}
        (Some(_), None) => return Err(section.fault("client_key_path", "is missing beside `client_cert_path`")),
        (None, Some(_)) => return Err(section.fault("client_cert_path", "is missing beside `client_key_path`")),
    }
    let courier = courier.build().map_err(|error| section.fault(key_of(&error), error.to_string()))?;
    section.end()?;
    Ok(match uri {
        Some(_) => builder.courier(crate::identity::Channel::Email, courier),
        None => builder,
    })
}

/// Reads the file that a key names.
#[cfg(feature = "smtp")]
fn file(section: &mut Section, key: &str) -> Result<Option<String>, LoadError> {
    let Some(path) = section.text(key)?.filter(|path| !path.is_empty()) else { return Ok(None) };
    let text = std::fs::read_to_string(&path);
    text.map(Some).map_err(|error| section.fault(key, format!("{path}: {error}")))
}

/// The key that a setting comes from.
#[cfg(feature = "smtp")]
fn key_of(error: &crate::smtp::SmtpError) -> &'static str {
    use crate::smtp::SmtpError;
    match error {
        SmtpError::From { .. } => "from_address",
        SmtpError::FromName => "from_name",
        SmtpError::LocalName { .. } => "local_name",
        SmtpError::Header { .. } => "headers",
        SmtpError::Certificate(_) => "client_cert_path",
        _ => "connection_uri",
    }
}

/// Without the feature nobody carries e-mails: the builder says so where there are some to carry.
#[cfg(not(feature = "smtp"))]
pub(super) fn read(builder: Builder, _: Section) -> Result<Builder, LoadError> {
    Ok(builder)
}
