//! What every target is: a harness that plays one input after the other.

use std::time::Duration;

/// How long an input may keep a processor: 50 ms, ten times as long where every step is watched.
pub const SLOW: Duration = Duration::from_millis(500);

/// How long this thread has had a processor; nothing where the system does not tell.
#[must_use]
pub fn computed() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}

/// Plays inputs: what makes a harness, and its function for an input.
#[macro_export]
macro_rules! target {
    ($new:expr, $play:expr) => {
        std::thread_local! {
            static PLAY: std::cell::RefCell<Box<dyn FnMut(&[u8])>> = {
                let mut harness = $new;
                let play = move |input: &[u8]| drop($play(&mut harness, input));
                std::cell::RefCell::new(Box::new(play))
            };
        }

        libfuzzer_sys::fuzz_target!(|input: &[u8]| PLAY.with_borrow_mut(|play| {
            let before = $crate::computed();
            play(input);
            let took = $crate::computed().saturating_sub(before);
            assert!(took < $crate::SLOW, "it took {took:?}");
        }));
    };
}
