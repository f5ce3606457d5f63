//! A PgBouncer in front of the test program's PostgreSQL, which gives every transaction another one of few connections.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Ends with its input, as PostgreSQL's keeper does. PgBouncer refuses to run as root.
const KEEPER: &str = r#"
folder=$1 bin=$2
run=
if [ "$(id -u)" = 0 ]; then
    chown nobody "$folder"
    run="setpriv --reuid nobody --regid nogroup --clear-groups"
fi
$run "$bin" -q "$folder/pgbouncer.ini" >"$folder/log" 2>&1 &
pooler=$!
cat >/dev/null
kill -INT $pooler
wait $pooler
rm -rf "$folder"
"#;

pub(crate) struct Pooler {
    folder: PathBuf,
    /// Holds the keeper's input open.
    _keeper: Child,
}

impl Pooler {
    /// Starts one in front of the server whose socket is in this folder.
    pub(crate) fn start(server: &Path) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        let mut programs = places.map(|place| place.join("pgbouncer"));
        let Some(bin) = programs.find(|program| program.is_file()) else {
            panic!("PgBouncer is missing: install the package `pgbouncer`, or put it into the path");
        };
        let folder = std::env::temp_dir().join(format!("tower-registration-pooler-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        let mut settings = std::fs::File::create(folder.join("pgbouncer.ini")).unwrap();
        write!(
            settings,
            "[databases]\npostgres = host={} user=registration\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\n\
             unix_socket_dir = {}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 5\n\
             ignore_startup_parameters = extra_float_digits\n",
            server.display(),
            folder.display(),
        )
        .unwrap();
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&folder).arg(bin).stdin(Stdio::piped());
        let pooler = Self { folder, _keeper: keeper.spawn().unwrap() };
        let begun = Instant::now();
        while !pooler.folder.join(".s.PGSQL.6432").exists() {
            let log = std::fs::read_to_string(pooler.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(20), "PgBouncer does not start: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        pooler
    }

    /// What connects to it.
    pub(crate) fn dsn(&self) -> String {
        format!("postgres://registration@localhost:6432/postgres?host={}", self.folder.display())
    }
}
