//! The reference model: what a registration service is, without storage, crypto, HTTP or races. It says of every command
//! what is stored afterwards, step by step, and what the client is told.
//!
//! A crash takes effect between two steps.

use crate::command::{Act, Answer, Client, Command, Proof, Target, Who};
pub(crate) use crate::state::{
    Counted, DAY, GOOD, HOUR, Model, Person, Post, Proved, Said, Screen, Sent, TRIES, WRONG,
};

/// What comes of a command: what is stored after each write, the last of them with what is said.
pub(crate) struct Run {
    pub(crate) model: Model,
    pub(crate) steps: Vec<Model>,
}

impl Run {
    fn write(&mut self) {
        self.steps.push(self.model.clone());
    }

    fn say(mut self, said: Said) -> Self {
        self.model.said = said;
        self.steps.iter_mut().for_each(|step| (step.said, step.hashes) = (said, self.model.hashes));
        self
    }

    /// An error; a browser that navigates finds it on a page.
    fn fail(mut self, status: u16, client: Client) -> Self {
        if client == Client::Browser {
            self.model.errors.push(self.model.now + DAY);
            self.write();
        }
        self.say(Said::Failed(status))
    }

    /// The same page, with a message; written into the flow.
    fn tell(mut self, flow: usize, message: u64) -> Self {
        self.model.flows[flow].version += 1;
        self.write();
        self.say(Said::Told(message))
    }

    fn replace(mut self, client: Client) -> Self {
        self.model.open(client);
        self.write();
        self.say(Said::Replaced)
    }

    fn replace_proof(mut self, client: Client) -> Self {
        self.model.open_proof(client);
        self.write();
        self.say(Said::Replaced)
    }

    fn submit(mut self, at: usize, who: Who, answer: Answer) -> Self {
        let flow = self.model.flows[at].clone();
        let two_steps = self.model.two_steps;
        if flow.swept {
            // Who sends JSON is told in JSON.
            return self.fail(404, if answer == Answer::Broken { Client::Spa } else { flow.client });
        }
        if self.model.now >= flow.expires {
            return self.replace(flow.client);
        }
        match answer {
            Answer::Foreign if flow.client == Client::Native => return self.tell(at, 4_000_001),
            Answer::Foreign => return self.fail(403, flow.client),
            Answer::Broken => return self.say(Said::Told(4_000_001)),
            Answer::Off => return self.fail(404, flow.client),
            Answer::Nobody => return self.tell(at, 4_010_003),
            Answer::Profile | Answer::Back if !two_steps => return self.tell(at, 4_010_003),
            Answer::Passkey if flow.screen != Screen::Credentials => return self.tell(at, 4_010_003),
            _ => {}
        }
        if let Some(person) = flow.spent {
            return match self.model.people[person].address == who.person {
                true => self.tell(at, 4_000_007),
                false => self.replace(flow.client),
            };
        }
        match answer {
            Answer::Profile => {
                let own = &mut self.model.flows[at];
                (own.screen, own.asks_code) = (Screen::Credentials, false);
                self.tell(at, 1_040_009)
            }
            Answer::Back => {
                self.model.flows[at].screen = Screen::Profile;
                self.tell(at, 0)
            }
            Answer::ShortPassword => self.tell(at, 4_000_032),
            Answer::Code(with) if flow.asks_code => self.judge(at, who, with),
            Answer::Send if flow.asks_code => self.judge_nothing(at, who),
            Answer::Send | Answer::Resend | Answer::Code(_) => self.send(at, who),
            _ => self.settle(at, who, answer == Answer::Password, false),
        }
    }

    /// A code is sent.
    fn send(mut self, at: usize, who: Who) -> Self {
        let until = self.model.now + GOOD;
        let letter = self.model.post(who.person);
        let flow = &mut self.model.flows[at];
        let old = flow.sent.take();
        flow.sent = Some(match old {
            Some(old) if letter.is_none() && old.who.person == who.person => Sent { who, ..old },
            old => Sent { who, letter, older: old.and_then(|old| old.letter), until, owned: true },
        });
        (flow.screen, flow.asks_code) = (Screen::Code, true);
        self.tell(at, 1_040_005)
    }

    /// Without a code there is nothing to judge.
    fn judge_nothing(self, at: usize, _: Who) -> Self {
        self.tell(at, 4_000_002)
    }

