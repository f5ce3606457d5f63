//! The layout of a stored session.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::host::Record;
use crate::identity::{Aal, AuthenticationMethod, Device, IdentityId, MethodId, Session};

#[derive(Serialize, Deserialize)]
struct Stored {
    id: Uuid,
    identity: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    aal2: bool,
    methods: Vec<StoredMethod>,
    devices: Vec<StoredDevice>,
}

#[derive(Serialize, Deserialize)]
struct StoredMethod {
    method: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    aal2: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    organization: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredDevice {
    id: Uuid,
    ip: String,
    agent: Option<String>,
    place: String,
}

pub(super) fn encode(session: &Session) -> Result<Vec<u8>, serde_json::Error> {
    let methods = session.methods.iter();
    let devices = session.devices.iter();
    serde_json::to_vec(&Stored {
        id: session.id,
        identity: *session.identity.as_uuid(),
        at: session.authenticated_at,
        aal2: session.aal == Aal::Two,
        methods: methods
            .map(|own| StoredMethod {
                method: own.method.to_string(),
                at: own.completed_at,
                aal2: own.aal == Aal::Two,
                provider: own.provider.clone(),
                organization: own.organization,
                acr: own.upstream_acr.clone(),
                amr: own.upstream_amr.clone(),
            })
            .collect(),
        devices: devices
            .map(|own| StoredDevice {
                id: own.id,
                ip: own.ip_address.clone(),
                agent: own.user_agent.clone(),
                place: own.location.clone(),
            })
            .collect(),
    })
}

pub(super) fn decode(record: &Record) -> Result<Session, serde_json::Error> {
    let stored: Stored = serde_json::from_slice(record.body())?;
    let methods = stored.methods.into_iter().map(|own| {
        AuthenticationMethod::new(MethodId::stored(own.method), own.at)
            .with_aal(level(own.aal2))
            .with_provider(own.provider)
            .with_organization(own.organization)
            .with_upstream(own.acr, own.amr)
    });
    let devices = stored.devices.into_iter();
    let session = Session::new(stored.id, IdentityId::new(stored.identity), stored.at, record.expires_at())
        .with_aal(level(stored.aal2))
        .with_methods(methods.collect())
        .with_devices(
            devices
                .map(|own| Device::new(own.id, own.ip).with_user_agent(own.agent).with_location(own.place))
                .collect(),
        );
    Ok(session)
}

fn level(two: bool) -> Aal {
    if two { Aal::Two } else { Aal::One }
}
