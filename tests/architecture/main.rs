//! The architecture, kept by a test that reads the sources.
//!
//! Floors: a module imports only from lower ones, never its own or above. Beside that: methods do not know each other,
//! the stories use no presenter and no ready-made part, serialisation stays where it belongs, files and functions stay
//! small, and the tree of dependencies stays within its budget.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod rules;
mod source;

use std::collections::BTreeMap;
use std::process::Command;

use source::Source;

/// The floors, from the ground up. A module stands on one of them.
const FLOORS: &[&[&str]] = &[
    &["message", "route", "config", "trace", "seal"],
    &["identity", "stop"],
    &["proof"],
    &["flow", "form", "mail"],
    &["caller", "page"],
    &["schema"],
    &["host"],
    &["continuity", "limits"],
    &["call", "effects"],
    &["csrf", "return_to", "hashing", "methods", "wire", "html"],
    &["sql"],
    &[
        "memory",
        "sessions",
        "breach",
        "fetch",
        "hydra",
        "jsonnet",
        "log",
        "sms",
        "smtp",
        "templates",
        "sqlite",
        "postgres",
    ],
    &["engine"],
    &["verification"],
    &["registration"],
    &["upkeep"],
    &["service"],
    &["builder"],
    &["kratos", "testing"],
];

/// What the stories may use of the floor of the presenters.
const FOR_STORIES: [&str; 5] = ["csrf", "return_to", "hashing", "methods", "engine"];

/// The stories: one chapter a file.
const STORIES: [&str; 2] = ["verification", "registration"];

/// Where JSON of ours is written or read.
const SERIALISES: [&str; 15] = [
    "wire/",
    "flow.rs",
    "flow/",
    "form/bounded.rs",
    "proof.rs",
    "mail.rs",
    "sessions/stored.rs",
    "schema/document.rs",
    "continuity.rs",
    "methods/slot.rs",
    "methods/oidc/mod.rs",
    "methods/code.rs",
    "methods/keys/mod.rs",
    "methods/passkey.rs",
    "methods/webauthn.rs",
];

const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 60;
/// Packages in the normal dependency tree with default features.
const MOST_PACKAGES: usize = 155;
const MOST_PACKAGES_WITH_ALL_FEATURES: usize = 400;

fn sources() -> Vec<Source> {
    let sources = Source::read_all(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    assert!(sources.len() > 50, "only {} sources were found", sources.len());
    sources
}

fn floors() -> BTreeMap<&'static str, usize> {
    FLOORS.iter().enumerate().flat_map(|(floor, names)| names.iter().map(move |name| (*name, floor))).collect()
}

#[test]
fn every_module_stands_on_a_floor() {
    let floors = floors();

    let homeless: Vec<String> = sources()
        .iter()
        .map(Source::module)
        .filter(|module| module != "lib" && !floors.contains_key(module.as_str()))
        .collect();

    assert!(homeless.is_empty(), "no floor for {homeless:?}");
}

#[test]
fn imports_point_down() {
    let faults: Vec<String> = sources().iter().flat_map(|source| rules::upward_imports(source, &floors())).collect();

    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_story_uses_no_presenter_and_no_ready_made_part() {
    let limit = floors()["csrf"];
    let allowed = |module: &str| floors()[module] < limit || FOR_STORIES.contains(&module);

    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| STORIES.contains(&source.module().as_str()))
        .flat_map(|source| source.imports().into_iter().map(|module| (source.path.clone(), module)))
        .filter(|(_, module)| !STORIES.contains(&module.as_str()) && !allowed(module))
        .map(|(path, module)| format!("{path} imports {module}"))
        .collect();

    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_method_knows_another() {
    let faults: Vec<String> = sources().iter().flat_map(rules::methods_that_know_another).collect();

    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn serialisation_stays_where_it_belongs() {
    let serialises = |source: &Source| source.mentions("serde::");
    let belongs = |source: &Source| SERIALISES.iter().any(|place| source.path.starts_with(place));

    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| serialises(source) && !belongs(source))
        .map(|source| source.path.clone())
        .collect();

    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn files_and_functions_are_small() {
    let faults: Vec<String> =
        sources().iter().flat_map(|source| rules::too_long(source, LONGEST_FILE, LONGEST_FUNCTION)).collect();

    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn only_one_module_knows_about_tracing() {
    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| source.path != "trace.rs" && source.mentions("tracing::"))
        .map(|source| source.path.clone())
        .collect();

    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_dependencies_stay_within_their_budget() {
    let default = packages(&[]);
    let all = packages(&["--all-features"]);

    assert!(default <= MOST_PACKAGES, "{default} packages with default features");
    assert!(all <= MOST_PACKAGES_WITH_ALL_FEATURES, "{all} packages with all features");
}

#[test]
fn default_features_pull_in_neither_databases_nor_mail_nor_tls() {
    let tree = tree(&[]);

    for name in ["sqlx", "lettre", "reqwest", "openssl-sys", "ring", "rustls"] {
        assert!(!tree.iter().any(|package| package.starts_with(&format!("{name} "))), "{name}");
    }
}

fn packages(features: &[&str]) -> usize {
    tree(features).len()
}

fn tree(features: &[&str]) -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(features)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut packages: Vec<String> = text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect();
    packages.sort_unstable();
    packages.dedup();
    assert!(packages.len() > 20, "{text}");
    packages
}
