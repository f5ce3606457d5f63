//! Identities and sessions as the contract shows them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::json::time;
use crate::config::Config;
use crate::identity::{AddressState, Identity, RecoveryAddress, Session, VerifiableAddress};

#[derive(Serialize)]
pub(super) struct IdentityJson<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    schema_id: &'a str,
    schema_url: String,
    state: &'static str,
    state_changed_at: String,
    traits: &'a Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verifiable_addresses: Vec<VerifiableJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recovery_addresses: Vec<RecoveryJson<'a>>,
    metadata_public: Option<&'a Value>,
    created_at: String,
    updated_at: String,
    organization_id: Option<Uuid>,
}

#[derive(Serialize)]
struct VerifiableJson<'a> {
    id: Uuid,
    value: &'a str,
    verified: bool,
    via: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<String>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct RecoveryJson<'a> {
    id: Uuid,
    value: &'a str,
    via: &'static str,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
pub(super) struct SessionJson<'a> {
    id: Uuid,
    active: bool,
    expires_at: String,
    authenticated_at: String,
    authenticator_assurance_level: &'static str,
    authentication_methods: Vec<MethodJson<'a>>,
    issued_at: String,
    identity: IdentityJson<'a>,
    devices: Vec<DeviceJson<'a>>,
}

#[derive(Serialize)]
struct MethodJson<'a> {
    method: &'a str,
    aal: &'static str,
    completed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    upstream_amr: &'a [String],
}

#[derive(Serialize)]
struct DeviceJson<'a> {
    id: Uuid,
    ip_address: &'a str,
    user_agent: Option<&'a str>,
    location: &'a str,
}

impl<'a> IdentityJson<'a> {
    pub(super) fn new(identity: &'a Identity, config: &Config) -> Self {
        let schema = URL_SAFE_NO_PAD.encode(&identity.schema_id);
        Self {
            id: identity.id.to_string(),
            external_id: identity.external_id.as_deref(),
            schema_id: &identity.schema_id,
            schema_url: config.base.join(&format!("/schemas/{schema}")),
            state: identity.state.as_str(),
            state_changed_at: time(identity.state_changed_at),
            traits: &identity.traits,
            verifiable_addresses: identity.verifiable.iter().map(VerifiableJson::from).collect(),
            recovery_addresses: identity.recovery.iter().map(RecoveryJson::from).collect(),
            metadata_public: identity.metadata_public.as_ref(),
            created_at: time(identity.created_at),
            updated_at: time(identity.updated_at),
            organization_id: identity.organization,
        }
    }
}

impl<'a> From<&'a VerifiableAddress> for VerifiableJson<'a> {
    fn from(row: &'a VerifiableAddress) -> Self {
        let verified_at = match row.state {
            AddressState::Verified(at) => Some(time(at)),
            AddressState::Pending | AddressState::Sent => None,
        };
        Self {
            id: row.id,
            value: row.address.value(),
            verified: verified_at.is_some(),
            via: row.address.via().as_str(),
            status: row.state.as_str(),
            verified_at,
            created_at: time(row.created_at),
            updated_at: time(row.updated_at),
        }
    }
}

impl<'a> From<&'a RecoveryAddress> for RecoveryJson<'a> {
    fn from(row: &'a RecoveryAddress) -> Self {
        Self {
            id: row.id,
            value: row.address.value(),
            via: row.address.via().as_str(),
            created_at: time(row.created_at),
            updated_at: time(row.updated_at),
        }
    }
}

impl<'a> SessionJson<'a> {
    pub(super) fn new(session: &'a Session, identity: &'a Identity, config: &Config) -> Self {
        let methods = session.methods.iter().map(|method| MethodJson {
            method: method.method.as_str(),
            aal: method.aal.as_str(),
            completed_at: time(method.completed_at),
            provider: method.provider.as_deref(),
            organization: method.organization,
            upstream_acr: method.upstream_acr.as_deref(),
            upstream_amr: &method.upstream_amr,
        });
        let devices = session.devices.iter().map(|device| DeviceJson {
            id: device.id,
            ip_address: &device.ip_address,
            user_agent: device.user_agent.as_deref(),
            location: &device.location,
        });
        Self {
            id: session.id,
            active: session.active,
            expires_at: time(session.expires_at),
            authenticated_at: time(session.authenticated_at),
            authenticator_assurance_level: session.aal.as_str(),
            authentication_methods: methods.collect(),
            issued_at: time(session.authenticated_at),
            identity: IdentityJson::new(identity, config),
            devices: devices.collect(),
        }
    }
}
