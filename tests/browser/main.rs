//! Real Chromium: passkeys and security keys with a virtual authenticator, on the page of the example `passkey`.
//!
//! The browser is Debian's package `chromium` with `chromium-driver`; `scripts/test` installs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "one driver for all tests in a browser")]
mod driver;
mod keys;

use driver::Browser;

/// What every test asks for at its end: the page kept to its policy.
async fn nothing_to_complain(browser: &Browser) {
    let lines = browser.log().await.into_iter();
    let complaints: Vec<String> =
        lines.filter(|line| line.contains("Content Security Policy") || line.contains("Refused to")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