    fn judge(mut self, at: usize, who: Who, with: Proof) -> Self {
        let Some(sent) = self.model.flows[at].sent.clone() else { return self.say(Said::Nothing) };
        if sent.who != who {
            return self.tell(at, 4_000_036);
        }
        self.model.flows[at].tries += 1;
        if self.model.flows[at].tries > TRIES || !self.model.allows(Counted::WrongCodes, who.person) {
            return self.tell(at, 4_000_001);
        }
        if with == Proof::Right && self.model.is_known(&sent) {
            return self.settle(at, who, false, true);
        }
        self.model.count(Counted::WrongCodes, who.person);
        self.tell(at, 4_040_003)
    }

    /// An identity is made, or its address is taken.
    fn settle(mut self, at: usize, who: Who, hashes: bool, proved: bool) -> Self {
        let model = &mut self.model;
        if model.people.iter().any(|person| person.address == who.person) {
            return self.tell(at, 4_000_007);
        }
        model.hashes = hashes;
        let proof = if proved { Proved::Completed } else { Proved::Sent };
        model.people.push(Person { address: who.person, proof });
        model.flows[at].spent = Some(model.people.len() - 1);
        model.flows[at].version += 1;
        model.sessions.push(model.now + DAY);
        match proved {
            true => model.forget_wrong_codes(who.person),
            false => {
                let (letter, until, client) = (model.post(who.person), model.now + GOOD, model.flows[at].client);
                model.open_proof(client);
                let sent = Sent { who, letter, older: None, until, owned: true };
                model.proofs.last_mut().unwrap().sent = Some(sent);
            }
        }
        self.write();
        self.say(Said::Made)
    }

    fn ask(mut self, at: usize, who: Who) -> Self {
        let own = self.model.proofs[at].clone();
        if own.swept {
            return self.fail(404, own.client);
        }
        if self.model.now >= own.expires || own.passed {
            return self.replace_proof(own.client);
        }
        let owned = self.model.people.iter().any(|person| person.address == who.person);
        let (until, letter) = (self.model.now + GOOD, if owned { self.model.post(who.person) } else { None });
        if !owned {
            self.model.touch(Counted::Letters, who.person);
        }
        let sends = letter.is_some();
        let pending = |person: &&mut Person| sends && person.address == who.person && person.proof == Proved::Pending;
        self.model.people.iter_mut().find(pending).into_iter().for_each(|person| person.proof = Proved::Sent);
        let older = own.sent.as_ref().and_then(|old| old.letter);
        self.model.proofs[at].sent = Some(match own.sent {
            Some(old) if owned && letter.is_none() && old.who.person == who.person => old,
            _ => Sent { who, letter, older, until, owned: owned && letter.is_some() },
        });
        let message = if self.model.by_link { 1_080_001 } else { 1_080_003 };
        self.tell_proof(at, message)
    }

    fn tell_proof(mut self, at: usize, message: u64) -> Self {
        self.model.proofs[at].version += 1;
        self.write();
        self.say(Said::Told(message))
    }

    fn prove(mut self, at: usize, with: Proof) -> Self {
        let own = self.model.proofs[at].clone();
        if own.swept {
            return self.fail(404, own.client);
        }
        if self.model.now >= own.expires || own.passed {
            return self.replace_proof(own.client);
        }
        self.model.proofs[at].tries += 1;
        let address = own.sent.as_ref().map(|sent| sent.who.person);
        let over = address.is_some_and(|address| !self.model.allows(Counted::WrongCodes, address));
        let is_right = with == Proof::Right && own.sent.as_ref().is_some_and(|sent| self.model.is_known(sent));
        let exhausted = !self.model.by_link && (self.model.proofs[at].tries > TRIES || over);
        if exhausted || self.model.by_link && !is_right {
            self.model.proofs[at].version += 1;
            self.write();
            return self.replace_proof(own.client);
        }
        if !is_right {
            address.into_iter().for_each(|address| self.model.count(Counted::WrongCodes, address));
            return self.tell_proof(at, 4_070_006);
        }
        self.model.proofs[at].passed = true;
        let owner = self.model.people.iter_mut().find(|person| Some(person.address) == address);
        owner.into_iter().for_each(|person| person.proof = Proved::Completed);
        if !self.model.by_link {
            address.into_iter().for_each(|address| self.model.forget_wrong_codes(address));
        }
        self.tell_proof(at, 1_080_002)
    }

