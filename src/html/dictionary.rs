//! The words of the pages, by language.

use std::collections::{BTreeMap, HashMap};

use minijinja::Value;
use serde_json::Value as Json;

use super::settings::Pages;
use crate::message::{Message, catalogue, placeholders};

/// The languages that come with the library: code and file.
const BUILT_IN: [(&str, &str); 11] = [
    ("en", include_str!("languages/en.txt")),
    ("de", include_str!("languages/de.txt")),
    ("fr", include_str!("languages/fr.txt")),
    ("es", include_str!("languages/es.txt")),
    ("pt", include_str!("languages/pt.txt")),
    ("it", include_str!("languages/it.txt")),
    ("nl", include_str!("languages/nl.txt")),
    ("pl", include_str!("languages/pl.txt")),
    ("tr", include_str!("languages/tr.txt")),
    ("ar", include_str!("languages/ar.txt")),
    ("ja", include_str!("languages/ja.txt")),
];

/// All languages that are offered; the first is the one for visitors who ask for none of them.
#[derive(Debug)]
pub(super) struct Dictionary {
    languages: Vec<Words>,
}

/// The words of one language.
#[derive(Debug)]
pub(super) struct Words {
    /// The code, such as `en` or `pt-br`, in small letters.
    pub(super) code: String,
    /// `ltr` or `rtl`.
    pub(super) direction: String,
    /// The words of the pages, for templates.
    pub(super) text: Value,
    /// Messages by their numbers.
    numbers: HashMap<u32, String>,
    entries: BTreeMap<String, String>,
}

impl Dictionary {
    /// The languages that come with the library, with what the host adds and changes.
    pub(super) fn new(pages: &Pages) -> Result<Self, String> {
        let mut files: Vec<(String, BTreeMap<String, String>)> = Vec::new();
        for (code, file) in BUILT_IN {
            files.push((code.to_owned(), read(code, file)?));
        }
        let english = files.first().map(|(_, entries)| entries.clone()).unwrap_or_default();
        for (code, file) in &pages.words {
            let (code, entries) = (code.to_ascii_lowercase(), read(code, file)?);
            check(&code, &entries, &english)?;
            match files.iter_mut().find(|(known, _)| *known == code) {
                Some((_, known)) => known.extend(entries),
                None if entries.contains_key("direction") => files.push((code, entries)),
                None => return Err(format!("the language `{code}` is new: its `direction` must be `ltr` or `rtl`")),
            }
        }
        // What the host says in English is what other languages fall back on.
        let english = files.first().map(|(_, entries)| entries.clone()).unwrap_or_default();
        let offered = match pages.languages.is_empty() {
            true => files,
            false => pages.languages.iter().map(|code| take(&files, code)).collect::<Result<_, _>>()?,
        };
        Ok(Self { languages: offered.into_iter().map(|(code, entries)| Words::new(code, &english, entries)).collect() })
    }

    /// The language for a visitor who prefers these, the most wanted first; `de-AT` is served by `de`.
    pub(super) fn best<'w>(&self, wanted: impl IntoIterator<Item = &'w str>) -> Option<&Words> {
        let find = |code: &str| self.languages.iter().find(|words| words.code.eq_ignore_ascii_case(code));
        let served = |tag: &str| {
            let mut tag = tag;
            loop {
                match (find(tag), tag.rsplit_once('-')) {
                    (Some(words), _) => return Some(words),
                    (None, Some((wider, _))) => tag = wider,
                    (None, None) => return None,
                }
            }
        };
        wanted.into_iter().find_map(served).or(self.languages.first())
    }

    /// Every language that is offered.
    pub(super) fn all(&self) -> &[Words] {
        &self.languages
    }
}

impl Words {
    fn new(code: String, english: &BTreeMap<String, String>, own: BTreeMap<String, String>) -> Self {
        let mut entries = english.clone();
        entries.extend(own);
        let direction = entries.get("direction").cloned().unwrap_or_default();
        let is_word = |key: &&String| key.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        let text = entries.iter().filter(|(key, _)| is_word(key));
        let text = text.map(|(key, words)| (key.clone(), Value::from(words.as_str()))).collect::<BTreeMap<_, _>>();
        let number = |(key, words): (&String, &String)| Some((key.parse().ok()?, words.clone()));
        let numbers = entries.iter().filter_map(number).collect();
        Self { code, direction, text: Value::from(text), numbers, entries }
    }

