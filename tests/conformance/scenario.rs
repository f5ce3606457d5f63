//! A recorded conversation: what was sent, step by step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use time::Duration;

/// Where the recordings lie.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance"))
}

/// The text of one of our files.
pub(crate) fn text(file: &str) -> Result<String, String> {
    std::fs::read_to_string(folder().join(file)).map_err(|error| format!("{file}: {error}"))
}

/// One conversation.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) config: String,
    pub(crate) steps: Vec<Step>,
}

/// What happens at one point of a conversation.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A request to the service, and what is remembered of its answer.
    Request { spec: Map<String, Value>, capture: BTreeMap<String, String> },
    /// Time passes.
    Sleep(Duration),
    /// A letter arrives.
    Mail(Map<String, Value>),
    /// A request to somebody else: what is remembered of the answer, and what of it is compared.
    External { spec: Map<String, Value>, capture: BTreeMap<String, String>, see: Vec<String> },
    /// A software authenticator answers creation options.
    Authenticator(Value),
}

impl Scenario {
    /// All conversations, by name.
    pub(crate) fn all() -> Vec<Self> {
        let files = std::fs::read_dir(folder().join("scenarios")).unwrap();
        let mut all: Vec<Self> = files.map(|file| Self::read(&file.unwrap().path()).unwrap()).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    fn read(file: &Path) -> Result<Self, String> {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let wrong = |why: &str| format!("scenario {name}: {why}");
        let text = std::fs::read_to_string(file).map_err(|error| wrong(&error.to_string()))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
        let config = value["config"].as_str().ok_or_else(|| wrong("has no configuration"))?.to_owned();
        let steps = value["steps"].as_array().ok_or_else(|| wrong("has no steps"))?;
        let steps: Result<Vec<Step>, String> = steps.iter().map(Step::read).collect();
        Ok(Self { steps: steps.map_err(|why| wrong(&why))?, name, config })
    }
}

impl Step {
    fn read(value: &Value) -> Result<Self, String> {
        let step = value.as_object().ok_or("a step is no object")?;
        if let Some(pause) = step.get("sleep_ms") {
            return Ok(Self::Sleep(Duration::milliseconds(pause.as_i64().ok_or("a pause is no number")?)));
        }
        if let Some(spec) = step.get("mail") {
            return Ok(Self::Mail(spec.as_object().ok_or("a letter is no object")?.clone()));
        }
        if let Some(spec) = step.get("external") {
            let spec = spec.as_object().ok_or("a request to somebody else is no object")?.clone();
            let see = step.get("see").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
            let see = serde_json::from_value(see).map_err(|error| format!("what is seen: {error}"))?;
            return Ok(Self::External { spec, capture: captures(step)?, see });
        }
        if step.contains_key("authenticator") {
            return Ok(Self::Authenticator(value.clone()));
        }
        let mut spec = step.clone();
        spec.remove("capture");
        Ok(Self::Request { spec, capture: captures(step)? })
    }
}

fn captures(step: &Map<String, Value>) -> Result<BTreeMap<String, String>, String> {
    let capture = step.get("capture").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    serde_json::from_value(capture).map_err(|error| format!("a capture: {error}"))
}
