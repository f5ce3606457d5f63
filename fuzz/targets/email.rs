//! F4: e-mail addresses.
#![no_main]

#[path = "../../tests/security/codes/spelling_oracle.rs"]
mod spelling_oracle;

tower_registration_fuzz::target!(spelling_oracle::Emails::new(), spelling_oracle::Emails::play);
