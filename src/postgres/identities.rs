//! Identities, for hosts without users of their own.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::statements::PeopleStatements;
use super::{ANSWERS, PostgresStorage, SetupError, cut, setup, transaction};
use crate::host::{CreateError, HostError, HostErrorKind, Identities, Unit};
use crate::identity::{Address, AddressState, Credential, Draft, Identity, IdentityId, MethodId, Owner, Unique};
use crate::sql::{AddressRow, List, PersonRow, first_owned, json, key, keys, parsed};

type PersonColumns = (
    String,
    String,
    OffsetDateTime,
    Option<String>,
    Option<Uuid>,
    String,
    Option<String>,
    OffsetDateTime,
    OffsetDateTime,
);
type AddressColumns = (Uuid, String, String, String, String, Option<OffsetDateTime>, OffsetDateTime, OffsetDateTime);

/// Identities in PostgreSQL: who they are, what proves them, where letters reach them, and one unique index over every
/// value that only one of them may have.
#[derive(Clone)]
#[must_use]
pub struct PostgresIdentities {
    storage: PostgresStorage,
    statements: Arc<PeopleStatements>,
}

impl PostgresIdentities {
    pub(super) fn new(storage: &PostgresStorage) -> Self {
        let statements = Arc::new(PeopleStatements::new(|sql| storage.place.fill(sql)));
        Self { storage: storage.clone(), statements }
    }

    /// Makes the tables that are missing. Any number of processes may do it at once.
    ///
    /// # Errors
    ///
    /// [`SetupError`] when the database refuses.
    pub async fn migrate(&self) -> Result<(), SetupError> {
        setup::migrate(&self.storage.pool, &self.storage.place, &setup::IDENTITIES).await
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
        let rows = self.storage.all(query).await?.into_iter();
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
        let rows = self.storage.all(query).await?.into_iter();
        rows.map(|(id, list, via, value, state, verified_at, created_at, updated_at)| {
            let (list, address) = (List::from_word(&list)?, AddressRow::address(&via, value)?);
            Ok(AddressRow { id, list, address, state, verified_at, created_at, updated_at })
        })
        .collect()
    }

    /// The rows of a draft, in the order in which they refer to each other.
    async fn insert(&self, connection: &mut PgConnection, draft: &Draft) -> Result<(), CreateError> {
        self.insert_identity(connection, draft).await?;
        let id = *draft.id().as_uuid();
        let keys = keys(&draft.unique());
        let wanted = keys.len() as u64;
        let claim = sqlx::query(self.statements.claim.clone()).persistent(self.storage.named).bind(keys).bind(id);
        let claimed = claim.execute(&mut *connection).await.map_err(|error| ANSWERS.failed(error))?;
        if claimed.rows_affected() < wanted {
            return Err(CreateError::Taken);
        }
        self.insert_credentials(connection, draft).await?;
        for (position, row) in (0_i32..).zip(AddressRow::of(draft)) {
            let query = sqlx::query(self.statements.insert_address.clone())
                .persistent(self.storage.named)
                .bind(row.key())
                .bind(row.id)
                .bind(id)
                .bind(row.list.as_str())
                .bind(position)
                .bind(row.address.via().as_str())
                .bind(row.address.value())
                .bind(&row.state)
                .bind(row.verified_at.map(cut))
                .bind(cut(draft.created_at()));
            query.execute(&mut *connection).await.map_err(|error| ANSWERS.failed(error))?;
        }
        Ok(())
    }

    async fn insert_identity(&self, connection: &mut PgConnection, draft: &Draft) -> Result<(), HostError> {
        let query = sqlx::query(self.statements.insert_identity.clone())
            .persistent(self.storage.named)
            .bind(draft.id().as_uuid())
            .bind(draft.schema_id())
            .bind(draft.state().as_str())
            .bind(cut(draft.created_at()))
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

    async fn insert_credentials(&self, connection: &mut PgConnection, draft: &Draft) -> Result<(), HostError> {
        let all = draft.credentials();
        let kinds: Vec<&str> = all.iter().map(|credential| credential.kind().as_str()).collect();
        let identifiers: Vec<String> = all.iter().map(|credential| json(&credential.identifiers().into())).collect();
        let configs: Vec<String> = all.iter().map(|credential| json(credential.config())).collect();
        let query = sqlx::query(self.statements.insert_credentials.clone())
            .persistent(self.storage.named)
            .bind(draft.id().as_uuid());
        let query = query.bind(kinds).bind(identifiers).bind(configs).bind(cut(draft.created_at()));
        query.execute(connection).await.map(drop).map_err(|error| ANSWERS.failed(error))
    }
}

#[async_trait]
impl Identities for PostgresIdentities {
    async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, HostError> {
        let query = sqlx::query_as::<_, (Vec<u8>, Uuid)>(self.statements.owners.clone()).bind(keys(of));
        let found = self.storage.all(query).await?;
        let Some((id, value)) = first_owned(of, &found) else { return Ok(None) };
        Ok(Some(Owner::of(id, value, &self.credentials(id).await?)))
    }

    async fn create(&self, unit: &mut dyn Unit, draft: &Draft) -> Result<Identity, CreateError> {
        let connection = transaction(unit).ok_or_else(|| HostError::other("the unit is not PostgreSQL's"))?;
        let insert = async { Ok(self.insert(connection, draft).await) };
        self.storage.waits(insert).await??;
        Ok(draft.identity())
    }

    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>, HostError> {
        let query = sqlx::query_as::<_, PersonColumns>(self.statements.identity.clone()).bind(id.as_uuid());
        let Some(row) = self.storage.one(query).await? else { return Ok(None) };
        let (
            schema_id,
            state,
            state_changed_at,
            external_id,
            organization,
            traits,
            metadata_public,
            created_at,
            updated_at,
        ) = row;
        let id_column = *id.as_uuid();
        let person = PersonRow {
            id: id_column,
            schema_id,
            state,
            state_changed_at,
            external_id,
            organization,
            traits,
            metadata_public,
            created_at,
            updated_at,
        };
        person.identity(self.addresses(id).await?).map(Some)
    }

    async fn address(&self, address: &Address) -> Result<Option<(IdentityId, AddressState)>, HostError> {
        type Columns = (Uuid, String, Option<OffsetDateTime>);
        let key = key(&List::Verifiable.unique(address)).to_vec();
        let query = sqlx::query_as::<_, Columns>(self.statements.address.clone()).bind(key);
        let Some((id, state, verified_at)) = self.storage.one(query).await? else { return Ok(None) };
        Ok(Some((IdentityId::new(id), AddressRow::state(&state, verified_at)?)))
    }

    async fn address_changed(
        &self,
        unit: &mut dyn Unit,
        id: IdentityId,
        address: &Address,
        to: AddressState,
    ) -> Result<(), HostError> {
        let connection = transaction(unit).ok_or_else(|| HostError::other("the unit is not PostgreSQL's"))?;
        let (state, verified_at) = AddressRow::columns(to);
        let query = sqlx::query(self.statements.change_address.clone())
            .persistent(self.storage.named)
            .bind(key(&List::Verifiable.unique(address)).to_vec())
            .bind(id.as_uuid())
            .bind(state)
            .bind(verified_at.map(cut));
        let change = async { query.execute(connection).await.map_err(|error| ANSWERS.failed(error)) };
        self.storage.waits(change).await.map(drop)
    }
}

impl fmt::Debug for PostgresIdentities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresIdentities").field("storage", &self.storage).finish_non_exhaustive()
    }
}
