//! What was recorded, thing by thing: which conversations show it, and where we differ.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use crate::deliberate::Deliberate;
use crate::openapi::Document;
use crate::run::Run;
use crate::scenario::{Scenario, Step, text};

/// How many families of conversations are named in a row.
const NAMED: usize = 4;

static CHANGING: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""[^"\s]*[:%][^"]*"|https?://\S+"#).unwrap());
static CLIENT: LazyLock<Regex> = LazyLock::new(|| Regex::new("-(api|browser|spa)$").unwrap());

/// The conversations that show a thing, and the numbers of the differences there.
#[derive(Debug, Default)]
pub(super) struct Row {
    shown_by: BTreeSet<String>,
    waiting: BTreeSet<String>,
    differs: BTreeSet<usize>,
    notes: BTreeSet<String>,
}

/// A request of a conversation and the recorded answer.
struct Asked {
    scenario: String,
    /// The place of the answer among all of the conversation.
    at: usize,
    endpoint: String,
    named: [(&'static str, Vec<String>); 3],
    answer: Value,
}

pub(super) struct Book {
    asked: Vec<Asked>,
    /// Of each conversation that was played, where we differ, and by which reason.
    played: BTreeMap<String, Vec<(String, usize)>>,
    recorded: usize,
}

impl Row {
    pub(super) fn is_empty(&self) -> bool {
        self.shown_by.is_empty()
    }

    pub(super) fn notes(&self) -> String {
        self.notes.iter().cloned().collect::<Vec<_>>().join(", ")
    }

    /// How many there are, and some of them.
    pub(super) fn conversations(&self) -> String {
        self.conversations_or("none")
    }

    pub(super) fn conversations_or(&self, nothing: &str) -> String {
        let families = self.families();
        let named: Vec<String> = families.iter().take(NAMED).map(|family| format!("`{family}`")).collect();
        match (self.is_empty(), families.len() > NAMED) {
            (true, _) => nothing.to_owned(),
            (_, true) => format!("{} … ({})", named.join(", "), self.shown_by.len()),
            (_, false) => format!("{} ({})", named.join(", "), self.shown_by.len()),
        }
    }

    pub(super) fn every_conversation(&self) -> String {
        self.families().iter().map(|family| format!("`{family}`")).collect::<Vec<_>>().join(", ")
    }

    /// Whether we answer alike.
    pub(super) fn verdict(&self) -> String {
        let differs: Vec<String> = self.differs.iter().map(|at| format!("[D{at}](#d{at})")).collect();
        match (self.is_empty(), self.waiting.len() == self.shown_by.len(), differs.is_empty()) {
            (true, ..) => "tests of our own".to_owned(),
            (_, true, _) => "not played".to_owned(),
            (_, _, true) => "alike".to_owned(),
            _ => format!("alike but for {}", differs.join(", ")),
        }
    }

    /// The names without the kind of client, each once.
    fn families(&self) -> BTreeSet<String> {
        self.shown_by.iter().map(|name| CLIENT.replace(name, "").into_owned()).collect()
    }
}

impl Book {
    pub(super) fn read(runs: &[&Run], deliberate: &Deliberate) -> Self {
        let reasons = deliberate.reasons();
        let mut played = BTreeMap::new();
        for talk in runs.iter().flat_map(|run| &run.conversations) {
            let numbered = talk.differences().into_iter().filter_map(|difference| {
                let rule = &deliberate.rules[deliberate.covering(&talk.name, &difference)?];
                let number = reasons.iter().position(|reason| *reason == rule.reason)? + 1;
                Some((difference.path, number))
            });
            played.insert(talk.name.clone(), numbered.collect());
        }
        let scenarios = Scenario::all();
        let document = Document::read();
        let asked = scenarios.iter().flat_map(|scenario| asked(scenario, &document)).collect();
        Self { asked, played, recorded: scenarios.len() }
    }

    pub(super) fn recorded(&self) -> usize {
        self.recorded
    }

    pub(super) fn played(&self) -> usize {
        self.played.len()
    }

    pub(super) fn alike(&self) -> usize {
        self.played.values().filter(|differences| differences.is_empty()).count()
    }

    pub(super) fn endpoints(&self) -> BTreeMap<String, Row> {
        self.rows(|asked| {
            let status = asked.answer["status"].to_string();
            vec![(asked.endpoint.clone(), String::new(), status)]
        })
    }

    /// Parameters, headers or fields, by their names.
    pub(super) fn named(&self, kind: &str) -> BTreeMap<String, Row> {
        let names =
            |asked: &Asked| asked.named.iter().find(|(known, _)| *known == kind).map(|(_, names)| names.clone());
        self.rows(|asked| {
            let names = names(asked).unwrap_or_default().into_iter();
            names.map(|name| (name, String::new(), String::new())).collect()
        })
    }

    /// Errors in JSON, by status, id and reason.
    pub(super) fn errors(&self) -> BTreeMap<String, Row> {
        self.rows(|asked| {
            let error = &asked.answer["json"]["error"];
            if !error.is_object() {
                return Vec::new();
            }
            let id = error["id"].as_str().map(|id| format!("`{id}`")).unwrap_or_default();
            let reason = error["reason"].as_str().or(error["message"].as_str()).unwrap_or_default();
            let name = format!("{}|{id}|{}", asked.answer["status"], CHANGING.replace_all(reason, "…"));
            vec![(name, "/json/error".to_owned(), String::new())]
        })
    }

    /// Messages, by their numbers; with kind and text as notes.
    pub(super) fn messages(&self) -> BTreeMap<String, Row> {
        self.rows(|asked| {
            let mut found = Vec::new();
            messages(&asked.answer, "", &mut found);
            found
        })
    }

    /// Where a difference shows.
    pub(super) fn difference(&self, number: usize) -> Row {
        let concerned = |differences: &&(String, usize)| differences.1 == number;
        let shows = |(_, differences): &(&String, &Vec<(String, usize)>)| differences.iter().any(|one| concerned(&one));
        let shown_by = self.played.iter().filter(shows).map(|(name, _)| name.clone()).collect();
        Row { shown_by, ..Row::default() }
    }

    /// The conversations that are not played.
    pub(super) fn unplayed(&self) -> Row {
        let names = self.asked.iter().map(|asked| &asked.scenario);
        Row { shown_by: names.filter(|name| !self.played.contains_key(*name)).cloned().collect(), ..Row::default() }
    }

    /// Rows of what each request shows: a name, its place in the answer, and a note.
    fn rows(&self, shows: impl Fn(&Asked) -> Vec<(String, String, String)>) -> BTreeMap<String, Row> {
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        for asked in &self.asked {
            for (name, place, note) in shows(asked) {
                let row = rows.entry(name).or_default();
                row.shown_by.insert(asked.scenario.clone());
                row.notes.extend((!note.is_empty()).then_some(note));
                let place = format!("/{}{place}", asked.at);
                match self.played.get(&asked.scenario) {
                    None => drop(row.waiting.insert(asked.scenario.clone())),
                    Some(differences) => row.differs.extend(touching(differences, &place)),
                }
            }
        }
        rows
    }
}

/// The differences at a place, below it, or above it.
fn touching<'d>(differences: &'d [(String, usize)], place: &str) -> impl Iterator<Item = usize> + use<'d> {
    let place = place.to_owned();
    let below =
        |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let touches = move |path: &str| below(path, &place) || below(&place, path);
    differences.iter().filter(move |(path, _)| touches(path)).map(|(_, number)| *number)
}

