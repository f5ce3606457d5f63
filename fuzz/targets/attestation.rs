//! F8: answers of authenticators, from bytes.
#![no_main]

#[path = "../../tests/security/keys/second.rs"]
mod second;

#[path = "../../tests/security/keys/harness.rs"]
mod harness;

use std::cell::RefCell;

use harness::Harness;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static HARNESS: RefCell<Harness> = RefCell::new(Harness::new());
}

fuzz_target!(|input: &[u8]| HARNESS.with_borrow_mut(|harness| {
    harness.play(input);
}));
