//! The rules, each shown to find what it is there for.

use std::collections::BTreeMap;

use super::source::Source;

/// Imports of a module on the same floor or above.
pub(crate) fn upward_imports(source: &Source, floors: &BTreeMap<&str, usize>) -> Vec<String> {
    let own = source.module();
    let Some(floor) = floors.get(own.as_str()) else { return Vec::new() };
    let upward = |name: &String| *name != own && floors.get(name.as_str()).is_some_and(|other| other >= floor);
    source.imports().into_iter().filter(upward).map(|name| format!("{} imports {name}", source.path)).collect()
}

/// A method that names another method's file.
pub(crate) fn methods_that_know_another(source: &Source) -> Vec<String> {
    let Some(file) = source.path.strip_prefix("methods/").filter(|file| *file != "mod.rs") else { return Vec::new() };
    let own = file.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    let methods = ["profile", "password", "code", "oidc", "webauthn", "passkey"];
    let names = |method: &str| {
        let paths = [format!("super::{method}"), format!("methods::{method}")];
        method != own && paths.iter().any(|path| source.mentions(path))
    };
    methods.iter().filter(|method| names(method)).map(|method| format!("{} names {method}", source.path)).collect()
}

/// Files and functions that are longer than they may be.
pub(crate) fn too_long(source: &Source, longest_file: usize, longest_function: usize) -> Vec<String> {
    let mut faults = Vec::new();
    if source.lines > longest_file {
        faults.push(format!("{} has {} lines", source.path, source.lines));
    }
    let long = functions(&source.code).into_iter().filter(|(_, lines)| *lines > longest_function);
    faults.extend(long.map(|(name, lines)| format!("{}: `{name}` has {lines} lines", source.path)));
    faults
}

/// The functions of a file with their lengths in lines.
fn functions(code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let begins_word = code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some(end) = body_end(&code[at..]).filter(|_| begins_word && !name.is_empty()) else { continue };
        found.push((name, code[at..at + end].lines().count()));
    }
    found
}

/// Where the body of the function that begins here ends; nothing for one without a body.
fn body_end(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut brackets = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            ';' if depth == 0 && brackets == 0 => return None,
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets = brackets.saturating_sub(1),
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn an_import_sideways_or_up_is_found() {
    let floors = BTreeMap::from([("low", 0), ("beside", 0), ("high", 1)]);
    let source = Source::new("low/inner.rs", "use crate::low::x;\nuse crate::beside::y;\nfn f() { crate::high::z() }");

    assert_eq!(upward_imports(&source, &floors), ["low/inner.rs imports beside", "low/inner.rs imports high"]);
    assert!(upward_imports(&Source::new("high.rs", "use crate::low::x;"), &floors).is_empty());
}

#[test]
fn a_method_that_knows_another_is_found() {
    let knows = Source::new("methods/password.rs", "use super::code::Code;");
    let apart = Source::new("methods/password.rs", "use super::{Context, Method};\nuse super::similarity::resembles;");

    assert_eq!(methods_that_know_another(&knows), ["methods/password.rs names code"]);
    assert!(methods_that_know_another(&apart).is_empty());
}

#[test]
fn a_long_file_and_a_long_function_are_found() {
    let body = "    let x = [0; 3];\n".repeat(5);
    let source = Source::new(
        "a.rs",
        &format!("trait T {{ fn none(&self); }}\nfn long(a: [u8; 2]) {{\n{body}}}\nfn short() {{}}\n"),
    );

    assert_eq!(too_long(&source, 100, 6), ["a.rs: `long` has 7 lines"]);
    assert_eq!(too_long(&source, 8, 7), ["a.rs has 9 lines"]);
}
