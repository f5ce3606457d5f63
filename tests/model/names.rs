//! Which stored row is which thing of the model, and whether the store holds what the model says.

use uuid::Uuid;

use crate::reference::{Model, Post};
use crate::rows::{Row, Rows};
use crate::world::address;

/// The ids of flows, proofs and letters, in the order of the model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) flows: Vec<Uuid>,
    pub(crate) proofs: Vec<Uuid>,
    pub(crate) letters: Vec<Uuid>,
}

/// A record as the model has it: version and whose it became; nothing when it was swept.
type Wanted = Option<(i64, Option<Uuid>)>;

impl Names {
    /// The names after this change, if these rows are what the model says; otherwise what is different.
    pub(crate) fn agree(&self, model: &Model, rows: &Rows) -> Result<Self, String> {
        let person = |at: usize| {
            let email = address(model.people[at].address);
            rows.people.iter().find(|row| row.email.eq_ignore_ascii_case(email)).map(|row| row.id)
        };
        let wanted: Vec<Wanted> =
            model.flows.iter().map(|flow| (!flow.swept).then(|| (flow.version, flow.spent.and_then(person)))).collect();
        let flows = name("flow", &self.flows, &wanted, &rows.flows)?;
        let wanted: Vec<Wanted> =
            model.proofs.iter().map(|proof| (!proof.swept).then_some((proof.version, None))).collect();
        let proofs = name("proof", &self.proofs, &wanted, &rows.proofs)?;
        let wanted: Vec<Wanted> =
            model.letters.iter().map(|letter| (letter.post == Post::Waiting).then_some((0, None))).collect();
        let outbox: Vec<Row> = rows.outbox.iter().map(|id| Row { id: *id, version: 0, spent: None }).collect();
        let letters = name("letter", &self.letters, &wanted, &outbox)?;
        let mut people: Vec<(String, String)> = model
            .people
            .iter()
            .map(|person| (address(person.address).to_owned(), format!("{:?}", person.proof).to_lowercase()))
            .collect();
        people.sort();
        let mut found: Vec<(String, String)> =
            rows.people.iter().map(|row| (row.email.to_ascii_lowercase(), row.state.clone())).collect();
        found.sort();
        same("people", &people, &found)?;
        same("sessions", &model.sessions.len(), &rows.sessions)?;
        same("errors", &model.errors.len(), &rows.errors)?;
        same("counters", &model.counters.len(), &rows.counters)?;
        Ok(Self { flows, proofs, letters })
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, model: &T, rows: &T) -> Result<(), String> {
    match model == rows {
        true => Ok(()),
        false => Err(format!("{what}: the model has {model:?}, the store {rows:?}")),
    }
}

/// Finds the row of everything that the model has, and nothing beside.
fn name(what: &str, known: &[Uuid], wanted: &[Wanted], rows: &[Row]) -> Result<Vec<Uuid>, String> {
    let mut left: Vec<&Row> = rows.iter().collect();
    let mut names = known.to_vec();
    for (at, want) in wanted.iter().enumerate() {
        let id = known.get(at);
        let fits = |row: &&Row| id.is_none_or(|id| *id == row.id) && (id.is_some() || !known.contains(&row.id));
        let found = left.iter().position(|row| fits(row) && *want == Some((row.version, row.spent)));
        match (want, found) {
            (None, _) if id.is_some_and(|id| left.iter().any(|row| row.id == *id)) => {
                return Err(format!("{what} {at} is still there"));
            }
            (None, _) if id.is_none() => names.push(Uuid::nil()),
            (None, _) => {}
            (Some(_), Some(place)) => {
                let row = left.swap_remove(place);
                if id.is_none() {
                    names.push(row.id);
                }
            }
            (Some(want), None) => {
                let there = rows.iter().find(|row| id == Some(&row.id));
                return Err(format!("{what} {at}: the model has {want:?}, the store {there:?} of {rows:?}"));
            }
        }
    }
    match left.is_empty() {
        true => Ok(names),
        false => Err(format!("{what}: the store has {left:?} beside")),
    }
}
