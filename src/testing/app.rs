//! A host in memory.

use super::{Client, ClientKind, Mailbox, TestClock};
use crate::builder::{BuildError, Builder};
use crate::config::{After, Style};
use crate::hashing::Hashing;
use crate::host::HostError;
use crate::identity::{Channel, Identity};
use crate::memory::Memory;
use crate::methods::Password;
use crate::schema::Schema;
use crate::seal::Secret;
use crate::service::Registration;
use crate::upkeep::Flushed;

/// Where the app's clients find it.
pub const BASE_URL: &str = "https://app.example.org/auth";

/// The pages that the app's browsers are led to: `/sign-up` shows registrations, `/verify` proofs of addresses, `/sorry`
/// errors, `/welcome` is the end.
pub const UI: &str = "https://app.example.org";

/// The app's identity schema: an e-mail address that names the person, and a name that nobody has to give.
pub const PERSON: &str = r#"{
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Person",
    "type": "object",
    "properties": { "traits": { "type": "object", "required": ["email"], "additionalProperties": false, "properties": {
        "email": { "type": "string", "format": "email", "title": "E-Mail", "ory.sh/kratos": {
            "credentials": { "password": { "identifier": true }, "code": { "identifier": true, "via": "email" },
                "webauthn": { "identifier": true }, "passkey": { "display_name": true } },
            "verification": { "via": "email" },
            "recovery": { "via": "email" } } },
        "name": { "type": "object", "properties": {
            "first": { "type": "string", "title": "First name", "minLength": 2 },
            "last": { "type": "string", "title": "Last name" } } } } } }
}"#;

/// A host in memory, mounted below `/auth`: sign-up in one step with a password, and a session afterwards.
///
/// Hashes are made at the lowest cost, so that tests are quick.
#[derive(Clone, Debug)]
pub struct App {
    registration: Registration,
    memory: Memory,
    clock: TestClock,
    mailbox: Mailbox,
}

impl App {
    /// The app with its defaults.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the service cannot be built.
    pub fn new() -> Result<Self, BuildError> {
        Self::with(|builder| builder.method(Password::new()))
    }

    /// The app with other choices. The builder lacks a method.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the service cannot be built.
    pub fn with(choose: impl FnOnce(Builder) -> Builder) -> Result<Self, BuildError> {
        let person = Schema::parse("person", PERSON)?;
        Self::bare(|builder| choose(builder.schema(person).style(Style::Unified).after(After::new().session(true))))
    }

    /// The app without schema, method and anything that follows a registration.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the service cannot be built.
    pub fn bare(choose: impl FnOnce(Builder) -> Builder) -> Result<Self, BuildError> {
        let memory = Memory::new();
        let clock = TestClock::default();
        let mailbox = Mailbox::new();
        let secret = Secret::random_until_restart().map_err(BuildError::Randomness)?;
        let builder = Registration::builder(BASE_URL)
            .secret(secret)
            .hashing(Hashing::new().cost(8, 1))
            .storage(memory.clone())
            .identities(memory.clone())
            .clock(clock.clone())
            .courier(Channel::Email, mailbox.clone())
            .courier(Channel::Sms, mailbox.clone())
            .registration_ui(format!("{UI}/sign-up"))
            .error_ui(format!("{UI}/sorry"))
            .default_return_url(format!("{UI}/welcome"))
            .allow_return_url(UI);
        let registration = choose(builder).build()?;
        Ok(Self { registration, memory, clock, mailbox })
    }

    /// The service.
    #[must_use]
    pub fn registration(&self) -> Registration {
        self.registration.clone()
    }

    /// Where everything is kept.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The clock, which stands still.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// Delivers every letter that is due now into the mailbox.
    ///
    /// # Errors
    ///
    /// [`HostError`] when the storage cannot answer.
    pub async fn deliver(&self) -> Result<Flushed, HostError> {
        self.registration.dispatcher().flush().await
    }

    /// Where letters arrive, once they are [delivered](App::deliver).
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Everybody who registered.
    pub fn identities(&self) -> Vec<Identity> {
        self.memory.all_identities()
    }

    /// A browser.
    #[must_use]
    pub fn browser(&self) -> Client {
        self.client(ClientKind::Browser)
    }

    /// A single-page application.
    #[must_use]
    pub fn spa(&self) -> Client {
        self.client(ClientKind::Spa)
    }

    /// A native client.
    #[must_use]
    pub fn native(&self) -> Client {
        self.client(ClientKind::Native)
    }

    /// A client of this kind.
    #[must_use]
    pub fn client(&self, kind: ClientKind) -> Client {
        Client::new(self.registration(), "/auth", kind)
    }
}
