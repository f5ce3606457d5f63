//! F5: user names and phone numbers.
#![no_main]

#[path = "../../tests/security/codes/spelling_oracle.rs"]
mod spelling_oracle;

tower_registration_fuzz::target!(spelling_oracle::Identifiers::new(), spelling_oracle::Identifiers::play);
