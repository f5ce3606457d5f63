//! Whether a password resembles an identifier.
//!
//! Two measures, both without regard to case: fewer than five edits lead from one to the other, or a common run is
//! longer than half of the password. The second counts bytes, and its runs end behind every character of more than
//! one byte: clients and other servers count so, which is why no library does it for us.

/// Longer words are not compared: the work grows with the product of the lengths.
const LONGEST: usize = 256;
const FEWEST_EDITS: usize = 5;
const LARGEST_SHARE: f32 = 0.5;

pub(super) fn resembles(password: &str, identifier: &str) -> bool {
    if identifier.is_empty() || password.len() > LONGEST || identifier.len() > LONGEST {
        return false;
    }
    let (password, identifier) = (password.to_lowercase(), identifier.to_lowercase());
    if password.len() > LONGEST || identifier.len() > LONGEST {
        return false;
    }
    edits(&identifier, &password) < FEWEST_EDITS || share(&identifier, &password) > LARGEST_SHARE
}

/// The edits that lead from one word to the other: insert, delete or replace one code point.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (to, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != *cb);
            diagonal = row[to + 1];
            row[to + 1] = replaced.min(diagonal + 1).min(row[to] + 1);
        }
    }
    row[b.len()]
}

/// The longest common run, as a share of the password's bytes.
fn share(identifier: &str, password: &str) -> f32 {
    let mut longest = 0_u16;
    let mut above = vec![0_u16; password.len() + 1];
    let mut row = above.clone();
    let mut before = None;
    for (at, a) in identifier.char_indices() {
        // Only a row directly above, by bytes, continues a run.
        if before.is_none_or(|before| before + 1 != at) {
            above.fill(0);
        }
        row.fill(0);
        for (to, b) in password.char_indices() {
            if a == b {
                row[to + 1] = above[to] + 1;
                longest = longest.max(row[to + 1]);
            }
        }
        std::mem::swap(&mut above, &mut row);
        before = Some(at);
    }
    f32::from(longest) / password.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_contract() {
        let cases = [
            ("hello@example.com", "hello@exam", 7, true),
            ("hello@example.com", "h3ll0@example", 6, true),
            ("abcdefgh", "abcdefgh1234567", 7, true),
            ("abcdefgh", "abcdefgh12345678", 8, false),
            ("abcd", "9d3c8a1b", 7, false),
            ("d4f6090b-5a84", "d4f6090b-5a84-2184-4404-8d1b-8da3eb00ebbe", 28, false),
            ("müller@example.com", "müllermüller", 10, false),
            ("äöüäöü", "äöüäöüxyz", 3, true),
        ];
        for (identifier, password, distance, verdict) in cases {
            assert_eq!(edits(identifier, password), distance, "{identifier} {password}");
            assert_eq!(resembles(password, identifier), verdict, "{identifier} {password}");
        }
        assert!(!resembles(&"a".repeat(257), &"a".repeat(257)));
    }
}
