//! `docs/compatibility.md`: what the conversations show, put into tables.
//!
//! It is made of the conversations with what was recorded, the differences of a run, `differences.json`, and the words
//! beside this file; `UPDATE=1` writes it anew.

mod keys;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;
use tower_registration::message::catalogue;

use crate::deliberate::Deliberate;
use crate::run::Run;
use rows::{Book, Row};

pub(crate) use keys::unlisted;

const INTRODUCTION: &str = include_str!("introduction.md");
/// The differences that were decided and that no conversation shows; journey and security tests do.
const BEYOND: &str = include_str!("beyond.md");
const WORDS: &str = include_str!("words.json");

/// The whole document.
pub(crate) fn document(runs: &[&Run]) -> String {
    let deliberate = Deliberate::read();
    let book = Book::read(runs, &deliberate);
    let words = Words::read();
    let mut out = introduction(&book);
    out += &section(
        "Endpoints",
        words.lead("endpoints"),
        &["request", "what it does", "answers recorded"],
        &book.endpoints(),
        |row, name| vec![code(name), words.of("endpoints", name), row.notes()],
    );
    for (title, kind) in
        [("Parameters", "parameters"), ("Request headers", "headers"), ("Fields of a submission", "fields")]
    {
        out += &section(title, words.lead(kind), &["name", "what it does"], &book.named(kind), |_, name| {
            vec![code(name), words.of(kind, name)]
        });
    }
    out += &section("Errors", words.lead("errors"), &["status", "`error.id`", "reason"], &book.errors(), |_, name| {
        name.splitn(3, '|').map(|part| part.trim().to_owned()).collect()
    });
    out += &messages(&book, &words);
    out += &differences(&book, &deliberate);
    out += BEYOND;
    out += &unplayed(&book);
    words.all_used();
    out + &keys::table()
}

/// Hand-written words about what was recorded. Each must be used, and none may be missing.
struct Words {
    all: Value,
    used: std::cell::RefCell<BTreeSet<String>>,
}

impl Words {
    fn read() -> Self {
        Self { all: serde_json::from_str(WORDS).unwrap(), used: std::cell::RefCell::default() }
    }

    fn of(&self, kind: &str, name: &str) -> String {
        self.used.borrow_mut().insert(format!("{kind} {name}"));
        let text = self.all[kind][name].as_str();
        text.unwrap_or_else(|| panic!("words.json has no words about {kind} {name:?}")).to_owned()
    }

    fn lead(&self, kind: &str) -> &str {
        self.all["leads"][kind].as_str().unwrap_or_default()
    }

    fn all_used(&self) {
        let kinds = self.all.as_object().unwrap().iter().filter(|(kind, _)| *kind != "leads");
        let known =
            kinds.flat_map(|(kind, words)| words.as_object().unwrap().keys().map(move |name| format!("{kind} {name}")));
        let idle: Vec<String> = known.filter(|name| !self.used.borrow().contains(name)).collect();
        assert!(idle.is_empty(), "words.json speaks of what no conversation has: {idle:?}");
    }
}

fn introduction(book: &Book) -> String {
    let numbers = [
        ("{recorded}", book.recorded()),
        ("{played}", book.played()),
        ("{alike}", book.alike()),
        ("{different}", book.played() - book.alike()),
    ];
    numbers.iter().fold(INTRODUCTION.to_owned(), |text, (name, number)| text.replace(name, &number.to_string()))
}

/// A table with a row for each thing, and at its end which conversations show it and whether we answer alike.
fn section(
    title: &str,
    lead: &str,
    head: &[&str],
    rows: &BTreeMap<String, Row>,
    cells: impl Fn(&Row, &str) -> Vec<String>,
) -> String {
    let mut out = format!(
        "\n## {title}\n\n{lead}\n\n| {} | conversations | here |\n|{}\n",
        head.join(" | "),
        "---|".repeat(head.len() + 2)
    );
    for (name, row) in rows {
        let cells: Vec<String> = cells(row, name).iter().map(|cell| cell.replace('|', "\\|")).collect();
        writeln!(out, "| {} | {} | {} |", cells.join(" | "), row.conversations(), row.verdict()).unwrap();
    }
    out
}

fn messages(book: &Book, words: &Words) -> String {
    let mut rows = book.messages();
    for message in catalogue::ALL {
        rows.entry(message.id().to_string()).or_default();
    }
    section("Messages", words.lead("messages"), &["number", "type", "text"], &rows, |row, id| {
        let known = catalogue::ALL.iter().find(|known| known.id().to_string() == id);
        let (kind, text) = match known {
            Some(known) => (known.kind().as_str().to_owned(), known.text()),
            None => {
                row.notes().split_once(' ').map(|(kind, text)| (kind.to_owned(), text.to_owned())).unwrap_or_default()
            }
        };
        vec![id.to_owned(), kind, text]
    })
}

fn differences(book: &Book, deliberate: &Deliberate) -> String {
    let mut out = String::from("\n## What differs, and why\n\n");
    out += "Everything else is answered as recorded, down to the member. The list that the tests use is\n\
            [`differences.json`](../tests/conformance/differences.json); an entry that covers nothing fails them.\n";
    for (at, reason) in deliberate.reasons().iter().enumerate() {
        let row = book.difference(at + 1);
        writeln!(
            out,
            "\n### D{}\n\n{reason}\n\nConversations: {}.",
            at + 1,
            row.conversations_or("none recorded here")
        )
        .unwrap();
    }
    out
}

fn unplayed(book: &Book) -> String {
    let row = book.unplayed();
    match row.is_empty() {
        true => String::new(),
        false => format!(
            "\n## Not played\n\nConversations about parts that are not here yet: {}.\n",
            row.every_conversation()
        ),
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}
