//! Where a service keeps everything while it is played.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::sqlite::SqlitePoolOptions;
use tower_registration::Builder;
use tower_registration::memory::Memory;
use tower_registration::postgres::PostgresStorage;
use tower_registration::sqlite::{self, SqliteStorage};

use crate::server::server;

/// The machine that runs the tests may be slow; what is tested is not how fast it is.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Memory,
    Sqlite,
    Postgres,
}

impl Store {
    /// The builder with storage and identities of its own, and what goes away when they are not needed any more.
    pub(crate) async fn give(
        self,
        builder: Builder,
        config: &str,
    ) -> Result<(Builder, Option<Folder>), Box<dyn Error>> {
        match self {
            Self::Memory => {
                let memory = Memory::new();
                Ok((builder.storage(memory.clone()).identities(memory), None))
            }
            Self::Sqlite => {
                let folder = Folder::new(config)?;
                let pool =
                    SqlitePoolOptions::new().connect_with(sqlite::options(folder.0.join("registration.db"))).await?;
                let storage = SqliteStorage::from_pool(pool).with_patience(PATIENCE);
                storage.migrate().await?;
                let identities = storage.identities();
                identities.migrate().await?;
                Ok((builder.storage(storage).identities(identities), Some(folder)))
            }
            Self::Postgres => {
                let pool = PgPool::connect(&server().dsn()).await?;
                let prefix = format!("{}_", config.replace('-', "_"));
                let storage = PostgresStorage::from_pool(pool).with_prefix(&prefix)?.with_patience(PATIENCE);
                storage.migrate().await?;
                let identities = storage.identities();
                identities.migrate().await?;
                Ok((builder.storage(storage).identities(identities), None))
            }
        }
    }
}

/// A folder that goes away.
pub(crate) struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("tower-registration-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