    /// The words of a key; nothing for one that is not there.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(String::as_str)
    }

    /// A word of the pages.
    pub(super) fn word(&self, key: &str) -> String {
        self.get(key).unwrap_or_default().to_owned()
    }

    /// A message in this language; in its own words where there are none, or where they mention what it does not know.
    pub(super) fn message(&self, message: &Message) -> String {
        if message.id() == catalogue::INVALID.id() {
            let context = message.context();
            let reason = context.get("reason").and_then(Json::as_str);
            if let Some(words) = reason.and_then(key_of_reason).and_then(|key| self.get(key)) {
                return words.to_owned();
            }
        }
        let ways = |name: &str| (name == "ways").then(|| self.ways(message));
        let worded = self.numbers.get(&message.id()).and_then(|words| message.worded(words, ways));
        worded.unwrap_or_else(|| message.text())
    }

    /// How an account can be signed in to, as a message with hints knows it; nothing where it does not.
    fn ways(&self, message: &Message) -> String {
        let context = message.context();
        let list = |name: &str| context.get(name).and_then(Json::as_array).cloned().unwrap_or_default();
        let texts =
            |all: Vec<Json>| all.into_iter().filter_map(|one| one.as_str().map(str::to_owned)).collect::<Vec<_>>();
        let kinds = texts(list("available_credential_types")).into_iter();
        let mut ways: Vec<String> =
            kinds.filter_map(|kind| Some(self.get(&format!("way_{kind}"))?.to_owned())).collect();
        ways.extend(texts(list("available_oidc_providers")));
        if ways.is_empty() { String::new() } else { format!("{} {}.", self.word("ways"), ways.join(", ")) }
    }
}

/// Of the mistakes without a number of their own, those that people make: the key of their words. The others are shown in
/// English, as the contract has them.
fn key_of_reason(reason: &str) -> Option<&'static str> {
    match reason {
        "The request was submitted too often. Please request another code." => Some("reason_too_often"),
        _ if reason.starts_with("value must be ") => Some("reason_choice"),
        _ if reason.starts_with('"') && reason.contains("\" is not valid \"") => Some("4000004"),
        _ => None,
    }
}

fn take(
    files: &[(String, BTreeMap<String, String>)],
    code: &str,
) -> Result<(String, BTreeMap<String, String>), String> {
    let known = files.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).cloned();
    known.ok_or_else(|| format!("there is no language `{code}`; add it with `.words(\"{code}\", …)`"))
}

/// Reads a file of entries.
fn read(language: &str, file: &str) -> Result<BTreeMap<String, String>, String> {
    let mut entries = BTreeMap::new();
    for (at, line) in file.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = line.split_once('=').map(|(key, words)| (key.trim().to_owned(), words.trim().to_owned()));
        let Some((key, words)) = entry.filter(|(key, words)| !key.is_empty() && !words.is_empty()) else {
            return Err(format!("words of `{language}`, line {}: write `key = words`", at + 1));
        };
        if entries.insert(key.clone(), words).is_some() {
            return Err(format!("words of `{language}`, line {}: `{key}` was there before", at + 1));
        }
    }
    Ok(entries)
}

