//! Compares what people were answered with what is in the database.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use tower_registration::testing::{Client, ClientKind, Faults, TestClock};
use uuid::Uuid;

use super::diary::{Diary, Entry};
use super::host::{self, Codes};
use crate::processes::Store;

/// What must count nothing at any time.
const NEVER: [(&str, &str); 9] = [
    (
        "identities without a credential",
        "SELECT count(*) FROM registration_identities AS i WHERE NOT EXISTS \
            (SELECT 1 FROM registration_credentials AS c WHERE c.identity_id = i.id)",
    ),
    (
        "credentials without an identity",
        "SELECT count(*) FROM registration_credentials AS c WHERE NOT EXISTS \
            (SELECT 1 FROM registration_identities AS i WHERE i.id = c.identity_id)",
    ),
    (
        "identities without an address",
        "SELECT count(*) FROM registration_identities AS i WHERE NOT EXISTS \
            (SELECT 1 FROM registration_addresses AS a WHERE a.identity_id = i.id AND a.list = 'verifiable')",
    ),
    (
        "identities without a unique value",
        "SELECT count(*) FROM registration_identities AS i WHERE NOT EXISTS \
            (SELECT 1 FROM registration_unique_values AS u WHERE u.identity_id = i.id)",
    ),
    (
        "host rows without an identity",
        "SELECT count(*) FROM host_users AS h WHERE NOT EXISTS \
            (SELECT 1 FROM registration_identities AS i WHERE i.id = h.identity_id)",
    ),
    (
        "identities without a host row",
        "SELECT count(*) FROM registration_identities AS i WHERE NOT EXISTS \
            (SELECT 1 FROM host_users AS h WHERE h.identity_id = i.id)",
    ),
    (
        "spent flows without an identity",
        "SELECT count(*) FROM registration_records AS r WHERE r.kind = 'flow' AND r.spent IS NOT NULL AND NOT EXISTS \
            (SELECT 1 FROM registration_identities AS i WHERE i.id = r.spent)",
    ),
    (
        "identities without a spent flow, or with two",
        "SELECT count(*) FROM registration_identities AS i LEFT JOIN (SELECT spent, count(*) AS flows \
            FROM registration_records WHERE kind = 'flow' AND spent IS NOT NULL GROUP BY spent) AS r ON r.spent = i.id \
            WHERE r.flows IS NULL OR r.flows <> 1",
    ),
    (
        "addresses to be proved without a flow that proves them, or such flows without an address",
        "SELECT (SELECT count(*) FROM registration_records WHERE kind = 'verification') - \
            (SELECT count(*) FROM registration_addresses WHERE list = 'verifiable' AND state <> 'completed')",
    ),
];

const PEOPLE: &str = "SELECT value, identity_id FROM registration_addresses WHERE list = 'verifiable'";
const UNPROVED: &str =
    "SELECT value, identity_id FROM registration_addresses WHERE list = 'verifiable' AND state <> 'completed'";

/// What there was to compare, over all checks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) acknowledged: usize,
    pub(crate) identities: usize,
    /// Whose commit happened, and who heard of it only when they came again.
    pub(crate) taken: usize,
    pub(crate) letters: usize,
    /// Letters that arrived more than once.
    pub(crate) repeated: usize,
}