fn asked(scenario: &Scenario, document: &Document) -> Vec<Asked> {
    let recorded = text(&format!("golden/{}.json", scenario.name)).unwrap();
    let recorded: Vec<Value> = serde_json::from_str(&recorded).unwrap();
    let mut answers = recorded.into_iter().enumerate();
    let mut all = Vec::new();
    for step in &scenario.steps {
        match step {
            Step::Request { spec, .. } => {
                let (at, answer) = answers.next().unwrap();
                all.push(request(&scenario.name, at, spec, answer, document));
            }
            Step::Mail(_) => drop(answers.next()),
            Step::External { see, .. } if !see.is_empty() => drop(answers.next()),
            Step::External { .. } | Step::Sleep(_) | Step::Authenticator(_) => {}
        }
    }
    all
}

fn request(scenario: &str, at: usize, spec: &Map<String, Value>, answer: Value, document: &Document) -> Asked {
    let method = spec["method"].as_str().unwrap();
    let path = spec["path"].as_str().unwrap();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    // A whole URL that was captured is where a provider leads back to.
    let path = if path.starts_with("${") { "/self-service/methods/oidc/callback/x" } else { path };
    let endpoint = match document.template(path) {
        Some(template) => format!("{method} {template}"),
        None => "any other path".to_owned(),
    };
    let query = query.split('&').filter(|pair| !pair.is_empty());
    let parameters = query.map(|pair| pair.split('=').next().unwrap_or_default().to_owned()).collect();
    let headers = spec.get("headers").and_then(Value::as_object).into_iter().flatten();
    let headers = headers.filter(|(_, value)| !value.is_null()).map(|(name, _)| name.clone()).collect();
    let named = [("parameters", parameters), ("headers", headers), ("fields", fields(spec))];
    Asked { scenario: scenario.to_owned(), at, endpoint, named, answer }
}

/// The fields of a submission by their first names.
fn fields(spec: &Map<String, Value>) -> Vec<String> {
    let names = match (spec.get("json"), spec.get("form")) {
        (Some(Value::Object(members)), _) | (_, Some(Value::Object(members))) => members.keys().cloned().collect(),
        (_, Some(Value::Array(pairs))) => pairs.iter().filter_map(|pair| Some(pair[0].as_str()?.to_owned())).collect(),
        _ => Vec::new(),
    };
    names.iter().map(|name: &String| name.split('.').next().unwrap_or_default().to_owned()).collect()
}

/// The messages in a value: number, place, kind and text.
fn messages(value: &Value, place: &str, found: &mut Vec<(String, String, String)>) {
    match value {
        Value::Object(members) => {
            if let (Some(id), Some(text), Some(kind)) =
                (value["id"].as_u64(), value["text"].as_str(), value["type"].as_str())
            {
                found.push((id.to_string(), place.to_owned(), format!("{kind} {text}")));
            }
            members.iter().for_each(|(key, part)| messages(part, &format!("{place}/{key}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, part)| messages(part, &format!("{place}/{at}"), found));
        }
        _ => {}
    }
}
