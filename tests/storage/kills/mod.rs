//! C1: a process in which people register is killed, at every point at which it waits for its database and at moments
//! left to chance. What is there afterwards is whole, and everybody who was told so is registered.
//!
//! A kill is an abort of the process at a point that [`Faults`](tower_registration::testing::Faults) name, or SIGKILL from
//! outside. After each the database is compared with what people were answered, and the next process goes on with it: those
//! who got no answer come back first.

mod checker;
mod diary;
pub(crate) mod host;
pub(crate) mod letters;
mod load;
pub(crate) mod people;
mod sink;

use std::time::Duration;

use serde_json::{Value, json};

use checker::{Checker, Seen};
use diary::Diary;
use people::{OF_SETTLE, Target};

use crate::dice::Dice;
use crate::processes::{Place, Process, record, rounds, seed};
use crate::sqlite::Folder;

/// How long a process may take from its start to the end of its first registration, in milliseconds. The middle one of all
/// times is meant, so that a machine that is busy with something else for a moment is no failure; none is five times as long.
const RECOVERY: u64 = 2_000;

/// Judges these times, and tells them.
fn recovered(mut times: Vec<u64>) -> String {
    times.sort_unstable();
    let (middle, longest) = (times[times.len() / 2], times[times.len() - 1]);
    assert!(middle < RECOVERY && longest < 5 * RECOVERY, "until the first registration after a kill: {times:?} ms");
    format!("recovery {middle} ms in the middle, {longest} ms at most")
}

/// One kill.
#[derive(Clone, Copy, Debug)]
enum Kill {
    At(Target),
    After(Duration),
}

/// The points of a registration, as a process in a place of its own meets them; all of `settle` are among them.
fn points(place: &Place, diary: &str) -> Vec<Target> {
    let task = json!({ "do": "register", "place": place.to_json(), "diary": diary, "tag": "points", "points": true });
    let mut process = Process::start(&task);
    let told: Vec<Value> = std::iter::from_fn(|| process.hears()).collect();
    let points = people::points(&told);
    for call in OF_SETTLE {
        for side in ["before", "after"] {
            let name = format!("{call} {side}");
            assert!(points.get(&name).is_some_and(|met| met.len() >= people::WAYS.len()), "{name} in {points:?}");
        }
    }
    points.into_values().flatten().collect()
}

/// So many kills: half of them, or all points once where that is less, at points; the others left to chance.
fn plan(points: &[Target], kills: usize, dice: &mut Dice) -> Vec<Kill> {
    let at = (kills * 2 / 3).min(points.len());
    let first = dice.below(points.len());
    let mut plan: Vec<Kill> =
        (0..at).map(|n| Kill::At(points[(first + n * points.len() / at) % points.len()])).collect();
    plan.extend((at..kills).map(|_| Kill::After(Duration::from_micros(dice.next() % 150_000))));
    for last in (1..plan.len()).rev() {
        plan.swap(last, dice.below(last + 1));
    }
    plan
}

/// Kills so often, and says what was seen.
async fn kill_and_compare(place: &Place, folder: &Folder, kills: usize) {
    let path = folder.file().with_extension("diary").display().to_string();
    let mut dice = Dice::new(seed());
    let points = points(place, &path);
    let (store, diaries) = (place.open().await, [Diary::at(&path)]);
    let mut checker = Checker::new(&store, &diaries);
    let (mut times, mut at_points) = (Vec::new(), 0);

    for (number, kill) in plan(&points, kills, &mut dice).into_iter().enumerate() {
        let target = if let Kill::At(target) = kill { target.to_json() } else { Value::Null };
        let (told, tag) = (place.to_json(), format!("p{number}"));
        let task = json!({ "do": "register", "place": told, "diary": path, "tag": tag, "kill": target });
        let mut process = Process::start(&task);
        times.push(process.expect()["up"].as_u64().unwrap());
        match kill {
            Kill::At(_) => {
                at_points += 1;
                assert!(process.ends(), "kill {number} at {kill:?} was not met");
            }
            Kill::After(pause) => {
                tokio::time::sleep(pause).await;
                process.kill();
            }
        }
        let faults = checker.faults().await;
        assert!(faults.is_empty(), "after kill {number}, {kill:?}: {faults:#?}");
    }

    let (faults, Seen { acknowledged, identities, taken, letters, repeated }) = checker.last_faults().await;
    assert!(faults.is_empty(), "in the end: {faults:#?}");
    let figures = format!(
        "{}: {kills} kills, {at_points} at {} points; {acknowledged} acknowledged, {identities} identities, {taken} learnt of \
         theirs by coming back, {letters} first letters ({repeated} came twice); lost 0, half 0",
        place.name(),
        points.len(),
    );
    record("C1", &figures);
    record("C1", &recovered(times));
}

/// `C1_KILLS=300` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c1_in_sqlite_a_kill_leaves_whole_registrations_and_every_acknowledged_one() {
    let folder = Folder::new();
    let place = Place::in_folder(&folder);

    kill_and_compare(&place, &folder, rounds("C1_KILLS", 22)).await;
}

/// `C1_KILLS=300` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c1_in_postgres_a_kill_leaves_whole_registrations_and_every_acknowledged_one() {
    let folder = Folder::new();
    let place = Place::in_schema("kills");

    kill_and_compare(&place, &folder, rounds("C1_KILLS", 22)).await;
}
