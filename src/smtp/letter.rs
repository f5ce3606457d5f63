//! A letter as an e-mail: one recipient, fixed headers, the words in quoted-printable.

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message, address::Envelope};
use unicode_normalization::is_nfkc;

use super::trouble::Trouble;
use crate::host::Rendered;
use crate::identity::{self, Channel};

/// What servers take: 254 bytes, of which 64 before the `@`.
const LONGEST_ADDRESS: usize = 254;
const LONGEST_LOCAL: usize = 64;
/// Characters of a subject: with them in one word its line is still one that servers take.
const LONGEST_SUBJECT: usize = 200;

/// Who writes.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    pub(super) mailbox: Mailbox,
    /// Headers of every letter, beside the fixed ones.
    pub(super) headers: Vec<(HeaderName, String)>,
}

/// An e-mail, as it is sent.
pub(super) struct Mail {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) bytes: Vec<u8>,
}

impl Sender {
    /// Writes a letter as an e-mail.
    pub(super) fn write(&self, letter: &Rendered) -> Result<Mail, Trouble> {
        let to = recipient(letter.to()).ok_or(Trouble::Address)?;
        let from = self.mailbox.email.clone();
        // The id of the letter is the same whenever it is tried: who gets it twice can tell.
        let message_id = format!("<{}@{}>", letter.id(), from.domain());
        let mut message = Message::builder()
            .from(self.mailbox.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(one_line(letter.subject()))
            .date_now()
            .message_id(Some(message_id));
        for (name, value) in &self.headers {
            message = message.raw_header(HeaderValue::new(name.clone(), value.clone()));
        }
        let envelope = Envelope::new(Some(from.clone()), vec![to.clone()]).map_err(Trouble::Letter)?;
        let message = message.envelope(envelope);
        let text = part(ContentType::TEXT_PLAIN, letter.text());
        let message = match letter.html() {
            None => message.singlepart(text),
            Some(html) => message
                .multipart(MultiPart::alternative().singlepart(text).singlepart(part(ContentType::TEXT_HTML, html))),
        };
        Ok(Mail { from, to, bytes: message.map_err(Trouble::Letter)?.formatted() })
    }
}

fn part(kind: ContentType, words: &str) -> SinglePart {
    let words = words.replace("\r\n", "\n").replace('\r', "\n");
    SinglePart::builder().header(kind).header(ContentTransferEncoding::QuotedPrintable).body(words)
}

fn one_line(subject: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    subject.trim().chars().map(printable).take(LONGEST_SUBJECT).collect()
}

/// The address as an envelope can hold it: byte for byte, or not at all.
fn recipient(to: &identity::Address) -> Option<Address> {
    (to.via() == Channel::Email).then(|| parse(to.value())).flatten()
}

/// An address of atoms: no quotes, no brackets, no lists, nothing that another program might take for two addresses or
/// unfold into another one.
pub(super) fn parse(text: &str) -> Option<Address> {
    let (local, domain) = text.rsplit_once('@')?;
    let is_wide = |c: char| !c.is_ascii() && !c.is_control() && !c.is_whitespace();
    let is_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_wide(c);
    let is_domain = |c: char| c.is_ascii_alphanumeric() || c == '-' || is_wide(c);
    let good = text.len() <= LONGEST_ADDRESS
        && local.len() <= LONGEST_LOCAL
        && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_local))
        && domain.split('.').all(|label| !label.is_empty() && label.chars().all(is_domain))
        && is_nfkc(text);
    let address: Address = good.then(|| text.parse().ok()).flatten()?;
    (AsRef::<str>::as_ref(&address) == text).then_some(address)
}
