//! What the reference model knows: flows, letters, people, and what is counted of an address. Times are seconds since the
//! start.

use std::collections::BTreeMap;

use crate::command::{Act, Client, Who};

pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;
/// How long a code or link is good: less than its flow.
pub(crate) const GOOD: i64 = HOUR / 6;
/// Codes that a flow judges.
pub(crate) const TRIES: u32 = 3;
/// Wrong codes of an address in an hour: few, so that sequences come to know the bound.
pub(crate) const WRONG: usize = 5;

/// What the client is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing is asked, nothing is told.
    #[default]
    Nothing,
    /// The page of a flow.
    Page,
    /// The page of the same flow, with this message; 0 is none.
    Told(u64),
    /// Another flow is there instead.
    Replaced,
    /// The link was taken.
    Followed,
    /// An identity was made.
    Made,
    /// An error with this status.
    Failed(u16),
}

#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) client: Client,
    pub(crate) version: i64,
    pub(crate) expires: i64,
    /// The person it became.
    pub(crate) spent: Option<usize>,
    pub(crate) swept: bool,
    /// Its browser never got the page.
    pub(crate) lost: bool,
    pub(crate) screen: Screen,
    /// A code is asked for next.
    pub(crate) asks_code: bool,
    pub(crate) sent: Option<Sent>,
    pub(crate) tries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Screen {
    Profile,
    Credentials,
    Code,
}

/// A code or link that is good for an address.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) who: Who,
    /// Without one, the address had too many: nothing is good.
    pub(crate) letter: Option<usize>,
    /// The letter before this one.
    pub(crate) older: Option<usize>,
    pub(crate) until: i64,
    /// Whether somebody had the address when it was written to.
    pub(crate) owned: bool,
}

/// A flow that proves an address.
#[derive(Clone, Debug)]
pub(crate) struct Proving {
    pub(crate) client: Client,
    pub(crate) version: i64,
    pub(crate) expires: i64,
    pub(crate) swept: bool,
    pub(crate) lost: bool,
    pub(crate) passed: bool,
    pub(crate) sent: Option<Sent>,
    pub(crate) tries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Post {
    Waiting,
    Delivered,
    GivenUp,
}

#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) to: usize,
    pub(crate) expires: i64,
    pub(crate) post: Post,
}

#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) address: usize,
    pub(crate) proof: Proved,
}

/// How far the proof of an address has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proved {
    Pending,
    Sent,
    Completed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counted {
    Letters,
    WrongCodes,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Counter {
    times: Vec<i64>,
    pub(crate) expires: i64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) two_steps: bool,
    pub(crate) by_link: bool,
    pub(crate) now: i64,
    pub(crate) flows: Vec<Flow>,
    pub(crate) proofs: Vec<Proving>,
    pub(crate) letters: Vec<Letter>,
    pub(crate) people: Vec<Person>,
    pub(crate) sessions: Vec<i64>,
    pub(crate) errors: Vec<i64>,
    pub(crate) counters: BTreeMap<(Counted, usize), Counter>,
    /// The last act, and whether it was done again already: who insists, insists for a while.
    pub(crate) last: Option<(Act, bool)>,
    /// What the last command said, and whether it may have cost a hash.
    pub(crate) said: Said,
    pub(crate) hashes: bool,
}

impl Model {
    /// Somebody registers where no addresses are proved.
    pub(crate) fn import(&mut self, address: usize) {
        self.people.push(Person { address, proof: Proved::Pending });
        self.sessions.push(self.now + DAY);
        self.open(Client::Native);
        if let Some(flow) = self.flows.last_mut() {
            (flow.version, flow.spent) = (2, Some(self.people.len() - 1));
        }
    }

    pub(crate) fn open(&mut self, client: Client) {
        let screen = if self.two_steps { Screen::Profile } else { Screen::Credentials };
        let (expires, spent, sent) = (self.now + HOUR, None, None);
        self.flows.push(Flow {
            client,
            version: 1,
            expires,
            spent,
            swept: false,
            lost: false,
            screen,
            asks_code: false,
            sent,
            tries: 0,
        });
    }

    pub(crate) fn open_proof(&mut self, client: Client) {
        let (expires, sent) = (self.now + HOUR, None);
        self.proofs.push(Proving {
            client,
            version: 1,
            expires,
            swept: false,
            lost: false,
            passed: false,
            sent,
            tries: 0,
        });
    }

    /// A letter is posted, unless its address has had too many.
    pub(crate) fn post(&mut self, to: usize) -> Option<usize> {
        if !self.allows(Counted::Letters, to) {
            return None;
        }
        self.count(Counted::Letters, to);
        self.letters.push(Letter { to, expires: self.now + GOOD, post: Post::Waiting });
        Some(self.letters.len() - 1)
    }

    /// Whether somebody can know what was sent, and it is still good.
    pub(crate) fn is_known(&self, sent: &Sent) -> bool {
        let delivered = |letter: usize| self.letters[letter].post == Post::Delivered;
        sent.owned && sent.letter.is_some_and(delivered) && self.now < sent.until
    }

    pub(crate) fn allows(&self, what: Counted, address: usize) -> bool {
        let times = self.counters.get(&(what, address)).map(|counter| counter.times.as_slice()).unwrap_or_default();
        let within = |span: i64| times.iter().filter(|time| **time > self.now - span).count();
        match what {
            Counted::Letters => within(HOUR) < 5 && within(DAY) < 10,
            Counted::WrongCodes => within(HOUR) < WRONG && within(30 * DAY) < 100,
        }
    }

    pub(crate) fn count(&mut self, what: Counted, address: usize) {
        let now = self.now;
        self.touch(what, address).times.push(now);
    }

    pub(crate) fn touch(&mut self, what: Counted, address: usize) -> &mut Counter {
        let life = if what == Counted::Letters { DAY } else { 30 * DAY };
        let expires = self.now + life;
        let counter = self.counters.entry((what, address)).or_default();
        counter.expires = expires;
        counter
    }

    pub(crate) fn forget_wrong_codes(&mut self, address: usize) {
        let known = self.counters.get(&(Counted::WrongCodes, address)).is_some_and(|old| !old.times.is_empty());
        if known {
            self.touch(Counted::WrongCodes, address).times.clear();
        }
    }
}
