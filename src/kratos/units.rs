//! Durations and sizes, as the file writes them.

use time::Duration;

/// `1h30m`, `250ms`: numbers with their units, one behind the other.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, behind) = rest.split_at(digits);
        let number: i64 = number.parse().ok()?;
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at(end);
        let nanoseconds: i64 = match unit {
            "ns" => 1,
            "us" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = total.checked_add(Duration::nanoseconds(number.checked_mul(nanoseconds)?))?;
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

/// `8MB`, `128 KB`: a mebibyte is called a megabyte.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "KB" | "K" => 10,
        "MB" | "M" => 20,
        "GB" | "G" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_sums() {
        assert_eq!(duration("1h30m"), Some(Duration::minutes(90)));
        assert_eq!(duration("250ms"), Some(Duration::milliseconds(250)));
        assert!(["", "1", "h", "1d", "-1s", "1.5h", "99999999999999999h"].iter().all(|text| duration(text).is_none()));
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(bytes("8MB"), Some(8 << 20));
        assert_eq!(bytes("128 kb"), Some(128 << 10));
        assert!(["", "MB", "1TB", "99999999999999999999"].iter().all(|text| bytes(text).is_none()));
    }
}
