//! A host with tables of its own in the same database: its user and account, and everything of the registration, are one
//! commit. Whatever fails, there is all of it or nothing.
//!
//! The users are rows of the host's table `users`, written by its `Identities`; a hook opens an account for each in
//! `accounts`. Both go through the transaction that the registration has open.
//!
//! ```sh
//! cargo run --example shared_database -- sqlite://app.db
//! cargo run --example shared_database -- postgres://app@localhost/app
//! ```

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::json;
use sqlx::{PgPool, SqlitePool};
use time::OffsetDateTime;
use tower_registration::host::{CreateError, Hook, HookContext, HostError, Identities, Storage, Unit};
use tower_registration::identity::{
    Address, AddressState, Draft, Identity, IdentityId, Owner, Unique, VerifiableAddress,
};
use tower_registration::methods::Password;
use tower_registration::postgres::{self, PostgresStorage};
use tower_registration::sqlite::{self, SqliteStorage};
use tower_registration::{Registration, Schema, Secret, Stop, Style};
use uuid::Uuid;

/// The host's own tables; these statements both databases understand.
const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, \
        password_hash TEXT NOT NULL, email_state TEXT NOT NULL, created_at BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS accounts (user_id TEXT PRIMARY KEY REFERENCES users (id), credit BIGINT NOT NULL)",
];

/// The host's pool.
#[derive(Clone)]
enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Sends a statement through the transaction that a unit has open. Says how many rows it wrote.
macro_rules! write_in {
    ($unit:expr, $statement:expr $(, $value:expr)*) => {
        if let Some(connection) = sqlite::transaction($unit) {
            let written = sqlx::query($statement)$(.bind($value))*.execute(connection).await;
            written.map(|written| written.rows_affected()).map_err(sqlite::failed)
        } else if let Some(connection) = postgres::transaction($unit) {
            let written = sqlx::query($statement)$(.bind($value))*.execute(connection).await;
            written.map(|written| written.rows_affected()).map_err(postgres::failed)
        } else {
            Err(HostError::other("the unit is of another database"))
        }
    };
}

/// Reads at most one row.
macro_rules! read_from {
    ($database:expr, $row:ty, $statement:expr $(, $value:expr)*) => {
        match $database {
            Database::Sqlite(pool) => {
                let row = sqlx::query_as::<_, $row>($statement)$(.bind($value))*.fetch_optional(pool).await;
                row.map_err(sqlite::failed)
            }
            Database::Postgres(pool) => {
                let row = sqlx::query_as::<_, $row>($statement)$(.bind($value))*.fetch_optional(pool).await;
                row.map_err(postgres::failed)
            }
        }
    };
}

/// The host's users, who are known by their e-mail addresses.
#[derive(Clone)]
struct Users(Database);

impl Users {
    async fn id_of(&self, email: &str) -> Result<Option<IdentityId>, HostError> {
        let found = read_from!(&self.0, (String,), "SELECT id FROM users WHERE email = $1", email)?;
        found.map(|(id,)| Uuid::parse_str(&id).map(IdentityId::new).map_err(HostError::other)).transpose()
    }
}

#[async_trait]
impl Identities for Users {
    async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, HostError> {
        for value in of {
            if let Some(id) = self.id_of(value.value()).await? {
                return Ok(Some(Owner::new(id, value.clone())));
            }
        }
        Ok(None)
    }

    async fn create(&self, unit: &mut dyn Unit, draft: &Draft) -> Result<Identity, CreateError> {
        let password = draft.credentials().iter().find(|credential| credential.kind().as_str() == "password");
        let hash = password.and_then(|password| password.config()["hashed_password"].as_str());
        let hash = hash.ok_or_else(|| HostError::other("everybody here has a password"))?.to_owned();
        // The canonical form of the address, which the service has made sure of.
        let email = draft.unique().first().map(|value| value.value().to_owned()).unwrap_or_default();
        let name = draft.traits()["name"].as_str().map(str::to_owned);
        let written = write_in!(
            unit,
            "INSERT INTO users (id, email, name, password_hash, email_state, created_at) \
                VALUES ($1, $2, $3, $4, 'pending', $5) ON CONFLICT (email) DO NOTHING",
            draft.id().to_string(),
            email,
            name,
            hash,
            draft.created_at().unix_timestamp()
        )?;
        // The unique index has decided.
        if written == 0 { Err(CreateError::Taken) } else { Ok(draft.identity()) }
    }

    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>, HostError> {
        type Row = (String, Option<String>, String, i64);
        let statement = "SELECT email, name, email_state, created_at FROM users WHERE id = $1";
        let Some((email, name, state, at)) = read_from!(&self.0, Row, statement, id.to_string())? else {
            return Ok(None);
        };
        let at = OffsetDateTime::from_unix_timestamp(at).map_err(HostError::other)?;
        let mut traits = json!({ "email": email });
        if let Some(name) = name {
            traits["name"] = name.into();
        }
        let address = Address::new(tower_registration::identity::Channel::Email, &email);
        let address = VerifiableAddress::new(*id.as_uuid(), address, told(&state, at), at);
        Ok(Some(Identity::new(id, "person", traits, at).with_verifiable_addresses(vec![address])))
    }

