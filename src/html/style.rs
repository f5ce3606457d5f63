//! The style sheet, with the host's colour, under a name that says what is in it.

use bytes::Bytes;

use super::colour::{BLACK, Colour, WHITE};
use crate::seal::sha256;

const SHEET: &str = include_str!("templates/style.css");
const ACCENT: &str = "#1d4ed8";
/// The ground that the sheet has in the dark.
const DARK: Colour = Colour::new(0x1b, 0x20, 0x29);

/// A style sheet and the path where it is found.
#[derive(Debug)]
pub(super) struct Style {
    pub(super) path: String,
    pub(super) sheet: Bytes,
}

impl Style {
    /// The sheet with this accent; the default where none is given.
    pub(super) fn new(accent: &str) -> Result<Self, String> {
        let accent = if accent.is_empty() { ACCENT } else { accent };
        let accent =
            Colour::parse(accent).ok_or_else(|| format!("`{accent}` is no colour; write for example {ACCENT}"))?;
        let (light, dark) = (accent.readable_on(WHITE, BLACK), accent.readable_on(DARK, WHITE));
        let sheet = SHEET
            .replace("var(--light-accent)", &light.to_string())
            .replace("var(--light-ink)", &light.ink().to_string())
            .replace("var(--dark-accent)", &dark.to_string())
            .replace("var(--dark-ink)", &dark.ink().to_string());
        let digest: String = sha256(sheet.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { path: format!("/registration/style-{digest}.css"), sheet: sheet.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_sheet_has_another_name() {
        let (one, other) = (Style::new("").unwrap(), Style::new("#b45309").unwrap());

        assert_ne!(one.path, other.path);
        assert_eq!(one.path, Style::new(ACCENT).unwrap().path);
        assert!(!std::str::from_utf8(&one.sheet).unwrap().contains("var(--light"));
        assert!(Style::new("red").is_err());
    }
}
