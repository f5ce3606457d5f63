//! I1 to I16: commands, of which a reference model knows what comes of them.
#![no_main]

include!("../model.rs");

tower_registration_fuzz::target!(story::Player::new(tower_registration_fuzz::SLOW), story::Player::play_commands);
