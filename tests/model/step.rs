//! One act, played and compared.

use crate::command::Act;
use crate::reference::Model;
use crate::watch::Weather;
use crate::world::World;

/// Plays an act and compares the world with the model.
pub(crate) async fn step(world: &mut World, act: &Act, after: &Model) {
    let weather = act.crash.map_or(Weather::Calm, Weather::Crash);
    let traces = world.act(act, weather).await;
    let names = match world.names.agree(after, &traces.rows) {
        Ok(names) => names,
        Err(why) => panic!("after {act:?}: {why}\n{:?}", traces.heard.as_ref().map(|heard| &heard.reply)),
    };
    if let Some(heard) = &traces.heard {
        // A request that was to be dropped may have been answered before: then as ever.
        assert_eq!(heard.said, after.said, "{act:?}: {:?}", heard.reply);
    }
    world.check(act, &traces, after).await;
    world.become_(after.clone(), names, act, traces.heard.as_ref()).await;
}
