// The modules of the reference model, for the targets that play against it.

#[path = "../tests/model/command.rs"]
mod command;

#[path = "../tests/model/dice.rs"]
mod dice;

#[path = "../tests/model/invariants.rs"]
mod invariants;

#[path = "../tests/model/names.rs"]
mod names;

#[path = "../tests/model/reference.rs"]
mod reference;

#[path = "../tests/model/rows.rs"]
mod rows;

#[path = "../tests/model/site.rs"]
mod site;

#[path = "../tests/model/state.rs"]
mod state;

#[path = "../tests/model/step.rs"]
mod step;

#[path = "../tests/model/story.rs"]
mod story;

#[path = "../tests/model/told.rs"]
mod told;

#[path = "../tests/model/watch.rs"]
mod watch;

#[path = "../tests/model/world.rs"]
mod world;
