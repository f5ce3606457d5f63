//! A clock that does not go back.

use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

use super::Clock;

/// A clock that goes back by more was wrong before, and is believed.
const LONGEST: Duration = Duration::hours(2);

/// Stands still while the clock behind it has gone back: what was over stays over.
pub(crate) struct Steady {
    clock: Arc<dyn Clock>,
    latest: Mutex<OffsetDateTime>,
}

impl Steady {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let latest = Mutex::new(clock.now());
        Self { clock, latest }
    }
}

impl Clock for Steady {
    fn now(&self) -> OffsetDateTime {
        let told = self.clock.now();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if told > *latest || *latest - told > LONGEST {
            *latest = told;
        }
        *latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Set(Mutex<OffsetDateTime>);

    impl Clock for Set {
        fn now(&self) -> OffsetDateTime {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn a_clock_that_goes_back_stands_still_until_it_has_caught_up() {
        let begun = OffsetDateTime::UNIX_EPOCH;
        let set = Arc::new(Set(Mutex::new(begun)));
        let steady = Steady::new(set.clone());
        let told = [1, -59, 0, 2].map(|minutes| {
            *set.0.lock().unwrap() = begun + Duration::minutes(minutes);
            (steady.now() - begun).whole_minutes()
        });

        assert_eq!(told, [1, 1, 1, 2]);
    }

    #[test]
    fn a_clock_that_was_far_ahead_is_set_right() {
        let begun = OffsetDateTime::UNIX_EPOCH;
        let set = Arc::new(Set(Mutex::new(begun)));
        let steady = Steady::new(set.clone());
        let told = [10 * 8_760, 0, 1].map(|hours| {
            *set.0.lock().unwrap() = begun + Duration::hours(hours);
            (steady.now() - begun).whole_hours()
        });

        assert_eq!(told, [10 * 8_760, 0, 1]);
    }
}
