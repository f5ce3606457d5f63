//! The invariants, checked after every act.
//!
//! | id | what must hold | where it is looked for |
//! |---|---|---|
//! | I1 | identifiers are unique | the people in the store |
//! | I2 | who was told so is registered | the people in the store |
//! | I3 | a session is opened with the identity it belongs to | committed units; `whoami` with the new session |
//! | I4 | a flow makes at most one identity | committed units |
//! | I5 | a code succeeds once | letters whose code led to success |
//! | I6 | failures of an address are forgotten by its success alone | verdicts that were told: 5 an hour, 3 a flow |
//! | I7 | letters of an address stay within limits | posted rows by lane: 5 an hour, 10 a day |
//! | I8 | a registration has exactly its rows | committed units; the store is what the model says |
//! | I9 | a refusal leaves its flow, counters, a replacement | the store is what the model says, versions included |
//! | I10 | proved is only what was written to and answered | letters whose code or token was typed |
//! | I12 | URLs begin with a configured one | every text of every answer and letter |
//! | I13 | no hash without a submission that passed all else | hashes computed, submissions that the model lets pass |
//! | I14 | no task is left | the runtime's count |
//! | I16 | what was written is read back, by new services too | every record; every flow shown after a restart |
//!
//! I11 (a claim that nobody proved does not block one that is proved) needs eviction, and I15 (answers do not depend on who
//! is registered) the profile `strict`: they bind that profile alone and join with it.

use serde_json::Value;
use tower_registration::host::Kind;
use tower_registration::testing::{BASE_URL, Reply, UI};
use uuid::Uuid;

use crate::command::{Act, Client, Command};
use crate::reference::{DAY, HOUR, Model, Post, Said, TRIES, WRONG};
use crate::world::{Heard, Traces, World, address};

impl World {
    /// Checks what an act left behind, before the model has become what is there now.
    pub(crate) async fn check(&mut self, act: &Act, traces: &Traces, after: &Model) {
        self.people_are_unique(traces);
        self.units_are_whole(traces);
        if let Some(heard) = &traces.heard {
            self.remember(act, heard, traces);
            if heard.said == Said::Made {
                self.session_is_theirs(act, heard, traces, after).await;
            }
            urls_are_ours(&heard.reply);
        }
        self.verdicts_are_few(after);
        self.letters_are_few();
        self.proved_was_answered(traces);
        self.hashes_are_few(traces, after);
        self.no_task_is_left().await;
        if matches!(act.command, Command::Restart) {
            self.everything_is_readable().await;
        }
        if matches!(act.command, Command::Dispatch) {
            self.letters_are_delivered(after);
        }
    }

    /// I1, I2.
    fn people_are_unique(&self, traces: &Traces) {
        let people = &traces.rows.people;
        let mut emails: Vec<String> = people.iter().map(|row| row.email.to_lowercase()).collect();
        emails.sort();
        emails.dedup();
        assert_eq!(emails.len(), people.len(), "I1: {people:?}");
        let there = |id: &Uuid| people.iter().any(|row| row.id == *id);
        assert!(self.history.acknowledged.iter().all(there), "I2: {:?} {people:?}", self.history.acknowledged);
    }

    /// I3, I4, I8.
    fn units_are_whole(&mut self, traces: &Traces) {
        for unit in &traces.units {
            let of = |kind: Kind| unit.put.iter().filter(move |record| record.kind() == kind).count();
            let (sessions, proofs) = (of(Kind::Session), of(Kind::Verification));
            let [made, spent, posted] = [unit.created.len(), unit.spent.len(), unit.posted.len()];
            assert_eq!(sessions, made, "I3: a session for somebody who was not made with it: {unit:?}");
            assert_eq!(spent, made, "I4, I8: {unit:?}");
            assert!(made <= 1 && posted <= 1, "I8: {unit:?}");
            if made == 1 {
                assert!(posted <= proofs && proofs <= 1 && of(Kind::Flow) == 0, "I8: {unit:?}");
                assert_eq!(unit.spent[0].spent(), Some(unit.created[0]), "I4: {unit:?}");
                let flow = *unit.spent[0].id().as_uuid();
                let before = self.history.spent.insert(flow, *unit.created[0].as_uuid());
                assert_eq!(before, None, "I4: a flow made two");
            }
            let now = self.site.seconds();
            unit.posted.iter().for_each(|row| self.history.posted.entry(row.lane()).or_default().push(now));
        }
    }

    /// What the past must be known for.
    fn remember(&mut self, act: &Act, heard: &Heard, traces: &Traces) {
        if heard.said == Said::Made {
            let who = match act.command {
                Command::Submit { who, .. } => address(who.person),
                _ => panic!("{:?} made somebody", act.command),
            };
            let id = traces.rows.people.iter().find(|row| row.email.eq_ignore_ascii_case(who)).map(|row| row.id);
            self.history.acknowledged.push(id.unwrap_or_else(|| panic!("I2: {who} is not there")));
        }
        if let Some(letter) = heard.letter {
            self.history.presented.insert(address(self.model.letters[letter].to).to_owned());
            if matches!(heard.said, Said::Made | Said::Told(1_080_002)) {
                assert!(self.history.used.insert(letter), "I5: {act:?}");
                self.history.verdicts.remove(&self.model.letters[letter].to);
            }
        }
        let (flow, to) = match (act.command, heard.said) {
            (Command::Submit { flow, who, .. }, Said::Told(4_040_003)) => (self.names.flows[flow], who.person),
            (Command::Prove { proof, .. }, Said::Told(4_070_006)) => match &self.model.proofs[proof].sent {
                Some(sent) => (self.names.proofs[proof], sent.who.person),
                None => return,
            },
            _ => return,
        };
        self.history.verdicts.entry(to).or_default().push(self.site.seconds());
        *self.history.verdicts_of_flow.entry(flow).or_default() += 1;
    }

