//! Colours that can be read: the contrast of WCAG 2.2.

/// A colour: red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Colour([u8; 3]);

pub(super) const WHITE: Colour = Colour([255, 255, 255]);
pub(super) const BLACK: Colour = Colour([0, 0, 0]);

/// The least contrast of words to what is behind them.
const READABLE: f64 = 4.5;
const STEPS: u8 = 40;

impl Colour {
    pub(super) const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// Reads `#rrggbb`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(Self([part(0)?, part(2)?, part(4)?]))
    }

    /// This colour, moved as far towards the other as words on that ground need it.
    pub(super) fn readable_on(self, ground: Self, towards: Self) -> Self {
        let mixed = (0..=STEPS).map(|step| self.mixed(towards, f64::from(step) / f64::from(STEPS)));
        mixed.into_iter().find(|colour| colour.contrast(ground) >= READABLE).unwrap_or(towards)
    }

    /// White or black, whatever is read better on this colour.
    pub(super) fn ink(self) -> Self {
        if self.contrast(WHITE) >= self.contrast(BLACK) { WHITE } else { BLACK }
    }

    pub(super) fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn mixed(self, other: Self, share: f64) -> Self {
        let part = |at: usize| {
            let mixed = f64::from(self.0[at]) * (1.0 - share) + f64::from(other.0[at]) * share;
            // Between two parts of a colour, so within its range.
            mixed.round().clamp(0.0, 255.0) as u8
        };
        Self([part(0), part(1), part(2)])
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_accent_becomes_readable() {
        let grounds = [(WHITE, BLACK), (Colour::new(0x14, 0x18, 0x20), WHITE)];
        for text in ["#000000", "#ffffff", "#ffff00", "#1d4ed8", "#b45309", "#777777"] {
            for (ground, towards) in grounds {
                let colour = Colour::parse(text).unwrap().readable_on(ground, towards);

                assert!(colour.contrast(ground) >= READABLE, "{text} on {ground}");
                assert!(colour.ink().contrast(colour) >= READABLE, "ink on {colour}");
            }
        }
    }

    #[test]
    fn only_six_digits_are_a_colour() {
        assert_eq!(Colour::parse("#0A0b0c"), Some(Colour::new(10, 11, 12)));
        for text in ["0a0b0c", "#fff", "#gggggg", "#+1+1+1", "#12345é", "red"] {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
    }
}
