//! Social sign-up under attack: tokens, subjects, states, codes, providers that do not behave.
// A helper that cannot go on ends the test, as the test itself would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod claims;
mod codes;
mod faults;
mod fuzz;
mod journey;
mod peers;
mod sealed_oracle;
mod silence;
mod state;
mod subjects;
mod submitted;
mod token_oracle;
mod tokens;

use journey::{
    ISSUER, WELCOME, app, begin, entry, error_of, leave, nobody, parameter, plain_app, provider, reason, with_parameter,
};
