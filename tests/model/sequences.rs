//! I1–I16: sequences of commands, each undisturbed or dropped on its way, against the model.
//!
//! `I_SEQUENCES=20000`, `I_SQLITE`, `I_POSTGRES` set the numbers of sequences; `SEED=…` plays a hundred of them again.

use std::cell::RefCell;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use tokio::runtime::Runtime;

use crate::command::{Act, LENGTH};
use crate::dice::{rounds, seeds};
use crate::reference::Model;
use crate::rows::Place;
use crate::server::server;
use crate::site::{Site, runtime};
use crate::step::step;
use crate::tables;
use crate::world::World;

/// Sequences that one seed makes.
const OF_A_SEED: u32 = 100;
const LONGEST: usize = 30;

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Self> {
        any::<(bool, bool)>().prop_map(|(two_steps, by_link)| Self::new(two_steps, by_link)).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Act> {
        let state = state.clone();
        any::<[u8; LENGTH]>().prop_map(move |bytes| Act::read(bytes, &state)).boxed()
    }

    fn apply(state: Self, act: &Act) -> Self {
        state.after(act)
    }
}

thread_local! {
    /// The sites of this thread by their choices, and where their stores are.
    static SITES: RefCell<Vec<Site>> = const { RefCell::new(Vec::new()) };
    static GROUND: RefCell<Option<(Arc<Runtime>, Place)>> = const { RefCell::new(None) };
}

/// A world for a sequence, which gives its services back when it ends.
pub(crate) struct Turn {
    world: Option<World>,
    runtime: Arc<Runtime>,
}

impl Turn {
    fn new(two_steps: bool, by_link: bool) -> Self {
        let (runtime, place) = GROUND.with_borrow(|ground| ground.clone().expect("the ground is laid"));
        let like = |site: &Site| (site.two_steps, site.by_link) == (two_steps, by_link);
        let known = SITES.with_borrow_mut(|sites| sites.iter().position(like).map(|at| sites.swap_remove(at)));
        let site = known.unwrap_or_else(|| Site::new(Arc::clone(&runtime), place, two_steps, by_link));
        Self { world: Some(World::new(site)), runtime }
    }

    fn play(&mut self, act: &Act, after: &Model) {
        let world = self.world.as_mut().unwrap();
        self.runtime.block_on(step(world, act, after));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // What a failed sequence leaves behind is not used again.
        if !std::thread::panicking() {
            SITES.with_borrow_mut(|sites| sites.extend(self.world.take().map(|world| world.site)));
        }
    }
}

/// The test as proptest plays it.
struct Sequences;

impl StateMachineTest for Sequences {
    type SystemUnderTest = Turn;
    type Reference = Model;

    fn init_test(model: &Model) -> Turn {
        Turn::new(model.two_steps, model.by_link)
    }

    fn apply(mut turn: Turn, after: &Model, act: Act) -> Turn {
        turn.play(&act, after);
        turn
    }

    fn teardown(turn: Turn, _: Model) {
        turn.runtime.block_on(turn.world.as_ref().unwrap().everything_is_readable());
    }
}

/// Plays so many sequences over this store.
fn play(name: &str, many: u64, runtime: Runtime, place: Place) {
    GROUND.set(Some((Arc::new(runtime), place)));
    for seed in seeds(many.div_ceil(u64::from(OF_A_SEED))) {
        let config = Config {
            cases: OF_A_SEED,
            rng_seed: RngSeed::Fixed(seed),
            failure_persistence: None,
            max_shrink_iters: 400,
            ..Config::default()
        };
        let strategy = <Model as ReferenceStateMachine>::sequential_strategy(1..=LONGEST);
        let played = TestRunner::new(config.clone()).run(&strategy, |(model, acts, seen)| {
            Sequences::test_sequential(config.clone(), model, acts, seen);
            Ok(())
        });
        if let Err(error) = played {
            panic!("SEED={seed} {name}\n{error}");
        }
    }
    SITES.take();
    GROUND.take();
}

#[test]
fn i1_to_i16_hold_in_memory() {
    play("i1_to_i16_hold_in_memory", rounds("I_SEQUENCES", 1_500), runtime(), Place::memory());
}

#[test]
fn i1_to_i16_hold_in_sqlite() {
    let runtime = runtime();
    let folder = Folder::new();
    let place = runtime.block_on(tables::sqlite(&folder.0.join("model.db")));
    play("i1_to_i16_hold_in_sqlite", rounds("I_SQLITE", 100), runtime, place);
}

#[test]
fn i1_to_i16_hold_in_postgres() {
    let runtime = runtime();
    let place = runtime.block_on(tables::postgres(&server().dsn()));
    play("i1_to_i16_hold_in_postgres", rounds("I_POSTGRES", 40), runtime, place);
}

/// A folder that goes away with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("tower-registration-model-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
