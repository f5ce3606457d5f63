//! Real Chromium: the library's own pages by hand, by keyboard and without scripts; accessibility; where return URLs lead;
//! attacks from other sites; passkeys and security keys with a virtual authenticator.
//!
//! The browser is Debian's package `chromium` with `chromium-driver`; `scripts/test` installs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod accessibility;
mod attacks;
mod driver;
mod journeys;
mod keys;
mod pictures;
mod plain;
mod redirects;
mod scanners;
mod screens;
mod site;
#[cfg(feature = "oidc")]
mod social;

use driver::Browser;

/// What every test asks for at its end: the page kept to its policy, and the browser has nothing to say about its forms.
async fn nothing_to_complain(browser: &Browser) {
    let complaints: Vec<String> = browser
        .log()
        .await
        .into_iter()
        .filter(|line| {
            line.contains("Content Security Policy") || line.contains("[DOM]") || line.contains("Refused to")
        })
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
