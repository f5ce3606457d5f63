//! What people were answered, written to a file before the next one begins: it outlives the process that writes it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// Somebody submits a form. Who is a native client can send the same form again.
    Begun { email: String, flow: Option<String> },
    /// They were told that they are registered.
    Done { email: String, identity: Option<String>, token: Option<String> },
    /// They were told that they have been for a while.
    Taken { email: String },
    /// A letter arrived.
    Letter { about: String, to: String, id: String },
}

/// The file. Clones write to the same one.
#[derive(Clone)]
pub(crate) struct Diary {
    file: Arc<File>,
    path: String,
}

impl Diary {
    pub(crate) fn at(path: &str) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        Self { file: Arc::new(file), path: path.to_owned() }
    }

    /// Writes a line with one call: whoever kills the process later than that does not undo it.
    pub(crate) fn write(&self, entry: &Entry) {
        let line = serde_json::to_string(entry).unwrap() + "\n";
        (&*self.file).write_all(line.as_bytes()).unwrap();
    }

    /// The lines from this place on, which moves behind them.
    pub(crate) fn read(&self, from: &mut u64) -> Vec<Entry> {
        let mut file = File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(*from)).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        *from += text.len() as u64;
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Who began and got no answer, with the flow that can be submitted again.
    pub(crate) fn unanswered(&self) -> BTreeMap<String, Option<String>> {
        let mut waiting = BTreeMap::new();
        for entry in self.read(&mut 0) {
            match entry {
                Entry::Begun { email, flow } => drop(waiting.insert(email, flow)),
                Entry::Done { email, .. } | Entry::Taken { email } => drop(waiting.remove(&email)),
                Entry::Letter { .. } => {}
            }
        }
        waiting
    }
}