    /// I3, as the client sees it.
    async fn session_is_theirs(&self, act: &Act, heard: &Heard, traces: &Traces, after: &Model) {
        let Command::Submit { flow, who, .. } = act.command else { return };
        let mut client = heard.client().clone();
        if self.model.flows[flow].client == Client::Native {
            let token = heard.reply.at("/session_token");
            client = client.with_header("x-session-token", token.as_str().unwrap_or_default());
        }
        let Some(session) = client.whoami().await else {
            assert!(after.sessions.iter().any(|ends| *ends <= after.now), "I3: a session was promised");
            return;
        };
        let id = session["identity"]["id"].as_str().unwrap_or_default();
        let own = traces.rows.people.iter().find(|row| row.email.eq_ignore_ascii_case(address(who.person)));
        assert_eq!(Some(id.to_owned()), own.map(|row| row.id.to_string()), "I3");
    }

    /// I6.
    fn verdicts_are_few(&self, after: &Model) {
        for (to, times) in &self.history.verdicts {
            let lately = times.iter().filter(|time| **time > after.now - HOUR).count();
            assert!(lately <= WRONG, "I6: {lately} verdicts for {}", address(*to));
        }
        assert!(
            self.history.verdicts_of_flow.values().all(|verdicts| *verdicts <= TRIES as usize),
            "I6: one verdict too many"
        );
    }

    /// I7.
    fn letters_are_few(&self) {
        let now = self.site.seconds();
        for times in self.history.posted.values() {
            let within = |span: i64| times.iter().filter(|time| **time > now - span).count();
            assert!(within(HOUR) <= 5 && within(DAY) <= 10, "I7: {times:?}");
        }
    }

    /// I10.
    fn proved_was_answered(&self, traces: &Traces) {
        for row in traces.rows.people.iter().filter(|row| row.state == "completed") {
            assert!(self.history.presented.contains(&row.email.to_lowercase()), "I10: {row:?}");
        }
    }

    /// I13.
    fn hashes_are_few(&mut self, traces: &Traces, after: &Model) {
        self.site.may_have_hashed += usize::from(after.hashes);
        self.site.all_answered &= !after.hashes || traces.heard.is_some();
        let (hashes, most) = (self.site.hashes(), self.site.may_have_hashed);
        assert!(hashes <= most, "I13: {hashes} hashes, {most} submissions");
        assert!(!self.site.all_answered || hashes == most, "I13: {hashes} hashes, {most} submissions");
    }

    /// I14.
    async fn no_task_is_left(&self) {
        let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        for _ in 0..1_000 {
            if alive() <= self.site.tasks {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        panic!("I14: {} tasks", alive());
    }

    /// I16.
    pub(crate) async fn everything_is_readable(&self) {
        let (place, now) = (self.site.watch.place(), self.site.seconds());
        for record in self.site.watch.last() {
            let found = place.storage.get(record.kind(), record.id()).await.unwrap();
            let swept = record.expires_at().unix_timestamp() - self.site.start < now - DAY;
            assert!(found.as_ref() == Some(&record) || swept && found.is_none(), "I16: {record:?}, {found:?}");
        }
        for flow in 0..self.model.flows.len() {
            let shown = self.ask(Command::Show { flow }, 0).await;
            let said = shown.map(|heard| heard.said);
            assert!(said.is_none_or(|said| said == self.model.run(Command::Show { flow }).model.said), "I16: {said:?}");
        }
    }

    /// I12, and that a letter goes where the model says.
    fn letters_are_delivered(&self, after: &Model) {
        let letters = self.site.mailbox.letters();
        for (at, letter) in after.letters.iter().enumerate() {
            let own = letters.iter().filter(|own| Some(&own.id()) == self.names.letters.get(at));
            let to: Vec<&str> = own.map(|own| own.to().value()).collect();
            let wanted: &[&str] = if letter.post == Post::Delivered { &[address(letter.to)] } else { &[] };
            assert_eq!(to, wanted, "letter {at}");
        }
        for letter in &letters {
            for word in letter.text().split_whitespace().filter(|word| word.starts_with("http")) {
                assert!(is_ours(word), "I12: {word}");
            }
        }
    }
}

/// I12.
fn urls_are_ours(reply: &Reply) {
    assert!(reply.location().is_empty() || is_ours(reply.location()), "I12: {}", reply.location());
    let json = reply.json();
    let mut rest = vec![&json];
    while let Some(value) = rest.pop() {
        match value {
            Value::String(text) if text.starts_with("http") => assert!(is_ours(text), "I12: {text}"),
            Value::Array(items) => rest.extend(items),
            Value::Object(members) => rest.extend(members.values()),
            _ => {}
        }
    }
}

fn is_ours(url: &str) -> bool {
    // The documentation that the contract names in the refusal of a foreign form.
    const DOCUMENTATION: &str = "https://www.ory.com/docs/";
    let below = |base: &str| url.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    below(BASE_URL) || below(UI) || url.starts_with(DOCUMENTATION)
}
