//! The answer of a service about a range: on each line the rest of a digest, a colon and a count.

use subtle::ConstantTimeEq;

/// How many hexadecimal digits of a digest stand on a line.
pub(super) const SUFFIX: usize = 35;

/// The answer is no list: something else answers in place of the service. What it says is not repeated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {0} of the answer is not the rest of a digest and a count")]
pub(super) struct NoList(usize);

/// How often the digest with this rest, in upper case, was seen; 0 when no line has it. Padding counts 0 as well.
///
/// Every line is read and compared in full, whichever of them is the one.
pub(super) fn count(body: &[u8], suffix: &[u8]) -> Result<u64, NoList> {
    let mut seen = 0;
    for (at, line) in body.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let (digits, count) = entry(line).ok_or(NoList(at + 1))?;
        if bool::from(digits.as_slice().ct_eq(suffix)) {
            seen = count.max(seen);
        }
    }
    Ok(seen)
}

/// A line: digits in either case; a count, with or without commas. Lists without counts name what was seen.
fn entry(line: &[u8]) -> Option<([u8; SUFFIX], u64)> {
    let (digits, rest) = line.split_first_chunk::<SUFFIX>()?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let count = match rest.split_first() {
        None => 1,
        Some((b':', count)) => number(count)?,
        Some(_) => return None,
    };
    Some((digits.map(|digit| digit.to_ascii_uppercase()), count))
}

fn number(text: &[u8]) -> Option<u64> {
    let digits: String = text.iter().filter(|byte| **byte != b',').copied().map(char::from).collect();
    // Else a sign would be a part of the number.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const OURS: &str = "E364706816ABA3E25717850C26C9CD0D89D";
    const OTHER: &str = "00000000000000000000000000000000000";

    fn seen(body: &str) -> Result<u64, NoList> {
        count(body.as_bytes(), OURS.as_bytes())
    }

    #[test]
    fn the_line_with_the_digest_counts() {
        let lower = OURS.to_lowercase();

        assert_eq!(seen(&format!("{OTHER}:7\r\n{OURS}:12\r\n")), Ok(12));
        assert_eq!(seen(&format!("{OTHER}:7\n{lower}:1,234\n\n")), Ok(1_234));
        assert_eq!(seen(&format!("{OTHER}\n{OURS}")), Ok(1));
        assert_eq!(seen(&format!("{OURS}:3\n{OURS}:0")), Ok(3));
        assert_eq!(seen(&format!("{OURS}:{}", u64::MAX)), Ok(u64::MAX));
    }

    #[test]
    fn padding_and_other_digests_do_not() {
        assert_eq!(seen(&format!("{OTHER}:7\r\n{OURS}:0\r\n")), Ok(0));
        assert_eq!(seen(&format!("{OTHER}:7")), Ok(0));
        assert_eq!(seen(""), Ok(0));
    }

    #[test]
    fn what_is_no_list_is_named_by_its_line() {
        let broken = [
            "<html>",
            &format!("{OURS}:abc"),
            &format!("{OURS}:"),
            &format!("{OURS}:,"),
            &format!("{OURS}:+1"),
            &format!("{OURS}:-1"),
            &format!("{OURS}:1.0"),
            &format!("{OURS}:18446744073709551616"),
            &format!("{OURS}:1:2"),
            &format!("{OURS} 1"),
            &format!("{OURS}0:1"),
            &format!("{}:1", &OURS[1..]),
            &format!("G{}:1", &OURS[1..]),
            "\u{fffd}",
        ];

        for line in broken {
            assert_eq!(seen(&format!("{OURS}:5\n{line}\n")), Err(NoList(2)), "{line}");
        }
        assert_eq!(count(&[0xff, 0xfe], OURS.as_bytes()), Err(NoList(1)));
    }

    /// Lines that are whole, and lines that are nearly so.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        let near = "[0-9A-Fa-f]{34,36}(:[0-9,+-]{0,21})?[ \r]{0,2}".prop_map(String::into_bytes);
        prop_oneof![near, vec(any::<u8>(), 0..60)]
    }

    proptest! {
        #[test]
        fn no_answer_ends_in_a_panic(lines in vec(line(), 0..8)) {
            let _ = count(&lines.join(&b'\n'), OURS.as_bytes());
        }

        #[test]
        fn a_whole_list_is_read_as_it_was_written(
            counts in vec(("[0-9A-F]{35}", any::<u64>()), 0..50),
            at in any::<prop::sample::Index>(),
            other in "[0-9A-F]{35}",
        ) {
            let body = counts.iter().map(|(digits, count)| format!("{digits}:{count}\r\n")).collect::<String>();
            let most = |wanted: &str| counts.iter().filter(|(digits, _)| digits == wanted).map(|(_, n)| *n).max();
            prop_assert_eq!(count(body.as_bytes(), other.as_bytes()), Ok(most(&other).unwrap_or(0)));
            if !counts.is_empty() {
                let wanted = &counts[at.index(counts.len())].0;
                prop_assert_eq!(count(body.as_bytes(), wanted.as_bytes()).ok(), most(wanted));
            }
        }

        #[test]
        fn one_broken_line_spoils_the_list(before in vec("[0-9A-F]{35}:[0-9]{1,9}", 0..20), count_text in "[^0-9,\\s][^\n]{0,9}") {
            let body = format!("{}\n{OTHER}:{count_text}", before.join("\n"));
            prop_assert!(seen(&body).is_err());
        }
    }
}
