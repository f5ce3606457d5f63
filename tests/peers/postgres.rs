//! A PostgreSQL of its own for each test program, in a temporary folder, found by a socket there. It ends with the program,
//! however that ends.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Does what it is told, and ends with its input, which comes with the end of the test program. PostgreSQL refuses to run
/// as root.
const KEEPER: &str = r#"
folder=$1 bin=$2
run=
if [ "$(id -u)" = 0 ]; then
    chown nobody "$folder"
    run="setpriv --reuid nobody --regid nogroup --clear-groups"
fi
cd "$folder"
$run "$bin/initdb" --pgdata data --username registration --auth trust --encoding UTF8 --locale C --no-sync >initdb.log 2>&1
start() {
    $run "$bin/postgres" -D data -k "$folder" -c listen_addresses= -c max_connections=200 -c shared_buffers=32MB \
        -c log_min_messages=fatal >>postgres.log 2>&1 &
    server=$!
}
restart() { kill "$1" $server; wait $server; start; }
everybody() { echo $server $(cat /proc/$server/task/$server/children); }
start
while read -r word; do
    case $word in
        fast) restart -INT ;;
        immediate) restart -QUIT ;;
        freeze) kill -STOP $(everybody) ;;
        thaw) kill -CONT $(everybody) 2>/dev/null ;;
    esac
done
kill -CONT $(everybody) 2>/dev/null
kill -INT $server
wait $server
rm -rf "$folder"
"#;

/// The server of this program.
pub(crate) struct Server {
    folder: PathBuf,
    /// What the keeper is told; it ends when this is closed.
    keeper: Mutex<ChildStdin>,
    _keeper: Child,
}

/// The server; started when it is asked for first.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

impl Server {
    /// Another one, for a test that does things to it.
    pub(crate) fn start() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let bin = programs().unwrap_or_else(|| {
            panic!(
                "PostgreSQL is missing: install the package `postgresql`, or put `initdb` and `postgres` into the path"
            )
        });
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tower-registration-pg-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&folder).arg(bin).stdin(Stdio::piped());
        let mut keeper = keeper.spawn().unwrap();
        let input = keeper.stdin.take().unwrap();
        let server = Self { folder, keeper: Mutex::new(input), _keeper: keeper };
        server.wait();
        server
    }

    /// Waits until it takes connections: it writes a line of its own into its file then.
    fn wait(&self) {
        let begun = Instant::now();
        let ready = || {
            let status = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
            status.lines().any(|line| line.trim() == "ready")
        };
        while !ready() {
            assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Begins to do something to it: `fast` and `immediate` restart it, `freeze` stops it until `thaw`.
    #[allow(dead_code, reason = "not every program does")]
    pub(crate) fn tell(&self, word: &str) {
        writeln!(self.keeper.lock().unwrap(), "{word}").unwrap();
    }

    fn log(&self) -> String {
        ["initdb.log", "postgres.log"]
            .map(|file| std::fs::read_to_string(self.folder.join(file)).unwrap_or_default())
            .concat()
    }

    /// Where its socket is.
    #[allow(dead_code, reason = "not every program looks there")]
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What connects to it.
    pub(crate) fn dsn(&self) -> String {
        format!("postgres://registration@localhost/postgres?host={}", self.folder.display())
    }
}

/// Where PostgreSQL's programs are: of Debian's newest version, or in the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin")).filter(|bin| has_all(bin)).max();
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest.or_else(|| std::env::split_paths(&path).find(|bin| has_all(bin)))
}

fn has_all(bin: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| bin.join(program).is_file())
}
