//! The rules about passwords, written a second time from their text: the oracle of P4, and passwords to ask it about.

use std::collections::HashMap;

use super::site::Seeded;

/// The number of the message that refuses a password; nothing for one that is accepted.
pub(super) fn verdict(password: &str, identifier: &str) -> Option<u64> {
    match password.chars().count() {
        0 => Some(4000002),
        1..=7 => Some(4000032),
        1025.. => Some(4000033),
        _ if similar(password, identifier) => Some(4000031),
        _ => None,
    }
}

/// Fewer than five edits apart, or a common run of more than half of the password's bytes.
pub(super) fn similar(password: &str, identifier: &str) -> bool {
    let comparable = |text: &str| (1..=256).contains(&text.len());
    if !comparable(password) || !comparable(identifier) {
        return false;
    }
    let (password, identifier) = (password.to_lowercase(), identifier.to_lowercase());
    if !comparable(&password) || !comparable(&identifier) {
        return false;
    }
    distance(&password, &identifier) < 5 || 2 * longest_run(&password, &identifier) > password.len()
}

/// Insertions, deletions and replacements of code points: the whole table, filled from its definition.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = match (i, j) {
                (0, _) => j,
                (_, 0) => i,
                _ => {
                    let replaced = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1)
                }
            };
        }
    }
    table[a.len()][b.len()]
}

/// The longest common run over byte offsets: one longer than the run recorded one byte before, on both sides.
pub(super) fn longest_run(a: &str, b: &str) -> usize {
    let mut runs: HashMap<(usize, usize), usize> = HashMap::new();
    for (i, x) in a.char_indices() {
        for (j, y) in b.char_indices().filter(|(_, y)| *y == x) {
            debug_assert_eq!(x, y);
            let before = i.checked_sub(1).zip(j.checked_sub(1)).and_then(|at| runs.get(&at)).copied();
            runs.insert((i, j), 1 + before.unwrap_or_default());
        }
    }
    runs.into_values().max().unwrap_or_default()
}

/// A family of passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Family {
    /// Letters and digits.
    Plain,
    /// Emoji, some of several code points.
    Emoji,
    /// Letters with combining marks.
    Marks,
    /// Blanks at both ends.
    Blanks,
    /// Letters of many scripts.
    Scripts,
    /// The identifier with a few edits.
    Edited,
    /// A part of the identifier among other letters.
    Part,
}

pub(super) const FAMILIES: [Family; 7] =
    [Family::Plain, Family::Emoji, Family::Marks, Family::Blanks, Family::Scripts, Family::Edited, Family::Part];

/// The lengths around the bounds, in code points.
const LENGTHS: [usize; 10] = [1, 6, 7, 7, 8, 8, 9, 64, 1_024, 1_025];

const PLAIN: &[char] = &['a', 'b', 'k', 'q', 'z', 'A', 'Q', '0', '7', '9', '!', '&', '+', '%', '=', '"'];
const EMOJI: &[char] = &['🎉', '🐎', '🔋', '\u{200d}', '\u{fe0f}', '👩', '💻', '🏽'];
const MARKS: &[char] = &['e', '\u{301}', 'o', '\u{308}', 'n', '\u{303}', '\u{327}'];
const SCRIPTS: &[char] = &['ß', 'Ω', 'ж', '字', 'ա', 'ﬁ', 'İ', 'ｗ', '٣', 'ñ'];

impl Family {
    /// A password of this family for somebody with this identifier.
    pub(super) fn make(self, random: &Seeded, identifier: &str) -> String {
        let length = *random.pick(&LENGTHS);
        let of = |letters: &[char], length: usize| -> String { (0..length).map(|_| *random.pick(letters)).collect() };
        match self {
            Self::Plain => of(PLAIN, length),
            Self::Emoji => of(EMOJI, length),
            Self::Marks => of(MARKS, length),
            Self::Blanks => format!(" {} ", of(PLAIN, length.saturating_sub(2))),
            Self::Scripts => of(SCRIPTS, length),
            Self::Edited => {
                let mut letters: Vec<char> = identifier.chars().collect();
                for _ in 0..random.below(8) {
                    let at = random.below(letters.len());
                    letters[at] = *random.pick(PLAIN);
                }
                letters.into_iter().collect()
            }
            Self::Part => {
                let most = random.below(identifier.len()).max(1);
                format!("{}{}", &identifier[..most], of(PLAIN, random.below(24)))
            }
        }
    }
}
