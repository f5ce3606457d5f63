//! Two services with the same secret over one watched store, as in two processes.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use tokio::runtime::Runtime;
use tower_registration::identity::Channel;
use tower_registration::methods::{Code, Passkey, Password, RelyingParty};
use tower_registration::testing::{BASE_URL, Client, ClientKind, Mailbox, PERSON, TestClock, UI};
use tower_registration::{AddressLimits, After, Hashing, Registration, Schema, Secret, Style, Verification};

use crate::command;
use crate::rows::Place;
use crate::state::{GOOD, TRIES, WRONG};
use crate::watch::Watch;

/// When the first sequence begins: 1 January 2026.
const START: i64 = 1_767_225_600;

/// Services, their store, clock and mailbox; used by one sequence after the other.
pub(crate) struct Site {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) watch: Watch,
    pub(crate) clock: TestClock,
    pub(crate) mailbox: Mailbox,
    pub(crate) services: [Registration; 2],
    /// When this sequence begins.
    pub(crate) start: i64,
    pub(crate) two_steps: bool,
    pub(crate) by_link: bool,
    /// Passwords that services hashed which are gone.
    retired: usize,
    /// Submissions that passed every check which is cheaper than a hash.
    pub(crate) may_have_hashed: usize,
    /// Whether every one of them was answered, so that none of them saved its hash.
    pub(crate) all_answered: bool,
    /// Tasks that belong to the store.
    pub(crate) tasks: usize,
}

impl Site {
    pub(crate) fn new(runtime: Arc<Runtime>, place: Place, two_steps: bool, by_link: bool) -> Self {
        let start = OffsetDateTime::from_unix_timestamp(START).unwrap();
        let (watch, clock, mailbox) = (Watch::new(place), TestClock::at(start), Mailbox::new());
        let service = || service(&watch, &clock, &mailbox, two_steps, Some(by_link));
        let services = [service(), service()];
        let (retired, may_have_hashed, all_answered) = (0, 0, true);
        let tasks = runtime.metrics().num_alive_tasks();
        Self {
            tasks,
            runtime,
            watch,
            clock,
            mailbox,
            services,
            start: START,
            two_steps,
            by_link,
            retired,
            may_have_hashed,
            all_answered,
        }
    }

    /// Empties the store. Time goes on: services do not believe that it goes back.
    pub(crate) fn reset(&mut self) {
        let place = self.runtime.block_on(self.watch.place().emptied());
        self.watch.reset(place);
        self.start += self.seconds();
        drop(self.mailbox.take());
    }

    /// Seconds since the start.
    pub(crate) fn seconds(&self) -> i64 {
        use tower_registration::host::Clock;
        self.clock.now().unix_timestamp() - self.start
    }

    /// Both services end, and others take their place.
    pub(crate) fn restart(&mut self) {
        self.retired += self.services.iter().map(Registration::hashes_computed).sum::<usize>();
        let service = || service(&self.watch, &self.clock, &self.mailbox, self.two_steps, Some(self.by_link));
        self.services = [service(), service()];
    }

    pub(crate) fn hashes(&self) -> usize {
        self.retired + self.services.iter().map(Registration::hashes_computed).sum::<usize>()
    }

    /// A service that proves no addresses: whoever registers there has one that was never written to.
    pub(crate) fn without_proofs(&self) -> Registration {
        service(&self.watch, &self.clock, &self.mailbox, false, None)
    }

    /// A client of one of the services; proxies that nobody trusts have their say.
    pub(crate) fn client(&self, side: usize, kind: command::Client) -> Client {
        client(&self.services[side], kind)
    }
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn client(service: &Registration, kind: command::Client) -> Client {
    let kind = match kind {
        command::Client::Native => ClientKind::Native,
        command::Client::Spa => ClientKind::Spa,
        command::Client::Browser => ClientKind::Browser,
    };
    let client = Client::new(service.clone(), "/auth", kind).with_header("x-forwarded-host", "evil.example");
    client
        .with_header("forwarded", "for=10.0.0.1;host=evil.example;proto=http")
        .with_header("x-forwarded-proto", "http")
}

fn service(
    watch: &Watch,
    clock: &TestClock,
    mailbox: &Mailbox,
    two_steps: bool,
    by_link: Option<bool>,
) -> Registration {
    let party = RelyingParty::new("app.example.org", "Example").origin(UI);
    let builder = Registration::builder(BASE_URL)
        .secret(Secret::new("the secret that all processes know").unwrap())
        .hashing(Hashing::new().cost(8, 1).threads(1))
        .schema(Schema::parse("person", PERSON).unwrap())
        .method(Password::new())
        .method(Code::new().lifespan(Duration::seconds(GOOD)).max_submissions(TRIES))
        .address_limits(AddressLimits::new().wrong_codes(WRONG, 100))
        .method(Passkey::new(party))
        .style(if two_steps { Style::ProfileFirst } else { Style::Unified })
        .after(After::new().session(true).show_verification_ui(true))
        .storage(watch.clone())
        .identities(watch.clone())
        .clock(clock.clone())
        .courier(Channel::Email, mailbox.clone())
        .registration_ui(format!("{UI}/sign-up"))
        .error_ui(format!("{UI}/sorry"))
        .default_return_url(format!("{UI}/welcome"))
        .allow_return_url(UI);
    let verify = format!("{UI}/verify");
    let proof =
        by_link.map(|by_link| if by_link { Verification::by_link(verify) } else { Verification::by_code(verify) });
    match proof {
        Some(proof) => {
            let proof = proof.proof_lifespan(Duration::seconds(GOOD)).max_submissions(TRIES);
            builder.verification(proof)
        }
        None => builder,
    }
    .build()
    .unwrap()
}