/// Refuses keys that nobody looks up, and facts that a message does not have.
fn check(language: &str, own: &BTreeMap<String, String>, english: &BTreeMap<String, String>) -> Result<(), String> {
    for (key, words) in own {
        let fault = |why: String| Err(format!("words of `{language}`, `{key}`: {why}"));
        if key == "direction" && !matches!(words.as_str(), "ltr" | "rtl") {
            return fault("write `ltr` or `rtl`".to_owned());
        }
        if let Ok(number) = key.parse::<u32>() {
            let known = catalogue::find(number).map(|message| message.text());
            let facts = known.as_ref().or(english.get(key)).map(|words| placeholders(words));
            let strange =
                placeholders(words).into_iter().find(|name| facts.as_ref().is_some_and(|all| !all.contains(name)));
            if let Some(name) = strange {
                return fault(format!("this message has no fact `{{{name}}}`"));
            }
        } else if !english.contains_key(key) && !key.starts_with("traits.") && !key.starts_with("own_") {
            return fault("no page shows it; words for templates of your own begin with `own_`".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the contract that a registration or the proof of an address may say.
    const CONTRACT: [u32; 72] = [
        1010016, 1010017, 1010018, 1040001, 1040002, 1040003, 1040004, 1040005, 1040006, 1040007, 1040008, 1040009,
        1050013, 1070001, 1070002, 1070007, 1070008, 1070009, 1070011, 1070012, 1070015, 1070017, 1070018, 1080001,
        1080002, 1080003, 1080004, 1080005, 4000001, 4000002, 4000003, 4000004, 4000005, 4000007, 4000009, 4000017,
        4000018, 4000019, 4000020, 4000021, 4000022, 4000023, 4000024, 4000025, 4000026, 4000027, 4000028, 4000029,
        4000030, 4000031, 4000032, 4000033, 4000034, 4000036, 4000038, 4000040, 4000041, 4000043, 4010003, 4010006,
        4010011, 4040001, 4040002, 4040003, 4070001, 4070002, 4070003, 4070005, 4070006, 5000001, 5000002, 5000003,
    ];

    fn file(code: &str) -> BTreeMap<String, String> {
        let (_, file) = BUILT_IN.iter().find(|(known, _)| *known == code).unwrap();
        read(code, file).unwrap()
    }

    fn sorted(words: &str) -> Vec<&str> {
        let mut names = placeholders(words);
        names.sort_unstable();
        names.dedup();
        names
    }

    #[test]
    fn every_language_has_every_entry_with_the_same_facts() {
        let english = file("en");
        for (code, _) in BUILT_IN {
            let own = file(code);
            assert!(own.keys().eq(english.keys()), "{code}");
            for (key, words) in &own {
                assert_eq!(sorted(words), sorted(&english[key]), "{code}: {key}");
            }
        }
    }

    #[test]
    fn every_number_of_the_contract_has_words_that_mention_only_what_it_knows() {
        let english = file("en");
        for number in CONTRACT {
            assert!(english.contains_key(&number.to_string()), "{number}");
        }
        for message in catalogue::ALL {
            let (known, own) = (message.text(), &english[&message.id().to_string()]);
            assert!(sorted(own).iter().all(|name| sorted(&known).contains(name)), "{}", message.id());
        }
    }

    #[test]
    fn no_language_leaves_english_words() {
        // Words that are the same in both, or that hold nothing but a fact.
        let same = [
            "1070001 it",
            "way_password it",
            "way_passkey it",
            "way_passkey nl",
            "way_passkey de",
            "mistake_prefix es",
        ];
        let english = file("en");
        for (code, _) in BUILT_IN.iter().filter(|(code, _)| *code != "en") {
            let own = file(code);
            let copied: Vec<String> = own
                .iter()
                .filter(|(key, words)| english[*key] == **words && !words.starts_with('{') && *key != "direction")
                .map(|(key, _)| format!("{key} {code}"))
                .filter(|entry| !same.contains(&entry.as_str()))
                .collect();
            assert!(copied.is_empty(), "{copied:?}");
        }
    }

    #[test]
    fn a_wider_language_serves_a_narrower_one() {
        let pages = Pages::new().words("pt-BR", "direction = ltr\ntitle_error = Algo deu errado");
        let dictionary = Dictionary::new(&pages).unwrap();
        let code = |wanted: &[&str]| dictionary.best(wanted.iter().copied()).unwrap().code.clone();

        assert_eq!(code(&["de-AT", "fr"]), "de");
        assert_eq!(code(&["xx", "JA"]), "ja");
        assert_eq!(code(&["pt-br"]), "pt-br");
        assert_eq!(code(&["pt-PT"]), "pt");
        assert_eq!(code(&["xx"]), "en");
        assert_eq!(code(&[]), "en");
    }

    #[test]
    fn a_file_that_cannot_be_meant_says_where() {
        let fault = |language: &str, file: &str| Dictionary::new(&Pages::new().words(language, file)).unwrap_err();

        assert!(fault("de", "# x\n1040001").contains("line 2"));
        assert!(fault("de", "1040001 = a\n1040001 = b").contains("line 2: `1040001` was there before"));
        assert!(fault("de", "titel = x").contains("`titel`: no page shows it"));
        assert!(fault("de", "4000032 = {length}").contains("no fact `{length}`"));
        assert!(fault("xx", "1040001 = x").contains("`direction`"));
        assert!(fault("xx", "direction = up").contains("`ltr` or `rtl`"));
        assert!(Dictionary::new(&Pages::new().languages(["xx"])).unwrap_err().contains("no language `xx`"));
    }

    #[test]
    fn mistakes_without_a_number_of_their_own_are_worded_where_people_make_them() {
        let dictionary = Dictionary::new(&Pages::new()).unwrap();
        let words = dictionary.best(["de"]).unwrap();
        let said = |reason: &str| words.message(&catalogue::INVALID.with("reason", reason));

        assert_eq!(said("\"x\" is not valid \"date\""), "Das hat nicht die erwartete Form.");
        assert_eq!(said("value must be one of \"a\", \"b\""), "Bitte wählen Sie einen der angebotenen Werte.");
        assert_eq!(said("not failed"), "not failed");
    }

    #[test]
    fn hints_are_worded_in_the_language_of_the_page() {
        let dictionary = Dictionary::new(&Pages::new()).unwrap();
        let words = dictionary.best(["de"]).unwrap();
        let taken = catalogue::TAKEN_HINTS
            .with_text("hint", "ada@example.org")
            .with_text("ways", " You can sign in using your password.")
            .with("available_credential_types", vec!["password", "unknown"])
            .with("available_oidc_providers", vec!["Github"]);

        let text = words.message(&taken);

        assert_eq!(
            text,
            "Ein anderes Konto verwendet ada@example.org bereits. Möglichkeiten zur Anmeldung: Passwort, Github."
        );
    }
}
