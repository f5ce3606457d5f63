//! Connections that wait for the next letter.
//!
//! A connection comes back here only from a letter that was answered to its end. One whose letter was dropped half-way
//! is closed: what comes next on it would be read as the rest of that letter.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::connection::Connection;

/// How long a connection waits.
const IDLE: Duration = Duration::from_secs(30);
/// How long a server may take to say that it is still there, or goodbye.
const PATIENCE: Duration = Duration::from_secs(2);
/// Letters that go over one connection: servers tend to end those that go on for longer.
const LETTERS: usize = 50;

pub(super) struct Pool {
    idle: Mutex<Idle>,
    most: usize,
}

#[derive(Default)]
struct Idle {
    /// The one that was used last is at the end.
    connections: Vec<(Instant, Connection)>,
    /// Whether somebody closes those that waited for too long.
    watched: bool,
}

impl Pool {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::default(), most })
    }

    /// A connection on which the server still listens. Where the one that was used last is dead, so are the others: a
    /// letter does not spend its time on trying them.
    pub(super) async fn take(&self) -> Option<Connection> {
        let (since, mut connection) = self.idle().connections.pop()?;
        let fresh = since.elapsed() < IDLE;
        let alive = fresh && timeout(PATIENCE, connection.is_alive()).await.unwrap_or(false);
        alive.then_some(connection)
    }

    /// Keeps a connection for the next letter.
    pub(super) fn keep(self: &Arc<Self>, connection: Connection) {
        let mut idle = self.idle();
        if idle.connections.len() >= self.most || connection.letters >= LETTERS {
            return;
        }
        idle.connections.push((Instant::now(), connection));
        if !std::mem::replace(&mut idle.watched, true) {
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Takes out what waited for too long; nothing when there is nothing left to watch.
    fn stale(&self) -> Option<Vec<Connection>> {
        let mut idle = self.idle();
        if idle.connections.is_empty() {
            idle.watched = false;
            return None;
        }
        let fresh = idle.connections.partition_point(|(since, _)| since.elapsed() >= IDLE);
        Some(idle.connections.drain(..fresh).map(|(_, connection)| connection).collect())
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections that waited for too long, until none is left.
async fn watch(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE / 2).await;
        let Some(stale) = pool.upgrade().and_then(|pool| pool.stale()) else { return };
        for connection in stale {
            drop(timeout(PATIENCE, connection.close()).await);
        }
    }
}
