//! A source file, with everything blanked out that is no code.

use std::path::Path;

/// One file below `src/`.
pub(crate) struct Source {
    /// Its path below `src/`, with slashes.
    pub(crate) path: String,
    /// Its code: comments and literals are blanks, lines stay where they were. Inline tests are left out.
    pub(crate) code: String,
    /// How many lines the file has.
    pub(crate) lines: usize,
}

impl Source {
    /// All files below a folder, but for those that hold tests.
    pub(crate) fn read_all(root: &str) -> Vec<Self> {
        let mut found = Vec::new();
        collect(Path::new(root), "", &mut found);
        found
    }

    /// A file with this text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = without_tests(&blanked(text));
        Self { path: path.to_owned(), code, lines: text.lines().count() }
    }

    /// The module of the crate that the file belongs to.
    pub(crate) fn module(&self) -> String {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned()
    }

    /// The modules of the crate that the file names.
    pub(crate) fn imports(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .code
            .split("crate::")
            .skip(1)
            .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_owned())
            .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether the code names this.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.code.contains(name)
    }
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(Source::new(&path, &std::fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

/// The code without the module of tests at its end.
fn without_tests(code: &str) -> String {
    let end = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
    code[..end].to_owned()
}

/// Comments and literals become blanks.
fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = literal(rest);
        if skipped == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (gone, next) = rest.split_at(skipped);
        out.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = next;
    }
    out
}

/// The length of the comment or literal that begins here; 0 when none does.
fn literal(text: &str) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if let Some(body) = text.strip_prefix("/*") {
        return body.find("*/").map_or(text.len(), |end| end + 4);
    }
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if let Some(body) = raw[hashes..].strip_prefix('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return body.find(&end).map_or(text.len(), |at| 1 + hashes + 1 + at + end.len());
        }
    }
    if let Some(body) = text.strip_prefix('"') {
        return 1 + quoted(body, '"');
    }
    if let Some(body) = text.strip_prefix('\'') {
        // A lifetime has no quote behind its first letter.
        let is_char = body.starts_with('\\') || body.chars().nth(1) == Some('\'');
        return if is_char { 1 + quoted(body, '\'') } else { 0 };
    }
    0
}

fn quoted(body: &str, end: char) -> usize {
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == end => return at + c.len_utf8(),
            _ => {}
        }
    }
    body.len()
}

#[test]
fn what_is_no_code_is_blanked() {
    let text =
        "let a = \"crate::wire {\"; // crate::html\nlet b = 'x'; let c: &'static str = r#\"crate::\"x\"#;\n{ '\\'' }";

    let code = blanked(text);

    assert!(!code.contains("crate::") && !code.contains('x'));
    assert_eq!(code.lines().count(), 3);
    assert_eq!((code.matches('{').count(), code.matches('}').count()), (1, 1));
    assert!(code.contains("&'static str"));
}
