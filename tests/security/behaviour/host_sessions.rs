//! Sessions of a host's own, kept beside the flows.

use async_trait::async_trait;
use secrecy::SecretString;
use time::Duration;
use tower_registration::Caller;
use tower_registration::host::{HostError, Kind, Opened, Record, RecordId, Sessions, Storage, Unit, Witness};
use tower_registration::identity::{IdentityId, Session};
use uuid::Uuid;

/// Tokens are random UUIDs; a browser bears its token in the cookie `ory_kratos_session`.
pub(super) struct HostSessions<S>(pub(super) S);

#[async_trait]
impl<S: Storage> Sessions for HostSessions<S> {
    async fn current(&self, caller: &Caller) -> Result<Option<Session>, HostError> {
        let cookie = caller.cookies("ory_kratos_session").next();
        let Some(token) = caller.session_token().or(cookie) else { return Ok(None) };
        let record = self.0.get(Kind::Session, RecordId::of_secret(token)).await?;
        Ok(record.map(|record| {
            let identity = IdentityId::new(Uuid::from_slice(record.body()).unwrap());
            let expires_at = record.expires_at();
            Session::new(*record.id().as_uuid(), identity, expires_at - Duration::hours(1), expires_at)
        }))
    }

    async fn open(&self, unit: &mut dyn Unit, who: Witness<'_>) -> Result<Opened, HostError> {
        let token = Uuid::new_v4().to_string();
        let (id, identity) = (RecordId::of_secret(&token), who.identity().id());
        let session = Session::new(*id.as_uuid(), identity, who.at(), who.at() + Duration::hours(1));
        let record = Record::new(Kind::Session, id, 1, session.expires_at(), identity.as_uuid().as_bytes().to_vec());
        let _ = unit.put(&record, None).await?;
        let cookie = format!("ory_kratos_session={token}; Path=/; HttpOnly; Secure");
        Ok(Opened::new(session, SecretString::from(token)).with_cookie(cookie))
    }
}
