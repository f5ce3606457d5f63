//! R5: requests about one flow at the same time, in any order of their steps, some dropped on their way, while time
//! passes and what has expired is swept; a second flow is after the same address. Whatever the order of the steps, there is an order of the whole requests in
//! which the model says the same: to every client, and of everything that is stored.
//!
//! `R5_SCHEDULES=100000` plays the full size; `SEED=…` plays one of them again.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde_json::json;
use time::Duration;
use tokio::runtime::Runtime;

use crate::command::{Act, Answer, Client, Command, Proof, Target, Who};
use crate::dice::{Dice, Replay, rounds, seeds};
use crate::names::Names;
use crate::reference::{Model, Said};
use crate::rows::{Place, Rows};
use crate::site::{Site, runtime};
use crate::step::step;
use crate::watch::Weather;
use crate::world::{Heard, Traces, World, address};

const ADA: Who = Who { person: 0, spelled: false };
const BOB: Who = Who { person: 1, spelled: false };

/// One request among others.
struct Going<'w> {
    command: Command,
    future: Option<Pin<Box<dyn Future<Output = Option<Heard>> + 'w>>>,
    /// When it began: the turn, and the time on the clock.
    began: Option<(usize, i64)>,
    ended: Option<usize>,
    heard: Option<Heard>,
}

/// What is known of a request afterwards.
#[derive(Clone, Debug)]
struct Past {
    command: Command,
    began: usize,
    now: i64,
    /// Nothing, if it was dropped.
    ended: Option<usize>,
    said: Option<Said>,
}

impl Past {
    /// It may have been given up anywhere between its steps.
    fn is_torn(&self) -> bool {
        self.ended.is_none() || self.said == Some(Said::Failed(503))
    }
}

#[test]
fn r5_requests_at_once_are_as_requests_one_after_the_other() {
    let runtime = Arc::new(runtime());
    let mut sites: Vec<Option<Site>> = (0..4).map(|_| None).collect();
    for seed in seeds(rounds("R5_SCHEDULES", 1_000)) {
        let mut dice = Dice::new(seed);
        let choice = dice.below(4);
        let slot = &mut sites[choice as usize];
        let site = slot
            .take()
            .unwrap_or_else(|| Site::new(Arc::clone(&runtime), Place::memory(), choice & 1 == 1, choice & 2 == 2));
        let mut world = World::new(site);
        let _replay = Replay(seed);
        play(&runtime, &mut world, &mut dice);
        *slot = Some(world.site);
    }
}

fn play(runtime: &Runtime, world: &mut World, dice: &mut Dice) {
    play_all(runtime, world, &before(dice));
    let commands = at_once(dice);
    let mut going = race(runtime, world, &commands, dice);
    let pasts: Vec<Past> = going
        .iter()
        .filter_map(|own| {
            let (began, now) = own.began?;
            let said = own.heard.as_ref().map(|heard| heard.said).or(own.ended.map(|_| Said::Nothing));
            Some(Past { command: own.command, began, now, ended: own.ended, said })
        })
        .collect();
    let heard: Vec<(Command, Heard)> =
        going.iter_mut().filter_map(|own| Some((own.command, own.heard.take()?))).collect();
    drop(going);
    let now = world.site.seconds();
    let rows = runtime.block_on(world.site.watch.place().rows());
    let Some((model, _)) = in_some_order(&world.model, &world.names, &rows, now, &pasts, &mut Vec::new()) else {
        panic!("no order of {pasts:?} leads from {:?} to {rows:?}", world.model);
    };
    runtime.block_on(look_back(world, &pasts, heard, &model, rows));
}

/// What happened before: a flow of Ada's at some point, and one that proves Bob's address.
fn before(dice: &mut Dice) -> Vec<Command> {
    let client = if dice.below(2) == 0 { Client::Native } else { Client::Spa };
    let open = Command::Open { client, target: Target::Nowhere };
    let mut commands = vec![open, Command::Submit { flow: 0, who: BOB, answer: Answer::Password }, open, open];
    if dice.below(4) > 0 {
        commands.push(Command::Submit { flow: 1, who: ADA, answer: Answer::Send });
    }
    if dice.below(4) > 0 {
        commands.push(Command::Dispatch);
    }
    if dice.below(4) == 0 {
        commands.push(Command::Submit { flow: 1, who: ADA, answer: Answer::Resend });
        commands.push(Command::Dispatch);
    }
    // Some come close to their bounds.
    let wrong = Answer::Code(Proof::Wrong);
    let tries = dice.below(6);
    commands.extend((0..tries).map(|_| Command::Submit { flow: 1, who: ADA, answer: wrong }));
    if dice.below(3) == 0 {
        commands.push(Command::Wait { seconds: 3_590 });
    }
    commands
}