/// Reads the diary on, and the database anew.
pub(crate) struct Checker<'a> {
    store: &'a Store,
    diaries: &'a [Diary],
    /// How far each diary was read.
    read: Vec<u64>,
    acknowledged: BTreeMap<String, Option<String>>,
    tokens: Vec<(String, String)>,
    letters: Vec<(String, String, String)>,
    taken: usize,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(store: &'a Store, diaries: &'a [Diary]) -> Self {
        let (acknowledged, tokens, letters) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { store, diaries, read: vec![0; diaries.len()], acknowledged, tokens, letters, taken: 0 }
    }

    fn read_on(&mut self) {
        let diaries = self.diaries.iter().zip(&mut self.read);
        for entry in diaries.flat_map(|(diary, read)| diary.read(read)) {
            match entry {
                Entry::Begun { .. } => {}
                Entry::Done { email, identity, token } => {
                    self.tokens.extend(token.map(|token| (email.clone(), token)));
                    self.acknowledged.insert(email, identity);
                }
                Entry::Taken { email } => {
                    self.taken += 1;
                    self.acknowledged.insert(email, None);
                }
                Entry::Letter { about, to, id } => self.letters.push((about, to, id)),
            }
        }
    }

    /// A letter that was delivered elsewhere.
    pub(crate) fn delivered(&mut self, to: &str, id: &str) {
        self.letters.push(("verification_code_valid".to_owned(), to.to_owned(), id.to_owned()));
    }

    /// What is wrong now that the processes are gone; nothing, if all is well.
    pub(crate) async fn faults(&mut self) -> Vec<String> {
        self.store.is_quiet().await;
        self.read_on();
        let mut faults = Vec::new();
        for (what, statement) in NEVER {
            let count = self.store.number(statement).await;
            if count != 0 {
                faults.push(format!("{count} {what}"));
            }
        }
        let people: BTreeMap<String, Uuid> = self.store.texts(PEOPLE).await.into_iter().collect();
        for (email, identity) in &self.acknowledged {
            match people.get(email) {
                None => faults.push(format!("{email} was told to be registered and is not")),
                Some(found) if identity.as_ref().is_some_and(|told| *told != found.to_string()) => {
                    faults.push(format!("{email} is {found} and was told {identity:?}"));
                }
                Some(_) => {}
            }
        }
        faults.extend(self.session_faults(&people).await);
        faults
    }

    /// Everybody was signed in by their registration, and nobody else is.
    async fn session_faults(&self, people: &BTreeMap<String, Uuid>) -> Vec<String> {
        let sessions = self.store.bodies("SELECT body FROM registration_records WHERE kind = 'session'").await;
        let owners: Vec<&str> = sessions.iter().map(|session| session["identity"].as_str().unwrap()).collect();
        let known: BTreeSet<String> = people.values().map(Uuid::to_string).collect();
        let strays = owners.iter().filter(|owner| !known.contains(**owner)).count();
        let signed_in: BTreeSet<&str> = owners.iter().copied().collect();
        let mut faults = Vec::new();
        if strays > 0 || signed_in.len() != known.len() || owners.len() != known.len() {
            faults.push(format!(
                "{} sessions of {} people for {} identities",
                owners.len(),
                signed_in.len(),
                known.len()
            ));
        }
        faults
    }

    /// In the end: the outbox is emptied, and every new address has got its letter, and nobody else; every token works.
    pub(crate) async fn last_faults(&mut self) -> (Vec<String>, Seen) {
        let courier = Codes::new(&self.diaries[0]);
        let clock = TestClock::at(OffsetDateTime::now_utc());
        let registration = host::builder(self.store, &Faults::new(), courier).clock(clock.clone()).build().unwrap();
        // A lease of somebody who was killed has to end.
        clock.advance(time::Duration::minutes(5));
        registration.dispatcher().flush().await.unwrap();
        let mut faults = self.faults().await;
        let waiting = self.store.number("SELECT count(*) FROM registration_outbox").await;
        if waiting != 0 {
            faults.push(format!("{waiting} letters cannot be delivered"));
        }
        let unproved: BTreeSet<String> = self.store.texts(UNPROVED).await.into_iter().map(|(email, _)| email).collect();
        let written: BTreeSet<&str> = self
            .letters
            .iter()
            .filter(|(about, ..)| about == "verification_code_valid")
            .map(|(_, to, _)| to.as_str())
            .collect();
        faults
            .extend(unproved.iter().filter(|to| !written.contains(to.as_str())).map(|to| format!("no letter to {to}")));
        faults.extend(
            written.iter().filter(|to| !unproved.contains(**to)).map(|to| format!("a letter to {to} for nothing")),
        );
        for (email, token) in &self.tokens {
            let client = Client::new(registration.clone(), "/auth", ClientKind::Native);
            let session = client.with_header("x-session-token", token).whoami().await.unwrap_or_default();
            if session["identity"]["traits"]["email"] != email.as_str() {
                faults.push(format!("the session of {email} is gone"));
            }
        }
        (faults, self.seen(&unproved).await)
    }

    async fn seen(&self, unproved: &BTreeSet<String>) -> Seen {
        let people = self.store.texts(PEOPLE).await.len();
        let ids: BTreeSet<&str> = self.letters.iter().map(|(.., id)| id.as_str()).collect();
        Seen {
            acknowledged: self.acknowledged.len() - self.taken.min(self.acknowledged.len()),
            identities: people,
            taken: self.taken,
            letters: unproved.len(),
            repeated: self.letters.len() - ids.len(),
        }
    }
}
