//! The kept inputs of the fuzz targets, played on every run.

// A helper that cannot go on ends the test, as the test itself would.
#![allow(clippy::unwrap_used)]

/// Plays the kept inputs of a target: what must come of one is what its name begins with. How many there are.
pub(crate) fn play(target: &str, mut play: impl FnMut(&[u8]) -> bool) -> usize {
    let folder = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut played = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();

        let accepted = play(&std::fs::read(file.path()).unwrap());

        let prefix = if accepted { "accepted-" } else { "refused-" };
        assert!(name.starts_with(prefix), "{target}: {name} is {prefix}");
        played += 1;
    }
    assert!(played > 3, "{target}: only {played} inputs are kept");
    played
}