    fn follow(mut self, at: usize, head: bool) -> Self {
        let own = self.model.proofs[at].clone();
        let is_right = own.sent.as_ref().is_some_and(|sent| self.model.is_known(sent));
        if own.swept {
            return self.fail(404, Client::Browser);
        }
        if head {
            return self.say(Said::Followed);
        }
        if self.model.now >= own.expires {
            return self.replace_proof(own.client);
        }
        // Links are opened in browsers, and there the person goes on.
        if own.passed || self.model.by_link && !is_right {
            return self.replace_proof(Client::Browser);
        }
        self.model.proofs[at].version += 1;
        self.write();
        self.say(Said::Followed)
    }
}

impl Model {
    pub(crate) fn new(two_steps: bool, by_link: bool) -> Self {
        Self { two_steps, by_link, ..Self::default() }
    }

    /// What comes of a command that is not disturbed.
    pub(crate) fn run(&self, command: Command) -> Run {
        let mut run = Run { model: Self { hashes: false, ..self.clone() }, steps: Vec::new() };
        match command {
            Command::Open { target: Target::Foreign, client } => run.fail(400, client),
            Command::Open { client, .. } => {
                run.model.open(client);
                run.write();
                run.say(Said::Page)
            }
            Command::Show { flow } if self.can_use(flow) => match self.flows.get(flow) {
                Some(flow) if flow.swept => run.say(Said::Failed(404)),
                Some(flow) if self.now >= flow.expires => run.say(Said::Failed(410)),
                _ => run.say(Said::Page),
            },
            Command::Submit { flow, who, answer } if self.can_use(flow) => run.submit(flow, who, answer),
            Command::OpenProof { client } => {
                run.model.open_proof(client);
                run.write();
                run.say(Said::Page)
            }
            Command::Ask { proof, who } if self.can_prove(proof) => run.ask(proof, who),
            Command::Prove { proof, with } if self.can_prove(proof) => run.prove(proof, with),
            Command::Follow { proof, head } if self.can_prove(proof) => run.follow(proof, head),
            _ => {
                run.model.beside(command);
                run.write();
                run.say(Said::Nothing)
            }
        }
    }

    /// What is there after an act, crash or not.
    pub(crate) fn after(&self, act: &Act) -> Self {
        let again = self.last.is_some_and(|(last, _)| last.command == act.command);
        let mut after = self.after_all(act);
        after.last = Some((*act, again));
        after
    }

    fn after_all(&self, act: &Act) -> Self {
        let mut run = self.run(act.command);
        let Some(crash) = act.crash else { return run.model };
        let mut after = match crash.writes {
            0 if !run.steps.is_empty() => Self { said: Said::Nothing, hashes: run.model.hashes, ..self.clone() },
            writes if writes < run.steps.len() => Self { said: Said::Nothing, ..run.steps.swap_remove(writes - 1) },
            _ => run.model,
        };
        let (flows, proofs) = (self.flows.len(), self.proofs.len());
        after.flows[flows..].iter_mut().for_each(|flow| flow.lost = flow.client != Client::Native);
        after.proofs[proofs..].iter_mut().for_each(|proof| proof.lost = proof.client != Client::Native);
        after
    }

    fn can_use(&self, flow: usize) -> bool {
        self.flows.get(flow).is_some_and(|flow| !flow.lost)
    }

    fn can_prove(&self, proof: usize) -> bool {
        self.proofs.get(proof).is_some_and(|proof| !proof.lost)
    }

    fn beside(&mut self, command: Command) {
        let now = self.now;
        match command {
            Command::Wait { seconds } => self.now += seconds,
            Command::Dispatch => {
                let waiting = self.letters.iter_mut().filter(|letter| letter.post == Post::Waiting);
                waiting.for_each(|letter| {
                    letter.post = if now < letter.expires { Post::Delivered } else { Post::GivenUp };
                });
            }
            Command::Sweep => {
                let gone = |expires: i64| expires < now - DAY;
                self.flows.iter_mut().for_each(|flow| flow.swept |= gone(flow.expires));
                self.proofs.iter_mut().for_each(|proof| proof.swept |= gone(proof.expires));
                self.sessions.retain(|expires| !gone(*expires));
                self.errors.retain(|expires| !gone(*expires));
                self.counters.retain(|_, counter| !gone(counter.expires));
            }
            _ => {}
        }
    }
}
