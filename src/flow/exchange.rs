//! What the record of a pair of codes says: which flow it belongs to, and who was proved for it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{FlowId, nanoseconds, read_nanoseconds};
use crate::identity::{Aal, AuthenticationMethod, IdentityId, MethodId};

/// A pair that a native client exchanges for a session.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) flow: FlowId,
    /// Who came of the flow; nobody yet.
    pub(crate) proof: Option<Proof>,
}

/// Somebody who was proved, and how.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    pub(crate) identity: IdentityId,
    pub(crate) authentication: AuthenticationMethod,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    f: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<StoredProof>,
}

/// The layout of a stored proof.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredProof {
    id: Uuid,
    m: String,
    at: i64,
    #[serde(default)]
    two: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    org: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
}

impl Exchange {
    /// A pair for this flow, of which nobody has come yet.
    pub(crate) fn new(flow: FlowId) -> Self {
        Self { flow, proof: None }
    }

    /// The body of its record.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let proof = self.proof.as_ref().map(StoredProof::from);
        serde_json::to_vec(&Stored { f: *self.flow.as_uuid(), p: proof })
    }

    /// The pair that [`Exchange::encode`] wrote.
    pub(crate) fn decode(body: &[u8]) -> Result<Self, serde_json::Error> {
        let stored: Stored = serde_json::from_slice(body)?;
        Ok(Self { flow: FlowId::new(stored.f), proof: stored.p.map(Proof::from) })
    }
}

impl From<&Proof> for StoredProof {
    fn from(proof: &Proof) -> Self {
        let how = &proof.authentication;
        Self {
            id: *proof.identity.as_uuid(),
            m: how.method.to_string(),
            at: nanoseconds(how.completed_at),
            two: how.aal == Aal::Two,
            by: how.provider.clone(),
            org: how.organization,
            acr: how.upstream_acr.clone(),
            amr: how.upstream_amr.clone(),
        }
    }
}

impl From<StoredProof> for Proof {
    fn from(own: StoredProof) -> Self {
        let how = AuthenticationMethod::new(MethodId::stored(own.m), read_nanoseconds(own.at));
        let how = how.with_aal(if own.two { Aal::Two } else { Aal::One });
        let authentication = how.with_provider(own.by).with_organization(own.org).with_upstream(own.acr, own.amr);
        Self { identity: IdentityId::new(own.id), authentication }
    }
}
