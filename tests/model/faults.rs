//! C12: sequences of commands while calls of the storage and the identities fail with some probability: before their
//! effect, after it, or by never answering, until the client goes away. What is stored is always what the model says
//! after some of the writes of the request and none of the others; an answer that promises something is kept; and the
//! same request, sent again, finds its way.
//!
//! `C12_SEEDS=100000` plays the full size; `SEED=…` plays one of them again.

use std::sync::Arc;

use crate::command::{Act, Answer, Client, Command, LENGTH};
use crate::dice::{Dice, Replay, rounds, seeds};
use crate::reference::{DAY, Model, Said};
use crate::rows::Place;
use crate::site::{Site, runtime};
use crate::step::step;
use crate::watch::Weather;
use crate::world::World;

const ACTS: usize = 30;

/// What happened in a run.
#[derive(Debug, Default)]
struct Tally {
    acts: usize,
    faults: usize,
    /// Requests that met a fault and were answered as if there were none.
    absorbed: usize,
    /// Requests that were refused or dropped, and had taken effect nevertheless.
    unheard: usize,
    registrations: usize,
}

#[test]
fn c12_whatever_fails_what_is_stored_is_whole() {
    let runtime = Arc::new(runtime());
    let mut sites: Vec<Option<Site>> = (0..4).map(|_| None).collect();
    let mut tally = Tally::default();
    for seed in seeds(rounds("C12_SEEDS", 2_000)) {
        let _replay = Replay(seed);
        let mut dice = Dice::new(seed);
        let choice = dice.below(4);
        let slot = &mut sites[choice as usize];
        let site = slot
            .take()
            .unwrap_or_else(|| Site::new(Arc::clone(&runtime), Place::memory(), choice & 1 == 1, choice & 2 == 2));
        let mut world = World::new(site);
        runtime.block_on(play(&mut world, &mut dice, &mut tally));
        *slot = Some(world.site);
    }
    println!("{tally:?}");
    let seen = [tally.faults, tally.absorbed, tally.unheard, tally.registrations];
    assert!(std::env::var_os("SEED").is_some() || seen.iter().all(|count| *count > 0), "{tally:?}");
}

async fn play(world: &mut World, dice: &mut Dice, tally: &mut Tally) {
    let of_thousand = [5, 20, 60][dice.below(3) as usize];
    for _ in 0..ACTS {
        let act = Act::read(dice.bytes::<LENGTH>(), &world.model);
        let act = Act { crash: None, command: without_ceremony(act.command), side: dice.below(2) as usize };
        tally.acts += 1;
        if matches!(act.command, Command::Wait { .. } | Command::Restart | Command::Sweep | Command::Dispatch) {
            let after = world.model.after(&act);
            step(world, &act, &after).await;
            continue;
        }
        let again = disturbed(world, &act, of_thousand, dice, tally).await;
        if again && dice.below(2) == 0 {
            let after = world.model.after(&act);
            step(world, &act, &after).await;
        }
    }
    tally.registrations += world.model.people.len();
    world.everything_is_readable().await;
}

/// A ceremony takes two requests; what is disturbed is one.
fn without_ceremony(command: Command) -> Command {
    match command {
        Command::Submit { flow, who, answer: Answer::Passkey } => {
            Command::Submit { flow, who, answer: Answer::Password }
        }
        other => other,
    }
}

/// Plays an act while calls may fail. Says whether the client has reason to try again.
async fn disturbed(world: &mut World, act: &Act, of_thousand: u64, dice: &mut Dice, tally: &mut Tally) -> bool {
    let run = world.model.run(act.command);
    let weather = Weather::Faults { dice: Dice::new(dice.number()), of_thousand };
    let traces = world.act(act, weather).await;
    let faults = world.site.watch.faults();
    let said = traces.heard.as_ref().map(|heard| heard.said);
    let as_ever = said == Some(run.model.said);
    let is_excused = faults > 0 && matches!(said, None | Some(Said::Failed(400 | 500 | 503)));
    let is_nothing = said.is_none() && run.model.said == Said::Nothing;
    assert!(as_ever || is_excused || is_nothing, "{act:?}: {said:?}, not {:?}", run.model.said);
    // An error that cannot be kept for its page is told at once.
    let may_be_torn = !as_ever && !is_nothing || faults > 0 && matches!(said, Some(Said::Failed(_)));
    let candidates = if may_be_torn {
        with_errors([vec![world.model.clone()], run.steps].concat())
    } else {
        vec![run.model.clone()]
    };
    let candidates = if faults > 0 { with_rewritten(candidates, act.command) } else { candidates };
    let known = (world.model.flows.len(), world.model.proofs.len());
    let fits = candidates
        .into_iter()
        .enumerate()
        .find_map(|(at, model)| world.names.agree(&model, &traces.rows).ok().map(|names| (at, model, names)));
    let Some((at, mut model, names)) = fits else {
        let why = world.names.agree(&run.model, &traces.rows).map(|_| ());
        panic!("after {act:?} with {faults} faults, {said:?}: neither all nor nothing: {why:?}\n{:?}", traces.rows);
    };
    tally.faults += faults;
    tally.absorbed += usize::from(as_ever && faults > 0);
    tally.unheard += usize::from(!as_ever && !is_nothing && at > 0);
    (model.said, model.hashes) = (said.unwrap_or_default(), run.model.hashes);
    model.last = Some((*act, world.model.last.is_some_and(|(last, _)| last.command == act.command)));
    if !as_ever {
        model.flows[known.0..].iter_mut().for_each(|flow| flow.lost = flow.client != Client::Native);
        model.proofs[known.1..].iter_mut().for_each(|proof| proof.lost = proof.client != Client::Native);
    }
    world.typed_anyway(act.command, traces.heard.is_none());
    world.site.all_answered &= faults == 0;
    world.check(act, &traces, &model).await;
    let heard = traces.heard.as_ref().filter(|_| as_ever);
    world.become_(model, names, act, heard).await;
    !as_ever && !is_nothing
}

/// The same, and the same with the flow written once more: whoever asks what became of a commit writes it over first.
fn with_rewritten(models: Vec<Model>, command: Command) -> Vec<Model> {
    let Command::Submit { flow, .. } = command else { return models };
    let rewritten = |model: &Model| {
        let mut model = model.clone();
        model.flows[flow].version += 1;
        model
    };
    let more: Vec<Model> = models.iter().map(rewritten).collect();
    [models, more].concat()
}

/// The same, and the same with one more error: a browser is told on a page, which is kept.
fn with_errors(models: Vec<Model>) -> Vec<Model> {
    let with_error = |model: &Model| {
        let mut model = model.clone();
        model.errors.push(model.now + DAY);
        model
    };
    let with: Vec<Model> = models.iter().map(with_error).collect();
    [models, with].concat()
}
