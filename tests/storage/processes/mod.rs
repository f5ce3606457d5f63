//! Processes of their own: this program, started again, does a task over a database that others share, and is killed.

mod place;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

pub(crate) use place::{Place, Store};

/// Where a process finds its task, as JSON; `do` names it.
const TASK: &str = "TOWER_REGISTRATION_TASK";
/// What a line begins with that one process says to another. The test harness writes lines of its own.
const MARK: &str = "@@";

/// Whether this process has a task of another one's.
fn is_started_by_another() -> bool {
    std::env::var_os(TASK).is_some()
}

/// How often something is done: the given number, or what the environment says, for a run at full size.
pub(crate) fn rounds(name: &str, few: usize) -> usize {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(few)
}

/// The seed of what is left to chance: `SEED`, or a new one. It is printed, and shown when the test fails.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
    println!("SEED={seed}");
    seed
}

/// A line of `docs/reliability.md`: what was run, and what came of it.
pub(crate) fn record(id: &str, figures: &str) {
    println!("RECORD {id}: {figures}");
}

/// Another process. It is killed when this is dropped, and ends when this program ends.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(task: &Value) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["processes::a_process_that_others_start", "--exact", "--ignored", "--nocapture"]);
        command.env(TASK, task.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    /// What it says next; nothing when it has ended.
    pub(crate) fn hears(&mut self) -> Option<Value> {
        tokio::task::block_in_place(|| {
            let mut line = String::new();
            while self.output.read_line(&mut line).unwrap() > 0 {
                if let Some((_, said)) = line.split_once(MARK) {
                    return Some(serde_json::from_str(said).unwrap());
                }
                line.clear();
            }
            None
        })
    }

    /// What it says next.
    pub(crate) fn expect(&mut self) -> Value {
        self.hears().expect("the other process ended before its time")
    }

    pub(crate) fn tell(&mut self, word: &Value) {
        writeln!(self.input, "{word}").unwrap();
        self.input.flush().unwrap();
    }

    /// Ends it without a word, as a power cut does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself. Says whether it was cut short by a signal.
    pub(crate) fn ends(&mut self) -> bool {
        while self.hears().is_some() {}
        self.child.wait().unwrap().code().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells the process that started this one.
pub(crate) fn say(word: &Value) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{MARK}{word}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What the process that started this one says next; waits for it.
pub(crate) async fn listen() -> Value {
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // Byte by byte: a buffer would keep what belongs to the next.
        let mut input = std::io::stdin().lock();
        let mut byte = [0];
        while input.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(char::from(byte[0]));
        }
        line
    });
    let line = line.await.unwrap();
    if line.is_empty() {
        // Whoever started this process is gone.
        std::process::exit(0);
    }
    serde_json::from_str(&line).unwrap()
}

/// Ends this process with the one that started it. For tasks that do not [`listen`].
pub(crate) fn end_with_the_others() {
    std::thread::spawn(|| {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
        std::process::exit(0);
    });
}

#[test]
#[ignore = "a process that other tests start with a task"]
fn a_process_that_others_start() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Value = serde_json::from_str(&task).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        match task["do"].as_str().unwrap() {
            "deliver" => crate::kills::letters::run(&task).await,
            "empty" => crate::crowds::shared::empty(&task).await,
            "register" => crate::kills::people::run(&task).await,
            "register under load" => crate::kills::people::run_under_load(&task).await,
            "submit" => crate::crowds::submitter::run(&task).await,
            "sweep" => crate::crowds::shared::sweep(&task).await,
            other => panic!("nobody knows how to {other}"),
        }
    });
}
