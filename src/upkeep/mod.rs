//! What runs beside requests, started and stopped by the host: letters are [delivered](Dispatcher), expired records
//! [removed](Sweeper).

mod delivery;
mod dispatcher;
mod sweeper;

pub(crate) use delivery::Post;
pub use delivery::{GivenUp, Why};
pub use dispatcher::{Dispatcher, Flushed};
pub use sweeper::Sweeper;
