//! Stands between a pool and PostgreSQL: slow, or cutting connections in the middle of a commit.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// The name of the socket that a server or a proxy has in its folder.
const SOCKET: &str = ".s.PGSQL.5432";
/// How a commit is sent: a simple query.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// How the connection is cut when a commit comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Before the server hears of it.
    Unsent,
    /// After the server has answered.
    AnswerLost,
    /// At once, and the server hears of it later: whoever asks what became of it may be faster.
    SentLate(Duration),
}

#[derive(Default)]
struct Plan {
    /// In milliseconds, for everything that comes by.
    delay: AtomicU64,
    next: Mutex<Option<Cut>>,
    cuts: AtomicUsize,
    /// Connections with a smaller number hear and say nothing any more.
    silent_below: AtomicUsize,
}

pub(crate) struct Proxy {
    folder: PathBuf,
    plan: Arc<Plan>,
    listening: JoinHandle<()>,
    accepted: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) fn to(server: &Path) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tower-registration-proxy-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        let listener = UnixListener::bind(folder.join(SOCKET)).unwrap();
        let (plan, accepted) = (Arc::<Plan>::default(), Arc::<AtomicUsize>::default());
        let (known, count, server) = (Arc::clone(&plan), Arc::clone(&accepted), server.join(SOCKET));
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::Relaxed);
                let (plan, server) = (Arc::clone(&known), server.clone());
                tokio::spawn(async move {
                    let server = UnixStream::connect(server).await?;
                    carry(client, server, number, &plan).await
                });
            }
        });
        Self { folder, plan, listening, accepted }
    }

    /// What connects through it.
    pub(crate) fn dsn(&self) -> String {
        format!("postgres://registration@localhost/postgres?host={}", self.folder.display())
    }

    /// The next commit is cut like this.
    pub(crate) fn cut_next(&self, how: Cut) {
        *self.plan.next.lock().unwrap() = Some(how);
    }

    /// How many commits were cut.
    pub(crate) fn cuts(&self) -> usize {
        self.plan.cuts.load(Ordering::Relaxed)
    }

    /// From now on, everything comes so much later, in each direction.
    pub(crate) fn delay(&self, by: Duration) {
        self.plan.delay.store(u64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// The connections that are there hear and say nothing any more, and nobody is told; new ones are as ever.
    pub(crate) fn silence(&self) {
        self.plan.silent_below.store(self.accepted.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn carry(client: UnixStream, server: UnixStream, number: usize, plan: &Plan) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (mut up, mut down) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let (upwards, length) = tokio::select! {
            read = from_client.read(&mut up) => (true, read?),
            read = from_server.read(&mut down) => (false, read?),
        };
        if length == 0 {
            return Ok(());
        }
        if number < plan.silent_below.load(Ordering::Relaxed) {
            return std::future::pending().await;
        }
        tokio::time::sleep(Duration::from_millis(plan.delay.load(Ordering::Relaxed))).await;
        if !upwards {
            to_client.write_all(&down[..length]).await?;
            continue;
        }
        let cut = match up[..length].windows(COMMIT.len()).any(|bytes| bytes == COMMIT) {
            true => plan.next.lock().unwrap().take(),
            false => None,
        };
        plan.cuts.fetch_add(usize::from(cut.is_some()), Ordering::Relaxed);
        match cut {
            None => to_server.write_all(&up[..length]).await?,
            Some(Cut::Unsent) => return Ok(()),
            Some(Cut::AnswerLost) => {
                to_server.write_all(&up[..length]).await?;
                return from_server.read(&mut down).await.map(drop);
            }
            Some(Cut::SentLate(pause)) => {
                drop((from_client, to_client));
                tokio::time::sleep(pause).await;
                to_server.write_all(&up[..length]).await?;
                return from_server.read(&mut down).await.map(drop);
            }
        }
    }
}
