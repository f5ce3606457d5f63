//! `oauth2_provider`: the OAuth2 server that sends people here.

use super::LoadError;
use super::clients::Clients;
use super::section::Section;
use crate::builder::Builder;
use crate::hydra::{Hydra, HydraError};

pub(super) fn read(mut builder: Builder, mut section: Section, clients: &Clients) -> Result<Builder, LoadError> {
    builder = builder.override_return_to(section.flag("override_return_to")?.unwrap_or(false));
    let url = section.text("url")?;
    let mut headers = section.section("headers")?;
    let mut given = Vec::new();
    for name in headers.left().map(str::to_owned).collect::<Vec<_>>() {
        let value = headers.text(&name)?.unwrap_or_default();
        given.push((name, value));
    }
    if let Some(url) = url {
        let mut hydra = Hydra::builder(clients.client(), url);
        for (name, value) in given {
            hydra = hydra.header(name, value);
        }
        let hydra = hydra.build().map_err(|error| section.fault(key_of(&error), error.to_string()))?;
        builder = builder.oauth2_server(hydra);
    }
    section.end()?;
    Ok(builder)
}

/// The key that a setting comes from.
fn key_of(error: &HydraError) -> &'static str {
    match error {
        HydraError::Url(_) => "url",
        HydraError::Header { .. } => "headers",
    }
}
