//! F14: any bytes, from proptest.
//!
//! `F14_SEQUENCES=…` sets how many; `SEED=…` plays a hundred of them again.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::dice::{rounds, seeds};
use crate::kept;
use crate::story::Player;

const OF_A_SEED: u32 = 100;
/// Time on the processor that a request may take.
const MOST: Duration = Duration::from_millis(50);

#[test]
fn f14_any_bytes_leave_everything_whole() {
    let (player, registered) = (RefCell::new(Player::new(MOST)), Cell::new(0));
    for seed in seeds(rounds("F14_SEQUENCES", 1_000).div_ceil(u64::from(OF_A_SEED))) {
        let rng_seed = RngSeed::Fixed(seed);
        let config = Config { cases: OF_A_SEED, rng_seed, failure_persistence: None, ..Config::default() };
        let bytes = proptest::collection::vec(any::<u8>(), 0..400);
        let played = TestRunner::new(config).run(&bytes, |bytes| {
            registered.set(registered.get() + usize::from(player.borrow_mut().play(&bytes)));
            Ok(())
        });
        if let Err(error) = played {
            panic!("SEED={seed}\n{error}");
        }
    }
    println!("{} in which somebody registered", registered.get());
    assert!(registered.get() > 0, "nobody found the way in");
}

#[test]
fn f14_the_kept_inputs_come_to_what_their_names_say() {
    let mut player = Player::new(MOST);

    kept::play("service", |input| player.play(input));
}

#[test]
fn i1_to_i16_hold_for_the_kept_commands() {
    let mut player = Player::new(MOST);

    kept::play("sequences", |input| player.play_commands(input));
}
