//! The library's own words for letters, in English.

use serde_json::{Map, Value, json};

use crate::host::{Model, Rendered, Templates};
use crate::identity::Channel;
use crate::mail::LetterKind;

/// The ready-made templates: the subjects and words of the contract, as text and as HTML.
///
/// They hold nothing that a person typed: a letter goes to an address that may be a stranger's.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct BuiltIn;

impl BuiltIn {
    /// The ready-made templates.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Templates for BuiltIn {
    fn render(&self, letter: &Model<'_>) -> Rendered {
        let rendered = match letter.to.via() {
            Channel::Email => {
                let (subject, lines) = mail(letter);
                Rendered::new(letter, subject, text(&lines)).with_html(html(&lines))
            }
            Channel::Sms => Rendered::new(letter, "", message(letter)),
        };
        rendered.with_data(data(letter))
    }
}

/// A paragraph of a mail.
enum Line {
    Words(String),
    /// An address on the web, which HTML makes a link of.
    Link(String),
}

fn mail(letter: &Model<'_>) -> (String, Vec<Line>) {
    let code = letter.code.unwrap_or_default();
    let words = |text: &str| Line::Words(text.to_owned());
    let link = || Line::Link(letter.link.unwrap_or_default().to_owned());
    let minutes = letter.expires_in_minutes;
    match letter.kind {
        LetterKind::RegistrationCode => {
            let lines = vec![
                words("Complete your account registration with the following code:"),
                words(code),
                Line::Words(format!("This code expires in {minutes} minutes.")),
            ];
            (format!("Use code {code} to complete your account registration"), lines)
        }
        LetterKind::VerificationCode => {
            let lines = vec![
                words("Verify your account with the following code:"),
                words(code),
                words("or clicking the following link:"),
                link(),
                Line::Words(format!("If this was not you, do nothing. This code / link expires in {minutes} minutes.")),
            ];
            (format!("Use code {code} to verify your account"), lines)
        }
        LetterKind::VerificationLink => {
            let lines = vec![
                words("Verify your account by clicking the following link:"),
                link(),
                Line::Words(format!("If this was not you, do nothing. This link expires in {minutes} minutes.")),
            ];
            ("Please verify your email address".to_owned(), lines)
        }
        LetterKind::UnknownAddressCode | LetterKind::UnknownAddressLink => {
            let lines = vec![
                words("You, or somebody else, asked to verify this email address. No account with it was found."),
                words("If this was you, check whether you signed up with another address."),
                words("If this was not you, do nothing."),
            ];
            ("Someone tried to verify this email address".to_owned(), lines)
        }
    }
}

/// A text message. Its last line lets a phone fill in the code on pages of this host only.
fn message(letter: &Model<'_>) -> String {
    let (code, minutes) = (letter.code.unwrap_or_default(), letter.expires_in_minutes);
    let bound = match letter.domain {
        "" => String::new(),
        domain => format!("\n@{domain} #{code}\n"),
    };
    match letter.kind {
        LetterKind::RegistrationCode => {
            format!("Your registration code is: {code}\n\nIt expires in {minutes} minutes.\n{bound}")
        }
        _ => format!(
            "Your verification code is: {code}\n\nIf this was not you, do nothing. It expires in {minutes} minutes.\n{bound}"
        ),
    }
}

fn text(lines: &[Line]) -> String {
    let paragraph = |line: &Line| match line {
        Line::Words(text) | Line::Link(text) => text.clone(),
    };
    format!("{}\n", lines.iter().map(paragraph).collect::<Vec<_>>().join("\n\n"))
}

fn html(lines: &[Line]) -> String {
    let paragraph = |line: &Line| match line {
        Line::Words(text) => format!("<p>{}</p>\n", escaped(text)),
        Line::Link(url) => format!("<p><a href=\"{0}\">{0}</a></p>\n", escaped(url)),
    };
    lines.iter().map(paragraph).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// The facts of a letter under the names that message services know.
fn data(letter: &Model<'_>) -> Value {
    let (code, link) = match letter.kind {
        LetterKind::RegistrationCode => ("registration_code", ""),
        LetterKind::VerificationCode => ("verification_code", "verification_url"),
        LetterKind::VerificationLink => ("", "verification_url"),
        LetterKind::UnknownAddressCode | LetterKind::UnknownAddressLink => ("", ""),
    };
    let mut data = Map::new();
    data.insert("to".to_owned(), letter.to.value().into());
    data.insert("request_url".to_owned(), letter.request_url.into());
    data.insert("transient_payload".to_owned(), letter.transient.clone());
    let by_mail = letter.to.via() == Channel::Email;
    if let Some(value) = letter.code.filter(|_| !code.is_empty()) {
        data.insert(code.to_owned(), value.into());
    }
    if let Some(value) = letter.link.filter(|_| !link.is_empty() && by_mail) {
        data.insert(link.to_owned(), value.into());
    }
    if !code.is_empty() || !link.is_empty() {
        data.insert("expires_in_minutes".to_owned(), letter.expires_in_minutes.into());
        let name = if letter.kind == LetterKind::RegistrationCode && by_mail { "traits" } else { "identity" };
        // Before there is an identity, its traits stand in for it.
        let traits = letter.traits.clone();
        let person = letter.identity.map(|id| json!({ "id": id.as_uuid(), "traits": traits }));
        data.insert(name.to_owned(), person.unwrap_or(traits));
    }
    if !by_mail {
        data.insert("request_url_domain".to_owned(), letter.domain.into());
    }
    json!(data)
}

#[cfg(test)]
mod tests;
