//! `methods.oidc`: social providers, their claims mapped by Jsonnet.

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::clients::Clients;
use super::section::Section;
use super::{LoadError, source};
use crate::builder::Builder;
use crate::identity::Channel;
use crate::jsonnet::{Program, Sandbox};
use crate::message::catalogue;
use crate::methods::Oidc;
use crate::methods::oidc::{Claims, ClaimsSource, Mapped, Mapper, Pkce, Provider, ProviderKind, SubjectSource};
use crate::stop::{Failure, Stop};

/// Regions that a mapper may name; they mean nothing here.
const REGIONS: [&str; 8] = ["eu-central", "asia-northeast", "us-east", "us-west", "eu", "asia", "us", "global"];

/// Adds the method, if the file switches it on; says whether it does.
pub(super) fn read(
    builder: Builder,
    mut section: Section,
    clients: &Clients,
    legacy_group: bool,
) -> Result<(Builder, bool), LoadError> {
    let enabled = section.flag("enabled")?.unwrap_or(false);
    let mut config = section.section("config")?;
    section.end()?;
    if !enabled {
        return Ok((builder, false));
    }
    // Tokens are kept, as in Kratos; here always sealed.
    let mut method = Oidc::new(clients.client()).legacy_trait_group(legacy_group).keep_tokens();
    if let Some(url) = config.text("base_redirect_uri")? {
        method = method.base_redirect_uri(url);
    }
    let sandbox = Sandbox::new();
    for entry in config.sections("providers")? {
        method = method.provider(provider(entry, &sandbox)?);
    }
    config.end()?;
    Ok((builder.method(method), true))
}

fn provider(mut entry: Section, sandbox: &Sandbox) -> Result<Provider, LoadError> {
    entry.ignore(&["account_linking_mode", "auth_url", "fedcm_config_url", "token_url", "update_identity_on_login"]);
    let word = required(&mut entry, "provider")?;
    let kind = ProviderKind::from_word(&word);
    let kind = kind.ok_or_else(|| entry.fault("provider", format!("`{word}` is not supported")))?;
    let mut provider = Provider::new(kind, required(&mut entry, "id")?, required(&mut entry, "client_id")?);
    if let Some(secret) = entry.text("client_secret")? {
        provider = provider.client_secret(secret);
    }
    if let Some(label) = entry.text("label")? {
        provider = provider.label(label);
    }
    if let Some(url) = entry.text("issuer_url")? {
        provider = provider.issuer_url(url);
    }
    let address = required(&mut entry, "mapper_url")?;
    let program = Program::load(&source::read(&entry, "mapper_url", &address)?, sandbox);
    provider = provider.mapper(ByJsonnet(program.map_err(|error| entry.fault("mapper_url", error.to_string()))?));
    provider = entry.texts("scope")?.into_iter().fold(provider, Provider::scope);
    let audiences = entry.texts("additional_id_token_audiences")?;
    provider = audiences.into_iter().fold(provider, Provider::additional_audience);
    provider = entry.texts("aal2_acr_values")?.into_iter().fold(provider, Provider::two_factors_by_acr);
    provider = entry.texts("aal2_amr_values")?.into_iter().fold(provider, Provider::two_factors_by_amr);
    provider = choices(provider, &mut entry)?;
    provider = particular(provider, kind, &mut entry)?;
    entry.end()?;
    Ok(provider)
}

fn choices(mut provider: Provider, entry: &mut Section) -> Result<Provider, LoadError> {
    provider = match entry.text("pkce")?.as_deref() {
        None => provider,
        Some("auto") => provider.pkce(Pkce::Auto),
        Some("never") => provider.pkce(Pkce::Never),
        Some("force") => provider.pkce(Pkce::Force),
        Some(_) => return Err(entry.fault("pkce", "must be `auto`, `never` or `force`")),
    };
    provider = match entry.text("claims_source")?.as_deref() {
        None | Some("id_token") => provider,
        Some("userinfo") => provider.claims_source(ClaimsSource::UserInfo),
        Some(_) => return Err(entry.fault("claims_source", "must be `id_token` or `userinfo`")),
    };
    provider = match entry.text("subject_source")?.as_deref() {
        None | Some("userinfo") => provider,
        Some("me") => provider.subject_source(SubjectSource::Me),
        Some("oid") => provider.subject_source(SubjectSource::ObjectId),
        Some(_) => return Err(entry.fault("subject_source", "must be `userinfo`, `me` or `oid`")),
    };
    if let Some(claims) = entry.value("requested_claims") {
        if !claims.is_object() {
            return Err(entry.fault("requested_claims", "must be an object"));
        }
        provider = provider.requested_claims(claims);
    }
    if let Some(id) = entry.text("organization_id")?.filter(|id| !id.is_empty()) {
        let id = Uuid::try_parse(&id).map_err(|_| entry.fault("organization_id", "must be a UUID"))?;
        provider = provider.organization(id);
    }
    Ok(provider)
}

