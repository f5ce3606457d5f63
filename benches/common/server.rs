//! A host on a socket in this process, and the children that load it.
//!
//! The load comes from a process of its own: neither its memory nor its place in the runtime is counted as the host's.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use axum::Router;
use tokio::runtime::Runtime;

/// A host that listens until it is dropped.
pub(crate) struct Server {
    // Dropping it ends everything that was spawned on it.
    _runtime: Runtime,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Serves an application on a free port, with a worker for each core.
    pub(crate) fn start(app: Router) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { _runtime: runtime, address }
    }
}

/// This program again, as a client of the host.
pub(crate) fn child(arguments: &[String]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// The numbers that a child prints at its end.
pub(crate) fn numbers(child: Child) -> Vec<f64> {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "a client failed: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// Whether this is a measurement: `cargo bench` says so. A test of all targets runs the benches too, to see that they
/// work, and that is to be brief.
pub(crate) fn is_measurement() -> bool {
    let measures = std::env::args().any(|argument| argument == "--bench");
    if !measures {
        println!("a brief run, to see that it works; its figures mean nothing");
    }
    measures
}

/// The middle one of an odd number of values.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