/// What happens at once.
fn at_once(dice: &mut Dice) -> Vec<Command> {
    let many = 2 + dice.below(4);
    (0..many)
        .map(|_| {
            let submit = |answer| Command::Submit { flow: 1, who: ADA, answer };
            match dice.below(20) {
                0..2 => submit(Answer::Password),
                2 => Command::Submit { flow: 2, who: ADA, answer: Answer::Password },
                3..5 => submit(Answer::Resend),
                5..10 => submit(Answer::Code(Proof::Right)),
                10..12 => submit(Answer::Code(Proof::Wrong)),
                12 => submit(Answer::Profile),
                13 => submit(Answer::ShortPassword),
                14 => Command::Prove { proof: 0, with: Proof::Right },
                15 => Command::Prove { proof: 0, with: Proof::Wrong },
                16 => Command::Ask { proof: 0, who: BOB },
                17 => Command::Follow { proof: 0, head: false },
                18 => Command::Wait { seconds: [11, 3_600, 100_000][dice.below(3) as usize] },
                _ => Command::Sweep,
            }
        })
        .collect()
}

/// Polls the requests in any order, until all have ended or were dropped.
fn race<'w>(runtime: &Runtime, world: &'w World, commands: &[Command], dice: &mut Dice) -> Vec<Going<'w>> {
    world.site.watch.weather(Weather::Slow);
    let _inside = runtime.enter();
    let mut going: Vec<Going<'w>> = commands.iter().map(|command| begin(world, *command, dice)).collect();
    for turn in 0.. {
        let alive: Vec<usize> = (0..going.len()).filter(|at| going[*at].future.is_some()).collect();
        if alive.is_empty() {
            break;
        }
        let own = &mut going[alive[dice.below(alive.len() as u64) as usize]];
        if let Command::Wait { seconds } = own.command {
            world.site.clock.advance(Duration::seconds(seconds));
            own.future = None;
            continue;
        }
        if own.began.is_some() && dice.below(100) == 0 {
            own.future = None;
            continue;
        }
        own.began.get_or_insert((turn, world.site.seconds()));
        let Some(future) = own.future.as_mut() else { continue };
        if let Poll::Ready(heard) = poll(world, future) {
            (own.ended, own.heard, own.future) = (Some(turn), heard, None);
        }
    }
    world.site.watch.weather(Weather::Calm);
    going
}

fn begin<'w>(world: &'w World, command: Command, dice: &mut Dice) -> Going<'w> {
    let side = dice.below(2) as usize;
    let future: Pin<Box<dyn Future<Output = Option<Heard>>>> = match command {
        Command::Sweep => Box::pin(async move {
            world.site.services[side].sweeper().sweep().await.unwrap();
            None
        }),
        _ => Box::pin(world.ask(command, side)),
    };
    Going { command, future: Some(future), began: None, ended: None, heard: None }
}

/// However late the request for a letter goes on, it does not undo a proof that came meanwhile.
#[test]
fn a_proof_is_not_undone_by_a_letter_that_was_asked_for_before() {
    let runtime = Arc::new(runtime());
    for steps in 0..40 {
        let mut world = World::new(Site::new(Arc::clone(&runtime), Place::memory(), false, false));
        runtime.block_on(world.import(1));
        let open = Command::OpenProof { client: Client::Native };
        play_all(&runtime, &mut world, &[open, open]);
        let late = Command::Ask { proof: 1, who: BOB };

        // The first request stops somewhere; meanwhile Bob gets a letter and answers it.
        let heard = {
            world.site.watch.weather(Weather::Slow);
            let mut late: Pin<Box<dyn Future<Output = _>>> = Box::pin(ask_later(&world, late));
            let stopped = (0..steps).any(|_| poll(&world, &mut late).is_ready());
            runtime.block_on(prove_at_once(&world));
            while !stopped && poll(&world, &mut late).is_pending() {}
            drop(late);
            world.site.watch.weather(Weather::Calm);
            runtime.block_on(world.site.watch.place().rows())
        };

        assert_eq!(heard.people[0].state, "completed", "after {steps} steps");
    }
}

