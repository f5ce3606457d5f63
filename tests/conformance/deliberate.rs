//! The differences that are meant: `differences.json`.

use serde::Deserialize;
use serde_json::Value;

use crate::compare::{Difference, places};
use crate::run::{Conversation, Run};
use crate::scenario;

/// The list.
#[derive(Clone, Debug)]
pub(crate) struct Deliberate {
    pub(crate) rules: Vec<Rule>,
}

/// One entry. Its patterns are those of a shell, but a star also stands for slashes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// A pattern for the names of the conversations.
    scenario: String,
    /// A pattern for the step and the pointer into its answer; everything below is covered too.
    path: String,
    /// What we say there: a value, `"(absent)"`, or `"*"` for anything.
    ours: Value,
    /// What we do, and what a person gains by it.
    pub(crate) reason: String,
}

impl Deliberate {
    /// Reads the file.
    pub(crate) fn read() -> Self {
        let text = scenario::text("differences.json").unwrap();
        Self { rules: serde_json::from_str(&text).unwrap() }
    }

    /// The reasons in their order, each once.
    #[cfg(all(feature = "breach-http", feature = "oidc", feature = "sms", feature = "smtp"))]
    pub(crate) fn reasons(&self) -> Vec<&str> {
        let mut reasons: Vec<&str> = Vec::new();
        for rule in &self.rules {
            if !reasons.contains(&rule.reason.as_str()) {
                reasons.push(&rule.reason);
            }
        }
        reasons
    }

    /// The place in the list of the first entry that covers a difference.
    pub(crate) fn covering(&self, scenario: &str, difference: &Difference) -> Option<usize> {
        self.rules.iter().position(|rule| rule.covers(scenario, difference))
    }

    /// The entries that do nothing though they could: no difference needs them, yet they lie over an answer that was
    /// recorded and would hide a mistake made there later.
    pub(crate) fn idle(&self, runs: &[&Run]) -> Vec<String> {
        let conversations: Vec<&Conversation> = runs.iter().flat_map(|run| &run.conversations).collect();
        let mut idle = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            let concerned: Vec<_> = conversations.iter().filter(|talk| matches(&rule.scenario, &talk.name)).collect();
            let needed = |talk: &Conversation| {
                talk.differences().iter().any(|difference| self.covering(&talk.name, difference) == Some(at))
            };
            if concerned.iter().any(|talk| needed(talk)) {
                continue;
            }
            if let Some(talk) = concerned.iter().find(|talk| rule.lies_over(talk)) {
                idle.push(format!(
                    "entry {at} ({} {}): no difference, but it covers {}",
                    rule.scenario, rule.path, talk.name
                ));
            }
        }
        idle
    }
}

impl Rule {
    fn covers(&self, scenario: &str, difference: &Difference) -> bool {
        let (path, ours) = (&difference.path, &difference.ours);
        // A value is only compared at the very place it is given for; below it, or where a pattern leaves the place
        // open, any value is covered, but a value is not covered by an absence.
        let value = self.ours == "*" || self.ours == *ours || *path != self.path && self.ours != "(absent)";
        value && matches(&self.scenario, scenario) && self.reaches(path)
    }

    fn reaches(&self, path: &str) -> bool {
        matches(&self.path, path) || matches(&format!("{}/*", self.path), path)
    }

    fn lies_over(&self, talk: &Conversation) -> bool {
        let mut seen = Vec::new();
        places(&talk.recorded, "", &mut seen);
        seen.iter().any(|path| self.reaches(path))
    }
}

/// Whether a shell pattern fits the whole text: `*`, `?`, `[abc]`, `[a-c]`, `[!abc]`.
fn matches(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    if first == '*' {
        let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        return starts.into_iter().any(|at| matches(rest, &text[at..]));
    }
    let Some(letter) = text.chars().next() else { return false };
    let text = &text[letter.len_utf8()..];
    match (first, rest.find(']').filter(|end| *end > 0)) {
        ('?', _) => matches(rest, text),
        ('[', Some(end)) => is_member(letter, &rest[..end]) && matches(&rest[end + 1..], text),
        _ => first == letter && matches(rest, text),
    }
}

/// Whether a letter belongs to a set; a dash between two members stands for all that lie between them.
fn is_member(letter: char, set: &str) -> bool {
    let (listed, mut members) = match set.strip_prefix('!') {
        Some(others) => (false, others.chars().peekable()),
        None => (true, set.chars().peekable()),
    };
    let mut found = false;
    while let Some(first) = members.next() {
        let ranged = members.peek() == Some(&'-') && members.clone().nth(1).is_some();
        let last = if ranged { members.nth(1).unwrap_or(first) } else { first };
        found |= (first..=last).contains(&letter);
    }
    found == listed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(path: &str, ours: Value) -> Rule {
        Rule { scenario: "a-*".to_owned(), path: path.to_owned(), ours, reason: String::new() }
    }

    fn difference(path: &str, ours: Value) -> Difference {
        Difference { path: path.to_owned(), recorded: Value::Null, ours }
    }

    #[test]
    fn patterns_are_those_of_a_shell() {
        assert!(matches("body-*", "body-deep-api"));
        assert!(matches("/[13]/json/ui", "/3/json/ui"));
        assert!(matches("a-[!b]*", "a-spa"));
        assert!(matches("a?c", "abc"));
        assert!(matches("/*/ui", "/1/json/ui"));
        assert!(matches("a[", "a["));
        assert!(!matches("a-[!b]*", "a-browser"));
        assert!(!matches("body", "body-deep"));
        assert!(!matches("a.c", "abc"));
        assert!(matches("[1-3]", "2"));
        assert!(!matches("[1-3]", "4"));
        assert!(!matches("[!1-3]", "2"));
        assert!(matches("[13-]", "-"));
    }

    #[test]
    fn a_value_is_demanded_where_the_path_is_exact() {
        let rule = rule("/1/status", json!(404));

        assert!(rule.covers("a-spa", &difference("/1/status", json!(404))));
        assert!(!rule.covers("a-spa", &difference("/1/status", json!(500))));
        assert!(!rule.covers("b-spa", &difference("/1/status", json!(404))));
    }

    #[test]
    fn an_absence_covers_no_value() {
        let rule = rule("/[12]/cookies", json!("(absent)"));

        assert!(rule.covers("a-spa", &difference("/2/cookies", json!("(absent)"))));
        assert!(!rule.covers("a-spa", &difference("/2/cookies", json!([]))));
        assert!(!rule.covers("a-spa", &difference("/2/cookies/0", json!("x"))));
    }

    #[test]
    fn what_lies_below_is_covered() {
        assert!(rule("/1/json", json!("*")).covers("a-spa", &difference("/1/json/ui/nodes/3", json!(1))));
        assert!(!rule("/1/json", json!("*")).covers("a-spa", &difference("/1/jsonp", json!(1))));
    }
}