    async fn address(&self, address: &Address) -> Result<Option<(IdentityId, AddressState)>, HostError> {
        let Some(id) = self.id_of(address.value()).await? else { return Ok(None) };
        let identity = self.identity(id).await?;
        Ok(identity.and_then(|identity| Some((id, identity.verifiable_addresses().first()?.state()))))
    }

    async fn address_changed(
        &self,
        unit: &mut dyn Unit,
        id: IdentityId,
        address: &Address,
        to: AddressState,
    ) -> Result<(), HostError> {
        let statement = "UPDATE users SET email_state = $1 WHERE id = $2 AND email = $3";
        write_in!(unit, statement, to.as_str(), id.to_string(), address.value()).map(drop)
    }
}

/// The state of an address, as the column holds it.
fn told(word: &str, at: OffsetDateTime) -> AddressState {
    match word {
        "completed" => AddressState::Verified(at),
        "sent" => AddressState::Sent,
        _ => AddressState::Pending,
    }
}

/// Opens an account for every new user, in the same commit.
struct OpenAccount;

#[async_trait]
impl Hook for OpenAccount {
    async fn in_commit(&self, _: &HookContext<'_>, unit: &mut dyn Unit, identity: &Identity) -> Result<(), Stop> {
        let statement = "INSERT INTO accounts (user_id, credit) VALUES ($1, 100)";
        write_in!(unit, statement, identity.id().to_string())?;
        Ok(())
    }
}

async fn counts(State(database): State<Database>) -> String {
    let statement = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM accounts)";
    match read_from!(&database, (i64, i64), statement) {
        Ok(Some((users, accounts))) => format!("{users} users, {accounts} accounts\n"),
        _ => "the database is away\n".to_owned(),
    }
}

/// Opens the database, with the host's tables and those of the registration in it.
async fn open(dsn: &str) -> Result<(Database, Arc<dyn Storage>), Box<dyn Error>> {
    if let Some(file) = dsn.strip_prefix("sqlite://") {
        let pool = sqlite::open(file).await?;
        for table in TABLES {
            sqlx::query(table).execute(&pool).await?;
        }
        let storage = SqliteStorage::from_pool(pool.clone());
        storage.migrate().await?;
        return Ok((Database::Sqlite(pool), Arc::new(storage)));
    }
    let pool = PgPool::connect(dsn).await?;
    for table in TABLES {
        sqlx::query(table).execute(&pool).await?;
    }
    // The tables of the registration keep out of the host's way.
    let storage = PostgresStorage::from_pool(pool.clone()).with_schema("auth")?;
    storage.migrate().await?;
    Ok((Database::Postgres(pool), Arc::new(storage)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dsn = arguments.next().ok_or("say where: sqlite://FILE or postgres://USER@HOST/DATABASE")?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let (database, storage) = open(&dsn).await?;
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let site = format!("http://{}", listener.local_addr()?);

    let registration = Registration::builder(format!("{site}/auth"))
        .secret(Secret::random_until_restart()?)
        .schema(Schema::parse("person", include_str!("person.json"))?)
        .method(Password::new())
        .style(Style::Unified)
        .storage(storage)
        .identities(Users(database.clone()))
        .hook(OpenAccount)
        .registration_ui("/sign-up")
        .error_ui("/sorry")
        .default_return_url(format!("{site}/"))
        .build()?;
    let sweeper = registration.sweeper();
    tokio::spawn(async move { sweeper.run_until(std::future::pending()).await });
    let app = Router::new().route("/", get(counts)).with_state(database).nest_service("/auth", registration);

    println!("listening on {site}");
    axum::serve(listener, app).await?;
    Ok(())
}