async fn ask_later(world: &World, late: Command) {
    drop(world.ask(late, 1).await);
}

/// Asks for a letter, reads it and types the code.
async fn prove_at_once(world: &World) {
    let flow = world.names.proofs[0];
    let mut client = world.site.client(0, Client::Native);
    let path = format!("/self-service/verification?flow={flow}");
    let asked = client.post_json(&path, &json!({ "method": "code", "email": address(1) })).await;
    world.site.services[0].dispatcher().flush().await.unwrap();
    let code = world.site.mailbox.latest_code(address(1)).unwrap();
    let proved = client.post_json(&path, &json!({ "method": "code", "code": code })).await;
    assert_eq!((asked.status(), proved.messages()), (200, vec![1_080_002]), "{proved:?}");
}

fn play_all(runtime: &Runtime, world: &mut World, commands: &[Command]) {
    for command in commands {
        let act = Act { command: *command, side: 0, crash: None };
        let after = world.model.after(&act);
        runtime.block_on(step(world, &act, &after));
    }
}

/// Polls to the next step. A hash is waited for, so that a seed always plays the same.
fn poll<T>(world: &World, future: &mut Pin<Box<dyn Future<Output = T> + '_>>) -> Poll<T> {
    let before = world.site.watch.calls();
    loop {
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if polled.is_ready() || world.site.watch.calls() > before {
            return polled;
        }
        std::thread::sleep(std::time::Duration::from_micros(20));
    }
}

/// Finds an order of the requests in which the model says what was said and stored. Who ended before another began
/// comes before.
fn in_some_order(
    model: &Model,
    names: &Names,
    rows: &Rows,
    now: i64,
    pasts: &[Past],
    done: &mut Vec<usize>,
) -> Option<(Model, Names)> {
    if done.len() == pasts.len() {
        let mut model = Model { now, ..model.clone() };
        if let Ok(names) = names.agree(&model, rows) {
            return Some((model, names));
        }
        // What takes the place of an expired flow is written whether or not that flow was swept meanwhile; what is written
        // behind the sweep stays until the next one.
        model.flows.iter_mut().skip(names.flows.len()).for_each(|flow| flow.swept = false);
        model.proofs.iter_mut().skip(names.proofs.len()).for_each(|proof| proof.swept = false);
        return names.agree(&model, rows).ok().map(|names| (model, names));
    }
    let left: Vec<usize> = (0..pasts.len()).filter(|at| !done.contains(at)).collect();
    for at in &left {
        let own = &pasts[*at];
        if left.iter().any(|other| pasts[*other].ended.is_some_and(|ended| ended < own.began)) {
            continue;
        }
        let run = Model { now: own.now, ..model.clone() }.run(own.command);
        let mut ends = vec![run.model];
        if own.is_torn() {
            ends.extend(run.steps);
            ends.push(model.clone());
        } else if own.said != Some(ends[0].said) {
            continue;
        }
        done.push(*at);
        let found = ends.iter().rev().find_map(|end| in_some_order(end, names, rows, now, pasts, done));
        done.pop();
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Checks the invariants over all of it.
async fn look_back(world: &mut World, pasts: &[Past], heard: Vec<(Command, Heard)>, model: &Model, rows: Rows) {
    // What was typed counts, whether or not an answer was heard.
    for past in pasts {
        let sent = match past.command {
            Command::Submit { flow, answer: Answer::Code(Proof::Right), .. } => &world.model.flows[flow].sent,
            Command::Prove { proof, with: Proof::Right } => &world.model.proofs[proof].sent,
            _ => continue,
        };
        let typed = sent.as_ref().filter(|sent| sent.letter.is_some()).map(|sent| address(sent.who.person).to_owned());
        world.history.presented.extend(typed);
    }
    let hashing = |past: &&Past| matches!(past.command, Command::Submit { answer: Answer::Password, .. });
    world.site.may_have_hashed += pasts.iter().filter(hashing).count();
    world.site.all_answered = false;
    let (units, _) = world.site.watch.take();
    let model = Model { hashes: false, ..model.clone() };
    let all = Act { command: Command::Sweep, side: 0, crash: None };
    world.check(&all, &Traces { rows: rows.clone(), units, heard: None }, &model).await;
    for (command, heard) in heard {
        let act = Act { command, side: 0, crash: None };
        let traces = Traces { rows: rows.clone(), units: Vec::new(), heard: Some(heard) };
        world.check(&act, &traces, &model).await;
    }
}
