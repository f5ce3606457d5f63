//! The outbox in memory.

use std::collections::{BTreeSet, HashMap, VecDeque};

use time::OffsetDateTime;
use uuid::Uuid;

use crate::host::{Delivery, Leased, Outgoing};

#[derive(Default)]
pub(super) struct Outbox {
    rows: HashMap<Uuid, Waiting>,
    lanes: HashMap<Uuid, VecDeque<Uuid>>,
    /// The first row of each lane, by the time from which on it can be taken.
    ready: BTreeSet<(OffsetDateTime, Uuid)>,
}

struct Waiting {
    row: Outgoing,
    tries: u32,
    lease: Option<Uuid>,
    /// From when on it can be taken: when it is due, or when its lease ends.
    from: OffsetDateTime,
}

impl Outbox {
    pub(super) fn rows(&self) -> impl Iterator<Item = &Outgoing> {
        self.rows.values().map(|waiting| &waiting.row)
    }

    pub(super) fn post(&mut self, mut row: Outgoing) {
        let lane = self.lanes.entry(row.lane).or_default();
        if lane.is_empty() {
            self.ready.insert((row.due_at, row.id));
        }
        lane.push_back(row.id);
        self.rows.insert(row.id, Waiting { from: row.due_at, lease: row.lease.take(), row, tries: 0 });
    }

    pub(super) fn lease(&mut self, now: OffsetDateTime, until: OffsetDateTime, most: usize) -> Vec<Leased> {
        let due = self.ready.iter().take_while(|(from, _)| *from <= now).take(most);
        let due: Vec<(OffsetDateTime, Uuid)> = due.copied().collect();
        let mut leased = Vec::with_capacity(due.len());
        for (from, id) in due {
            let Some(waiting) = self.rows.get_mut(&id) else { continue };
            let lease = Uuid::new_v4();
            leased.push(Leased::new(waiting.row.clone(), waiting.tries, lease));
            (waiting.lease, waiting.from) = (Some(lease), until);
            waiting.tries += 1;
            self.ready.remove(&(from, id));
            self.ready.insert((until, id));
        }
        leased
    }

    pub(super) fn done(&mut self, lease: &Leased, how: Delivery) {
        let id = lease.row.id;
        let Some(waiting) = self.rows.get_mut(&id).filter(|waiting| waiting.lease == Some(lease.lease)) else { return };
        self.ready.remove(&(waiting.from, id));
        match how {
            Delivery::Again(due_at) => {
                (waiting.lease, waiting.from, waiting.row.due_at) = (None, due_at, due_at);
                self.ready.insert((due_at, id));
            }
            Delivery::Over => self.erase(lease.row.lane, id),
        }
    }

    fn erase(&mut self, lane: Uuid, id: Uuid) {
        self.rows.remove(&id);
        let Some(rest) = self.lanes.get_mut(&lane) else { return };
        rest.retain(|other| *other != id);
        match rest.front().and_then(|next| self.rows.get(next)) {
            Some(next) => drop(self.ready.insert((next.from, next.row.id))),
            None => drop(self.lanes.remove(&lane)),
        }
    }
}
