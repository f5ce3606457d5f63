//! Identities, for hosts without users of their own.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::statements::PeopleStatements;
use super::{ANSWERS, SetupError, SqliteStorage, setup, transaction};
use crate::host::{CreateError, HostError, HostErrorKind, Identities, Unit};
use crate::identity::{Address, AddressState, Credential, Draft, Identity, IdentityId, MethodId, Owner, Unique};
use crate::sql::{AddressRow, List, PersonRow, first_owned, instant, json, key, keys, microseconds, parsed};

/// The keys of values one behind the other, the places of the pieces, and how many there are: SQLite takes no lists.
fn pieces(of: &[Unique]) -> (Vec<u8>, String, u64) {
    let keys = keys(of);
    let places = (0..keys.len()).map(Value::from).collect();
    (keys.concat(), json(&places), keys.len() as u64)
}

type PersonColumns = (String, String, i64, Option<String>, Option<Uuid>, String, Option<String>, i64, i64);
type AddressColumns = (Uuid, String, String, String, String, Option<i64>, i64, i64);

/// Identities in SQLite: who they are, what proves them, where letters reach them, and one unique index over every value
/// that only one of them may have.
#[derive(Clone)]
#[must_use]
pub struct SqliteIdentities {
    storage: SqliteStorage,
    statements: Arc<PeopleStatements>,
}

impl SqliteIdentities {
    pub(super) fn new(storage: &SqliteStorage) -> Self {
        let statements = Arc::new(PeopleStatements::new(|sql| storage.prefix.fill(None, sql)));
        Self { storage: storage.clone(), statements }
    }

    /// Makes the tables that are missing. Any number of processes may do it at once.
    ///
    /// # Errors
    ///
    /// [`SetupError`] when the database refuses.
    pub async fn migrate(&self) -> Result<(), SetupError> {
        setup::migrate(&self.storage.pool, &self.storage.prefix, &setup::IDENTITIES).await
    }

    /// What proves an identity, for the host's sign-in: find out whose an identifier is with
    /// [`owner`](Identities::owner), and check the hash with [`hashing::verify`](crate::hashing::verify).
    ///
    /// # Errors
    ///
    /// [`HostError`] when the database cannot answer.
    pub async fn credentials(&self, id: IdentityId) -> Result<Vec<Credential>, HostError> {
        type Columns = (String, String, String);
        let query = sqlx::query_as::<_, Columns>(self.statements.credentials.clone()).bind(id.as_uuid());
        let rows = async { query.fetch_all(&self.storage.pool).await.map_err(|error| ANSWERS.failed(error)) };
        let rows = self.storage.waits(rows).await?.into_iter();
        rows.map(|(kind, identifiers, config)| {
            let identifiers: Vec<String> = serde_json::from_str(&identifiers).map_err(HostError::other)?;
            Ok(Credential::new(MethodId::stored(kind), parsed(&config)?).with_identifiers(identifiers))
        })
        .collect()
    }

    /// The statements that are sent, by name, for whoever wants to look at their plans.
    #[must_use]
    pub fn statements(&self) -> Vec<(&'static str, &str)> {
        self.statements.all()
    }

    async fn addresses(&self, id: IdentityId) -> Result<Vec<AddressRow>, HostError> {
        let query = sqlx::query_as::<_, AddressColumns>(self.statements.addresses.clone()).bind(id.as_uuid());
        let rows = async { query.fetch_all(&self.storage.pool).await.map_err(|error| ANSWERS.failed(error)) };
        let rows = self.storage.waits(rows).await?.into_iter();
        rows.map(|(id, list, via, value, state, verified_at, created_at, updated_at)| {
            let (list, address) = (List::from_word(&list)?, AddressRow::address(&via, value)?);
            let verified_at = verified_at.map(instant).transpose()?;
            let (created_at, updated_at) = (instant(created_at)?, instant(updated_at)?);
            Ok(AddressRow { id, list, address, state, verified_at, created_at, updated_at })
        })
        .collect()
    }

    /// The rows of a draft, in the order in which they refer to each other.
    async fn insert(&self, connection: &mut SqliteConnection, draft: &Draft) -> Result<(), CreateError> {
        self.insert_identity(connection, draft).await?;
        let id = *draft.id().as_uuid();
        let (keys, pieces, wanted) = pieces(&draft.unique());
        let claim = sqlx::query(self.statements.claim.clone()).bind(keys).bind(pieces).bind(id);
        let claimed = claim.execute(&mut *connection).await.map_err(|error| ANSWERS.failed(error))?;
        if claimed.rows_affected() < wanted {
            return Err(CreateError::Taken);
        }
        let created_at = microseconds(draft.created_at());
        let credentials = draft.credentials().iter().map(|own| {
            let (identifiers, config) = (json(&own.identifiers().into()), json(own.config()));
            Value::from([own.kind().as_str().to_owned(), identifiers, config])
        });
        let query = sqlx::query(self.statements.insert_credentials.clone())
            .bind(id)
            .bind(json(&credentials.collect()))
            .bind(created_at);
        query.execute(&mut *connection).await.map_err(|error| ANSWERS.failed(error))?;
        let rows = AddressRow::of(draft);
        let columns = rows.iter().map(|row| {
            let (via, value) = (row.address.via().as_str(), row.address.value());
            serde_json::json!([row.list.as_str(), via, value, row.state, row.verified_at.map(microseconds)])
        });
        let query = sqlx::query(self.statements.insert_addresses.clone())
            .bind(rows.iter().flat_map(AddressRow::key).collect::<Vec<u8>>())
            .bind(rows.iter().flat_map(|row| row.id.into_bytes()).collect::<Vec<u8>>())
            .bind(id)
            .bind(json(&columns.collect()))
            .bind(created_at);
        query.execute(&mut *connection).await.map_err(|error| ANSWERS.failed(error))?;
        Ok(())
    }

