//! F13: letters, as a template words them.
#![no_main]

#[path = "../../tests/mail/conversation.rs"]
mod conversation;

#[path = "../../tests/mail/mime.rs"]
mod mime;

#[path = "../../tests/mail/office.rs"]
mod office;

#[path = "../../tests/mail/peer.rs"]
mod peer;

#[path = "../../tests/mail/letter_oracle.rs"]
mod letter_oracle;

tower_registration_fuzz::target!(letter_oracle::Harness::new(), letter_oracle::Harness::play);
