//! Sessions over [`Storage`]: opaque tokens of which only a digest is stored.
//!
//! A native client gets the token itself, `ory_st_` and 32 letters and digits; a browser gets it sealed in a cookie.
//! Either way it is looked for in this order: `X-Session-Token`, and nothing else where that is given; the cookie;
//! `Authorization: Bearer`.

mod stored;

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::caller::Caller;
use crate::config::{CookieSettings, Keep, SessionSettings};
use crate::host::{
    Clock, HostError, Kind, Opened, Put, Random, Record, RecordId, Sessions, Storage, Unit, Witness, WitnessKind,
};
use crate::identity::{Device, Session};
use crate::seal::{Purpose, Seal, alphanumeric};

const PREFIX: &str = "ory_st_";
const TOKEN_LENGTH: usize = 32;

/// The ready-made sessions; the builder makes them unless the host brings its own.
pub struct StoredSessions {
    storage: Arc<dyn Storage>,
    seal: Arc<Seal>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    settings: SessionSettings,
    cookie: CookieSettings,
}

impl StoredSessions {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        seal: Arc<Seal>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        settings: SessionSettings,
        cookies: &CookieSettings,
    ) -> Self {
        let cookie = settings.cookie(cookies);
        Self { storage, seal, clock, random, settings, cookie }
    }

    /// The token that the caller bears.
    fn token(&self, caller: &Caller) -> Option<SecretString> {
        if let Some(token) = caller.session_token() {
            return Some(token.into());
        }
        let mut cookies = caller.cookies(&self.settings.cookie_name);
        let sealed = cookies.find_map(|value| self.unseal(value));
        sealed.or_else(|| caller.bearer_token().map(SecretString::from))
    }

    fn unseal(&self, value: &str) -> Option<SecretString> {
        let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
        let token = self.seal.open(Purpose::SessionCookie, self.settings.cookie_name.as_bytes(), &sealed)?;
        std::str::from_utf8(&token).ok().map(SecretString::from)
    }

    /// The cookie that carries a token.
    fn bake(&self, token: &SecretString, expires_at: OffsetDateTime) -> Result<String, HostError> {
        let mut nonce = [0; 24];
        self.random.fill(&mut nonce)?;
        let name = &self.settings.cookie_name;
        let sealed = self.seal.seal(Purpose::SessionCookie, name.as_bytes(), token.expose_secret().as_bytes(), nonce);
        let sealed = sealed.ok_or_else(|| HostError::other("a session token could not be sealed"))?;
        let left = time::Duration::seconds((expires_at - self.clock.now()).whole_seconds());
        let keep = if self.settings.persistent { Keep::ForUntil(left, expires_at) } else { Keep::Window };
        Ok(self.cookie.bake(name, &URL_SAFE_NO_PAD.encode(sealed), keep))
    }

    fn new_token(&self) -> Result<SecretString, HostError> {
        let mut token = Zeroizing::new(String::with_capacity(PREFIX.len() + 2 * TOKEN_LENGTH));
        token.push_str(PREFIX);
        let mut bytes = Zeroizing::new([0_u8; TOKEN_LENGTH]);
        while token.len() < PREFIX.len() + TOKEN_LENGTH {
            self.random.fill(bytes.as_mut())?;
            let missing = PREFIX.len() + TOKEN_LENGTH - token.len();
            token.extend(alphanumeric(bytes.as_slice()).take(missing));
        }
        Ok(SecretString::from(token.as_str()))
    }

    fn new_id(&self) -> Result<Uuid, HostError> {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes)?;
        Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}

#[async_trait]
impl Sessions for StoredSessions {
    async fn current(&self, caller: &Caller) -> Result<Option<Session>, HostError> {
        let Some(token) = self.token(caller) else { return Ok(None) };
        let record = self.storage.get(Kind::Session, RecordId::of_secret(token.expose_secret())).await?;
        match record.filter(|record| self.clock.now() < record.expires_at()) {
            Some(record) => stored::decode(&record).map(Some).map_err(HostError::other),
            None => Ok(None),
        }
    }

    async fn open(&self, unit: &mut dyn Unit, who: Witness<'_>) -> Result<Opened, HostError> {
        let (caller, now) = (who.caller(), who.at());
        let devices = match who.kind() {
            WitnessKind::Inserted | WitnessKind::SubjectProved | WitnessKind::BoundVerification => {
                let device = Device::new(self.new_id()?, caller.address());
                vec![device.with_user_agent(caller.user_agent()).with_location(caller.location())]
            }
            // The browser was the one that came back, as the contract has it.
            WitnessKind::Exchanged => Vec::new(),
        };
        let session = Session::new(self.new_id()?, who.identity().id(), now, now + self.settings.lifespan)
            .with_aal(who.authentication().aal())
            .with_methods(vec![who.authentication().clone()])
            .with_devices(devices);
        let token = self.new_token()?;
        let body = stored::encode(&session).map_err(HostError::other)?;
        let id = RecordId::of_secret(token.expose_secret());
        let record = Record::new(Kind::Session, id, 1, session.expires_at(), body);
        match unit.put(&record, None).await? {
            Put::Stored => {}
            Put::Stale => return Err(HostError::other("the token of a session was taken")),
        }
        let cookie = self.bake(&token, session.expires_at())?;
        Ok(Opened::new(session, token).with_cookie(cookie))
    }
}

impl std::fmt::Debug for StoredSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredSessions").field("settings", &self.settings).finish_non_exhaustive()
    }
}
