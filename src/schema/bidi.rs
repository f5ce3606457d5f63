//! Which texts run in one direction, as RFC 5893 has it: what does not cannot be told apart from others by its looks.

use icu_properties::CodePointMapData;
use icu_properties::props::BidiClass;

/// Whether a text with letters that run from right to left follows the rule of such labels: it begins with one of them,
/// no letter runs the other way, it ends with a letter or number, and its numbers are of one kind.
pub(super) fn follows_rule(text: &str) -> bool {
    if text.is_ascii() {
        return true;
    }
    const RIGHT: [BidiClass; 2] = [BidiClass::RightToLeft, BidiClass::ArabicLetter];
    const NUMBERS: [BidiClass; 2] = [BidiClass::EuropeanNumber, BidiClass::ArabicNumber];
    const OTHERS: [BidiClass; 6] = [
        BidiClass::EuropeanSeparator,
        BidiClass::CommonSeparator,
        BidiClass::EuropeanTerminator,
        BidiClass::OtherNeutral,
        BidiClass::BoundaryNeutral,
        BidiClass::NonspacingMark,
    ];
    let classes = CodePointMapData::<BidiClass>::new();
    let classes: Vec<BidiClass> = text.chars().map(|c| classes.get(c)).collect();
    if !classes.iter().any(|class| RIGHT.contains(class) || *class == BidiClass::ArabicNumber) {
        return true;
    }
    let ends = |class: &BidiClass| RIGHT.contains(class) || NUMBERS.contains(class);
    let last = classes.iter().rev().find(|class| **class != BidiClass::NonspacingMark);
    classes.first().is_some_and(|first| RIGHT.contains(first))
        && classes.iter().all(|class| ends(class) || OTHERS.contains(class))
        && last.is_some_and(ends)
        && !NUMBERS.iter().all(|number| classes.contains(number))
}

#[cfg(test)]
mod tests {
    use super::follows_rule;

    #[test]
    fn a_text_runs_in_one_direction() {
        for text in ["", "ada@example.org", "müller@example.org", "漢字@example.org", "1@2", "שרה", "שרה@1.2", "سارة١"]
        {
            assert!(follows_rule(text), "{text}");
        }
        for text in ["שרה@example.org", "a@שרה", "1שרה", "שרה-", "سارة١2", "١"] {
            assert!(!follows_rule(text), "{text}");
        }
    }
}
