//! F14: requests to the whole service.
#![no_main]

include!("../model.rs");

tower_registration_fuzz::target!(story::Player::new(tower_registration_fuzz::SLOW), story::Player::play);