    async fn insert_identity(&self, connection: &mut SqliteConnection, draft: &Draft) -> Result<(), HostError> {
        let query = sqlx::query(self.statements.insert_identity.clone())
            .bind(draft.id().as_uuid())
            .bind(draft.schema_id())
            .bind(draft.state().as_str())
            .bind(microseconds(draft.created_at()))
            .bind(draft.external_id())
            .bind(json(draft.traits()))
            .bind(draft.metadata_public().map(json))
            .bind(draft.metadata_admin().map(json));
        let inserted = query.execute(connection).await.map_err(|error| ANSWERS.failed(error))?.rows_affected();
        match inserted {
            1 => Ok(()),
            _ => Err(HostError::new(HostErrorKind::Conflict, "this flow has become an identity already")),
        }
    }
}

#[async_trait]
impl Identities for SqliteIdentities {
    async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, HostError> {
        let (keys, pieces, _) = pieces(of);
        let query = sqlx::query_as::<_, (Vec<u8>, Uuid)>(self.statements.owners.clone()).bind(keys).bind(pieces);
        let found = async { query.fetch_all(&self.storage.pool).await.map_err(|error| ANSWERS.failed(error)) };
        let found = self.storage.waits(found).await?;
        let Some((id, value)) = first_owned(of, &found) else { return Ok(None) };
        Ok(Some(Owner::of(id, value, &self.credentials(id).await?)))
    }

    async fn create(&self, unit: &mut dyn Unit, draft: &Draft) -> Result<Identity, CreateError> {
        let connection = transaction(unit).ok_or_else(|| HostError::other("the unit is not SQLite's"))?;
        let insert = async { Ok(self.insert(connection, draft).await) };
        self.storage.waits(insert).await??;
        Ok(draft.identity())
    }

    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>, HostError> {
        let query = sqlx::query_as::<_, PersonColumns>(self.statements.identity.clone()).bind(id.as_uuid());
        let row = async { query.fetch_optional(&self.storage.pool).await.map_err(|error| ANSWERS.failed(error)) };
        let Some(row) = self.storage.waits(row).await? else { return Ok(None) };
        let (schema_id, state, changed_at, external_id, organization, traits, metadata_public, created_at, updated_at) =
            row;
        let person = PersonRow {
            id: *id.as_uuid(),
            schema_id,
            state,
            state_changed_at: instant(changed_at)?,
            external_id,
            organization,
            traits,
            metadata_public,
            created_at: instant(created_at)?,
            updated_at: instant(updated_at)?,
        };
        person.identity(self.addresses(id).await?).map(Some)
    }

    async fn address(&self, address: &Address) -> Result<Option<(IdentityId, AddressState)>, HostError> {
        type Columns = (Uuid, String, Option<i64>);
        let key = key(&List::Verifiable.unique(address)).to_vec();
        let query = sqlx::query_as::<_, Columns>(self.statements.address.clone()).bind(key);
        let row = async { query.fetch_optional(&self.storage.pool).await.map_err(|error| ANSWERS.failed(error)) };
        let Some((id, state, verified_at)) = self.storage.waits(row).await? else { return Ok(None) };
        let state = AddressRow::state(&state, verified_at.map(instant).transpose()?)?;
        Ok(Some((IdentityId::new(id), state)))
    }

    async fn address_changed(
        &self,
        unit: &mut dyn Unit,
        id: IdentityId,
        address: &Address,
        to: AddressState,
    ) -> Result<(), HostError> {
        let connection = transaction(unit).ok_or_else(|| HostError::other("the unit is not SQLite's"))?;
        let (state, verified_at) = AddressRow::columns(to);
        let query = sqlx::query(self.statements.change_address.clone())
            .bind(key(&List::Verifiable.unique(address)).to_vec())
            .bind(id.as_uuid())
            .bind(state)
            .bind(verified_at.map(microseconds));
        let change = async { query.execute(connection).await.map_err(|error| ANSWERS.failed(error)) };
        self.storage.waits(change).await.map(drop)
    }
}

impl fmt::Debug for SqliteIdentities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteIdentities").field("prefix", &self.storage.prefix.as_str()).finish_non_exhaustive()
    }
}
