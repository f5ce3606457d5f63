//! A service and everything it was given, so that a test can look behind it.

use std::hash::Hasher;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tower_registration::host::{HostError, Kind, Random};
use tower_registration::memory::Memory;
use tower_registration::methods::Password;
use tower_registration::testing::{BASE_URL, Client, ClientKind, Faults, PERSON, TestClock, UI};
use tower_registration::{After, Builder, Hashing, Registration, Schema, Secret, Style};

/// A password that every rule accepts.
pub(super) const PASSWORD: &str = "correct horse battery";

/// A service with storage in memory and a clock that stands still.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) registration: Registration,
    pub(super) memory: Memory,
    pub(super) clock: TestClock,
}

/// How much there is behind a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) identities: usize,
    pub(super) sessions: usize,
    pub(super) flows: usize,
    pub(super) spent: usize,
    pub(super) errors: usize,
    pub(super) hashes: usize,
}

impl Site {
    /// A sign-up in one step that opens a session.
    pub(super) fn new() -> Self {
        Self::with(|builder, _| builder)
    }

    /// The same with other choices, which may wrap the memory.
    pub(super) fn with(choose: impl FnOnce(Builder, &Memory) -> Builder) -> Self {
        Self::at(BASE_URL, choose)
    }

    /// The same at another base URL, whose path is `/auth` too.
    pub(super) fn at(base_url: &str, choose: impl FnOnce(Builder, &Memory) -> Builder) -> Self {
        let (memory, clock) = (Memory::new(), TestClock::default());
        let builder = choices(base_url).storage(memory.clone()).identities(memory.clone()).clock(clock.clone());
        let registration = choose(builder.method(Password::new()), &memory).build().unwrap();
        Self { registration, memory, clock }
    }

    pub(super) fn client(&self, kind: ClientKind) -> Client {
        Client::new(self.registration.clone(), "/auth", kind)
    }

    pub(super) fn native(&self) -> Client {
        self.client(ClientKind::Native)
    }

    pub(super) fn spa(&self) -> Client {
        self.client(ClientKind::Spa)
    }

    pub(super) fn browser(&self) -> Client {
        self.client(ClientKind::Browser)
    }

    pub(super) fn rows(&self) -> Rows {
        let flows = self.memory.all_records(Kind::Flow);
        Rows {
            identities: self.memory.all_identities().len(),
            sessions: self.memory.count(Kind::Session),
            flows: flows.len(),
            spent: flows.iter().filter(|flow| flow.spent().is_some()).count(),
            errors: self.memory.count(Kind::Error),
            hashes: self.registration.hashes_computed(),
        }
    }
}

/// A service whose storage and identities go wrong as told.
pub(super) fn site_behind(faults: &Faults) -> Site {
    Site::with(|builder, memory| {
        let faulty = faults.around(memory.clone());
        builder.storage(faulty.clone()).identities(faulty)
    })
}

/// Everything that a service at this base URL needs but for storage, identities and methods.
pub(super) fn choices(base_url: &str) -> Builder {
    Registration::builder(base_url)
        .secret(Secret::new("uQ3nW7zKx1Lr9TfYb5HsVd2GmAe8PcJ6").unwrap())
        .hashing(Hashing::new().cost(8, 1))
        .schema(Schema::parse("person", PERSON).unwrap())
        .style(Style::Unified)
        .after(After::new().session(true))
        .registration_ui(format!("{UI}/sign-up"))
        .error_ui(format!("{UI}/sorry"))
        .default_return_url(format!("{UI}/welcome"))
        .allow_return_url(UI)
}

/// Somebody who signs up with a good password.
pub(super) fn sign_up(email: &str) -> Value {
    json!({ "method": "password", "password": PASSWORD, "traits": { "email": email } })
}

/// Bytes made from a seed and a count: the same in every run.
pub(super) struct Seeded {
    seed: u64,
    count: AtomicU64,
}

impl Seeded {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }

    pub(super) fn number(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write_u64(self.count.fetch_add(1, Ordering::Relaxed));
        hasher.finish()
    }

    /// A number below `bound`.
    pub(super) fn below(&self, bound: usize) -> usize {
        usize::try_from(self.number() % bound as u64).unwrap()
    }

    /// One of these.
    pub(super) fn pick<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), HostError> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.number().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

static QUIET: RwLock<()> = RwLock::const_new(());

/// Held by a test that works hard, so that none of them disturbs a measurement.
pub(super) async fn working() -> RwLockReadGuard<'static, ()> {
    QUIET.read().await
}

/// Held by a test that measures time.
pub(super) fn measuring() -> RwLockWriteGuard<'static, ()> {
    QUIET.blocking_write()
}
