//! A server in one line: `smtp://user:password@host:port/?disable_starttls=true`.

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use super::{SmtpBuilder, SmtpError, Tls};

/// Reads a connection URI; the parts that are not in it keep their defaults.
pub(super) fn read(uri: &str, from: String) -> Result<SmtpBuilder, SmtpError> {
    let fault = |why: &str| SmtpError::Uri(why.to_owned());
    let url = Url::parse(uri).map_err(|error| SmtpError::Uri(error.to_string()))?;
    let tls = match url.scheme() {
        "smtp" => Tls::StartTls,
        "smtps" => Tls::Implicit,
        _ => return Err(fault("it begins with `smtp://` or `smtps://`")),
    };
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| fault("it names no host"))?;
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(fault("behind the port only parameters may stand, such as `/?disable_starttls=true`"));
    }
    let host = decoded(host.trim_start_matches('[').trim_end_matches(']'))?;
    let mut builder = SmtpBuilder::new(host, from).tls(tls);
    if let Some(port) = url.port() {
        builder = builder.port(port);
    }
    match (url.username(), url.password()) {
        ("", None) => {}
        ("", Some(_)) => return Err(fault("it names a password and no user")),
        (user, password) => {
            let password = decoded(password.unwrap_or_default())?;
            builder = builder.credentials(decoded(user)?, SecretString::from(password));
        }
    }
    for (name, value) in url.query_pairs() {
        builder = match &*name {
            "disable_starttls" if tls == Tls::StartTls && flag(&name, &value)? => builder.tls(Tls::Plain),
            "skip_ssl_verify" if flag(&name, &value)? => builder.danger_accept_any_certificate(),
            "disable_starttls" | "skip_ssl_verify" => flag(&name, &value).map(|_| builder)?,
            "server_name" => builder.server_name(value),
            _ => return Err(SmtpError::Uri(format!("`{name}` is no parameter that is known here"))),
        };
    }
    Ok(builder)
}

/// The text behind percent signs.
fn decoded(text: &str) -> Result<String, SmtpError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| SmtpError::Uri("a part of it is not in UTF-8".to_owned()))
}

/// A switch, in the words that Go knows.
fn flag(name: &str, value: &str) -> Result<bool, SmtpError> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(SmtpError::Uri(format!("`{name}` must be true or false"))),
    }
}