/// Keys of one kind alone.
fn particular(mut provider: Provider, kind: ProviderKind, entry: &mut Section) -> Result<Provider, LoadError> {
    if let Some(tenant) = entry.text("microsoft_tenant")? {
        provider = provider.microsoft_tenant(tenant);
    }
    if let Some(origin) = entry.text("net_id_token_origin_header")? {
        provider = provider.netid_token_origin(origin);
    }
    if kind == ProviderKind::Apple {
        let (team, id) = (required(entry, "apple_team_id")?, required(entry, "apple_private_key_id")?);
        provider = provider.apple_key(team, id, required(entry, "apple_private_key")?);
    }
    Ok(provider)
}

fn required(entry: &mut Section, key: &str) -> Result<String, LoadError> {
    entry.text(key)?.filter(|text| !text.is_empty()).ok_or_else(|| entry.fault(key, "is missing"))
}

/// A mapper that is a program.
struct ByJsonnet(Program);

#[async_trait]
impl Mapper for ByJsonnet {
    async fn map(&self, claims: &Claims) -> Result<Mapped, Stop> {
        let identity = json!({ "traits": {}, "metadata_public": {}, "metadata_admin": {} });
        let inputs = vec![("claims", claims.to_json()), ("identity", identity)];
        let output = self.0.run(Vec::new(), inputs).await.map_err(Failure::internal)?;
        mapped(&output)
    }
}

/// What the program answered, judged.
fn mapped(output: &Value) -> Result<Mapped, Stop> {
    let identity = &output["identity"];
    let wrong = |key: &str, kind: &str| {
        format!(
            "OpenID Connect Jsonnet mapper did not return {kind} for key identity.{key}. Please check your Jsonnet code!"
        )
    };
    let traits = identity.get("traits").filter(|traits| traits.is_object()).cloned();
    let traits = traits.ok_or_else(|| Failure::faulty(wrong("traits", "an object")))?;
    let mut mapped = Mapped::new(traits);
    let object = |key: &str| match identity.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => Ok(Some(Value::Object(members.clone()))),
        Some(_) => Err(Failure::misconfigured(wrong(key, "an object"))),
    };
    if let Some(metadata) = object("metadata_public")? {
        mapped = mapped.metadata_public(metadata);
    }
    if let Some(metadata) = object("metadata_admin")? {
        mapped = mapped.metadata_admin(metadata);
    }
    let refused = |reason: String| Stop::refuse([catalogue::INVALID.with("reason", reason).on_page()]);
    let rows = match identity.get("verified_addresses") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(rows)) => rows.as_slice(),
        Some(_) => return Err(refused(wrong("verified_addresses", "an array"))),
    };
    for row in rows {
        let (via, value) = address(row).ok_or_else(|| {
            refused(
                "Failed to unmarshal value for key identity.verified_addresses. Please check your Jsonnet code!"
                    .to_owned(),
            )
        })?;
        if let Some(via) = Channel::from_word(via) {
            mapped = mapped.verified(via, value);
        }
    }
    match identity.get("region") {
        None | Some(Value::Null) => Ok(mapped),
        Some(Value::String(region)) if REGIONS.contains(&region.as_str()) => Ok(mapped),
        Some(Value::String(region)) => Err(refused(format!("the region {region} is not known"))),
        Some(_) => Err(Failure::misconfigured(wrong("region", "a string")).into()),
    }
}

/// Channel and value of a row; both texts, and absent counts as empty.
fn address(row: &Value) -> Option<(&str, &str)> {
    let members: &Map<String, Value> = row.as_object()?;
    let text = |name: &str| members.get(name).map_or(Some(""), Value::as_str);
    Some((text("via")?, text("value")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::FailureKind;

    fn status(output: Value) -> u16 {
        match mapped(&output) {
            Ok(_) => 200,
            Err(Stop::Fail(failure)) => failure.status(),
            Err(Stop::Refuse { .. }) => 400,
        }
    }

    #[test]
    fn what_a_mapper_answers_is_judged() {
        let with = |key: &str, value: Value| {
            let mut identity = json!({ "traits": {} });
            identity[key] = value;
            json!({ "identity": identity })
        };

        assert_eq!(status(with("traits", json!([]))), 500);
        let Err(Stop::Fail(failure)) = mapped(&json!({})) else { panic!("no traits count") };
        assert_eq!(failure.kind(), FailureKind::Answer, "native clients hear of it with its own status");
        assert_eq!(status(json!({ "identity": {} })), 500);
        assert_eq!(status(with("metadata_public", json!("x"))), 500);
        assert_eq!(status(with("metadata_admin", json!({ "k": 1 }))), 200);
        assert_eq!(status(with("verified_addresses", json!({}))), 400);
        assert_eq!(status(with("verified_addresses", json!([{ "via": 1 }]))), 400);
        assert_eq!(status(with("verified_addresses", json!([{ "via": "pigeon", "value": "x" }]))), 200);
        assert_eq!(status(with("region", json!("eu"))), 200);
        assert_eq!(status(with("region", json!("moon"))), 400);
        assert_eq!(status(with("region", json!(1))), 500);
    }
}
