//! C3: of two processes in which several people register at a time one is killed every half to three seconds, and starts
//! again. In the end all is as after a single kill.

use std::time::{Duration, Instant};

use serde_json::json;

use super::checker::{Checker, Seen};
use super::diary::Diary;
use super::recovered;
use super::sink::Sink;
use crate::dice::Dice;
use crate::processes::{Place, Process, record, rounds, seed};
use crate::sqlite::Folder;

async fn kill_under_load(place: &Place, folder: &Folder, seconds: usize) {
    let (store, sink, mut dice) = (place.open().await, Sink::start().await, Dice::new(seed()));
    let paths = ["one", "other"].map(|name| folder.file().with_extension(name).display().to_string());
    let start = |own: usize, number: usize| {
        let tag = format!("p{own}-{number}");
        let (told, smtp) = (place.to_json(), sink.uri());
        let task = json!({ "do": "register under load", "place": told, "diary": paths[own], "tag": tag, "smtp": smtp });
        let mut process = Process::start(&task);
        let up = process.expect()["up"].as_u64().unwrap();
        (process, up)
    };
    let (begun, lasting) = (Instant::now(), Duration::from_secs(u64::try_from(seconds).unwrap()));
    let ((one, up), (other, also)) = (start(0, 0), start(1, 0));
    let (mut running, mut times, mut kills) = ([one, other], vec![up, also], 0);

    while begun.elapsed() < lasting {
        tokio::time::sleep(Duration::from_millis(500 + dice.next() % 2_500)).await;
        let own = dice.below(2);
        running[own].kill();
        kills += 1;
        let (process, up) = start(own, kills);
        running[own] = process;
        times.push(up);
    }
    running.iter_mut().for_each(Process::kill);

    let lasted = begun.elapsed().as_secs_f64();
    let diaries = paths.each_ref().map(|path| Diary::at(path));
    let mut checker = Checker::new(&store, &diaries);
    sink.taken().iter().for_each(|taken| checker.delivered(&taken.to, &taken.id));
    let (faults, Seen { acknowledged, identities, taken, letters, repeated }) = checker.last_faults().await;
    assert!(faults.is_empty(), "{faults:#?}");
    // Each opens a page and submits it.
    let requests = 2.0 * identities as f64 / lasted;
    let figures = format!(
        "{}, 2 processes, {lasted:.0} s, {requests:.0} requests/s, {kills} kills: {acknowledged} acknowledged, {identities} \
         identities, {taken} learnt of theirs by coming back, {letters} first letters, {repeated} came twice; lost 0, half 0",
        place.name(),
    );
    record("C3", &figures);
    record("C3", &recovered(times));
}

/// `C3_SECONDS=3600` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c3_in_sqlite_kills_under_load_lose_nothing() {
    let folder = Folder::new();
    let place = Place::in_folder(&folder);

    kill_under_load(&place, &folder, rounds("C3_SECONDS", 5)).await;
}

/// `C3_SECONDS=3600` plays the full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c3_in_postgres_kills_under_load_lose_nothing() {
    let folder = Folder::new();
    let place = Place::in_schema("load");

    kill_under_load(&place, &folder, rounds("C3_SECONDS", 5)).await;
}
