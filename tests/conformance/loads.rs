//! Every configuration of the recordings can be loaded; what of it is refused or warned about is said here.

use std::collections::BTreeSet;

use tower_registration::kratos;
use tower_registration::memory::Memory;

use crate::scenario::{folder, text};

/// What every one of them is warned about: they are set low, so that a run is quick.
const ALWAYS: [&str; 2] = [
    "a secret looks like one from an example that everybody knows",
    "a stolen hash of 8192 KiB and 1 passes is guessed fast; take 19456 and 2",
];

/// What some of them are warned about beside: which, and words of the warning.
const SOMETIMES: &[(&[&str], &str)] = &[
    (&["cookies"], "browsers send cookies with the path `/app` not to the service, which is at `/`"),
    (
        &["key-passwordless", "key-two-step", "key-verified", "one-step-all", "two-step-all"],
        "the registration page is at http://127.0.0.1:4455, whose keys are not accepted",
    ),
];

/// The names of all configurations.
fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder().join("configs")).unwrap();
    let mut names: Vec<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_configuration_is_loaded_and_says_what_weakens_it() {
    let mut seen = BTreeSet::new();
    assert_eq!(names().len(), 46);
    for name in names() {
        let file = text(&format!("configs/{name}.json")).unwrap();
        let loaded = match kratos::load(&file) {
            Ok(loaded) => loaded,
            // Web hooks are a part of their own.
            Err(error) if name.starts_with("hook-") => {
                assert!(error.key().ends_with(".hook"), "{name}: {error}");
                continue;
            }
            Err(error) => panic!("{name}: {error}"),
        };
        assert_eq!((loaded.listen.host.as_str(), loaded.listen.port), ("127.0.0.1", 4433), "{name}");
        let memory = Memory::new();
        let built = loaded.builder.storage(memory.clone()).identities(memory).build();
        let registration = built.unwrap_or_else(|error| panic!("{name}: {error}"));

        let warnings = registration.warnings();
        assert_eq!(warnings.iter().take(2).collect::<Vec<_>>(), ALWAYS.iter().collect::<Vec<_>>(), "{name}");
        assert_eq!(warnings.iter().collect::<BTreeSet<_>>().len(), warnings.len(), "{name}: said twice: {warnings:?}");
        let heard = |warning: &String| SOMETIMES.iter().find(|(_, words)| warning.contains(words));
        for warning in &warnings[2..] {
            let (at, words) = heard(warning).unwrap_or_else(|| panic!("{name}: {warning}"));
            assert!(at.contains(&name.as_str()), "{name}: {warning}");
            seen.insert((name.clone(), *words));
        }
    }
    let pairs = SOMETIMES.iter().flat_map(|(at, words)| at.iter().map(|name| ((*name).to_owned(), *words)));
    assert_eq!(seen, pairs.collect());
}
