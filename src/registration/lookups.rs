//! What registration clients ask for besides flows: who is signed in, identity schemas, kept errors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::{Date, Month, OffsetDateTime, Time};
use uuid::Uuid;

use crate::call::Outcome;
use crate::engine::{Engine, Tell, Trouble, Visit};
use crate::flow::parse_uuid;
use crate::host::{Kind, RecordId};
use crate::identity::IdentityState;
use crate::seal::Purpose;
use crate::stop::Failure;

/// The id of an error that is always there, for whoever builds an error page.
const STUB: &str = "stub:500";
/// Letters and digits of one half of a pair.
const CODE_LENGTH: usize = 64;

impl Engine {
    pub(super) async fn whoami(&self, visit: &Visit) -> Result<Outcome, Trouble> {
        let trouble = |failure: Failure| Trouble::new(failure, Tell::Json);
        let session = self.sessions.current(&visit.caller).await.map_err(|error| trouble(error.into()))?;
        let Some(session) = session else { return Err(trouble(Failure::signed_out())) };
        let identity = self.identities.identity(session.identity()).await.map_err(|error| trouble(error.into()))?;
        match identity.filter(|identity| identity.state() == IdentityState::Active) {
            Some(identity) => Ok(Outcome::Whoami(Box::new((session, identity)))),
            None => Err(trouble(Failure::signed_out())),
        }
    }

    pub(super) fn list_schemas(&self, page: usize, per_page: usize) -> Outcome {
        let all: Vec<(String, Value)> =
            self.schemas.iter().map(|schema| (schema.id().to_owned(), schema.document().clone())).collect();
        let total = all.len();
        let schemas = all.into_iter().skip(page.saturating_sub(1).saturating_mul(per_page)).take(per_page).collect();
        Outcome::Schemas { schemas, page, per_page, total }
    }

    /// A schema is found by its id, and by its id in URL-safe base64.
    pub(super) fn schema(&self, id: &str) -> Result<Outcome, Trouble> {
        let decoded = || URL_SAFE_NO_PAD.decode(id).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let found = self.schemas.find(id).or_else(|| decoded().and_then(|id| self.schemas.find(&id)));
        match found {
            Some(schema) => Ok(Outcome::Schema(schema.document().clone())),
            None => Err(Trouble::new(Failure::schema_unknown(id), Tell::Json)),
        }
    }

    pub(super) async fn show_error(&self, id: &str, now: OffsetDateTime) -> Result<Outcome, Trouble> {
        let trouble = |failure: Failure| Trouble::new(failure, Tell::Json);
        if id == STUB {
            return Ok(stub_error());
        }
        let unknown = || trouble(Failure::flow_unknown());
        let id = parse_uuid(id).ok_or_else(unknown)?;
        let record = self.storage.get(Kind::Error, RecordId::new(id)).await.map_err(|error| trouble(error.into()))?;
        let record = record.filter(|record| now < record.expires_at).ok_or_else(unknown)?;
        let (error, at) = decode_error(&record.body).map_err(|error| trouble(Failure::internal(error)))?;
        Ok(Outcome::KeptError { id, error, at })
    }

    /// The second half of a flow's pair, as each key makes it.
    pub(super) fn return_codes(&self, flow: Uuid) -> impl Iterator<Item = String> {
        let parts = |block: u8| [flow.as_bytes().to_vec(), vec![block]].concat();
        // Three blocks hold more letters than are needed, even after the unfair ones are skipped.
        let blocks: Vec<Vec<[u8; 32]>> =
            (0..3).map(|block| self.seal.derive(Purpose::Exchange, &[&parts(block)]).collect()).collect();
        let keys = blocks.first().map_or(0, Vec::len);
        (0..keys).map(move |key| {
            let bytes: Vec<u8> = blocks.iter().flat_map(|block| block[key]).collect();
            crate::seal::alphanumeric(&bytes).take(CODE_LENGTH).collect()
        })
    }
}

fn decode_error(body: &[u8]) -> Result<(Value, OffsetDateTime), serde_json::Error> {
    let mut kept: Value = serde_json::from_slice(body)?;
    let at = kept.get("at").and_then(Value::as_i64).unwrap_or_default();
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    Ok((kept.get_mut("error").map(Value::take).unwrap_or_default(), at))
}

fn stub_error() -> Outcome {
    let failure = Failure::internal("stub");
    let error = json!({ "code": 500, "reason": "This is a stub error.", "message": failure.message() });
    let year_one = Date::from_calendar_date(1, Month::January, 1).unwrap_or(Date::MIN);
    Outcome::KeptError { id: Uuid::new_v4(), error, at: OffsetDateTime::new_utc(year_one, Time::MIDNIGHT) }
}
