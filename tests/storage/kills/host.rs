//! The host of the people: all ways to register, a row of its own in the commit, a letter for every new address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use time::Duration;
use tower_registration::host::{Courier, Hook, HookContext, HostError, Rendered, Undelivered, Unit};
use tower_registration::identity::{Channel, Identity};
use tower_registration::methods::{Code, Passkey, Password, RelyingParty};
use tower_registration::testing::{BASE_URL, Faults, PERSON, UI};
use tower_registration::{
    AddressLimits, After, Builder, Hashing, Registration, Schema, Secret, Stop, Style, Verification, postgres, sqlite,
};

use super::diary::{Diary, Entry};
use crate::processes::Store;

/// A service as every process has it.
pub(crate) fn builder(store: &Store, faults: &Faults, courier: impl Courier) -> Builder {
    Registration::builder(BASE_URL)
        .secret(Secret::new("the secret that all processes know").unwrap())
        .hashing(Hashing::new().cost(8, 1))
        .schema(Schema::parse("person", PERSON).unwrap())
        .method(Password::new())
        .method(Code::new())
        .method(Passkey::new(RelyingParty::new("app.example.org", "Example").origin(UI)))
        .style(Style::Unified)
        .after(After::new().session(true))
        // Nothing expires while many kills are played.
        .verification(Verification::by_code("/verify").lifespan(Duration::days(30)).proof_lifespan(Duration::days(30)))
        .address_limits(AddressLimits::new().letters(1_000, 1_000))
        .hook(faults.around(OwnRow))
        .courier(Channel::Email, courier)
        .registration_ui(format!("{UI}/sign-up"))
        .error_ui(format!("{UI}/sorry"))
        .default_return_url(format!("{UI}/welcome"))
        .storage(faults.around(Arc::clone(&store.storage)))
        .identities(faults.around(Arc::clone(&store.identities)))
}

/// Writes the host's own row in the commit.
struct OwnRow;

const ROW: &str = "INSERT INTO host_users (identity_id, email) VALUES ($1, $2)";

#[async_trait]
impl Hook for OwnRow {
    async fn in_commit(&self, _: &HookContext<'_>, unit: &mut dyn Unit, identity: &Identity) -> Result<(), Stop> {
        let (id, email) = (*identity.id().as_uuid(), identity.traits()["email"].as_str().unwrap());
        if let Some(connection) = sqlite::transaction(unit) {
            sqlx::query(ROW).bind(id).bind(email).execute(connection).await.map_err(sqlite::failed)?;
        } else if let Some(connection) = postgres::transaction(unit) {
            sqlx::query(ROW).bind(id).bind(email).execute(connection).await.map_err(postgres::failed)?;
        } else {
            return Err(HostError::other("the unit is of another database").into());
        }
        Ok(())
    }
}

/// Writes letters into the diary, and keeps the codes for who waits for them.
#[derive(Clone)]
pub(crate) struct Codes {
    diary: Diary,
    codes: Arc<Mutex<HashMap<String, String>>>,
}

impl Codes {
    pub(crate) fn new(diary: &Diary) -> Self {
        Self { diary: diary.clone(), codes: Arc::default() }
    }

    pub(crate) fn take(&self, email: &str) -> Option<String> {
        self.codes.lock().unwrap().remove(email)
    }
}

#[async_trait]
impl Courier for Codes {
    async fn deliver(&self, letter: &Rendered) -> Result<(), Undelivered> {
        let (about, to) = (letter.kind().template().to_owned(), letter.to().value().to_owned());
        self.diary.write(&Entry::Letter { about, to: to.clone(), id: letter.id().to_string() });
        let mut runs = letter.text().split(|c: char| !c.is_ascii_digit());
        if let Some(code) = runs.find(|run| run.len() == 6) {
            self.codes.lock().unwrap().insert(to, code.to_owned());
        }
        Ok(())
    }
}
